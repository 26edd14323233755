//! What was used and what it cost, told apart as an operator asks.

mod view;

pub use view::{NamedId, StatsRow, StatsView};

use std::time::Duration;

use posthaste_core::{Account, AccountId, ClientKey, ClientKeyId, ModelName, Owner, Timestamp, UserId};
use posthaste_storage::{Dimension, GroupSums, Repository, RollupPeriod, Sums, UsageQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Admin, AdminError,
    change::{Named, find},
    keys::provider_named,
    totals::UsageTotals,
};

/// What is asked of the books.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StatsInput {
    /// What sums are told apart by; one sum of all when empty. At most one of them is a length of time.
    pub by: Vec<StatsBy>,
    /// Only this client key's, by name or id.
    pub key: Option<String>,
    /// Only this owner's, by name or id.
    pub owner: Option<String>,
    /// Only this account's, by name or id.
    pub account: Option<String>,
    /// Only of this model.
    pub model: Option<String>,
    /// Only of this provider's accounts.
    pub provider: Option<String>,
    /// From this moment on, rounded down to a whole span. Without it everything that is kept, but a day by the hour and
    /// 30 days by the day.
    pub since: Option<Timestamp>,
    /// Up to this moment, rounded up to a whole span.
    pub until: Option<Timestamp>,
}

/// What sums are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatsBy {
    /// The hour, UTC.
    Hour,
    /// The day, UTC.
    Day,
    /// The month, UTC.
    Month,
    /// The client key.
    Key,
    /// Whose the client key was at that time.
    Owner,
    /// The account.
    Account,
    /// The model that clients named.
    Model,
    /// The account's provider.
    Provider,
}

impl StatsBy {
    /// Every way, in the order of their declaration.
    pub const ALL: [Self; 8] = [
        Self::Hour,
        Self::Day,
        Self::Month,
        Self::Key,
        Self::Owner,
        Self::Account,
        Self::Model,
        Self::Provider,
    ];

    /// The name in settings and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
            Self::Key => "key",
            Self::Owner => "owner",
            Self::Account => "account",
            Self::Model => "model",
            Self::Provider => "provider",
        }
    }

    /// Reads [`as_str`](Self::as_str)'s form.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == name)
    }

    const fn period(self) -> Option<RollupPeriod> {
        match self {
            Self::Hour => Some(RollupPeriod::Hour),
            Self::Day => Some(RollupPeriod::Day),
            Self::Month => Some(RollupPeriod::Month),
            Self::Key | Self::Owner | Self::Account | Self::Model | Self::Provider => None,
        }
    }

    const fn dimension(self) -> Dimension {
        match self {
            Self::Hour | Self::Day | Self::Month => Dimension::Span,
            Self::Key => Dimension::Key,
            Self::Owner => Dimension::Owner,
            Self::Account => Dimension::Account,
            Self::Model => Dimension::Model,
            Self::Provider => Dimension::Provider,
        }
    }
}

/// Adds up what the books say.
///
/// # Errors
/// [`AdminError::Invalid`] for a question that cannot be asked, [`AdminError::NotFound`] for a name of nobody.
pub(crate) async fn stats(admin: &Admin, input: &StatsInput) -> Result<StatsView, AdminError> {
    let query = query(admin, input).await?;
    let mut by: Vec<Dimension> = input.by.iter().map(|by| by.dimension()).collect();
    by.sort_unstable();
    by.dedup();
    let mut groups = admin.parts().stores.ledger.sums(&query, &by).await?;
    let mut totals = Sums::default();
    groups.iter().for_each(|group| totals.merge(&group.sums));
    if !by.contains(&Dimension::Span) {
        groups.sort_by_key(|group| std::cmp::Reverse((group.sums.cost, group.sums.attempts)));
    }
    let left_out = groups.len().saturating_sub(MOST_ROWS);
    groups.truncate(MOST_ROWS);
    let rows = if by.is_empty() { Vec::new() } else { rows(admin, &by, groups).await? };
    Ok(StatsView {
        by: input.by.clone(),
        since: query.from,
        until: query.until,
        totals: UsageTotals::from(totals),
        rows,
        left_out,
    })
}

async fn query(admin: &Admin, input: &StatsInput) -> Result<UsageQuery, AdminError> {
    let (period, since) = period_and_start(input, admin.parts().clock.now())?;
    let mut query = UsageQuery::all(period);
    query.from = since.map(|since| period.start_of(since));
    query.until = input.until.map(|until| first_start_from(period, until));
    if let (Some(from), Some(until)) = (query.from, query.until)
        && from >= until
    {
        return Err(AdminError::invalid("until", format!("{until} is not after {from}")));
    }
    if let Some(key) = &input.key {
        let id = identity(&admin.key_records(), key).await?;
        query.key_id = Some(ClientKeyId::from_uuid(id));
    }
    if let Some(account) = &input.account {
        let id = identity(&admin.account_records(), account).await?;
        query.account_id = Some(AccountId::from_uuid(id));
    }
    if let Some(owner) = &input.owner {
        let id = identity(&admin.owner_records(), owner).await?;
        query.owner = Some(UserId::from_uuid(id));
    }
    if let Some(model) = &input.model {
        let parsed =
            ModelName::parse(model).map_err(|error| AdminError::invalid("model", error.to_string()))?;
        query.model = Some(parsed);
    }
    if let Some(provider) = &input.provider {
        query.provider = Some(provider_named("provider", provider)?);
    }
    Ok(query)
}

