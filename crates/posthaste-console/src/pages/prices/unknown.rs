//! Models that were used and have no price.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, Command, PriceStatus, UnpricedModel};
use posthaste_core::Area;

use crate::{asked::Asked, fields::Fields, frame::Frame};

#[derive(Template)]
#[template(path = "prices/unknown.html")]
struct Unknown {
    p: Frame,
    models: Vec<UnpricedModel>,
    status: PriceStatus,
    may_write: bool,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let models: Vec<UnpricedModel> = asked.act(Command::ListUnpriced).await?;
    let status: PriceStatus = asked.act(Command::PriceStatus).await?;
    let p = asked.frame(asked.say("Models without a price")).await?;
    let may_write = asked.may(Area::Settings.write());
    asked.page(&Unknown { p, models, status, may_write, tab: "unknown" })
}

impl Unknown {
    /// Where the model gets a price.
    fn own(&self, model: &UnpricedModel) -> String {
        let query = Fields::default().set("provider", &model.provider).set("model", model.model.as_str());
        format!("{}/prices/own/new{}", self.p.base(), query.to_query())
    }
}
