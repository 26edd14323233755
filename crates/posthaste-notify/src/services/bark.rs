//! Bark, which pushes to Apple's devices.
//!
//! <https://github.com/Finb/bark-server/blob/master/docs/API_V2.md>: `POST /push` with `device_key`, `title`, `body`, `group`,
//! `level` and `sound`; it answers `{"code": 200, "message"}`. A push holds 4 KB at most
//! (<https://developer.apple.com/documentation/usernotifications/generating-a-remote-notification>).

use http::{Request, StatusCode};
use posthaste_core::{BarkSettings, Payload, Severity};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::{
    Answer, Delivered, Sending,
    request::{address, post, token},
};
use crate::{ChannelError, message::Message};

pub(super) fn request(
    message: &Message,
    settings: &BarkSettings,
    sending: &Sending<'_>,
) -> Result<Request<Payload>, ChannelError> {
    let base = address("server", settings.server.as_deref().unwrap_or(SERVER), sending)?;
    let text = format!("{}/push", base.as_str().trim_end_matches('/'));
    let url = Url::parse(&text).map_err(|_| ChannelError::invalid("server", "it is no address"))?;
    let level = match message.severity {
        _ if message.is_recovery => "active",
        Severity::Info => "passive",
        Severity::Warning => "active",
        Severity::Critical => "timeSensitive",
    };
    let mut body = json!({
        "device_key": token(sending, "-_")?,
        "title": message.title(),
        "body": message.fitted(MOST_BYTES, str::len, |line| message.plain(line)),
        "group": settings.group.as_deref().unwrap_or(&message.service),
        "level": level,
    });
    if let Some(sound) = &settings.sound {
        body["sound"] = sound.as_str().into();
    }
    post(&url, &body)
}

pub(super) fn judge(answer: &Answer<'_>) -> Delivered {
    #[derive(Deserialize)]
    struct Told {
        code: u16,
        #[serde(default)]
        message: String,
    }
    let Some(Told { code, message }) = answer.json() else { return answer.by_status_without_word() };
    let status = StatusCode::from_u16(code).unwrap_or(answer.status);
    Answer { status, ..*answer }.by_status(&message)
}

const SERVER: &str = "https://api.day.app";
/// Of the body, so that title and the rest fit beside it.
const MOST_BYTES: usize = 2_400;
