//! Fetching a list from an address: bounded in time and size, never from within the own network unasked.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Limited};
use posthaste_core::{Egress, Payload};
use tokio::time::timeout;
use url::{Host, Url};

use crate::{Admin, AdminError};

/// The text at an address.
pub(super) async fn fetch(admin: &Admin, url: &str, allow_private: bool) -> Result<String, AdminError> {
    let (url, private) = checked(url.trim(), allow_private)?;
    let request = Request::get(url.as_str())
        .header(header::ACCEPT, "application/json")
        .body(Payload::from(Bytes::new()))
        .map_err(|error| invalid(error.to_string()))?;
    let asked = timeout(PATIENCE, answer(admin, request, &Egress::direct(private))).await;
    let text = asked.unwrap_or_else(|_| Err(format!("did not answer within {} s", PATIENCE.as_secs())));
    let text = text.map_err(|why| invalid(format!("`{url}` {why}")))?;
    String::from_utf8(text.into()).map_err(|_| invalid(format!("`{url}` answered with what is no text")))
}

async fn answer(admin: &Admin, request: Request<Payload>, egress: &Egress) -> Result<Bytes, String> {
    let transport = &admin.parts().transport;
    let sent = transport.send(request, egress).await;
    let (head, body) = sent.map_err(|error| format!("cannot be asked: {error}"))?.into_parts();
    if head.status.is_redirection() {
        let to = head.headers.get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
        let to: String = to.chars().filter(|c| !c.is_control()).take(200).collect();
        return Err(format!("leads on to {to}; name that address if it is the right one"));
    }
    if !head.status.is_success() {
        return Err(format!("answered {}", head.status));
    }
    let body = Limited::new(body, MOST_BYTES).collect().await;
    Ok(body.map_err(|error| format!("broke off or is too large: {error}"))?.to_bytes())
}

/// The address, and whether it may lie in the own network: typing this machine's own is consent, every other needs it in so
/// many words. A name is judged when it is resolved.
fn checked(text: &str, allow_private: bool) -> Result<(Url, bool), AdminError> {
    let url = Url::parse(text).map_err(|_| invalid(format!("`{}` is no address", text.escape_debug())))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("holds a name or a password, which nobody asks for there"));
    }
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(invalid(format!("`{}` names no host", text.escape_debug()))),
    };
    let private = here || allow_private;
    match url.scheme() {
        "https" => Ok((url, private)),
        "http" if private => Ok((url, private)),
        // What comes over it decides what people pay.
        _ => Err(invalid(format!("`{}` is no https address", text.escape_debug()))),
    }
}

fn invalid(message: impl Into<String>) -> AdminError {
    AdminError::invalid("url", message.into())
}

const PATIENCE: Duration = Duration::from_secs(60);

/// As much as a list may have.
const MOST_BYTES: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_within_the_own_network() {
        let private = |text: &str, allowed| checked(text, allowed).map(|(_, private)| private).ok();
        assert_eq!(private("https://prices.example.com/list.json?x=1", false), Some(false));
        assert_eq!(private("https://10.0.0.1/list.json", true), Some(true));
        assert_eq!(private("http://127.0.0.1:8080/list.json", false), Some(true));
        assert_eq!(private("http://prices.intern/list.json", true), Some(true));
        for refused in
            ["http://prices.example.com/l", "ftp://x/l", "file:///etc/passwd", "https://a:b@x/l", "l.json"]
        {
            assert_eq!(private(refused, false), None, "{refused}");
        }
    }
}
