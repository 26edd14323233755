//! Sums over attempts for people.

use posthaste_admin::UsageTotals;

use super::output;

/// A table of sums, each under its names.
pub(super) fn table<'a>(
    names: &[&str],
    rows: impl Iterator<Item = (Vec<String>, &'a UsageTotals)>,
) -> String {
    let mut table = output::table(&[names, SUMS].concat());
    for (mut cells, totals) in rows {
        let usage = &totals.usage;
        cells.extend([
            totals.attempts.to_string(),
            totals.completed.to_string(),
            usage.input.to_string(),
            usage.output.to_string(),
            usage.cache_read.to_string(),
            usage.cache_write_5m.saturating_add(usage.cache_write_1h).to_string(),
            totals.cost.clone(),
            totals.billed.clone(),
            totals.estimated.to_string(),
            totals.unpriced.to_string(),
        ]);
        table.add_row(cells);
    }
    table.to_string()
}

/// What the sums do not say by themselves; empty where they say it all.
pub(super) fn remarks(totals: &UsageTotals) -> String {
    let mut text = String::new();
    if totals.unpriced > 0 {
        let unpriced =
            output::counted(totals.unpriced, "attempt has no known price", "attempts have no known price");
        text.push_str(&format!("\nnot in the cost: {unpriced}"));
    }
    if totals.estimated > 0 {
        let estimated = output::counted(totals.estimated, "attempt", "attempts");
        text.push_str(&format!("\nthe tokens of {estimated} are estimated"));
    }
    text
}

const SUMS: &[&str] = &[
    "ATTEMPTS",
    "COMPLETED",
    "INPUT",
    "OUTPUT",
    "CACHE READ",
    "CACHE WRITE",
    "COST",
    "BILLED",
    "ESTIMATED",
    "UNPRICED",
];
