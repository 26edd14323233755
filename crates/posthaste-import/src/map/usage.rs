//! Opening balances: what client keys used there, as roll-ups of [`AccountId::CARRIED_OVER`].
//!
//! The predecessor counts by model for days (32 of them), months (12) and in all, and has totals beside. What it does not tell
//! apart any more stands on the first day that it may belong to: the rest of a month on its first day, the rest of a model's and
//! the key's totals on the day on which the key was made, or that of the earliest count. So every sum is as it was there, and
//! the sums by day and by month agree with each other. Days are taken by their dates: the predecessor's calendar has one time
//! zone, the books' is UTC.

use std::collections::BTreeMap;

use posthaste_core::{AccountId, ModelName, NanoUsd, ProviderKind, Timestamp, Usage};
use posthaste_storage::{RollupKey, RollupPeriod, RollupRow, Sums};

use super::WantedKey;
use crate::{
    found::{Counts, Found, FoundUsage},
    ids,
};

/// The roll-ups of all keys.
pub(super) fn rollups(found: &Found, keys: &[WantedKey]) -> Vec<RollupRow> {
    let usage: BTreeMap<_, _> =
        found.usage.iter().map(|(id, usage)| (ids::stable("client key", id), usage)).collect();
    let mut rollups = Vec::new();
    for wanted in keys {
        let Some(usage) = usage.get(&wanted.key.id.uuid()) else { continue };
        let mut sums: BTreeMap<RollupKey, Sums> = BTreeMap::new();
        for ((day, model), counts) in leaves(usage, wanted.key.created_at) {
            for period in [RollupPeriod::Day, RollupPeriod::Month] {
                let key = RollupKey {
                    period,
                    start: period.start_of(day),
                    key_id: wanted.key.id,
                    account_id: AccountId::CARRIED_OVER,
                    model: model.clone(),
                    owner: wanted.key.policy.owner,
                    provider: provider_of(model.as_str()),
                };
                sums.entry(key).or_default().merge(&sums_of(&counts));
            }
        }
        rollups.extend(sums.into_iter().map(|(key, sums)| RollupRow { key, sums }));
    }
    rollups
}

/// Counts by day and model that add up to everything.
fn leaves(usage: &FoundUsage, created_at: Timestamp) -> BTreeMap<(Timestamp, ModelName), Counts> {
    let mut leaves: BTreeMap<(Timestamp, ModelName), Counts> = BTreeMap::new();
    let mut by_model: BTreeMap<&str, Counts> = BTreeMap::new();
    let mut by_month: BTreeMap<(&str, &str), Counts> = BTreeMap::new();
    let add = |leaves: &mut BTreeMap<_, Counts>, day: Timestamp, model: &str, counts: &Counts| {
        if let Some(model) = ModelName::parse(model).ok().filter(|_| *counts != Counts::default()) {
            leaves.entry((day, model)).or_default().add(counts);
        }
    };
    for ((date, model), counts) in &usage.days {
        let Some(day) = start(date) else { continue };
        add(&mut leaves, day, model, counts);
        by_month.entry((date.get(..7).unwrap_or(date), model)).or_default().add(counts);
        by_model.entry(model).or_default().add(counts);
    }
    for ((month, model), counts) in &usage.months {
        let Some(day) = start(&format!("{month}-01")) else { continue };
        let known = by_month.get(&(month.as_str(), model.as_str())).copied().unwrap_or_default();
        let rest = counts.less(&known);
        add(&mut leaves, day, model, &rest);
        by_model.entry(model).or_default().add(&rest);
    }
    let first = RollupPeriod::Day.start_of(created_at);
    let first = leaves.keys().map(|(day, _)| *day).chain([first]).min().unwrap_or(first);
    for (model, counts) in &usage.all_time {
        let rest = counts.less(&by_model.get(model.as_str()).copied().unwrap_or_default());
        add(&mut leaves, first, model, &rest);
        by_model.entry(model).or_default().add(&rest);
    }
    let mut told = Counts::default();
    by_model.values().for_each(|counts| told.add(counts));
    add(&mut leaves, first, UNTOLD, &usage.total.less(&told));
    leaves
}

