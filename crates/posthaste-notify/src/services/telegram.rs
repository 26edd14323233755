//! A bot of Telegram.
//!
//! <https://core.telegram.org/bots/api#sendmessage> and `#making-requests`, `#responseparameters`: `POST
//! /bot<token>/sendMessage`, HTML with the entities `&lt;`, `&gt;`, `&amp;` and `&quot;`, 4,096 characters after those are read;
//! 20 messages a minute in a group. It answers `{"ok", "error_code", "description", "parameters": {"retry_after"}}`. The API
//! may stand elsewhere (`api_base`), as a server of one's own or a way around a blocked one does.

use std::time::Duration;

use http::{Request, StatusCode};
use posthaste_core::{Payload, TelegramSettings};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{
    Answer, Delivered, Sending,
    request::{address, post, token},
};
use crate::{
    ChannelError,
    format::{html, utf16, without_mentions},
    message::{Line, Message},
    words,
};

pub(super) fn request(
    message: &Message,
    settings: &TelegramSettings,
    sending: &Sending<'_>,
) -> Result<Request<Payload>, ChannelError> {
    if settings.chat.trim().is_empty() {
        return Err(ChannelError::Missing("chat"));
    }
    let base = address("api_base", settings.api_base.as_deref().unwrap_or(API), sending)?;
    let token = token(sending, ":-_")?;
    let text = format!("{}/bot{token}/sendMessage", base.as_str().trim_end_matches('/'));
    let url = Url::parse(&text).map_err(|_| ChannelError::invalid("api_base", "it is no address"))?;
    let inert = |text: &str| html(&without_mentions(text));
    let colon = words::colon(message.language);
    let head = format!("<b>{}</b>\n", inert(&message.title()));
    let body = message.fitted(MOST_CHARACTERS - utf16(&head), utf16, |line| match line {
        Line::Heading(text) => format!("<b>{}</b>", inert(text)),
        Line::Text(text) => inert(text),
        Line::Fact(label, value) => format!("{label}{colon}{}", inert(value)),
        Line::Gap => String::new(),
    });
    let mut body = json!({
        "chat_id": settings.chat.trim(),
        "text": format!("{head}{body}"),
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
    });
    if let Some(thread) = settings.thread {
        body["message_thread_id"] = thread.into();
    }
    post(&url, &body)
}

pub(super) fn judge(answer: &Answer<'_>) -> Delivered {
    #[derive(Deserialize)]
    struct Told {
        ok: bool,
        error_code: Option<u16>,
        #[serde(default)]
        description: String,
        parameters: Option<Parameters>,
    }
    #[derive(Deserialize)]
    struct Parameters {
        retry_after: Option<u64>,
        migrate_to_chat_id: Option<i64>,
    }
    let Some(told) = answer.json::<Told>() else { return answer.by_status_without_word() };
    if told.ok {
        return Delivered::Yes;
    }
    let parameters = told.parameters.as_ref();
    if let Some(chat) = parameters.and_then(|parameters| parameters.migrate_to_chat_id) {
        return Delivered::refused(format!("the group has become a supergroup: set its chat to {chat}"));
    }
    let status = told.error_code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(answer.status);
    let judged = Answer { status, ..*answer }.by_status(&told.description);
    match (judged, parameters.and_then(|parameters| parameters.retry_after)) {
        (Delivered::Again { why, .. }, Some(seconds)) => {
            Delivered::again(why, Some(Duration::from_secs(seconds)))
        }
        // It said that it did not take it, whatever the status.
        (Delivered::Yes, _) => Delivered::refused(answer.said(&told.description)),
        (judged, _) => judged,
    }
}

const API: &str = "https://api.telegram.org";
const MOST_CHARACTERS: usize = 4_096;
