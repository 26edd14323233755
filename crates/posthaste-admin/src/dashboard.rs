//! The dashboard: what there is, how it fares, what was used today and ever.

mod failures;
mod running_out;
mod saving;

pub use failures::{FailureCount, FailuresView};
pub use running_out::{RunningOutView, RunsOut};
pub use saving::SavingView;

use std::{collections::BTreeMap, time::Duration};

use posthaste_core::{AttemptRow, KeyStatus, ProviderKind, Timestamp};
use posthaste_storage::{Dimension, GroupSums, RollupPeriod, Sums, UsageQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, AdminError, InstanceView, KeyCounts, OverheadView, UsageTotals, board, lists::standing, prices,
    status,
};

/// What a dashboard shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DashboardView {
    /// Client keys.
    pub keys: KeyCounts,
    /// Accounts of all kinds.
    pub accounts: AccountCounts,
    /// Accounts of each provider that has some.
    pub by_provider: Vec<ProviderCounts>,
    /// What was used since the day began, UTC.
    pub today: UsageTotals,
    /// What was ever used, as far as sums of months are kept.
    pub total: UsageTotals,
    /// What prompt caches saved since the day began.
    #[serde(default)]
    pub saved_today: SavingView,
    /// What they ever saved, as far as sums of months are kept.
    #[serde(default)]
    pub saved: SavingView,
    /// What came of today's attempts that were not answered to the end.
    #[serde(default)]
    pub failures: FailuresView,
    /// What will run out before it starts anew.
    #[serde(default)]
    pub running_out: RunningOutView,
    /// How much goes through at the moment.
    pub pace: PaceView,
    /// How many requests are in flight; absent where no relay runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u64>,
    /// How many of them are streams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_streams: Option<u64>,
    /// What the relay that answers took itself of its latest requests; absent until it has served one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overhead: Option<OverheadView>,
    /// Every relay that shares the store and is there, the one that started first in front.
    #[serde(default)]
    pub instances: Vec<InstanceView>,
    /// For how long the relay has been running; absent likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_seconds: Option<u64>,
    /// The program's version.
    pub version: String,
    /// When this was read.
    pub at: Timestamp,
}

/// How many accounts fare how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountCounts {
    /// All.
    pub total: usize,
    /// Those that serve.
    pub ready: usize,
    /// Those that rest because their vendor wants it: limited, overloaded, or nothing left of the plan.
    pub limited: usize,
    /// Those that do not serve for another reason: refused or failing.
    pub failing: usize,
    /// Those that nothing new is sent to.
    pub paused: usize,
    /// Those that are switched off.
    pub disabled: usize,
}

/// How many accounts of a provider fare how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderCounts {
    /// The provider.
    pub provider: ProviderKind,
    /// Its accounts.
    #[serde(flatten)]
    pub accounts: AccountCounts,
}

/// What went through within the last minute; of a relay with much to do, the pace of its latest thousand attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaceView {
    /// Attempts in a minute.
    pub requests_per_minute: u64,
    /// Tokens in a minute.
    pub tokens_per_minute: u64,
}

pub(crate) async fn dashboard(admin: &Admin) -> Result<DashboardView, AdminError> {
    let parts = admin.parts();
    let now = parts.clock.now();
    let known = admin.directory().await?;
    let runtime = parts.runtime.as_deref();
    let kept = known.keys.values().filter(|key| key.deleted_at.is_none()).count();
    let active = known.keys.values().filter(|key| key.status(now) == KeyStatus::Active).count();
    let mut accounts = AccountCounts::default();
    let mut by_provider: BTreeMap<ProviderKind, AccountCounts> = BTreeMap::new();
    for account in known.accounts.values() {
        let standing = standing(account, runtime);
        accounts.count(standing);
        by_provider.entry(account.provider).or_default().count(standing);
    }
    let today =
        UsageQuery { from: Some(RollupPeriod::Day.start_of(now)), ..UsageQuery::all(RollupPeriod::Day) };
    let today = by_model(admin, &today).await?;
    let ever = by_model(admin, &UsageQuery::all(RollupPeriod::Month)).await?;
    let book = prices::current(admin).await?;
    let (saved_today, saved) = (saving::saving(&book, &today), saving::saving(&book, &ever));
    let (today, total) = (sum(&today), sum(&ever));
    let latest = latest(admin, &today).await?;
    let day = RollupPeriod::Day.start_of(now);
    let failures = failures::failures(latest.iter().filter(|row| row.started_at >= day), today.attempts);
    let by_provider =
        by_provider.into_iter().map(|(provider, accounts)| ProviderCounts { provider, accounts });
    Ok(DashboardView {
        keys: KeyCounts { total: kept, active },
        accounts,
        by_provider: by_provider.collect(),
        today,
        total,
        saved_today,
        saved,
        failures,
        running_out: running_out::running_out(admin, &known, now).await?,
        pace: pace(&latest, now),
        in_flight: runtime.map(|runtime| runtime.in_flight()),
        open_streams: runtime.and_then(|runtime| runtime.open_streams()),
        overhead: runtime.and_then(|runtime| runtime.overhead()),
        instances: status::instances(admin, now).await?,
        uptime_seconds: runtime.map(|runtime| now.since(runtime.started_at()).as_secs()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: now,
    })
}

async fn by_model(admin: &Admin, query: &UsageQuery) -> Result<Vec<GroupSums>, AdminError> {
    Ok(board::sums(admin, query, &[Dimension::Model, Dimension::Provider]).await?)
}

fn sum(groups: &[GroupSums]) -> UsageTotals {
    let mut sums = Sums::default();
    groups.iter().for_each(|group| sums.merge(&group.sums));
    UsageTotals::from(sums)
}

/// The latest attempts: enough of them to tell the pace, and more where some of today's failed.
async fn latest(admin: &Admin, today: &UsageTotals) -> Result<Vec<AttemptRow>, AdminError> {
    let most = if today.completed < today.attempts { MOST_LOOKED_AT } else { LATEST };
    Ok(admin.parts().stores.ledger.recent(None, most).await?)
}

fn pace(latest: &[AttemptRow], now: Timestamp) -> PaceView {
    let since = now.minus(MINUTE);
    let within: Vec<_> = latest.iter().take(LATEST).filter(|row| row.started_at > since).collect();
    let tokens = within.iter().map(|row| row.usage.total()).fold(0, u64::saturating_add);
    let oldest = within.iter().map(|row| row.started_at).min();
    let span = match oldest {
        // There may be more than were read.
        Some(oldest) if within.len() == LATEST => now.since(oldest).max(Duration::from_millis(1)),
        _ => MINUTE,
    };
    let minutely = |count: u64| {
        u64::try_from(u128::from(count) * MINUTE.as_micros() / span.as_micros()).unwrap_or(u64::MAX)
    };
    PaceView { requests_per_minute: minutely(within.len() as u64), tokens_per_minute: minutely(tokens) }
}

impl AccountCounts {
    fn count(&mut self, standing: &str) {
        self.total += 1;
        let place = match standing {
            "ready" => &mut self.ready,
            "limited" => &mut self.limited,
            "failing" => &mut self.failing,
            "paused" => &mut self.paused,
            _ => &mut self.disabled,
        };
        *place += 1;
    }
}

const MINUTE: Duration = Duration::from_secs(60);

const LATEST: usize = 1_000;

/// As many as are read in some milliseconds.
const MOST_LOOKED_AT: usize = 5_000;