/// The first moment of a date.
fn start(date: &str) -> Option<Timestamp> {
    format!("{date}T00:00:00Z").parse().ok()
}

fn sums_of(counts: &Counts) -> Sums {
    let cache_write_1h = counts.cache_write_1h.min(counts.cache_write);
    Sums {
        attempts: counts.requests,
        completed: counts.requests,
        usage: Usage {
            input: counts.input,
            output: counts.output,
            cache_read: counts.cache_read,
            cache_write_5m: counts.cache_write - cache_write_1h,
            cache_write_1h,
            ..Usage::NONE
        },
        cost: NanoUsd::from_nanos(counts.cost),
        billed: NanoUsd::from_nanos(counts.billed),
        ..Sums::default()
    }
}

/// Whose a model is, by its name: the predecessor's counts do not say who served it.
fn provider_of(model: &str) -> ProviderKind {
    let model = model.to_ascii_lowercase();
    let has = |word| model.contains(word);
    if has("claude") {
        ProviderKind::Anthropic
    } else if has("gemini") {
        ProviderKind::Gemini
    } else if has("gpt") || has("codex") || model.starts_with(['o']) {
        ProviderKind::OpenAi
    } else {
        ProviderKind::OpenAiCompatible
    }
}

/// What is known in all only.
const UNTOLD: &str = "carried-over";

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(requests: u64, input: u64, billed: i64) -> Counts {
        Counts { requests, input, billed, cost: billed, ..Counts::default() }
    }

    #[test]
    fn days_add_up_to_months_and_everything_to_the_total() {
        let key = |span: &str, model: &str| (span.to_owned(), model.to_owned());
        let usage = FoundUsage {
            total: counts(100, 1_000, 50),
            all_time: BTreeMap::from([("a".to_owned(), counts(60, 700, 30))]),
            months: BTreeMap::from([
                (key("2026-11", "a"), counts(10, 100, 9)),
                (key("2026-10", "a"), counts(20, 200, 8)),
            ]),
            days: BTreeMap::from([(key("2026-11-05", "a"), counts(4, 40, 5))]),
            ..FoundUsage::default()
        };
        let leaves = leaves(&usage, "2026-03-04T05:06:07Z".parse().unwrap());
        let told: Vec<_> = leaves
            .iter()
            .map(|((day, model), counts)| {
                (day.to_string(), model.as_str(), counts.requests, counts.input, counts.billed)
            })
            .collect();
        let day = |date: &str| format!("{date}T00:00:00Z");
        assert_eq!(
            told,
            [
                (day("2026-03-04"), "a", 30, 400, 13),
                (day("2026-03-04"), "carried-over", 40, 300, 20),
                (day("2026-10-01"), "a", 20, 200, 8),
                (day("2026-11-01"), "a", 6, 60, 4),
                (day("2026-11-05"), "a", 4, 40, 5),
            ]
        );
    }

    #[test]
    fn nothing_is_no_leaf_and_a_key_younger_than_its_use_changes_nothing() {
        assert!(leaves(&FoundUsage::default(), Timestamp::EPOCH).is_empty());
        let usage = FoundUsage {
            total: counts(5, 5, 5),
            days: BTreeMap::from([(("2026-11-05".to_owned(), "a".to_owned()), counts(4, 4, 4))]),
            ..FoundUsage::default()
        };
        let leaves = leaves(&usage, "2026-11-20T00:00:00Z".parse().unwrap());
        assert!(leaves.keys().all(|(day, _)| day.to_string() == "2026-11-05T00:00:00Z"));
        assert_eq!(leaves.len(), 2);
    }
}