/// The length of the spans that are added up, and where they begin. Where time does not tell sums apart, the longest spans
/// that begin and end where the question does: those are kept longest.
fn period_and_start(
    input: &StatsInput,
    now: Timestamp,
) -> Result<(RollupPeriod, Option<Timestamp>), AdminError> {
    let mut periods = input.by.iter().filter_map(|by| by.period());
    match (periods.next(), periods.next()) {
        (Some(_), Some(_)) => Err(AdminError::invalid("by", "give one of hour, day and month")),
        (Some(period), None) => {
            let usual = match period {
                RollupPeriod::Hour => Some(now.minus(DAY)),
                RollupPeriod::Day => Some(now.minus(30 * DAY)),
                RollupPeriod::Month => None,
            };
            Ok((period, input.since.or(usual)))
        }
        (None, _) => {
            let fits = |period: &RollupPeriod| {
                let mut borders = input.since.into_iter().chain(input.until);
                borders.all(|border| period.start_of(border) == border)
            };
            let period = RollupPeriod::ALL.into_iter().rev().find(fits).unwrap_or(RollupPeriod::Hour);
            Ok((period, input.since))
        }
    }
}

/// The first start of a span at or after a moment.
fn first_start_from(period: RollupPeriod, moment: Timestamp) -> Timestamp {
    let start = period.start_of(moment);
    if start == moment {
        return moment;
    }
    let longest = match period {
        RollupPeriod::Hour => Duration::from_secs(3_600),
        RollupPeriod::Day => DAY,
        RollupPeriod::Month => 31 * DAY,
    };
    period.start_of(start.plus(longest))
}

/// Whoever was removed still is in the books, under its id.
async fn identity<T: Named>(records: &Repository<T>, selector: &str) -> Result<Uuid, AdminError> {
    match Uuid::try_parse(selector) {
        Ok(id) => Ok(id),
        Err(_) => Ok(find(records, selector).await?.value.id()),
    }
}

/// Puts names to identities.
async fn rows(admin: &Admin, by: &[Dimension], groups: Vec<GroupSums>) -> Result<Vec<StatsRow>, AdminError> {
    let keys: Vec<ClientKey> = match by.contains(&Dimension::Key) {
        true => admin.key_records().all().await?.into_iter().map(|record| record.value).collect(),
        false => Vec::new(),
    };
    let accounts: Vec<Account> = match by.contains(&Dimension::Account) {
        true => admin.account_records().all().await?.into_iter().map(|record| record.value).collect(),
        false => Vec::new(),
    };
    let owners: Vec<Owner> = match by.contains(&Dimension::Owner) {
        true => admin.owner_records().all().await?.into_iter().map(|record| record.value).collect(),
        false => Vec::new(),
    };
    let names = view::Names::new(&keys, &accounts, &owners);
    Ok(groups.into_iter().map(|group| StatsRow::new(group, by, &names)).collect())
}

const DAY: Duration = Duration::from_secs(86_400);

/// More rows than this are not told; a narrower question tells them.
const MOST_ROWS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(by: &[StatsBy], since: &str, until: &str) -> StatsInput {
        let moment =
            |text: &str| Some(text).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap());
        StatsInput { by: by.to_vec(), since: moment(since), until: moment(until), ..StatsInput::default() }
    }

    fn period(input: &StatsInput) -> RollupPeriod {
        period_and_start(input, Timestamp::EPOCH).unwrap().0
    }

    #[test]
    fn the_longest_spans_that_fit_are_added_up() {
        let by = [StatsBy::Key];
        assert_eq!(period(&asked(&by, "", "")), RollupPeriod::Month);
        assert_eq!(period(&asked(&by, "2026-02-01T00:00:00Z", "")), RollupPeriod::Month);
        assert_eq!(period(&asked(&by, "2026-02-01T00:00:00Z", "2026-02-03T00:00:00Z")), RollupPeriod::Day);
        assert_eq!(period(&asked(&by, "2026-02-01T05:00:00Z", "")), RollupPeriod::Hour);
        assert_eq!(period(&asked(&by, "2026-02-01T05:17:00Z", "")), RollupPeriod::Hour);
        assert_eq!(
            period(&asked(&[StatsBy::Month, StatsBy::Key], "2026-02-01T05:17:00Z", "")),
            RollupPeriod::Month
        );
    }

    #[test]
    fn two_lengths_of_time_are_refused() {
        let input = asked(&[StatsBy::Hour, StatsBy::Day], "", "");
        assert!(period_and_start(&input, Timestamp::EPOCH).is_err());
    }

    #[test]
    fn an_end_is_rounded_up() {
        let up = |period, moment: &str| first_start_from(period, moment.parse().unwrap()).to_string();
        assert_eq!(up(RollupPeriod::Hour, "2026-02-28T23:00:00.000001Z"), "2026-03-01T00:00:00Z");
        assert_eq!(up(RollupPeriod::Day, "2026-02-28T00:00:00Z"), "2026-02-28T00:00:00Z");
        for (moment, month) in [
            ("2026-02-28T01:00:00Z", "2026-03-01T00:00:00Z"),
            ("2026-01-01T00:00:01Z", "2026-02-01T00:00:00Z"),
            ("2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z"),
        ] {
            assert_eq!(up(RollupPeriod::Month, moment), month);
        }
    }
}
