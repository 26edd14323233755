//! Adding a channel: its kind first, then its form, which can be tried before anything is kept.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, ChannelView, Command, DeliveryView};
use posthaste_core::{Area, NoticeKind, Severity};

use super::{
    form,
    kinds::{self, Kind},
    words,
};
use crate::{BASE, asked::Asked, fields::Fields, frame::Frame, trouble::is_of_form};

#[derive(Template)]
#[template(path = "notifications/choose.html")]
struct Choose {
    p: Frame,
    kinds: [Kind; 9],
}

/// The form of a channel, new or not.
#[derive(Template)]
#[template(path = "notifications/form.html")]
pub(super) struct Form<'a> {
    pub(super) p: Frame,
    pub(super) form: &'a Fields,
    pub(super) kind: Kind,
    /// The channel that is changed; `None` for a new one.
    pub(super) channel: Option<ChannelView>,
    pub(super) version: Option<u64>,
    pub(super) may_consent: bool,
    /// What a try of it came to.
    pub(super) tried: Option<DeliveryView>,
    pub(super) trouble: Option<String>,
}

pub(super) async fn choose(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("New channel")).await?;
    asked.page(&Choose { p, kinds: kinds::all() })
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let blank = form::blank(&asked);
    show_form(&asked, StatusCode::OK, &blank, None, None).await
}

/// Adds the channel, or only sends a test to what the form says.
pub(super) async fn add(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let kind = asked.parameter("kind").to_owned();
    kinds::kind(&kind)?;
    let is_try = asked.form.ticked("try");
    let refused = match form::new_channel(&asked, &kind).await {
        Err(error) => error,
        Ok(new) if is_try => match asked.act::<DeliveryView>(Command::TryChannel(new)).await {
            Ok(tried) => return show_form(&asked, StatusCode::OK, &asked.form, Some(tried), None).await,
            Err(error) => error,
        },
        Ok(new) => match asked.act::<ChannelView>(Command::CreateChannel(new)).await {
            Ok(channel) => {
                let told = asked.fill("{} is told from now on.", &channel.name);
                return Ok(asked.done(&format!("{BASE}/notifications/{}", channel.id), &told));
            }
            Err(error) => error,
        },
    };
    if !is_of_form(&refused) {
        return Err(refused);
    }
    let said = asked.say_error(&refused);
    show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, None, Some(said)).await
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    tried: Option<DeliveryView>,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let kind = kinds::kind(asked.parameter("kind"))?;
    let p = asked.frame(&asked.fill("New channel: {}", asked.say(kind.title))).await?;
    let may_consent = asked.may(Area::Settings.write());
    let shown = Form { p, form, kind, channel: None, version: None, may_consent, tried, trouble };
    asked.page_as(status, &shown)
}

impl Form<'_> {
    fn events(&self) -> Vec<(&'static str, &'static str)> {
        words::events().into_iter().map(|event| (event.kind.as_str(), event.name)).collect()
    }

    /// Kinds that were chosen elsewhere and are no events of the list: they stay.
    fn other_kinds(&self) -> Vec<&'static str> {
        let listed = words::events().map(|event| event.kind);
        let others = NoticeKind::ALL.into_iter().filter(|kind| !listed.contains(kind));
        others.map(NoticeKind::as_str).filter(|kind| self.form.is("kinds", kind)).collect()
    }

    fn severities(&self) -> Vec<(&'static str, &'static str)> {
        Severity::ALL.map(|severity| (severity.as_str(), words::least(severity))).to_vec()
    }

    fn verdict(&self, tried: &DeliveryView) -> &'static str {
        words::verdict(&tried.outcome)
    }
}
