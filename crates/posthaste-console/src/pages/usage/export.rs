//! The same sums as the page shows, as a file for spreadsheets and programs.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use http::{HeaderValue, header};
use posthaste_admin::{AdminError, Command, StatsInput, StatsView, stats_table};

use super::question::Question;
use crate::{BASE, asked::Asked, fields::Fields, show};

/// Where the file is for what a query asks.
pub(super) fn href(query: &Fields, format: &str) -> String {
    format!("{BASE}/usage/export{}", query.clone().set("format", format).to_query())
}

/// Sends all rows, also those that are too many for the page: `format=json`, or a table.
pub(super) async fn send(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let asks = Question::read(&asked.query, asked.now());
    // As many as the service tells; where those are not all, there is no table.
    let input = StatsInput { top: None, ..asks.stats(&asked.query) };
    let told: StatsView = asked.act(Command::Stats(input)).await?;
    let is_json = asked.query.is("format", "json");
    let (kind, ending, text) = if is_json {
        let text =
            serde_json::to_string_pretty(&told).map_err(|error| AdminError::internal("a file", error))?;
        ("application/json", "json", text)
    } else {
        ("text/csv; charset=utf-8", "csv", stats_table(&told)?)
    };
    let name = format!("attachment; filename=\"usage-{}.{ending}\"", show::day(asked.now()));
    let name = HeaderValue::try_from(name).map_err(|error| AdminError::internal("a file", error))?;
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}
