//! Taking over a list of prices, from a text or an address: looked at first, taken then.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{AdminError, AmountChange, Command, PriceUpdateInput, PriceUpdateView, PriceView};
use posthaste_core::NanoUsd;

use super::form::amount;
use crate::{BASE, asked::Asked, fields::Fields, frame::Frame, pages::reading::invalid, trouble::is_of_form};

#[derive(Template)]
#[template(path = "prices/takeover.html")]
struct TakeOver<'a> {
    p: Frame,
    form: &'a Fields,
    /// What the list would change.
    view: Option<PriceUpdateView>,
    trouble: Option<String>,
    may_write: bool,
    tab: &'static str,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    show_form(&asked, StatusCode::OK, None, None).await
}

/// Tells what the list would change.
pub(super) async fn look(asked: Arc<Asked>) -> Result<Response, AdminError> {
    match seen(&asked).await {
        Ok(view) => show_form(&asked, StatusCode::OK, Some(view), None).await,
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            show_form(&asked, StatusCode::UNPROCESSABLE_ENTITY, None, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

/// Takes the list that was looked at, and no other.
pub(super) async fn take(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let taken: Result<PriceUpdateView, _> = match input(&asked.form) {
        Ok(input) => {
            let digest = Some(asked.form.value("digest").to_owned());
            let accept_leaps = asked.form.ticked("accept_leaps");
            asked.act(Command::UpdatePrices(PriceUpdateInput { digest, accept_leaps, ..input })).await
        }
        Err(error) => Err(error),
    };
    match taken {
        Ok(view) => {
            let told = asked.fill(
                "The list is taken: relays count by its {} models from the next request on. What is booked stays as it is.",
                view.models,
            );
            Ok(asked.done(&format!("{BASE}/prices"), &told))
        }
        Err(error) if is_of_form(&error) => {
            let said = asked.say_error(&error);
            // What the list is now, so that it can be looked at again; where it is none any more, the error says so.
            let view = seen(&asked).await.ok();
            show_form(&asked, StatusCode::CONFLICT, view, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

async fn seen(asked: &Asked) -> Result<PriceUpdateView, AdminError> {
    let input = input(&asked.form)?;
    asked.act(Command::UpdatePrices(PriceUpdateInput { dry_run: true, ..input })).await
}

fn input(form: &Fields) -> Result<PriceUpdateInput, AdminError> {
    let list = form.text("list").map(|text| {
        serde_json::from_str(text).map_err(|error| invalid("list", format!("is no JSON object: {error}")))
    });
    Ok(PriceUpdateInput {
        list: list.transpose()?,
        url: form.text("url").map(str::to_owned),
        allow_private: form.ticked("allow_private"),
        source: form.text("source").map(str::to_owned),
        ..PriceUpdateInput::default()
    })
}

async fn show_form(
    asked: &Asked,
    status: StatusCode,
    view: Option<PriceUpdateView>,
    trouble: Option<String>,
) -> Result<Response, AdminError> {
    let p = asked.frame(asked.say("Take over a list of prices")).await?;
    let form = &asked.form;
    asked.page_as(status, &TakeOver { p, form, view, trouble, may_write: true, tab: "update" })
}

impl TakeOver<'_> {
    fn is_in_force(&self, view: &PriceUpdateView) -> bool {
        view.added.is_empty() && view.changed.is_empty() && view.dropped.is_empty()
    }

    fn leaps(&self, view: &PriceUpdateView) -> usize {
        view.changed.iter().filter(|change| change.leap).count()
    }

    /// The first of many: a list may have thousands.
    fn first<'a, T>(&self, rows: &'a [T]) -> &'a [T] {
        rows.get(..SHOWN).unwrap_or(rows)
    }

    fn others<T>(&self, rows: &[T]) -> usize {
        rows.len().saturating_sub(SHOWN)
    }

    fn name(&self, price: &PriceView) -> String {
        let route = price.route.as_ref().map(|route| format!(" ({route})")).unwrap_or_default();
        format!("{}/{}{route}", price.provider, price.model)
    }

    /// A factor in thousandths, where the amount is one and no price.
    fn factor(&self, change: &AmountChange, side: &Option<u64>) -> Option<String> {
        let thousandths = side.filter(|_| matches!(&*change.what, "us" | "fast"))?;
        Some(format!("× {}.{:03}", thousandths / 1_000, thousandths % 1_000))
    }

    fn dollars(&self, nanos: &u64) -> NanoUsd {
        amount(*nanos)
    }
}

/// Rows of each table.
const SHOWN: usize = 300;
