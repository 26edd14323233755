//! Making cards. Their codes are shown once.

use std::sync::Arc;

use askama::Template;
use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use posthaste_admin::{AdminError, Command, CreatedCard, NewCards, parse_dollars};
use posthaste_core::Timestamp;

use super::gift;
use crate::{
    asked::Asked,
    fields::Fields,
    frame::Frame,
    pages::{
        keys::csv_cell,
        reading::{invalid, moment, seconds},
    },
    trouble::is_of_form,
};

#[derive(Template)]
#[template(path = "cards/new.html")]
struct New<'a> {
    p: Frame,
    form: &'a Fields,
    trouble: Option<String>,
}

#[derive(Template)]
#[template(path = "cards/made.html")]
struct Made {
    p: Frame,
    made: usize,
    gives: String,
    expires_at: Option<Timestamp>,
    /// A line each.
    codes: String,
    /// The same with what they give, for a table.
    table: String,
}

pub(super) async fn show_new(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let blank = Fields::default().with("count", "1");
    show(&asked, StatusCode::OK, &blank, None).await
}

pub(super) async fn create(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let made: Result<Vec<CreatedCard>, _> = match new_cards(&asked.form) {
        Ok(new) => asked.act(Command::CreateCards(new)).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(made) => {
            let p = asked.frame(asked.say("New cards")).await?;
            let first = made.first().map(|card| &card.view);
            let gives = first.map(|card| gift(&card.gives)).unwrap_or_default();
            let expires_at = first.and_then(|card| card.expires_at);
            let codes = made.iter().map(|card| card.code.secret().expose()).collect::<Vec<_>>().join("\n");
            asked.page(&Made { p, made: made.len(), gives, expires_at, codes, table: table(&made) })
        }
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show(&asked, StatusCode::UNPROCESSABLE_ENTITY, &asked.form, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

/// The table that the page before has shown, as a file. Nobody but that page has the codes, so that it has to send them.
pub(super) async fn csv(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let mut response = Response::new(Body::from(asked.form.value("table").to_owned()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let name = HeaderValue::from_static("attachment; filename=\"redemption-cards.csv\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    std::future::ready(Ok(response)).await
}

fn new_cards(form: &Fields) -> Result<NewCards, AdminError> {
    let count = form.text("count").map(str::parse).transpose();
    let count = count.map_err(|_| invalid("count", "is how many cards, from 1 to 100"))?;
    let quota = form
        .text("quota")
        .map(|text| parse_dollars(text.trim_start_matches('$')).map_err(|message| invalid("quota", message)));
    let expires_at = match form.text("expires_at") {
        None => None,
        Some(text) => Some(moment(form, "expires_at").ok_or_else(|| {
            let text = text.escape_debug();
            invalid("expires_at", format!("`{text}` is no day such as 2027-01-31, nor 2027-01-31T12:00:00Z"))
        })?),
    };
    Ok(NewCards {
        count,
        quota: quota.transpose()?.unwrap_or(0),
        seconds: seconds(form, "time")?.unwrap_or(0),
        expires_at,
        note: form.value("note").trim().to_owned(),
    })
}

fn table(made: &[CreatedCard]) -> String {
    made.iter().fold("code,gives,redeemable_until,remarks\n".to_owned(), |mut table, card| {
        let until = card.view.expires_at.map(|at| at.to_string()).unwrap_or_default();
        let cells = [card.code.secret().expose(), &gift(&card.view.gives), &until, &card.view.note];
        table.push_str(&cells.map(csv_cell).join(","));
        table.push('\n');
        table
    })
}

async fn show(
    asked: &Asked,
    status: StatusCode,
    form: &Fields,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("New cards")).await?;
    asked.page_as(status, &New { p, form, trouble })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_all_of_the_cards() {
        let form = b"count=3&quota=%242.50&time=30d&expires_at=2027-01-31&note=+May+";
        let new = new_cards(&Fields::read(form)).unwrap();
        assert_eq!((new.count, new.quota, new.seconds), (Some(3), 2_500_000_000, 2_592_000));
        assert_eq!(new.expires_at.map(|at| at.to_string()).as_deref(), Some("2027-01-31T00:00:00Z"));
        assert_eq!(new.note, "May");
        for (form, field) in [
            ("count=x", "count"),
            ("quota=lots", "quota"),
            ("time=long", "time"),
            ("expires_at=May", "expires_at"),
        ] {
            let error = new_cards(&Fields::read(form.as_bytes())).unwrap_err();
            assert!(matches!(error, AdminError::Invalid { field: found, .. } if found == field), "{error}");
        }
    }
}
