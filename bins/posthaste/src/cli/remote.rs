//! A relay elsewhere: commands go to its admin API.

use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use posthaste_admin::{AdminFailure, Command, Reply};
use posthaste_core::{Payload, Secret};
use serde_json::Value;
use url::{Host, Url};

use super::{Failure, output::note, web};
use crate::{
    Config,
    config::{ProcessEnv, Strings},
};

/// Where commands are carried out, when that is not here.
#[derive(clap::Args, Debug)]
pub(super) struct RemoteFlags {
    /// Have the command carried out by the relay at this address, with a token of its admin API [env POSTHASTE_REMOTE]
    #[arg(long, global = true, value_name = "URL", help_heading = "Elsewhere")]
    server: Option<String>,
    /// A file that holds the token; without it POSTHASTE_REMOTE_TOKEN is taken
    #[arg(long, global = true, value_name = "FILE", help_heading = "Elsewhere")]
    server_token_file: Option<PathBuf>,
}

/// The relay elsewhere.
#[derive(Clone, Debug)]
pub struct RemoteServer {
    base: Url,
    token: Secret,
}

impl RemoteFlags {
    /// The relay elsewhere, if one is named.
    pub(super) fn read(&self) -> Result<Option<RemoteServer>, Failure> {
        let Some(text) = self.server.clone().or_else(|| ProcessEnv.get(SERVER)) else { return Ok(None) };
        let unusable = |why: &str| Failure::usage(format!("--server: `{text}` {why}"));
        let base = Url::parse(text.trim_end_matches('/'))
            .map_err(|_| unusable("is no address").hint("such as https://relay.example.com"))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(unusable("is no http or https address"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(unusable("holds a name or a password").hint("give the token by --server-token-file"));
        }
        if base.scheme() == "http" && !is_here(&base) {
            note("the token travels unencrypted: use https");
        }
        Ok(Some(RemoteServer { base, token: self.token()? }))
    }

    /// Refuses the flags with what runs here.
    pub(super) fn refuse(&self) -> Result<(), Failure> {
        if self.server.is_some() || self.server_token_file.is_some() { Err(not_from_afar()) } else { Ok(()) }
    }

    fn token(&self) -> Result<Secret, Failure> {
        let text = match &self.server_token_file {
            Some(path) => std::fs::read_to_string(path).map_err(|error| {
                Failure::usage(format!("the token file {} cannot be read", path.display()))
                    .caused_by(error.to_string())
            })?,
            None => ProcessEnv.get(TOKEN).unwrap_or_default(),
        };
        let text = text.trim();
        if text.is_empty() || text.chars().any(|c| !c.is_ascii_graphic()) {
            return Err(Failure::usage("there is no token for the relay elsewhere").hint(
                "make one there (`posthaste tokens create NAME --scope …`) and name its file by \
                 --server-token-file, or set POSTHASTE_REMOTE_TOKEN",
            ));
        }
        Ok(Secret::new(text))
    }
}

/// Refuses what works on the data folder itself when a relay elsewhere is named.
pub(super) fn refuse(config: &Config) -> Result<(), Failure> {
    match &config.elsewhere {
        None => Ok(()),
        Some(_) => Err(not_from_afar()),
    }
}

fn not_from_afar() -> Failure {
    Failure::usage("this works on the data folder itself and cannot be done from afar")
        .hint("run it on the relay's own machine, without --server and POSTHASTE_REMOTE")
}

fn is_here(base: &Url) -> bool {
    match base.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl RemoteServer {
    /// What opens its door.
    pub(super) fn token(&self) -> &Secret {
        &self.token
    }

    /// Has a command carried out.
    pub(super) async fn call(&self, command: &Command) -> Result<Reply, Failure> {
        let (status, body) = self.exchange(command).await?;
        let answer: Value = serde_json::from_slice(&body)
            .map_err(|_| self.no_answer(&format!("status {status}, and no JSON: is it a relay?")))?;
        if answer["success"] == true {
            return serde_json::from_value(answer["data"].clone()).map_err(|_| super::session::unexpected());
        }
        match failure(answer) {
            Some(failure) => Err(failure.into()),
            None => Err(self.no_answer(&format!("status {status}"))),
        }
    }

    async fn exchange(&self, command: &Command) -> Result<(StatusCode, Bytes), Failure> {
        let body = serde_json::to_vec(command).map_err(|error| Failure::failed(error.to_string()))?;
        let bearer = web::secret_header(&format!("Bearer {}", self.token.expose()), "token")?;
        let url = format!("{}/admin/command", self.base.as_str().trim_end_matches('/'));
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, bearer)
            .body(Payload::from(Bytes::from(body)))
            .map_err(|error| Failure::failed(error.to_string()))?;
        let answered = web::ask(request, PATIENCE).await.map_err(|why| self.no_answer(&why))?;
        Ok((answered.status, answered.body))
    }

    fn no_answer(&self, why: &str) -> Failure {
        Failure::failed(format!("the relay at {} gave no usable answer", self.base))
            .caused_by(why)
            .hint("whether the command was carried out is not known")
    }
}

/// The admin API calls the class `error`.
fn failure(mut answer: Value) -> Option<AdminFailure> {
    let object = answer.as_object_mut()?;
    let kind = object.remove("error")?;
    object.insert("kind".to_owned(), kind);
    serde_json::from_value(answer).ok()
}

const SERVER: &str = "POSTHASTE_REMOTE";
const TOKEN: &str = "POSTHASTE_REMOTE_TOKEN";
/// An account's test waits for its upstream.
const PATIENCE: Duration = Duration::from_secs(120);
