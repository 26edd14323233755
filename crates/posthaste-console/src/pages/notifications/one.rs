//! One channel: what it hears, what became of its messages, a test, changing it, removing it.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, ChannelChange, ChannelView, Command, DeliveryView, length_text};
use posthaste_core::{Area, NoticeKind, Severity};

use super::{
    add::Form,
    form,
    kinds::{self, Kind},
    list::deliveries,
    subjects, words,
};
use crate::{BASE, asked::Asked, fields::Fields, frame::Frame, trouble::is_of_form};

#[derive(Template)]
#[template(path = "notifications/one.html")]
struct One {
    p: Frame,
    channel: ChannelView,
    kind: Kind,
    subjects: Vec<String>,
    deliveries: Vec<DeliveryView>,
    trouble: Option<String>,
    may_write: bool,
}

#[derive(Template)]
#[template(path = "notifications/tested.html")]
struct Tested {
    p: Frame,
    channel: ChannelView,
    delivery: DeliveryView,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let channel: ChannelView = asked.act(show_command(&asked)).await?;
    let kind = kinds::kind(channel.service.as_str())?;
    let subjects = subjects::lines(&asked, &channel.filter.subjects).await?;
    let (deliveries, trouble) = match deliveries(&asked, &channel, KEPT).await {
        Ok(deliveries) => (deliveries, None),
        // Nobody sends messages here.
        Err(error @ AdminError::Conflict { .. }) => (Vec::new(), Some(asked.say_error(&error))),
        Err(error) => return Err(error),
    };
    let p = asked.frame(&channel.name).await?;
    let may_write = asked.may(Area::Notifications.write());
    asked.page(&One { p, channel, kind, subjects, deliveries, trouble, may_write })
}

pub(super) async fn show_edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let now: (ChannelView, _) = asked.look_up(show_command(&asked)).await?;
    let filled = form::filled(&asked, &now.0).await?;
    show_form(&asked, StatusCode::OK, &filled, now, None).await
}

pub(super) async fn edit(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let now: (ChannelView, _) = asked.look_up(show_command(&asked)).await?;
    let changed: Result<ChannelView, _> = match form::change(&asked, &now.0).await {
        Ok(change) => {
            let channel = now.0.id.to_string();
            asked.act_on(Command::UpdateChannel { channel, change }).await
        }
        Err(error) => Err(error),
    };
    match changed {
        Ok(channel) if asked.form.ticked("test") => test(&asked, channel).await,
        Ok(channel) => {
            let told = asked.fill("Saved {}.", &channel.name);
            Ok(asked.done(&format!("{BASE}/notifications/{}", channel.id), &told))
        }
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show_form(&asked, StatusCode::CONFLICT, &asked.form, now, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

/// What a button on a channel's page does.
pub(super) async fn act(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let channel = asked.parameter("channel").to_owned();
    let is_on = match asked.parameter("action") {
        "test" => {
            let channel: ChannelView = asked.act(show_command(&asked)).await?;
            return test(&asked, channel).await;
        }
        "delete" => {
            let gone: ChannelView = asked.act(Command::DeleteChannel { channel }).await?;
            let told = asked.fill("{} is removed.", &gone.name);
            return Ok(asked.done(&format!("{BASE}/notifications"), &told));
        }
        "on" => true,
        "off" => false,
        other => {
            let what = format!("action `{}` of a channel", other.escape_debug());
            return Err(AdminError::NotFound { what });
        }
    };
    let change = ChannelChange { enabled: Some(is_on), ..ChannelChange::default() };
    let now: ChannelView = asked.act(Command::UpdateChannel { channel, change }).await?;
    let told = match is_on {
        true => asked.fill("{} is told from now on.", &now.name),
        false => asked.fill("{} is told nothing any more.", &now.name),
    };
    Ok(asked.done(&format!("{BASE}/notifications/{}", now.id), &told))
}

async fn test(asked: &Asked, channel: ChannelView) -> Result<Response, AdminError> {
    let page = format!("{BASE}/notifications/{}", channel.id);
    let delivery: DeliveryView =
        match asked.act(Command::TestChannel { channel: channel.id.to_string() }).await {
            Ok(delivery) => delivery,
            // Nobody sends messages here.
            Err(error @ AdminError::Conflict { .. }) => {
                return Ok(asked.done(&page, &asked.say_error(&error)));
            }
            Err(error) => return Err(error),
        };
    let p = asked.frame(&channel.name).await?;
    asked.page(&Tested { p, channel, delivery })
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    (channel, version): (ChannelView, Option<u64>),
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("Edit channel")).await?;
    let kind = kinds::kind(channel.service.as_str())?;
    let may_consent = asked.may(Area::Settings.write());
    let channel = Some(channel);
    asked.page_as(status, &Form { p, form, kind, channel, version, may_consent, tried: None, trouble })
}

fn show_command(asked: &Asked) -> Command {
    Command::ShowChannel { channel: asked.parameter("channel").to_owned() }
}

impl One {
    fn event(&self, kind: &NoticeKind) -> &'static str {
        words::name(*kind)
    }

    fn least(&self) -> &'static str {
        words::least(self.channel.filter.least)
    }

    fn collected(&self) -> String {
        length_text(self.channel.digest_seconds.into())
    }

    fn badge(&self, severity: &Severity) -> &'static str {
        words::badge(*severity)
    }

    fn severity(&self, severity: &Severity) -> &'static str {
        words::severity(*severity)
    }

    fn outcome(&self, delivery: &DeliveryView) -> (&'static str, &'static str) {
        words::outcome(&delivery.outcome)
    }

    fn took(&self, delivery: &DeliveryView) -> u64 {
        micros(delivery)
    }
}

impl Tested {
    fn verdict(&self) -> &'static str {
        words::verdict(&self.delivery.outcome)
    }

    fn outcome(&self) -> (&'static str, &'static str) {
        words::outcome(&self.delivery.outcome)
    }

    fn took(&self) -> u64 {
        micros(&self.delivery)
    }
}

/// How long it was until it was known what became of a message.
fn micros(delivery: &DeliveryView) -> u64 {
    u64::try_from(delivery.ended_at.since(delivery.at).as_micros()).unwrap_or(u64::MAX)
}

/// As many as are kept of each channel.
const KEPT: usize = 100;
