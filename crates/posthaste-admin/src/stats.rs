//! What was used and what it cost, told apart as an operator asks.

mod export;
mod view;

pub use export::stats_table;
pub use view::{NamedId, StatsRow, StatsView};

use std::{collections::BTreeMap, time::Duration};

use posthaste_core::{AccountId, ClientKeyId, ModelName, Timestamp, UserId};
use posthaste_storage::{Dimension, Group, GroupSums, RollupPeriod, Sums, UsageQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Admin, AdminError, Rank, board,
    change::Named,
    directory::{Records, Snapshot},
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
    /// Only of owners who belong to this team now, by name or id.
    pub team: Option<String>,
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
    /// Where time does not tell sums apart, by what they are sorted.
    pub rank: Rank,
    /// How many of them are told; 10,000 at most.
    pub top: Option<usize>,
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
    #[serde(alias = "user")]
    Owner,
    /// The team that whoever it was belongs to now.
    Team,
    /// The account.
    Account,
    /// The model that clients named.
    Model,
    /// The account's provider.
    Provider,
}

impl StatsBy {
    /// Every way, in the order of their declaration.
    pub const ALL: [Self; 9] = [
        Self::Hour,
        Self::Day,
        Self::Month,
        Self::Key,
        Self::Owner,
        Self::Team,
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
            Self::Team => "team",
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
            Self::Key | Self::Owner | Self::Team | Self::Account | Self::Model | Self::Provider => None,
        }
    }

    /// What the books tell apart for it.
    pub(crate) const fn dimension(self) -> Dimension {
        match self {
            Self::Hour | Self::Day | Self::Month => Dimension::Span,
            Self::Key => Dimension::Key,
            Self::Owner | Self::Team => Dimension::Owner,
            Self::Account => Dimension::Account,
            Self::Model => Dimension::Model,
            Self::Provider => Dimension::Provider,
        }
    }
}

/// Since when, in the predecessor's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Period {
    /// Since the day began, UTC.
    #[serde(rename = "daily", alias = "today")]
    Daily,
    /// Today and the six days before.
    #[serde(rename = "7days", alias = "weekly")]
    Weekly,
    /// Since the month began, UTC.
    #[serde(rename = "monthly", alias = "month")]
    Monthly,
    /// Ever.
    #[default]
    #[serde(rename = "alltime", alias = "total", alias = "all")]
    Ever,
}

impl Period {
    /// When it began.
    pub fn since(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Daily => Some(RollupPeriod::Day.start_of(now)),
            Self::Weekly => Some(RollupPeriod::Day.start_of(now.minus(6 * DAY))),
            Self::Monthly => Some(RollupPeriod::Month.start_of(now)),
            Self::Ever => None,
        }
    }
}

/// Adds up what the books say.
///
/// # Errors
/// [`AdminError::Invalid`] for a question that cannot be asked, [`AdminError::NotFound`] for a name of nobody.
pub(crate) async fn stats(admin: &Admin, input: &StatsInput) -> Result<StatsView, AdminError> {
    let (query, team) = query_of(admin, input).await?;
    let mut by: Vec<Dimension> = input.by.iter().map(|by| by.dimension()).collect();
    if team.is_some() {
        by.push(Dimension::Owner);
    }
    by.sort_unstable();
    by.dedup();
    let groups = board::sums(admin, &query, &by).await?;
    let known = admin.directory().await?;
    let mut parts = parts_of(&known, groups, &input.by, team);
    let mut totals = Sums::default();
    parts.iter().for_each(|part| totals.merge(&part.sums.sums));
    if !by.contains(&Dimension::Span) {
        parts.sort_by_key(|part| std::cmp::Reverse(input.rank.of(&part.sums.sums)));
    }
    let told = input.top.unwrap_or(MOST_ROWS).min(MOST_ROWS);
    let left_out = parts.len().saturating_sub(told);
    parts.truncate(told);
    let rows = if input.by.is_empty() { Vec::new() } else { rows_of(&known, &input.by, parts) };
    Ok(StatsView {
        by: input.by.clone(),
        since: query.from,
        until: query.until,
        totals: UsageTotals::from(totals),
        rows,
        left_out,
    })
}

