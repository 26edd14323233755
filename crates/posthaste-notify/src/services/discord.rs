//! A webhook of Discord.
//!
//! <https://docs.discord.com/developers/resources/webhook#execute-webhook> and `…/resources/message#embed-object-embed-limits`:
//! an embed with a title of at most 256 characters and a description of at most 4,096. `allowed_mentions` with nothing in it
//! calls nobody. It answers 204, and 429 with `retry_after` in seconds in the body.

use std::time::Duration;

use http::Request;
use posthaste_core::{Payload, Severity};
use serde::Deserialize;
use serde_json::json;

use super::{
    Answer, Delivered, Sending,
    request::{post, target},
};
use crate::{
    ChannelError,
    format::{clip_escaped, discord, utf16},
    message::{Line, Message},
    words,
};

pub(super) fn request(message: &Message, sending: &Sending<'_>) -> Result<Request<Payload>, ChannelError> {
    let colour: u32 = match message.severity {
        _ if message.is_recovery => 0x2e_9e_5b,
        Severity::Info => 0x3b_82_c4,
        Severity::Warning => 0xe0_a0_20,
        Severity::Critical => 0xd0_36_36,
    };
    let colon = words::colon(message.language);
    let description = message.fitted(MOST_IN_DESCRIPTION, utf16, |line| match line {
        Line::Heading(text) => format!("**{}**", discord(text)),
        Line::Text(text) => discord(text),
        Line::Fact(label, value) => format!("{label}{colon}{}", discord(value)),
        Line::Gap => String::new(),
    });
    let embed = json!({
        "title": clip_escaped(&message.title(), MOST_IN_TITLE, discord),
        "description": description,
        "color": colour,
        "timestamp": sending.now.to_string(),
    });
    post(&target(sending)?, &json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } }))
}

pub(super) fn judge(answer: &Answer<'_>) -> Delivered {
    #[derive(Deserialize)]
    struct Told {
        #[serde(default)]
        message: String,
        retry_after: Option<f64>,
    }
    let Some(told) = answer.json::<Told>() else { return answer.by_status("") };
    match (answer.by_status(&told.message), told.retry_after) {
        (Delivered::Again { why, .. }, Some(seconds)) if seconds.is_finite() && seconds >= 0.0 => {
            Delivered::again(why, Some(Duration::from_secs_f64(seconds.min(MOST_SECONDS))))
        }
        (delivered, _) => delivered,
    }
}

const MOST_IN_TITLE: usize = 256;
const MOST_IN_DESCRIPTION: usize = 4_096;
const MOST_SECONDS: f64 = 86_400.0;
