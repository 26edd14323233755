//! Who answered, and with what.

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;

use super::{Finding, fix};

/// What the relay saw of a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Echo {
    pub(super) instance: Option<String>,
    pub(super) address: Option<String>,
    pub(super) tls: bool,
    pub(super) trusted_proxy: bool,
    pub(super) host: Option<String>,
    pub(super) forwarded_for: Vec<String>,
    pub(super) headers: Vec<String>,
    pub(super) max_body_bytes: u64,
}

impl Echo {
    pub(super) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|known| known == name)
    }
}

/// What an answer's head shows of those between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Whether a proxy shows itself; the relay itself does not say who it is.
    pub(super) proxied: bool,
}

impl Head {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        Self { proxied: headers.contains_key(header::SERVER) || headers.contains_key(header::VIA) }
    }
}

/// Who answered.
pub(super) enum Reached {
    Relay(Box<Echo>, Head),
    /// Not the relay, or not as it has to: what there is to say.
    Other(Finding),
}

/// Reads an answer to the question of who is asked.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Reached {
    let told: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    if status.is_success() && told["success"] == true {
        // A field that is not there is one of another version.
        let echo = serde_json::from_value::<Echo>(told["data"].clone()).unwrap_or_default();
        if echo.max_body_bytes > 0 {
            return Reached::Relay(Box::new(echo), Head::read(headers));
        }
    }
    Reached::Other(refused(status, &told))
}

fn refused(status: StatusCode, told: &Value) -> Finding {
    let what = "through: relay behind it";
    let message = told["message"].as_str().unwrap_or_default();
    let own = told["success"] == false;
    match status {
        StatusCode::UNAUTHORIZED if own && told["field"] == "authorization" => Finding::bad(
            "through: key headers",
            "`authorization` does not reach the relay: the proxy takes it away",
            fix::KEYS,
        ),
        StatusCode::UNAUTHORIZED if own => Finding::bad(
            what,
            "another relay answers, which does not know the token of this one",
            format!("{}; or look from that relay's own machine, or with --server", fix::REACH),
        ),
        StatusCode::FORBIDDEN if own && message.contains("admin.hosts") => Finding::bad(
            "through: host name",
            "the relay is given a host name that admin.hosts does not list",
            format!("name it there, and have the proxy leave it as it is: {}", fix::HOST),
        ),
        StatusCode::FORBIDDEN if own => {
            Finding::bad(what, format!("the relay refuses: {message}"), "a token with system:read is wanted")
        }
        StatusCode::BAD_REQUEST if own => {
            Finding::bad(what, format!("the relay refuses: {message}"), fix::HOST)
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            Finding::bad(
                what,
                format!("the proxy answers with {status}: it does not reach the relay"),
                fix::REACH,
            )
        }
        status if status.is_redirection() => Finding::bad(
            what,
            format!("something sends on with {status}"),
            "give the address it sends to; clients do not follow",
        ),
        status => {
            Finding::bad(what, format!("something answers with {status} that is not this relay"), fix::OTHER)
        }
    }
}

/// Whether it is the relay that is known here.
pub(super) fn which(echo: &Echo, own: Option<&str>) -> Finding {
    let seen = match (own, echo.instance.as_deref()) {
        (Some(own), Some(there)) if own != there => "another relay of the same fleet answers",
        _ => "the running relay answers",
    };
    Finding::good("through: relay behind it", seen)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn other(status: u16, body: &Value) -> Finding {
        let status = StatusCode::from_u16(status).unwrap();
        match read(status, &HeaderMap::new(), body.to_string().as_bytes()) {
            Reached::Other(finding) => finding,
            Reached::Relay(..) => panic!("{status} {body}"),
        }
    }

    #[test]
    fn who_is_not_the_relay_is_told_from_who_refuses() {
        let refused = |more: Value| {
            let mut body = json!({ "success": false, "message": "" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        for (status, body, what, seen) in [
            (401, refused(json!({ "field": "authorization" })), "key headers", "authorization"),
            (401, refused(json!({})), "relay behind it", "another relay"),
            (401, json!({ "error": "who are you" }), "relay behind it", "not this relay"),
            (403, refused(json!({ "message": "needs admin.hosts" })), "host name", "admin.hosts"),
            (403, refused(json!({ "message": "it needs system:read" })), "relay behind it", "system:read"),
            (502, json!(null), "relay behind it", "does not reach"),
            (301, json!(null), "relay behind it", "sends on"),
            (200, json!({ "hello": "world" }), "relay behind it", "not this relay"),
            (200, json!({ "success": true, "data": [] }), "relay behind it", "not this relay"),
        ] {
            let finding = other(status, &body);
            assert_eq!(finding.what, format!("through: {what}"), "{status} {body}");
            assert!(finding.seen.contains(seen), "{status} {body}: {}", finding.seen);
            assert!(finding.fix.is_some());
        }
        let body =
            json!({ "success": true, "data": { "max_body_bytes": 9, "headers": ["via"], "later": 1 } });
        let read = read(StatusCode::OK, &HeaderMap::new(), body.to_string().as_bytes());
        assert!(matches!(read, Reached::Relay(echo, head) if echo.has("via") && !head.proxied));
    }
}
