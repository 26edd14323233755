//! `posthaste keys test`

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::Bytes;
use clap::Args;
use http::{Request, header};
use posthaste_core::{Payload, Secret};
use serde_json::{Value, json};

use crate::{
    Config,
    cli::{Failure, Output, input, web},
    serve::reachable,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Trial {
    /// The client key's secret; `-` asks for it, or reads a line of a pipe
    #[arg(long, value_name = "KEY", value_parser = input::secret, required_unless_present = "key_file")]
    key: Option<Secret>,
    /// A file that holds it
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    key_file: Option<PathBuf>,
    /// The model to ask
    #[arg(long, value_name = "MODEL", default_value = MODEL)]
    model: String,
    /// The relay's address; without it the one that this machine's configuration says
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Sends one small request as a client does; it costs what it costs.
pub(super) async fn run(trial: Trial, config: &Config, out: &Output) -> Result<(), Failure> {
    let key = input::one_secret("client key", trial.key, trial.key_file)?;
    let key = key.ok_or_else(|| Failure::usage("which key? name it by --key or --key-file"))?;
    let base = trial.url.unwrap_or_else(|| reachable(config.server.listen));
    let body = json!({
        "model": trial.model, "max_tokens": 16, "messages": [{ "role": "user", "content": "Say hello." }],
    });
    let presented = web::secret_header(key.secret().expose().trim(), "client key")?;
    let request = Request::post(format!("{}/api/v1/messages", base.trim_end_matches('/')))
        .header(header::CONTENT_TYPE, "application/json")
        .header("anthropic-version", "2023-06-01")
        .header("x-api-key", presented)
        .body(Payload::from(Bytes::from(body.to_string())))
        .map_err(|_| {
            Failure::usage(format!("`{base}` is no address")).hint("such as http://127.0.0.1:3001")
        })?;
    let began = Instant::now();
    let answered = web::ask(request, PATIENCE).await;
    let answered =
        answered.map_err(|why| Failure::failed(format!("no relay answers at {base}")).caused_by(why))?;
    let took = began.elapsed().as_millis();
    let told: Value = serde_json::from_slice(&answered.body).unwrap_or(Value::Null);
    let header =
        |name: &str| answered.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let request_id = header("x-posthaste-request-id");
    if !answered.status.is_success() {
        let message = told["error"]["message"].as_str().unwrap_or("the answer is no relay's");
        let failure =
            Failure::failed(format!("the key got status {}", answered.status.as_u16())).caused_by(message);
        return Err(match request_id {
            Some(id) => failure.hint(format!("posthaste explain {id}")),
            None => failure,
        });
    }
    let told = json!({
        "ok": true, "status": answered.status.as_u16(), "model": told["model"], "milliseconds": took,
        "text": told["content"][0]["text"], "usage": told["usage"], "request_id": request_id,
        "attempts": header("x-posthaste-attempts"),
    });
    out.show(&told, || {
        format!(
            "the key works: {} answered in {took} ms: {}\nwhy it went as it did: posthaste explain {}",
            told["model"].as_str().unwrap_or("the model"),
            told["text"].as_str().unwrap_or("(no text)"),
            request_id.as_deref().unwrap_or("ID"),
        )
    })
}

/// What is cheap, and served by most; any dialect's account may serve it.
const MODEL: &str = "claude-haiku-4-5";
/// Models think for long.
const PATIENCE: Duration = Duration::from_secs(300);
