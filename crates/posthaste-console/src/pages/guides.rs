//! Guides: how clients are told of the relay, with this one's address filled in.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::AdminError;
use posthaste_core::Area;

use crate::{
    asked::Asked,
    frame::Frame,
    guides::{self, Guide, Shown},
    serve::{Door, Page, shows},
};

pub(super) fn pages() -> Vec<Page> {
    vec![shows("/guides", Door::Person, show), shows("/guides/{client}", Door::Person, show)]
}

#[derive(Template)]
#[template(path = "guides/page.html")]
struct Guides {
    p: Frame,
    shown: Shown,
    may_make_keys: bool,
}

async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let first = guides::all().next();
    let guide = match asked.parameter("client") {
        "" => first,
        id => guides::find(id),
    };
    let guide = guide.ok_or_else(|| AdminError::NotFound {
        what: format!("guide for `{}`", asked.parameter("client").escape_debug()),
    })?;
    let p = asked.frame(asked.say("Guides")).await?;
    let may_make_keys = asked.may(Area::Keys.write());
    asked.page(&Guides { p, shown: guide.shown(&asked.site, None), may_make_keys })
}

impl Guides {
    fn all(&self) -> impl Iterator<Item = &'static Guide> {
        guides::all()
    }
}
