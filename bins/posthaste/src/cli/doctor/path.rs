//! The way from a client to the relay, through whatever stands before it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use posthaste_core::Payload;
use serde_json::Value;

use super::{Finding, relay};
use crate::cli::web;

pub(super) async fn look(url: &str) -> Vec<Finding> {
    let base = url.trim_end_matches('/');
    let answered = match relay::health(base).await {
        Ok(answered) => answered,
        Err(why) => {
            let fix =
                "is the address right, does the name resolve, is the certificate trusted, is the proxy up?";
            return vec![Finding::bad("the way there", format!("{base} does not answer: {why}"), fix)];
        }
    };
    let mut found = vec![front(base, &answered)];
    found.extend(clock(&answered.headers));
    found.extend(size(base).await);
    found
}

fn front(base: &str, answered: &web::Answered) -> Finding {
    let told: Value = serde_json::from_slice(&answered.body).unwrap_or(Value::Null);
    match answered.status {
        _ if told["parts"].is_object() => Finding::good("the way there", format!("{base} is a relay")),
        // Proxies keep /health inside, as they should.
        StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => {
            Finding::good("the way there", format!("{base} answers, and keeps /health to itself"))
        }
        status => {
            let fix = "the address without a path such as /api is wanted; the proxy's log says whom it asked";
            Finding::bad("the way there", format!("{base} answers with {status}, and is no relay"), fix)
        }
    }
}

/// By the answer's `date`, which whoever answered set to this second.
fn clock(headers: &HeaderMap) -> Option<Finding> {
    let there = headers.get(header::DATE)?.to_str().ok()?;
    let there = jiff::fmt::rfc2822::parse(there).ok()?.timestamp().as_second();
    let here = SystemTime::UNIX_EPOCH.elapsed().ok()?.as_secs();
    let apart = i64::try_from(here).ok()?.abs_diff(there);
    let seen = format!("{apart} s from the other end's");
    Some(if apart > MOST_APART {
        Finding::odd("clock", seen, "have both machines' clocks kept by NTP: tokens and limits go by them")
    } else {
        Finding::good("clock", seen)
    })
}

/// A body as large as agents send it, with a key that is none: a relay refuses the key, and does not read on.
async fn size(base: &str) -> Option<Finding> {
    let key = web::secret_header("cr_none", "key").ok()?;
    let request = Request::post(format!("{base}/api/v1/messages"))
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-api-key", key)
        .body(Payload::from(Bytes::from(vec![b' '; LARGE])))
        .ok()?;
    let what = "large requests";
    let mib = LARGE >> 20;
    Some(match web::ask(request, PATIENCE).await {
        Ok(answered) if answered.status == StatusCode::UNAUTHORIZED => {
            Finding::good(what, format!("{mib} MiB come through"))
        }
        Ok(answered) if answered.status == StatusCode::PAYLOAD_TOO_LARGE => Finding::bad(
            what,
            format!("{mib} MiB are refused (413) before the relay sees them"),
            "raise the proxy's bound: nginx: client_max_body_size 64m; Caddy: request_body max_size",
        ),
        Ok(answered) => Finding::odd(
            what,
            format!("{mib} MiB are answered with {}", answered.status),
            "a relay says 401 to the key that was tried; what stands before it?",
        ),
        Err(why) => Finding::odd(what, format!("{mib} MiB get no answer: {why}"), "the proxy's log says why"),
    })
}

/// Agents with pictures send as much.
const LARGE: usize = 20 << 20;
const MOST_APART: u64 = 60;
const PATIENCE: Duration = Duration::from_secs(60);
