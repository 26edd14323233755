//! The table of a simulation.

use std::fmt::Write;

use super::{
    Setting,
    policy::Policy,
    tally::{Tally, ratio},
};

/// One policy's counts in one line.
pub(crate) fn line(policy: Policy, tally: &Tally) -> String {
    let served = tally.served.max(1);
    format!(
        "| {policy:<20} | {:.2} | {:.2} | {:.1} | {:.1} | {:.3} | {:.1} ({}) | {:.1} ({}) | {:.2} | {} |",
        100.0 * tally.hit_rate(),
        1_000.0 * tally.refusal_rate(),
        1_000.0 * ratio(tally.wasted, tally.requests),
        1_000.0 * ratio(tally.moves, tally.requests),
        tally.fairness,
        100.0 * tally.five_hours_unused,
        thousands(tally.five_hours_lost),
        100.0 * tally.weeks_unused,
        thousands(tally.weeks_lost),
        tally.cost as f64 / served as f64 / 1_000_000.0,
        tally.first_token_ms / served,
    )
}

/// Thousands of dollars.
fn thousands(nanos: u128) -> String {
    format!("{:.0}", nanos as f64 / 1e12)
}

/// All policies.
pub(crate) fn table(setting: &Setting, rows: &[(Policy, Tally)]) -> String {
    let Setting { conversations, accounts, days, load, seed } = setting;
    let requests = rows.first().map_or(0, |(_, tally)| tally.requests);
    let mut text = format!(
        "Load {load} %: {conversations} conversations of {requests} requests over {days} days at {accounts} accounts, seed {seed}; \
         all invariants held after each step.\n\n"
    );
    text.push_str(HEAD);
    for (policy, tally) in rows {
        let _ = writeln!(text, "{}", line(*policy, tally));
    }
    text
}

const HEAD: &str = "\
| policy | cache hits, % of input tokens | refused, ‰ | wasted attempts, ‰ | warm moves, ‰ | fairness (Jain) | 5 h windows unused, % (k$) | weeks unused, % (k$) | cost a request, m$ | first token, ms |
|---|---|---|---|---|---|---|---|---|---|
";
