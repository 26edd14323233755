//! The form of a pool: what it says, and what it is filled with.

use posthaste_admin::{AdminError, NewPool, PoolChange, PoolView, RulesChange, length_text, limit_text};
use posthaste_core::{RetryPolicy, Strategy};

use crate::{
    edited::{Kept, Labels},
    fields::Fields,
    pages::reading::{invalid, limits, millis, seconds},
};

pub(super) fn new_pool(form: &Fields) -> Result<NewPool, AdminError> {
    Ok(NewPool { name: form.value("name").trim().to_owned(), rules: rules(form)?, limits: limits(form)? })
}

pub(super) fn change(form: &Fields) -> Result<PoolChange, AdminError> {
    Ok(PoolChange {
        name: Some(form.value("name").trim().to_owned()),
        rules: rules(form)?,
        limits: Some(limits(form)?),
    })
}

/// What the form says of a pool as it is.
pub(super) fn filled(pool: &PoolView) -> Fields {
    let rules = &pool.rules;
    let limits: Vec<_> = pool.limits.iter().map(limit_text).collect();
    let mut form = Fields::default()
        .with("name", &pool.name)
        .with("strategy", rules.strategy.as_str())
        .with("retry", rules.retry.as_str())
        .with("patience", patience_text(rules.patience_ms))
        .with("affinity_ttl", length_text(rules.affinity.ttl_seconds))
        .with("limits", limits.join("\n"));
    for (name, is_on) in [("affinity", rules.affinity.enabled), ("affinity_renews", rules.affinity.renew)] {
        if is_on {
            form = form.with(name, "on");
        }
    }
    form
}

/// The pool as its form has it.
pub(super) fn kept(pool: &PoolView, version: Option<u64>) -> Kept {
    Kept { fields: filled(pool), version, labels: LABELS, target: pool.id.to_string() }
}

const LABELS: Labels = &[
    ("name", text("Name")),
    ("strategy", text("Who comes first among equal priority")),
    ("retry", text("Trying again")),
    ("patience", text("How long requests wait while all are limited")),
    ("affinity", text("They stay with the account that holds their prompt cache")),
    ("affinity_ttl", text("Remembered for")),
    ("affinity_renews", text("Each request renews that time")),
    ("limits", text("Limits")),
];

fn rules(form: &Fields) -> Result<RulesChange, AdminError> {
    let strategy = form.text("strategy").map(|word| {
        Strategy::parse(word).ok_or_else(|| invalid("strategy", format!("`{word}` is none that there is")))
    });
    let retry = form.text("retry").map(|word| {
        RetryPolicy::parse(word).ok_or_else(|| invalid("retry", format!("`{word}` is none that there is")))
    });
    Ok(RulesChange {
        strategy: strategy.transpose()?,
        retry: retry.transpose()?,
        // A field that was emptied means that nobody waits.
        patience_ms: Some(millis(form, "patience")?.unwrap_or(0)),
        affinity: Some(form.ticked("affinity")),
        affinity_ttl_seconds: seconds(form, "affinity_ttl")?,
        affinity_renews: Some(form.ticked("affinity_renews")),
    })
}

/// A span as the form takes it.
pub(super) fn patience_text(millis: u64) -> String {
    if millis.is_multiple_of(1_000) { length_text(millis / 1_000) } else { format!("{millis}ms") }
}

pub(crate) fn strategy_words(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::LeastRecentlyUsed => text("whoever was used the longest time ago"),
        Strategy::RoundRobin => text("one after another"),
        Strategy::Sequential => text("the first one until it cannot, then the next"),
        Strategy::Weighted => text("in proportion to their weights"),
        Strategy::LeastBusy => text("whoever serves the fewest requests now"),
        Strategy::PeakEwma => text("the quicker of two drawn by lot"),
        Strategy::LowestCost => text("whoever costs least for the model"),
        Strategy::Hybrid => text("by health, tokens left and freshness"),
        Strategy::QuotaPaced => text("whose quota would be lost soonest"),
    }
}

pub(super) fn retry_words(retry: RetryPolicy) -> &'static str {
    match retry {
        RetryPolicy::Aggressive => text("more attempts, shorter pauses"),
        RetryPolicy::Balanced => text("as the relay's settings say"),
        RetryPolicy::Conservative => text("two attempts, never at the same account"),
    }
}

/// Marks a text that pages say in the reader's language.
const fn text(text: &'static str) -> &'static str {
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_all_of_a_pool() {
        let form = Fields::read(
            b"name=main&strategy=weighted&retry=conservative&patience=1500ms&affinity=on&affinity_ttl=2h\
              &limits=cost%3D20/day",
        );
        let new = new_pool(&form).unwrap();
        assert_eq!((new.name.as_str(), new.limits.len()), ("main", 1));
        let RulesChange { strategy, retry, patience_ms, affinity, affinity_ttl_seconds, affinity_renews } =
            new.rules;
        assert_eq!((strategy, retry), (Some(Strategy::Weighted), Some(RetryPolicy::Conservative)));
        assert_eq!((patience_ms, affinity_ttl_seconds), (Some(1_500), Some(7_200)));
        assert_eq!((affinity, affinity_renews), (Some(true), Some(false)));
        assert_eq!((patience_text(1_500), patience_text(30_000)), ("1500ms".to_owned(), "30s".to_owned()));
    }

    #[test]
    fn what_is_wrong_names_its_field() {
        for (text, field) in [
            ("strategy=luck", "strategy"),
            ("retry=never", "retry"),
            ("patience=long", "patience"),
            ("limits=a", "limits"),
        ] {
            let error = change(&Fields::read(text.as_bytes())).unwrap_err();
            assert!(matches!(error, AdminError::Invalid { field: found, .. } if found == field), "{text}");
        }
    }
}
