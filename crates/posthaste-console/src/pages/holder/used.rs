//! What a client key used, as its holder's page shows it.

use std::collections::BTreeMap;

use posthaste_admin::{DayUsage, UsageTotals};
use posthaste_core::{NanoUsd, Timestamp};

use crate::{pages::spans::DAY, show::written};

/// For which time the chart is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    Week,
    Month,
    Year,
}

/// A bar of the chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) requests: u64,
    pub(super) prompt: u64,
    pub(super) output: u64,
    pub(super) cost: NanoUsd,
}

impl Range {
    pub(super) const ALL: [Self; 3] = [Self::Week, Self::Month, Self::Year];

    pub(super) fn of(word: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|range| Some(range.word()) == word).unwrap_or(Self::Month)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Year => "12m",
        }
    }

    fn days(self) -> u32 {
        match self {
            Self::Week => 7,
            Self::Month => 30,
            Self::Year => 365,
        }
    }

    /// When it began: today is its last day.
    pub(super) fn since(self, now: Timestamp) -> Timestamp {
        now.minus(DAY * (self.days() - 1))
    }

    /// A bar for each day, or each month of a year, those without use as well.
    pub(super) fn bars(self, used: &[DayUsage], now: Timestamp) -> Vec<Bar> {
        let form = if self == Self::Year { "%Y-%m" } else { "%Y-%m-%d" };
        let days = (0..self.days()).map(|back| now.minus(DAY * back));
        let mut bars: BTreeMap<String, Bar> = days.map(|day| (written(day, form), Bar::default())).collect();
        let first = written(self.since(now), "%Y-%m-%d");
        for day in used.iter().filter(|used| written(used.day, "%Y-%m-%d") >= first) {
            if let Some(bar) = bars.get_mut(&written(day.day, form)) {
                bar.add(&day.totals);
            }
        }
        // Of a day its year goes without saying.
        let label = |name: String| if self == Self::Year { name } else { name[YEAR..].to_owned() };
        bars.into_iter().map(|(name, bar)| Bar { label: label(name), ..bar }).collect()
    }
}

impl Bar {
    fn add(&mut self, totals: &UsageTotals) {
        self.requests = self.requests.saturating_add(totals.attempts);
        self.prompt = self.prompt.saturating_add(totals.usage.prompt());
        self.output = self.output.saturating_add(totals.usage.output);
        let nanos = self.cost.as_nanos().saturating_add(totals.billed_nano_usd.as_nanos());
        self.cost = NanoUsd::from_nanos(nanos);
    }
}

/// How long `2027-` is.
const YEAR: usize = 5;

#[cfg(test)]
mod tests {
    use posthaste_core::Usage;

    use super::*;

    fn day(day: &str, attempts: u64) -> DayUsage {
        let usage = Usage { output: attempts, ..Usage::default() };
        let billed_nano_usd = NanoUsd::from_nanos(i64::try_from(attempts).unwrap());
        let totals = UsageTotals { attempts, usage, billed_nano_usd, ..UsageTotals::default() };
        DayUsage { day: format!("{day}T00:00:00Z").parse().unwrap(), totals }
    }

    #[test]
    fn days_without_use_have_a_bar_and_days_before_have_none() {
        let now = "2027-03-02T10:00:00Z".parse().unwrap();
        let used = [day("2027-02-23", 9), day("2027-02-24", 2), day("2027-03-02", 3)];
        let bars = Range::Week.bars(&used, now);
        let told: Vec<_> = bars.iter().map(|bar| (bar.label.as_str(), bar.requests)).collect();
        assert_eq!(
            told,
            [
                ("02-24", 2),
                ("02-25", 0),
                ("02-26", 0),
                ("02-27", 0),
                ("02-28", 0),
                ("03-01", 0),
                ("03-02", 3)
            ]
        );
        assert_eq!(Range::Month.bars(&used, now).len(), 30);
    }

    #[test]
    fn a_year_is_told_by_months() {
        let now = "2027-03-02T10:00:00Z".parse().unwrap();
        let used = [day("2026-03-01", 7), day("2027-02-01", 4), day("2027-02-28", 1), day("2027-03-01", 2)];
        let bars = Range::Year.bars(&used, now);
        let last: Vec<_> = bars.iter().rev().take(3).map(|bar| (bar.label.as_str(), bar.output)).collect();
        assert_eq!(last, [("2027-03", 2), ("2027-02", 5), ("2027-01", 0)]);
        assert!(bars.iter().all(|bar| bar.requests < 7), "a day of more than a year ago is in no bar");
    }
}
