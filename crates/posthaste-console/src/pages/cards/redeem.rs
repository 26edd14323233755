//! Redeeming a card for a client key by hand.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, Disclosed, RedemptionView};
use posthaste_core::{Area, Secret};

use crate::{BASE, asked::Asked, fields::Fields, frame::Frame, pages::reading::invalid, trouble::is_of_form};

#[derive(Template)]
#[template(path = "cards/redeem.html")]
struct Redeem<'a> {
    p: Frame,
    form: &'a Fields,
    trouble: Option<String>,
    may_write: bool,
    tab: &'static str,
}

/// The address may name a key.
pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let blank = Fields::default().with("key", asked.query.value("key"));
    show_form(&asked, StatusCode::OK, &blank, None).await
}

pub(super) async fn redeem(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let form = &asked.form;
    let redeemed: Result<RedemptionView, _> = match (form.text("code"), form.text("key")) {
        (None, _) => Err(invalid("code", "is missing")),
        (_, None) => Err(invalid("key", "is missing: whose is it?")),
        (Some(code), Some(key)) => {
            let code = Disclosed::new(Secret::new(code));
            asked.act(Command::RedeemCard { code, key: key.to_owned() }).await
        }
    };
    match redeemed {
        Ok(done) => {
            let told = asked.fill("{} has what the card gives.", &done.key_name);
            Ok(asked.done(&format!("{BASE}/cards/{}", done.card), &told))
        }
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, form, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("Redeem a card")).await?;
    let may_write = asked.may(Area::Keys.write());
    asked.page_as(status, &Redeem { p, form, trouble, may_write, tab: "redeem" })
}
