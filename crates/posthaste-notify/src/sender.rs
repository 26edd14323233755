//! One try to deliver a message.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use posthaste_core::{Channel, Clock, Notice, Payload, RelayBody, Transport, TransportError};
use tokio::time::timeout;
use uuid::Uuid;

use crate::{
    ChannelError, SecretOpener,
    message::Message,
    post_office::PostOffice,
    secrets::Opened,
    services::{self, Answer, Delivered, Outgoing, Sending},
};

/// Sends messages: over HTTP through the relay's transport, mail by itself.
pub(crate) struct Sender {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) secrets: Arc<dyn SecretOpener>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) mail: PostOffice,
    /// The relay's name for itself.
    pub(crate) service: String,
    /// The longest that a try over HTTP may take.
    pub(crate) patience: Duration,
}

impl Sender {
    /// Tries once. `id` is the delivery's: the same for each try.
    pub(crate) async fn send(&self, channel: &Channel, notices: &[Arc<Notice>], id: Uuid) -> Delivered {
        let opened = match Opened::new(channel, &*self.secrets) {
            Ok(opened) => opened,
            Err(error) => return Delivered::refused(error.to_string()),
        };
        match self.compose(channel, notices, &opened, id) {
            Err(error) => Delivered::refused(error.to_string()),
            Ok(Outgoing::Mail(letter)) => {
                let delivered = self.mail.send(*letter, opened.egress.allow_private).await;
                told_by_others(delivered, &opened)
            }
            Ok(Outgoing::Http(request)) => {
                match timeout(self.patience, self.post(channel, *request, &opened)).await {
                    Ok(delivered) => told_by_others(delivered, &opened),
                    Err(_) => Delivered::again(format!("no answer within {:?}", self.patience), None),
                }
            }
        }
    }

    /// Whether messages could be made for this channel; sends none.
    pub(crate) fn check(&self, channel: &Channel, notice: &Arc<Notice>) -> Result<(), ChannelError> {
        let opened = Opened::new(channel, &*self.secrets)?;
        self.compose(channel, std::slice::from_ref(notice), &opened, Uuid::nil()).map(drop)
    }

    fn compose(
        &self,
        channel: &Channel,
        notices: &[Arc<Notice>],
        opened: &Opened,
        id: Uuid,
    ) -> Result<Outgoing, ChannelError> {
        let message = Message::new(&self.service, channel.language, notices);
        services::compose(&message, &Sending { channel, opened, id, now: self.clock.now() })
    }

    async fn post(&self, channel: &Channel, request: Request<Payload>, opened: &Opened) -> Delivered {
        match self.transport.send(request, &opened.egress).await {
            Ok(answer) => read(channel, answer, opened).await,
            Err(error @ TransportError::Refused { .. }) => Delivered::refused(error.to_string()),
            Err(error) => Delivered::again(error.to_string(), None),
        }
    }
}

async fn read(channel: &Channel, answer: Response<RelayBody>, opened: &Opened) -> Delivered {
    let (head, body) = answer.into_parts();
    // Whoever answers more than that says nothing that matters; the status still does.
    let body = match Limited::new(body, MOST_BYTES).collect().await {
        Ok(whole) => whole.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let redact = |text: &str| opened.redact(text);
    let answer = Answer { status: head.status, headers: &head.headers, body: &body, redact: &redact };
    services::judge(&channel.service, &answer)
}

fn told_by_others(delivered: Delivered, opened: &Opened) -> Delivered {
    match delivered {
        Delivered::Yes => Delivered::Yes,
        Delivered::Again { why, after } => Delivered::Again { why: opened.redact(&why), after },
        Delivered::Refused { why } => Delivered::Refused { why: opened.redact(&why) },
    }
}

const MOST_BYTES: usize = 64 * 1_024;
