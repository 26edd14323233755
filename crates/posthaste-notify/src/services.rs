//! Who brings messages: for each, from a message to a request, and from an answer to what it means. No I/O.

mod bark;
mod dingtalk;
mod discord;
mod feishu;
pub(crate) mod mail;
mod request;
mod slack;
mod telegram;
mod verdict;
mod webhook;
mod wecom;

use http::Request;
use posthaste_core::{Channel, ChannelKind, Payload, Timestamp};
use uuid::Uuid;

use crate::{ChannelError, message::Message, secrets::Opened};

pub(crate) use request::host_of;
use verdict::sounds_hasty;
pub(crate) use verdict::{Answer, Delivered};

/// What is to be sent.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A request over HTTP.
    Http(Box<Request<Payload>>),
    /// A mail.
    Mail(Box<mail::Letter>),
}

/// What a message is sent with.
pub(crate) struct Sending<'a> {
    /// The channel.
    pub(crate) channel: &'a Channel,
    /// Its secrets.
    pub(crate) opened: &'a Opened,
    /// The delivery: the same for each try.
    pub(crate) id: Uuid,
    /// When it is sent: signatures hold for a while only.
    pub(crate) now: Timestamp,
}

/// Puts a message into the form of the channel's service.
pub(crate) fn compose(message: &Message, sending: &Sending<'_>) -> Result<Outgoing, ChannelError> {
    let request = match &sending.channel.service {
        ChannelKind::Webhook => webhook::request(message, sending),
        ChannelKind::WeCom => wecom::request(message, sending),
        ChannelKind::DingTalk => dingtalk::request(message, sending),
        ChannelKind::Feishu => feishu::request(message, sending),
        ChannelKind::Slack => slack::request(message, sending),
        ChannelKind::Discord => discord::request(message, sending),
        ChannelKind::Telegram(settings) => telegram::request(message, settings, sending),
        ChannelKind::Bark(settings) => bark::request(message, settings, sending),
        ChannelKind::Smtp(settings) => {
            return mail::letter(message, settings, sending).map(|letter| Outgoing::Mail(Box::new(letter)));
        }
    };
    request.map(|request| Outgoing::Http(Box::new(request)))
}

/// What an answer means.
pub(crate) fn judge(service: &ChannelKind, answer: &Answer<'_>) -> Delivered {
    match service {
        ChannelKind::WeCom => wecom::judge(answer),
        ChannelKind::DingTalk => dingtalk::judge(answer),
        ChannelKind::Feishu => feishu::judge(answer),
        ChannelKind::Slack => slack::judge(answer),
        ChannelKind::Discord => discord::judge(answer),
        ChannelKind::Telegram(_) => telegram::judge(answer),
        ChannelKind::Bark(_) => bark::judge(answer),
        // Mail is not answered over HTTP. Nothing that a stranger's program says is of use.
        ChannelKind::Webhook | ChannelKind::Smtp(_) => answer.by_status(""),
    }
}

#[cfg(test)]
mod tests;
