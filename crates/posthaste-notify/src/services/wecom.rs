//! A group robot of WeCom (企业微信群机器人).
//!
//! <https://developer.work.weixin.qq.com/document/path/91770>, as read in public copies on 2026-11-27: markdown of at most
//! 4,096 bytes, 20 messages a minute. It answers 200 with `errcode`; the address with its `key` is the secret.

use http::Request;
use posthaste_core::{Payload, Severity};
use serde::Deserialize;
use serde_json::json;

use super::{
    Answer, Delivered, Sending,
    request::{post, target},
    sounds_hasty,
};
use crate::{
    ChannelError,
    format::twins,
    message::{Line, Message},
    words,
};

pub(super) fn request(message: &Message, sending: &Sending<'_>) -> Result<Request<Payload>, ChannelError> {
    // The three colours that it knows.
    let colour = match message.severity {
        _ if message.is_recovery => "info",
        Severity::Info => "comment",
        Severity::Warning | Severity::Critical => "warning",
    };
    let head = format!("**<font color=\"{colour}\">{}</font>**\n", twins(&message.title()));
    let colon = words::colon(message.language);
    let body = message.fitted(MOST_BYTES - head.len(), str::len, |line| match line {
        Line::Heading(text) => format!("**{}**", twins(text)),
        Line::Text(text) => twins(text),
        Line::Fact(label, value) => format!("> {label}{colon}{}", twins(value)),
        Line::Gap => String::new(),
    });
    let content = format!("{head}{body}");
    post(&target(sending)?, &json!({ "msgtype": "markdown", "markdown": { "content": content } }))
}

pub(super) fn judge(answer: &Answer<'_>) -> Delivered {
    #[derive(Deserialize)]
    struct Told {
        errcode: i64,
        #[serde(default)]
        errmsg: String,
    }
    let Some(Told { errcode, errmsg }) = answer.json() else { return answer.by_status_without_word() };
    let why = format!("WeCom answered {errcode}: {}", answer.said(&errmsg));
    match errcode {
        0 => Delivered::Yes,
        // Busy; more than 20 messages a minute; too many at once.
        -1 | 45009 | 45033 => Delivered::again(why, answer.retry_after()),
        _ if sounds_hasty(&errmsg) => Delivered::again(why, answer.retry_after()),
        _ => Delivered::refused(why),
    }
}

const MOST_BYTES: usize = 4_096;
