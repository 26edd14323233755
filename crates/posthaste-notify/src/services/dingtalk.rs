//! A custom robot of DingTalk (钉钉自定义机器人).
//!
//! <https://open.dingtalk.com/document/robots/custom-robot-access> and `…/customize-robot-security-settings`, as read in public
//! copies on 2026-11-27: markdown with a title, at most 20,000 bytes a request and 20 messages a minute (then nothing for ten).
//! With a signing secret the address gets `timestamp` (milliseconds, at most an hour old) and `sign`, the base64 of
//! HMAC-SHA256 over `timestamp\nsecret` under the secret. It answers 200 with `errcode`.

use http::Request;
use posthaste_core::Payload;
use serde::Deserialize;
use serde_json::json;

use super::{
    Answer, Delivered, Sending,
    request::{post, signature, target},
    sounds_hasty,
};
use crate::{
    ChannelError,
    format::twins,
    message::{Line, Message},
    words,
};

pub(super) fn request(message: &Message, sending: &Sending<'_>) -> Result<Request<Payload>, ChannelError> {
    let mut url = target(sending)?;
    if let Some(key) = &sending.opened.key {
        let (millis, secret) = (sending.now.as_millis().to_string(), key.expose());
        let sign = signature(secret.as_bytes(), &[millis.as_bytes(), b"\n", secret.as_bytes()]);
        url.query_pairs_mut().append_pair("timestamp", &millis).append_pair("sign", &sign);
    }
    let (title, colon) = (twins(&message.title()), words::colon(message.language));
    // Two spaces at a line's end break it; an empty line ends a paragraph.
    let body = message.fitted(MOST_BYTES, str::len, |line| match line {
        Line::Heading(text) => format!("**{}**\n", twins(text)),
        Line::Text(text) => format!("{}\n", twins(text)),
        Line::Fact(label, value) => format!("- {label}{colon}{}", twins(value)),
        Line::Gap => String::new(),
    });
    let text = format!("### {title}\n\n{body}");
    post(
        &url,
        // Nobody is called, whatever the text says.
        &json!({ "msgtype": "markdown", "markdown": { "title": title, "text": text }, "at": { "isAtAll": false } }),
    )
}

pub(super) fn judge(answer: &Answer<'_>) -> Delivered {
    #[derive(Deserialize)]
    struct Told {
        errcode: i64,
        #[serde(default)]
        errmsg: String,
    }
    let Some(Told { errcode, errmsg }) = answer.json() else { return answer.by_status_without_word() };
    let why = format!("DingTalk answered {errcode}: {}", answer.said(&errmsg));
    match errcode {
        0 => Delivered::Yes,
        // Busy; too many messages (two codes of it are about).
        -1 | 130_101 | 410_100 => Delivered::again(why, answer.retry_after()),
        310_000 => {
            Delivered::refused(format!("{why} (the robot's security settings: sign, word or address)"))
        }
        _ if sounds_hasty(&errmsg) => Delivered::again(why, answer.retry_after()),
        _ => Delivered::refused(why),
    }
}

/// Of the text; the rest of the request needs some of the 20,000 as well, and JSON writes some characters longer.
const MOST_BYTES: usize = 12_000;

#[cfg(test)]
mod tests {
    use crate::services::request::signature;

    /// Made with the vendor's published Python example, not with this code.
    #[test]
    fn the_signature_is_the_vendors() {
        let secret = b"SEC-dummy-secret";
        let sign = signature(secret, &[b"1790000000000", b"\n", secret]);
        assert_eq!(sign, "k11Iowu48wk3Gym7qR25kbELapkFWLmHSRlWo8uAXjU=");
    }
}