/// What the books are asked, and the team whose owners' parts alone are wanted.
pub(crate) async fn query_of(
    admin: &Admin,
    input: &StatsInput,
) -> Result<(UsageQuery, Option<Uuid>), AdminError> {
    let (period, since) = period_and_start(input, admin.parts().clock.now())?;
    let mut query = UsageQuery::all(period);
    query.from = since.map(|since| period.start_of(since));
    query.until = input.until.map(|until| first_start_from(period, until));
    if let (Some(from), Some(until)) = (query.from, query.until)
        && from >= until
    {
        return Err(AdminError::invalid("until", format!("{until} is not after {from}")));
    }
    let known = admin.directory().await?;
    query.key_id = identity(&known.keys, input.key.as_deref())?.map(ClientKeyId::from_uuid);
    query.account_id = identity(&known.accounts, input.account.as_deref())?.map(AccountId::from_uuid);
    query.owner = identity(&known.owners, input.owner.as_deref())?.map(UserId::from_uuid);
    if let Some(model) = &input.model {
        let parsed =
            ModelName::parse(model).map_err(|error| AdminError::invalid("model", error.to_string()))?;
        query.model = Some(parsed);
    }
    if let Some(provider) = &input.provider {
        query.provider = Some(provider_named("provider", provider)?);
    }
    Ok((query, identity(&known.teams, input.team.as_deref())?))
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
fn identity<T: Named>(records: &Records<T>, selector: Option<&str>) -> Result<Option<Uuid>, AdminError> {
    let Some(selector) = selector else { return Ok(None) };
    let named = || records.iter().find(|(_, record)| record.name() == selector).map(|(id, _)| *id);
    let found = Uuid::try_parse(selector).ok().or_else(named);
    let what = || AdminError::NotFound { what: format!("{} `{}`", T::NOUN, selector.escape_debug()) };
    found.map(Some).ok_or_else(what)
}

/// Sums that are told apart as was asked.
pub(crate) struct Part {
    /// What they have in common, and what they are.
    pub(crate) sums: GroupSums,
    /// The team, where that tells them apart.
    pub(crate) team: Option<Uuid>,
}

impl Part {
    /// Whether it is the same but for the span.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        let whole = |part: &Self| (Group { start: None, ..part.sums.group.clone() }, part.team);
        whole(self) == whole(other)
    }
}

/// Makes parts of what the books told: teams, whom they do not know, of owners; and only those of one team where that is wanted.
pub(crate) fn parts_of(
    known: &Snapshot,
    groups: Vec<GroupSums>,
    by: &[StatsBy],
    team: Option<Uuid>,
) -> Vec<Part> {
    let (teams, owners) = (by.contains(&StatsBy::Team), by.contains(&StatsBy::Owner));
    if !teams && team.is_none() {
        return groups.into_iter().map(|sums| Part { sums, team: None }).collect();
    }
    let mut parts: BTreeMap<(Group, Option<Uuid>), Sums> = BTreeMap::new();
    for GroupSums { mut group, sums } in groups {
        let own = group.owner.and_then(|owner| known.team_of(owner.uuid()));
        if team.is_some() && own != team {
            continue;
        }
        group.owner = group.owner.filter(|_| owners);
        parts.entry((group, own.filter(|_| teams))).or_default().merge(&sums);
    }
    parts.into_iter().map(|((group, team), sums)| Part { sums: GroupSums { group, sums }, team }).collect()
}

/// Puts names to identities.
pub(crate) fn rows_of(known: &Snapshot, by: &[StatsBy], parts: Vec<Part>) -> Vec<StatsRow> {
    parts.into_iter().map(|part| StatsRow::new(part, by, known)).collect()
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
