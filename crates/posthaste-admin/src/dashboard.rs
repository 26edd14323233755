//! The dashboard: what there is, how it fares, what was used today and ever.

use std::{collections::BTreeMap, time::Duration};

use posthaste_core::{KeyStatus, ProviderKind, Timestamp};
use posthaste_storage::{Dimension, RollupPeriod, Sums, UsageQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError, KeyCounts, UsageTotals, board, lists::standing};

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
    /// How much goes through at the moment.
    pub pace: PaceView,
    /// How many requests are in flight; absent where no relay runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u64>,
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
    let (today, total) =
        (sum(admin, &today).await?, sum(admin, &UsageQuery::all(RollupPeriod::Month)).await?);
    let by_provider =
        by_provider.into_iter().map(|(provider, accounts)| ProviderCounts { provider, accounts });
    Ok(DashboardView {
        keys: KeyCounts { total: kept, active },
        accounts,
        by_provider: by_provider.collect(),
        today,
        total,
        pace: pace(admin, now).await?,
        in_flight: runtime.map(|runtime| runtime.in_flight()),
        uptime_seconds: runtime.map(|runtime| now.since(runtime.started_at()).as_secs()),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: now,
    })
}

async fn sum(admin: &Admin, query: &UsageQuery) -> Result<UsageTotals, AdminError> {
    // By provider, of which there are a few: without a group there would be none to keep.
    let groups = board::sums(admin, query, &[Dimension::Provider]).await?;
    let mut sums = Sums::default();
    groups.iter().for_each(|group| sums.merge(&group.sums));
    Ok(UsageTotals::from(sums))
}

async fn pace(admin: &Admin, now: Timestamp) -> Result<PaceView, AdminError> {
    let latest = admin.parts().stores.ledger.recent(None, LATEST).await?;
    let since = now.minus(MINUTE);
    let within: Vec<_> = latest.iter().filter(|row| row.started_at > since).collect();
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
    Ok(PaceView { requests_per_minute: minutely(within.len() as u64), tokens_per_minute: minutely(tokens) })
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
