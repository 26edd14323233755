//! What the relay calls itself.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, BrandingChange, BrandingView, Command};
use posthaste_core::Area;

use crate::{
    BASE,
    asked::Asked,
    edited::{Edited, Kept, Labels},
    fields::Fields,
    frame::Frame,
    trouble::is_of_form,
};

#[derive(Template)]
#[template(path = "settings/branding.html")]
struct Branded<'a> {
    p: Frame,
    form: &'a Fields,
    now: BrandingView,
    edited: Edited,
    may_write: bool,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let now: BrandingView = asked.act(Command::ShowBranding).await?;
    let kept = kept(&now);
    show_form(&asked, StatusCode::OK, &kept.fields, now, kept.opened()).await
}

pub(super) async fn change(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let form = &asked.form;
    let change = BrandingChange {
        version: form.text("version").and_then(|version| version.parse().ok()),
        site_name: Some(form.value("site_name").trim().to_owned()),
        site_icon: Some(form.value("site_icon").split_whitespace().collect()),
        show_admin_button: Some(form.ticked("show_admin_button")),
        // Browsers end lines with two characters.
        notice: Some(form.value("notice").replace("\r\n", "\n")),
    };
    match asked.act::<BrandingView>(Command::SetBranding(change)).await {
        Ok(now) => {
            let told = asked.fill("Saved {}.", &now.branding.site_name);
            Ok(asked.done(&format!("{BASE}/settings/branding"), &told))
        }
        Err(error) if is_of_form(&error) => {
            let now: BrandingView = asked.act(Command::ShowBranding).await?;
            let edited = kept(&now).refused(&asked, form, &error).await?;
            show_form(&asked, StatusCode::CONFLICT, form, now, edited).await
        }
        Err(error) => Err(error),
    }
}

fn filled(now: &BrandingView) -> Fields {
    let branding = &now.branding;
    let form = Fields::default()
        .with("site_name", &branding.site_name)
        .with("site_icon", &branding.site_icon)
        .with("notice", &branding.notice);
    if branding.show_admin_button { form.with("show_admin_button", "on") } else { form }
}

fn kept(now: &BrandingView) -> Kept {
    let target = now.branding.site_name.clone();
    Kept { fields: filled(now), version: Some(now.version), labels: LABELS, target }
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    now: BrandingView,
    edited: Edited,
) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("Name and icon")).await?;
    let may_write = asked.may(Area::Settings.write());
    asked.page_as(status, &Branded { p, form, now, edited, may_write, tab: "branding" })
}

const LABELS: Labels = &[
    ("site_name", text("Name")),
    ("site_icon", text("Icon")),
    ("notice", text("Notice for holders of keys, at the top of their page")),
    ("show_admin_button", text("Pages for holders of keys lead to the log-in of operators")),
];

/// Marks a text that pages say in the reader's language.
const fn text(text: &'static str) -> &'static str {
    text
}
