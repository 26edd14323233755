//! `posthaste health`

use std::time::Duration;

use clap::Args;
use http::Request;
use posthaste_core::Payload;
use serde_json::Value;

use super::{Failure, Output, web};
use crate::{Config, serve::reachable};

#[derive(Args, Debug)]
pub(super) struct Health {
    /// The relay's address; without it the one that this machine's configuration says
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Asks `/health`, as load balancers and containers' health checks do.
pub(super) async fn run(health: Health, config: &Config, out: &Output) -> Result<(), Failure> {
    let base = health.url.unwrap_or_else(|| reachable(config.server.listen));
    let url = format!("{}/health", base.trim_end_matches('/'));
    let request = Request::get(&url).body(Payload::from(bytes::Bytes::new())).map_err(|_| {
        Failure::usage(format!("`{base}` is no address")).hint("such as http://127.0.0.1:3001")
    })?;
    let answered = web::ask(request, PATIENCE).await;
    let answered =
        answered.map_err(|why| Failure::failed(format!("no relay answers at {base}")).caused_by(why))?;
    let told: Option<Value> =
        serde_json::from_slice(&answered.body).ok().filter(|told: &Value| told["parts"].is_object());
    let Some(told) = told else {
        return Err(Failure::failed(format!(
            "what answers at {base} is no relay (status {})",
            answered.status
        )));
    };
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line = format!(
        "{} (version {}, store {}, {} of {} accounts ready)",
        word(&told["status"]),
        word(&told["version"]),
        word(&told["parts"]["store"]),
        told["parts"]["accounts"]["ready"],
        told["parts"]["accounts"]["total"]
    );
    if !answered.status.is_success() {
        return Err(Failure::failed(format!("the relay at {base} is not ready: {line}")));
    }
    out.show(&told, || line)
}

/// Longer than the relay itself waits for its store.
const PATIENCE: Duration = Duration::from_secs(10);
