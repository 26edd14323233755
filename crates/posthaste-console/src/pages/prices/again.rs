//! Computing the costs of what is booked again, by the prices of now: looked at first, written then.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, Command, RecomputeInput, RecomputeView, RowName};
use posthaste_core::{NanoUsd, Timestamp};

use crate::{
    asked::Asked,
    fields::Fields,
    frame::Frame,
    pages::{
        reading::{invalid, moment},
        spans::DAY,
    },
    show,
    trouble::is_of_form,
};

#[derive(Template)]
#[template(path = "prices/again.html")]
struct Again<'a> {
    p: Frame,
    form: &'a Fields,
    /// What would change, or has changed.
    view: Option<RecomputeView>,
    is_done: bool,
    /// Up to when it goes: what came later than the look is not written unseen.
    until: Option<Timestamp>,
    trouble: Option<String>,
    may_write: bool,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let month = asked.now().minus(DAY.saturating_mul(30));
    let form = Fields::default().with("from", show::day(month));
    show_form(&asked, &form, StatusCode::OK, Shown::default()).await
}

/// Tells what would change.
pub(super) async fn look(asked: Arc<Asked>) -> Result<Response, AdminError> {
    answer(&asked, true).await
}

/// Writes it into the books.
pub(super) async fn apply(asked: Arc<Asked>) -> Result<Response, AdminError> {
    answer(&asked, false).await
}

/// What the page says beside its form.
#[derive(Default)]
struct Shown {
    view: Option<RecomputeView>,
    is_done: bool,
    until: Option<Timestamp>,
    trouble: Option<String>,
}

async fn answer(asked: &Asked, dry_run: bool) -> Result<Response, AdminError> {
    let form = &asked.form;
    let done = match input(form, asked.now(), dry_run) {
        Ok(input) => {
            let until = input.until;
            parts(asked, input).await.map(|view| (view, until))
        }
        Err(error) => Err(error),
    };
    match done {
        Ok((view, until)) => {
            let shown = Shown { view: Some(view), is_done: !dry_run, until: Some(until), trouble: None };
            show_form(asked, form, StatusCode::OK, shown).await
        }
        Err(error) if is_of_form(&error) => {
            let shown = Shown { trouble: Some(asked.say_error(&error)), ..Shown::default() };
            show_form(asked, form, StatusCode::UNPROCESSABLE_ENTITY, shown).await
        }
        Err(error) => Err(error),
    }
}

/// Some parts one after another: as many as a browser waits for. What is left, the next request does.
async fn parts(asked: &Asked, mut input: RecomputeInput) -> Result<RecomputeView, AdminError> {
    let mut whole = RecomputeView::default();
    for _ in 0..MOST_PARTS {
        let part: RecomputeView = asked.act(Command::RecomputeCosts(input.clone())).await?;
        whole.merge(part);
        input.after = whole.next;
        if input.after.is_none() {
            break;
        }
    }
    Ok(whole)
}

fn input(form: &Fields, now: Timestamp, dry_run: bool) -> Result<RecomputeInput, AdminError> {
    let from = at(form, "from")?.ok_or_else(|| invalid("from", "is missing: since when?"))?;
    let until = match at(form, "until")? {
        // A day counts whole.
        Some(day) if form.text("until").is_some_and(|text| text.len() == LENGTH_OF_DAY) => day.plus(DAY),
        Some(moment) => moment,
        None => now,
    };
    let after = match (form.text("after_request"), form.text("after_attempt")) {
        (Some(request), Some(attempt)) => {
            let unknown = || invalid("after", "names no row; begin from the start");
            let request = request.parse().map_err(|_| unknown())?;
            Some(RowName { request, attempt: attempt.parse().map_err(|_| unknown())? })
        }
        _ => None,
    };
    let model = form.text("model").map(str::to_owned);
    Ok(RecomputeInput { from, until, model, only_unpriced: form.ticked("only_unpriced"), dry_run, after })
}

fn at(form: &Fields, field: &'static str) -> Result<Option<Timestamp>, AdminError> {
    let Some(text) = form.text(field) else { return Ok(None) };
    let unreadable = || {
        let text = text.escape_debug();
        invalid(field, format!("`{text}` is no day such as 2027-01-31, nor 2027-01-31T12:00:00Z"))
    };
    moment(form, field).map(Some).ok_or_else(unreadable)
}

async fn show_form(
    asked: &Asked,
    form: &Fields,
    status: StatusCode,
    shown: Shown,
) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("Compute costs again")).await?;
    let Shown { view, is_done, until, trouble } = shown;
    let page = Again { p, form, view, is_done, until, trouble, may_write: true, tab: "again" };
    asked.page_as(status, &page)
}

impl Again<'_> {
    fn more(&self, before: &NanoUsd, after: &NanoUsd) -> NanoUsd {
        NanoUsd::from_nanos(after.as_nanos().saturating_sub(before.as_nanos()))
    }
}

/// Each has some thousand rows.
const MOST_PARTS: usize = 40;

/// How long `2027-01-31` is.
const LENGTH_OF_DAY: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_which_rows() {
        let now = Timestamp::from_secs(1_800_000_000);
        let read = |form: &str| input(&Fields::read(form.as_bytes()), now, true);
        let day = read("from=2027-01-01&until=2027-01-31&model=+m+&only_unpriced=on").unwrap();
        assert_eq!(day.from.to_string(), "2027-01-01T00:00:00Z");
        assert_eq!(day.until.to_string(), "2027-02-01T00:00:00Z", "the last day counts whole");
        assert_eq!((day.model.as_deref(), day.only_unpriced, day.after), (Some("m"), true, None));
        let open = read("from=2027-01-01T10:00:00Z").unwrap();
        assert_eq!((open.until, open.from < open.until), (now, true));
        let exact = read("from=2027-01-01&until=2027-01-31T10:00:00Z").unwrap();
        assert_eq!(exact.until.to_string(), "2027-01-31T10:00:00Z");
        for (form, field) in [("", "from"), ("from=May", "from"), ("from=2027-01-01&until=x", "until")] {
            let error = read(form).unwrap_err();
            assert!(matches!(error, AdminError::Invalid { field: found, .. } if found == field), "{error}");
        }
    }
}
