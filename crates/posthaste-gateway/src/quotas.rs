//! How much of their plans' windows accounts have used, as their vendors told with the last answers.
//!
//! Strategies that pace quotas plan by it. It never parks an account: only a vendor's refusal does, since some let an account
//! go on beyond its plan.

use std::collections::HashMap;

use parking_lot::{RwLock, RwLockReadGuard};
use posthaste_core::{Account, AccountId, PlanUse, Timestamp, fields};
use posthaste_scheduler::{Level, QuotaWindow, Scheduler};

use crate::notices::Notices;

/// How a window of an account's plan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowForecast {
    /// How much of it is used.
    pub used_percent: u64,
    /// When it began.
    pub starts_at: Timestamp,
    /// When it starts anew.
    pub resets_at: Timestamp,
    /// When nothing is left of it if its use goes on as it did, if that is before it starts anew.
    pub runs_out_at: Option<Timestamp>,
}

/// What is known of all accounts' windows.
#[derive(Debug, Default)]
pub(crate) struct Quotas(RwLock<Known>);

/// The windows by account.
pub(crate) type Known = HashMap<AccountId, Vec<QuotaWindow>>;

impl Quotas {
    /// What is known now. Held for the length of a plan.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read()
    }

    /// Notes what a vendor told, for plans as well, and warns when a window passes one of the marks.
    pub(crate) fn note(
        &self,
        (scheduler, notices): (&Scheduler, &Notices),
        account: &Account,
        told: &[PlanUse],
        now: Timestamp,
    ) {
        if told.is_empty() {
            return;
        }
        let windows: Vec<_> = told.iter().map(window).collect();
        scheduler.learn_windows(account.id, &windows);
        let before = self.0.write().insert(account.id, windows.clone()).unwrap_or_default();
        for (told, window) in told.iter().zip(windows) {
            let same = |other: &&QuotaWindow| other.resets_at == window.resets_at;
            let passed = before.iter().find(same).and_then(|before| Level::of(before.used, before.limit));
            let forecast = window.forecast(now);
            notices.plan(account, told, forecast.runs_out_at, now);
            if forecast.level > passed
                && let Some(level) = forecast.level
            {
                let (used, resets_at) = (percent(&window), window.resets_at);
                let runs_out_at = forecast.runs_out_at.map(tracing::field::display);
                tracing::warn!(
                    { fields::ACCOUNT } = %account.name, used, level = level.percent(), %resets_at, runs_out_at,
                    "an account nears the end of its quota"
                );
            }
        }
    }

    /// How an account's windows go; those that are over are left out.
    pub(crate) fn forecasts(&self, account: AccountId, now: Timestamp) -> Vec<WindowForecast> {
        let known = self.read();
        let windows = known.get(&account).map_or(&[][..], Vec::as_slice);
        let forecast = |window: &QuotaWindow| WindowForecast {
            used_percent: percent(window),
            starts_at: window.starts_at,
            resets_at: window.resets_at,
            runs_out_at: window.forecast(now).runs_out_at,
        };
        windows.iter().filter(|window| window.resets_at > now).map(forecast).collect()
    }

    /// Forgets the accounts for which `keep` is false.
    pub(crate) fn retain(&self, keep: impl Fn(AccountId) -> bool) {
        self.0.write().retain(|account, _| keep(*account));
    }
}

/// Short of all, so that the plan leaves an account in that its vendor still serves.
fn window(told: &PlanUse) -> QuotaWindow {
    let limit = u64::from(PlanUse::WHOLE);
    let used = u64::from(told.used).min(limit - 1);
    QuotaWindow { used, limit, request: 0, starts_at: told.starts_at, resets_at: told.resets_at }
}

/// How much of a window is used, in whole percent.
fn percent(window: &QuotaWindow) -> u64 {
    window.used.saturating_mul(100) / window.limit.max(1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use posthaste_core::NoNotices;
    use posthaste_testkit::account;

    use super::*;

    #[test]
    fn what_was_told_last_counts_and_never_parks() {
        let notices = Notices::new(Arc::new(NoNotices));
        let (scheduler, quotas, one) = (Scheduler::default(), Quotas::default(), account("one"));
        let [starts_at, now, resets_at] = [0, 50, 100].map(Timestamp::from_secs);
        let told = |used| [PlanUse { used, starts_at, resets_at }];
        quotas.note((&scheduler, &notices), &one, &told(4_000), now);
        quotas.note((&scheduler, &notices), &one, &told(10_000), now);
        quotas.note((&scheduler, &notices), &one, &[], now);
        let known = quotas.read();
        assert_eq!(percent(&known[&one.id][0]), 99);
        assert!(!known[&one.id][0].is_used_up(now));
        drop(known);
        quotas.retain(|_| false);
        assert!(quotas.read().is_empty());
    }
}
