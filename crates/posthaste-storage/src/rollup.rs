//! Roll-ups as every implementation makes them: which span an attempt counts in, and what it adds there.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use posthaste_core::{
    AccountId, AttemptOutcome, AttemptRow, ClientKeyId, CostBasis, ModelName, NanoUsd, ProviderKind,
    Timestamp, Usage, UsageSource, UserId,
};

use crate::{RollupPeriod, Shifts};

/// Sums over the attempts of one span, key, account, model, owner and provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupRow {
    /// Over which attempts.
    pub key: RollupKey,
    /// The sums.
    pub sums: Sums,
}

/// Sums over attempts. They saturate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Attempts, failed ones included.
    pub attempts: u64,
    /// Attempts whose outcome is `complete`.
    pub completed: u64,
    /// Attempts whose tokens were estimated.
    pub estimated: u64,
    /// Attempts whose model has no price.
    pub unpriced: u64,
    /// Tokens.
    pub usage: Usage,
    /// What they cost; attempts without a price add nothing here.
    pub cost: NanoUsd,
    /// What the client keys are billed for them; likewise.
    pub billed: NanoUsd,
}

/// What a roll-up is kept under; sorts as [`LedgerStore::usage`](crate::LedgerStore::usage) answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RollupKey {
    /// The span's length.
    pub period: RollupPeriod,
    /// The span's first moment.
    pub start: Timestamp,
    /// Whose requests.
    pub key_id: ClientKeyId,
    /// Who served them.
    pub account_id: AccountId,
    /// The model that the clients named.
    pub model: ModelName,
    /// Whose the key was.
    pub owner: Option<UserId>,
    /// The account's provider.
    pub provider: ProviderKind,
}

impl RollupKey {
    /// That of the roll-up of a period that a row is in.
    pub fn of(row: &AttemptRow, period: RollupPeriod) -> Self {
        Self {
            period,
            start: period.start_of(row.started_at),
            key_id: row.key_id,
            account_id: row.account_id,
            model: row.model.clone(),
            owner: row.owner,
            provider: row.provider,
        }
    }
}

/// Sums of new ledger rows, so that a store touches each roll-up once for each append.
#[derive(Clone, Debug, Default)]
pub struct Rollups(BTreeMap<RollupKey, Sums>);

impl Rollups {
    /// Adds one attempt to the roll-up of each period.
    pub fn add(&mut self, row: &AttemptRow) {
        for period in RollupPeriod::ALL {
            self.0.entry(RollupKey::of(row, period)).or_default().add(row);
        }
    }

    /// The sums, by period and then as [`LedgerStore::usage`](crate::LedgerStore::usage) sorts.
    pub fn iter(&self) -> impl Iterator<Item = (&RollupKey, &Sums)> {
        self.0.iter()
    }

    /// Puts sums in the place of those that are kept under their key.
    pub(crate) fn put(&mut self, key: &RollupKey, sums: &Sums) {
        if *sums == Sums::default() {
            self.0.remove(key);
        } else {
            self.0.insert(key.clone(), sums.clone());
        }
    }

    /// Adds what corrections add to what is kept; what is not kept any more stays away.
    pub(crate) fn shift(&mut self, shifts: &Shifts) {
        for (key, shift) in shifts.iter() {
            if let Some(sums) = self.0.get_mut(key) {
                sums.shift(shift);
            }
        }
    }

    /// Takes what is kept under a key.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (key, sums) in &other.0 {
            self.0.entry(key.clone()).or_default().merge(sums);
        }
    }

    /// Forgets spans of one period that start before a moment, at most `most`; answers how many.
    pub(crate) fn forget(&mut self, period: RollupPeriod, before: Timestamp, most: usize) -> usize {
        let old = self.0.keys().filter(|key| key.period == period && key.start < before);
        let old: Vec<RollupKey> = old.take(most).cloned().collect();
        for key in &old {
            self.0.remove(key);
        }
        old.len()
    }

    /// Forgets the oldest spans of the shortest periods until at most `most` are left.
    pub(crate) fn trim(&mut self, most: usize) {
        while self.0.len() > most {
            self.0.pop_first();
        }
    }
}

impl RollupPeriod {
    /// The first moment of the span that holds `moment`.
    pub fn start_of(self, moment: Timestamp) -> Timestamp {
        match self {
            Self::Hour => floor(moment, HOUR_MICROS),
            Self::Day => floor(moment, DAY_MICROS),
            Self::Month => month_start(moment),
        }
    }

    /// Reads [`as_str`](Self::as_str)'s form.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|period| period.as_str() == name)
    }
}

impl Sums {
    /// Adds one attempt.
    pub fn add(&mut self, row: &AttemptRow) {
        self.attempts += 1;
        self.completed += u64::from(row.outcome == AttemptOutcome::Complete);
        self.estimated += u64::from(row.usage_source == UsageSource::Estimated);
        self.unpriced += u64::from(row.cost_basis == CostBasis::Unpriced);
        self.usage.add(&row.usage);
        if row.cost_basis.is_amount() {
            self.cost += row.cost;
            self.billed += row.billed;
        }
    }

    /// Adds other sums.
    pub fn merge(&mut self, other: &Self) {
        self.attempts = self.attempts.saturating_add(other.attempts);
        self.completed = self.completed.saturating_add(other.completed);
        self.estimated = self.estimated.saturating_add(other.estimated);
        self.unpriced = self.unpriced.saturating_add(other.unpriced);
        self.usage.add(&other.usage);
        self.cost += other.cost;
        self.billed += other.billed;
    }
}

fn floor(moment: Timestamp, step: i64) -> Timestamp {
    let micros = moment.as_micros();
    Timestamp::from_micros(micros.saturating_sub(micros.rem_euclid(step)))
}

fn month_start(moment: Timestamp) -> Timestamp {
    let day_of_month = TimeZone::UTC.to_datetime(moment.into()).day();
    let days_before = i64::from(day_of_month) - 1;
    let today = floor(moment, DAY_MICROS).as_micros();
    Timestamp::from_micros(today.saturating_sub(days_before * DAY_MICROS))
}

const HOUR_MICROS: i64 = 3_600_000_000;

const DAY_MICROS: i64 = 24 * HOUR_MICROS;

#[cfg(test)]
mod tests {
    use super::*;

    fn start(period: RollupPeriod, moment: &str) -> String {
        period.start_of(moment.parse().unwrap()).to_string()
    }

    #[test]
    fn spans_begin_on_the_hour_the_day_and_the_month() {
        let moment = "2026-02-28T23:59:59.999999Z";
        assert_eq!(start(RollupPeriod::Hour, moment), "2026-02-28T23:00:00Z");
        assert_eq!(start(RollupPeriod::Day, moment), "2026-02-28T00:00:00Z");
        assert_eq!(start(RollupPeriod::Month, moment), "2026-02-01T00:00:00Z");
    }

    #[test]
    fn a_span_holds_its_first_moment() {
        for period in RollupPeriod::ALL {
            assert_eq!(start(period, "2026-03-01T00:00:00Z"), "2026-03-01T00:00:00Z");
        }
    }

    #[test]
    fn moments_before_the_epoch_and_beyond_the_calendar_have_a_span() {
        assert_eq!(start(RollupPeriod::Hour, "1969-12-31T23:30:00Z"), "1969-12-31T23:00:00Z");
        for period in RollupPeriod::ALL {
            assert!(period.start_of(Timestamp::from_micros(i64::MAX)) <= Timestamp::from_micros(i64::MAX));
            assert!(period.start_of(Timestamp::from_micros(i64::MIN)) >= Timestamp::from_micros(i64::MIN));
        }
    }
}
