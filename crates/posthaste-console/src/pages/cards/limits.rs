//! How much cards can add up to.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, CardLimitsChange, Command, parse_dollars};
use posthaste_core::{Area, CardLimits};

use super::dollars;
use crate::{BASE, asked::Asked, fields::Fields, frame::Frame, pages::reading::invalid, trouble::is_of_form};

#[derive(Template)]
#[template(path = "cards/limits.html")]
struct Limits<'a> {
    p: Frame,
    form: &'a Fields,
    now: CardLimits,
    trouble: Option<String>,
    /// Whether whoever asks may change them: that takes more than making cards does.
    may_set: bool,
    may_write: bool,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let now: CardLimits = asked.act(Command::ShowCardLimits).await?;
    let filled = filled(&now);
    show_form(&asked, StatusCode::OK, &filled, now, None).await
}

pub(super) async fn set(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let set: Result<CardLimits, _> = match changed(&asked.form) {
        Ok(change) => asked.act(Command::SetCardLimits(change)).await,
        Err(error) => Err(error),
    };
    match set {
        Ok(_) => Ok(asked.done(&format!("{BASE}/cards/limits"), asked.say("These limits hold from now on."))),
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            let now: CardLimits = asked.act(Command::ShowCardLimits).await?;
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, now, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

/// What was typed over what the page showed, so that nobody undoes what somebody else said of the other one.
fn changed(form: &Fields) -> Result<CardLimitsChange, AdminError> {
    let typed = |field: &str, was: &str| form.text(field) != form.text(was);
    let quota = || match form.text("most_quota") {
        None => Ok(0),
        Some(text) => {
            let text = text.trim_start_matches('$');
            parse_dollars(text).map_err(|message| invalid("most_quota", message))
        }
    };
    let days = || match form.text("most_days") {
        None => Ok(0),
        Some(text) => text.parse().map_err(|_| invalid("most_days", "is a number of days, such as 365")),
    };
    Ok(CardLimitsChange {
        most_quota: typed("most_quota", "was_quota").then(quota).transpose()?,
        most_days: typed("most_days", "was_days").then(days).transpose()?,
    })
}

fn filled(now: &CardLimits) -> Fields {
    let quota = dollars(now.most_quota).to_string();
    let quota = if now.most_quota == 0 { "" } else { quota.trim_start_matches('$') };
    let days = if now.most_days == 0 { String::new() } else { now.most_days.to_string() };
    Fields::default().with("most_quota", quota).with("most_days", days)
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    now: CardLimits,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("Limits of cards")).await?;
    let (may_set, may_write) = (asked.may(Area::Settings.write()), asked.may(Area::Keys.write()));
    asked.page_as(status, &Limits { p, form, now, trouble, may_set, may_write, tab: "limits" })
}

impl Limits<'_> {
    /// What holds now, as its field says it.
    fn was(&self) -> Fields {
        filled(&self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_typed_changes() {
        let change = |form: &str| changed(&Fields::read(form.as_bytes()));
        let same = change("most_quota=5&was_quota=5&most_days=&was_days=").unwrap();
        assert_eq!(same, CardLimitsChange::default());
        let some = change("most_quota=7.5&was_quota=5&most_days=30&was_days=30").unwrap();
        assert_eq!((some.most_quota, some.most_days), (Some(7_500_000_000), None));
        let emptied = change("most_quota=&was_quota=5&most_days=&was_days=30").unwrap();
        assert_eq!((emptied.most_quota, emptied.most_days), (Some(0), Some(0)));
        for (form, field) in [("most_quota=lots", "most_quota"), ("most_days=-1", "most_days")] {
            let error = change(form).unwrap_err();
            assert!(matches!(error, AdminError::Invalid { field: found, .. } if found == field), "{error}");
        }
    }
}
