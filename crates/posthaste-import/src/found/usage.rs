//! What a client key used, as the predecessor has counted it.

use std::collections::BTreeMap;

use super::{Fields, fields::nanos};

/// What one client key used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundUsage {
    /// In all.
    pub total: Counts,
    /// By model, in all.
    pub all_time: BTreeMap<String, Counts>,
    /// By month (`YYYY-MM`) and model.
    pub months: BTreeMap<(String, String), Counts>,
    /// By day (`YYYY-MM-DD`) and model.
    pub days: BTreeMap<(String, String), Counts>,
    /// What was billed by day, in nano-dollars.
    pub billed_days: BTreeMap<String, i64>,
    /// What was billed for Claude models, by the start of a week (`YYYY-MM-DDTHH`), in nano-dollars.
    pub billed_weeks: BTreeMap<String, i64>,
}

/// Counts over some requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests.
    pub requests: u64,
    /// Prompt tokens outside any cache.
    pub input: u64,
    /// Answer tokens.
    pub output: u64,
    /// Prompt tokens served from a cache.
    pub cache_read: u64,
    /// Prompt tokens written to a cache, whatever its lifetime.
    pub cache_write: u64,
    /// Those of them whose cache lives for an hour.
    pub cache_write_1h: u64,
    /// What they cost, in nano-dollars.
    pub cost: i64,
    /// What was billed for them, in nano-dollars.
    pub billed: i64,
}

impl Counts {
    /// Reads a hash of counters. Some are called otherwise in the totals.
    pub(crate) fn of(fields: &Fields) -> Self {
        let count = |names: [&str; 2]| names.iter().find_map(|name| fields.whole(name)).unwrap_or_default();
        // Millionths of a dollar.
        let micros =
            |name| fields.whole(name).and_then(|micros| i64::try_from(micros).ok()).unwrap_or_default();
        let billed = micros("ratedCostMicro").saturating_mul(1_000);
        let cost = micros("realCostMicro").saturating_mul(1_000);
        Self {
            requests: count(["requests", "totalRequests"]),
            input: count(["inputTokens", "totalInputTokens"]),
            output: count(["outputTokens", "totalOutputTokens"]),
            cache_read: count(["cacheReadTokens", "totalCacheReadTokens"]),
            cache_write: count(["cacheCreateTokens", "totalCacheCreateTokens"]),
            cache_write_1h: count(["ephemeral1hTokens", "totalEphemeral1hTokens"]),
            cost: if cost == 0 { billed } else { cost },
            billed,
        }
    }

    /// What is left when `other` is taken away; nothing goes below zero.
    pub(crate) fn less(&self, other: &Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(other.requests),
            input: self.input.saturating_sub(other.input),
            output: self.output.saturating_sub(other.output),
            cache_read: self.cache_read.saturating_sub(other.cache_read),
            cache_write: self.cache_write.saturating_sub(other.cache_write),
            cache_write_1h: self.cache_write_1h.saturating_sub(other.cache_write_1h),
            cost: (self.cost - other.cost).max(0),
            billed: (self.billed - other.billed).max(0),
        }
    }

    /// Adds `other`.
    pub(crate) fn add(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
        self.cache_write_1h = self.cache_write_1h.saturating_add(other.cache_write_1h);
        self.cost = self.cost.saturating_add(other.cost);
        self.billed = self.billed.saturating_add(other.billed);
    }
}

impl FoundUsage {
    /// Sets the sums of money over all time, dollars in floating point as they stand there.
    pub(crate) fn set_money(&mut self, billed: Option<f64>, cost: Option<f64>) {
        if let Some(billed) = billed {
            self.total.billed = nanos(billed).max(0);
        }
        if let Some(cost) = cost {
            self.total.cost = nanos(cost).max(0);
        } else if self.total.cost == 0 {
            self.total.cost = self.total.billed;
        }
    }

    /// Notes what was billed on a day.
    pub(crate) fn set_day(&mut self, day: &str, billed: f64) {
        self.billed_days.insert(day.to_owned(), nanos(billed).max(0));
    }

    /// Notes what was billed for Claude models in a week.
    pub(crate) fn set_week(&mut self, start: &str, billed: f64) {
        self.billed_weeks.insert(start.to_owned(), nanos(billed).max(0));
    }
}
