//! The latest requests for people.

use posthaste_admin::RequestSummary;

use super::told::took;
use crate::cli::output;

pub(super) fn table(requests: &[RequestSummary]) -> String {
    if requests.is_empty() {
        return "no requests are on record".to_owned();
    }
    let mut table =
        output::table(&["RECEIVED", "CLIENT KEY", "MODEL", "ANSWER", "BY", "ATTEMPTS", "TOOK", "ID"]);
    for request in requests {
        table.add_row([
            request.received_at.to_string().chars().take(19).collect(),
            request.key.clone().unwrap_or_else(|| "(removed)".to_owned()),
            request.model.to_string(),
            answer(request),
            served_by(request),
            request.attempts.to_string(),
            took(request.took_us),
            request.id.to_string(),
        ]);
    }
    table.to_string()
}

fn answer(request: &RequestSummary) -> String {
    let status = request.status.map(|status| status.to_string());
    let parts: Vec<_> = status.into_iter().chain(request.fault.clone()).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn served_by(request: &RequestSummary) -> String {
    let served = request.served_by.as_ref();
    served.map_or_else(
        || "-".to_owned(),
        |account| account.name.clone().unwrap_or_else(|| account.id.to_string()),
    )
}
