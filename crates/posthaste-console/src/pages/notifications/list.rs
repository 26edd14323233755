//! The list of channels, and what they can be told of.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, ChannelView, Command, DeliveryView};
use posthaste_core::{Area, NoticeKind};

use super::{kinds, words};
use crate::{asked::Asked, frame::Frame};

#[derive(Template)]
#[template(path = "notifications/list.html")]
struct List {
    p: Frame,
    /// Each with the last message that it got.
    channels: Vec<(ChannelView, Option<DeliveryView>)>,
    /// Why no messages are sent at all.
    trouble: Option<String>,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "notifications/events.html")]
struct Events {
    p: Frame,
    events: [words::Event; 12],
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let known: Vec<ChannelView> = asked.act(Command::ListChannels).await?;
    let (mut channels, mut trouble) = (Vec::with_capacity(known.len()), None);
    for channel in known {
        let last = match deliveries(&asked, &channel, 1).await {
            Ok(latest) => latest.into_iter().next(),
            // Nobody sends messages here.
            Err(error @ AdminError::Conflict { .. }) => {
                trouble = Some(asked.say_error(&error));
                None
            }
            Err(error) => return Err(error),
        };
        channels.push((channel, last));
    }
    let p = asked.frame(asked.say("Notifications")).await?;
    let may_write = asked.may(Area::Notifications.write());
    asked.page(&List { p, channels, trouble, may_write })
}

pub(super) async fn events(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("What channels are told of")).await?;
    asked.page(&Events { p, events: words::events() })
}

/// What became of a channel's latest messages, the newest first.
pub(super) async fn deliveries(
    asked: &Asked,
    channel: &ChannelView,
    limit: usize,
) -> Result<Vec<DeliveryView>, AdminError> {
    asked.act(Command::ListDeliveries { channel: channel.id.to_string(), limit }).await
}

impl List {
    fn kind(&self, channel: &ChannelView) -> &'static str {
        kinds::kind(channel.service.as_str()).map_or("", |kind| kind.title)
    }

    fn event(&self, kind: &NoticeKind) -> &'static str {
        words::name(*kind)
    }

    fn outcome(&self, delivery: &DeliveryView) -> (&'static str, &'static str) {
        words::outcome(&delivery.outcome)
    }
}
