//! The way from a client through whatever stands before the relay, tried by the relay's own probes.

mod address;
mod answered;
mod client;
mod fix;
mod pace;
mod passed;
mod token;

use std::time::Duration;

use url::Url;

use self::{
    answered::{Echo, Reached},
    client::Client,
    pace::Pace,
};
use super::Finding;
use crate::Config;

/// Looks at the way there by a token that lasts as long as the look.
pub(super) async fn look(config: &Config, url: &str, idle: Duration) -> Vec<Finding> {
    let url = match address::read(url) {
        Ok(url) => url,
        Err(finding) => return vec![finding],
    };
    if let Err(finding) = address::connected(&url).await {
        return vec![finding];
    }
    let token = match token::make(config).await {
        Ok(token) => token,
        Err(finding) => return vec![finding],
    };
    let client = Client::new(&url, token.secret());
    let mut found = tried(&client, token.instance(), idle).await;
    found.extend(token.end(config).await);
    found
}

async fn tried(client: &Client<'_>, own: Option<String>, idle: Duration) -> Vec<Finding> {
    let (echo, head) = match client.echo(None).await {
        Ok(Reached::Relay(echo, head)) => (echo, head),
        Ok(Reached::Other(finding)) | Err(finding) => {
            return vec![
                finding,
                Finding::skipped("through: the rest", "looked at once the relay is reached"),
            ];
        }
    };
    let mut found = vec![answered::which(&echo, own.as_deref())];
    found.push(passed::host(client.url(), &echo));
    found.push(passed::client_address(&echo, head.proxied, pretended(client, &echo).await));
    found.push(passed::tls(client.url(), &echo, head.proxied));
    found.push(passed::keys(&echo));
    found.push(streams(client).await);
    found.push(client.compressed().await);
    found.push(client.upgraded().await);
    found.push(client.large(echo.max_body_bytes).await);
    found.push(client.silence(idle).await);
    found
}

/// Whether the proxy leaves an address that the client made up where the relay looks for the client's own.
async fn pretended(client: &Client<'_>, echo: &Echo) -> bool {
    // Where nothing was told without it, that is what is told already.
    if echo.forwarded_for.is_empty() {
        return false;
    }
    let seen = client.echo(Some(client::MADE_UP)).await;
    matches!(seen, Ok(Reached::Relay(echo, _)) if echo.forwarded_for.last().is_some_and(|last| last == client::MADE_UP))
}

/// Who reads late himself, on a busy machine, sees the same as who reads what was held back; but not each time.
async fn streams(client: &Client<'_>) -> Finding {
    let mut seen = Err("nothing was asked".to_owned());
    for _ in 0..TRIES {
        seen = client.stream().await;
        if let Ok(pace) = &seen
            && !pace.is_held_back()
            && pace.is_whole()
        {
            break;
        }
    }
    Pace::finding(&seen)
}

/// The base without the slash at its end.
fn base(url: &Url) -> &str {
    url.as_str().trim_end_matches('/')
}

const TRIES: u32 = 3;
