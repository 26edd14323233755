//! An incoming webhook of Slack.
//!
//! <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks> and
//! <https://docs.slack.dev/reference/block-kit/blocks>: a header of at most 150 characters, sections of at most 3,000, all
//! plain text, so that no markup is read; a text beside them for notifications. One message a second. It answers `ok`, or a
//! word such as `no_service` with a 4xx, and 429 with `Retry-After`.

use http::Request;
use posthaste_core::Payload;
use serde_json::json;

use super::{
    Answer, Delivered, Sending,
    request::{post, target},
};
use crate::{
    ChannelError,
    format::{clip_escaped, slack, utf16},
    message::Message,
};

pub(super) fn request(message: &Message, sending: &Sending<'_>) -> Result<Request<Payload>, ChannelError> {
    let title = message.title();
    let text = message.fitted(MOST_IN_SECTION, utf16, |line| slack(&message.plain(line)));
    let body = json!({
        "text": slack(&title),
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": clip_escaped(&title, MOST_IN_HEADER, slack), "emoji": false } },
            { "type": "section", "text": { "type": "plain_text", "text": text, "emoji": false } },
        ],
        "unfurl_links": false,
        "unfurl_media": false,
    });
    post(&target(sending)?, &body)
}

pub(super) fn judge(answer: &Answer<'_>) -> Delivered {
    answer.by_status(&answer.text())
}

const MOST_IN_HEADER: usize = 150;
const MOST_IN_SECTION: usize = 3_000;
