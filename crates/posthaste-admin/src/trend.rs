//! Charts: what was used span by span, of everybody or of those who used most.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use posthaste_core::{NanoUsd, Timestamp};
use posthaste_storage::{Dimension, Group, GroupSums, Sums, UsageQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Admin, AdminError, StatsBy, StatsInput, StatsRow, board,
    stats::{Part, parts_of, query_of, rows_of},
};

/// What a chart shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrendInput {
    /// The length of the spans; a day unless told.
    pub every: Every,
    /// A line for each key, owner, team, account, model or provider that used most; one line for all without it.
    pub by: Option<StatsBy>,
    /// How many lines; 10 unless told, 50 at most.
    pub top: Option<usize>,
    /// By what it is told who used most.
    pub rank: Rank,
    /// Only this client key's, by name or id.
    pub key: Option<String>,
    /// Only this owner's, by name or id.
    pub owner: Option<String>,
    /// Only this team's, by name or id.
    pub team: Option<String>,
    /// Only this account's, by name or id.
    pub account: Option<String>,
    /// Only of this model.
    pub model: Option<String>,
    /// Only of this provider's accounts.
    pub provider: Option<String>,
    /// From this moment on, rounded down to a whole span: a day by the hour, 30 days by the day, everything by the month unless
    /// told.
    pub since: Option<Timestamp>,
    /// Up to this moment, rounded up to a whole span.
    pub until: Option<Timestamp>,
}

/// The length of a chart's spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// An hour.
    Hour,
    /// A day, UTC.
    #[default]
    Day,
    /// A month, UTC.
    Month,
}

/// By what it is told who used most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// What it cost.
    #[default]
    Cost,
    /// Attempts.
    Requests,
    /// Tokens.
    Tokens,
}

/// A chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrendView {
    /// The length of the spans.
    pub every: Every,
    /// From this moment on; all that is kept where it is `None`.
    pub since: Option<Timestamp>,
    /// Up to this moment.
    pub until: Option<Timestamp>,
    /// The starts of the spans in which anything was used, the earliest first.
    pub spans: Vec<Timestamp>,
    /// The lines, the one that used most first.
    pub lines: Vec<TrendLine>,
    /// How many more there would be.
    pub left_out: usize,
}

/// A line of a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrendLine {
    /// Whose it is, and its sums over all spans.
    #[serde(flatten)]
    pub of: StatsRow,
    /// A point for each of the spans.
    pub points: Vec<TrendPoint>,
}

/// What was used in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrendPoint {
    /// Attempts.
    pub requests: u64,
    /// Tokens of all classes.
    pub tokens: u64,
    /// Tokens that were put in, without those from the prompt cache.
    pub input: u64,
    /// Tokens that came out, those of reasoning among them.
    pub output: u64,
    /// Tokens of reasoning, where vendors tell them.
    #[serde(default)]
    pub reasoning: u64,
    /// Tokens read from the prompt cache.
    pub cache_read: u64,
    /// Tokens written to the prompt cache.
    pub cache_write: u64,
    /// What it cost, in billionths of a dollar.
    pub cost_nano_usd: NanoUsd,
}

pub(crate) async fn trend(admin: &Admin, input: &TrendInput) -> Result<TrendView, AdminError> {
    let top = input.top.unwrap_or(USUAL);
    if !(1..=MOST).contains(&top) {
        return Err(AdminError::invalid("top", format!("{top} is not a number from 1 to {MOST}")));
    }
    if input.by.is_some_and(|by| matches!(by, StatsBy::Hour | StatsBy::Day | StatsBy::Month)) {
        return Err(AdminError::invalid("by", "is a length of time; say that with `every`"));
    }
    let (query, team) = query_of(admin, &stats_input(input)).await?;
    let by: Vec<StatsBy> = input.by.into_iter().collect();
    let known = admin.directory().await?;
    let apart = dimensions(&by, team);
    // Where there are many, the few that are wanted are found one by one; else one look tells all.
    let spanned = match by[..] {
        [StatsBy::Key | StatsBy::Account] => None,
        _ => Some(board::sums(admin, &query, &with_spans(&apart)).await?),
    };
    let all = match &spanned {
        Some(groups) => over_all_spans(groups),
        None => board::sums(admin, &query, &apart).await?,
    };
    let mut parts = parts_of(&known, all, &by, team);
    parts.sort_by_key(|part| Reverse(input.rank.of(&part.sums.sums)));
    let left_out = parts.len().saturating_sub(top);
    parts.truncate(top);
    let lines = match spanned {
        Some(groups) => lines(parts_of(&known, groups, &by, team), &parts),
        None => lines_one_by_one(admin, (&query, team), &by, &parts).await?,
    };
    let spans: BTreeSet<Timestamp> = lines.iter().flat_map(|line| line.keys().copied()).collect();
    let spans: Vec<Timestamp> = spans.into_iter().collect();
    let points = |line: &BTreeMap<Timestamp, Sums>| {
        spans.iter().map(|span| line.get(span).map(TrendPoint::from).unwrap_or_default()).collect()
    };
    let points: Vec<Vec<TrendPoint>> = lines.iter().map(points).collect();
    let rows = rows_of(&known, &by, parts);
    let lines = rows.into_iter().zip(points).map(|(of, points)| TrendLine { of, points }).collect();
    Ok(TrendView { every: input.every, since: query.from, until: query.until, spans, lines, left_out })
}

/// The sums of each line span by span, where `spanned` has those of all.
fn lines(spanned: Vec<Part>, parts: &[Part]) -> Vec<BTreeMap<Timestamp, Sums>> {
    let mut lines: Vec<BTreeMap<Timestamp, Sums>> = vec![BTreeMap::new(); parts.len()];
    for part in spanned {
        if let Some(place) = parts.iter().position(|known| known.is_of(&part)) {
            add(&mut lines[place], part.sums);
        }
    }
    lines
}

/// The same, asked for one by one.
async fn lines_one_by_one(
    admin: &Admin,
    (query, team): (&UsageQuery, Option<Uuid>),
    by: &[StatsBy],
    parts: &[Part],
) -> Result<Vec<BTreeMap<Timestamp, Sums>>, AdminError> {
    let known = admin.directory().await?;
    let apart = with_spans(&dimensions(by, team));
    let mut lines: Vec<BTreeMap<Timestamp, Sums>> = vec![BTreeMap::new(); parts.len()];
    for (part, line) in parts.iter().zip(&mut lines) {
        let group = &part.sums.group;
        let one = UsageQuery {
            key_id: group.key_id.or(query.key_id),
            account_id: group.account_id.or(query.account_id),
            ..query.clone()
        };
        for part in parts_of(&known, board::sums(admin, &one, &apart).await?, by, team) {
            add(line, part.sums);
        }
    }
    Ok(lines)
}

fn with_spans(apart: &[Dimension]) -> Vec<Dimension> {
    [&[Dimension::Span], apart].concat()
}

fn over_all_spans(groups: &[GroupSums]) -> Vec<GroupSums> {
    let mut all: BTreeMap<Group, Sums> = BTreeMap::new();
    for GroupSums { group, sums } in groups {
        all.entry(Group { start: None, ..group.clone() }).or_default().merge(sums);
    }
    all.into_iter().map(|(group, sums)| GroupSums { group, sums }).collect()
}

fn add(line: &mut BTreeMap<Timestamp, Sums>, sums: GroupSums) {
    if let Some(start) = sums.group.start {
        line.entry(start).or_default().merge(&sums.sums);
    }
}

/// What the books have to tell apart, so that parts can be made of it.
fn dimensions(by: &[StatsBy], team: Option<Uuid>) -> Vec<Dimension> {
    let mut dimensions: Vec<Dimension> = by.iter().map(|by| by.dimension()).collect();
    if team.is_some() {
        dimensions.push(Dimension::Owner);
    }
    dimensions.sort_unstable();
    dimensions.dedup();
    dimensions
}

fn stats_input(input: &TrendInput) -> StatsInput {
    let every = match input.every {
        Every::Hour => StatsBy::Hour,
        Every::Day => StatsBy::Day,
        Every::Month => StatsBy::Month,
    };
    StatsInput {
        by: vec![every],
        key: input.key.clone(),
        owner: input.owner.clone(),
        team: input.team.clone(),
        account: input.account.clone(),
        model: input.model.clone(),
        provider: input.provider.clone(),
        since: input.since,
        until: input.until,
        ..StatsInput::default()
    }
}

impl Rank {
    pub(crate) fn of(self, sums: &Sums) -> (i128, u64) {
        let value = match self {
            Self::Cost => i128::from(sums.cost.as_nanos()),
            Self::Requests => i128::from(sums.attempts),
            Self::Tokens => i128::from(sums.usage.total()),
        };
        (value, sums.attempts)
    }
}

impl From<&Sums> for TrendPoint {
    fn from(sums: &Sums) -> Self {
        let usage = &sums.usage;
        Self {
            requests: sums.attempts,
            tokens: usage.total(),
            input: usage.input,
            output: usage.output,
            reasoning: usage.reasoning,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write_5m.saturating_add(usage.cache_write_1h),
            cost_nano_usd: sums.cost,
        }
    }
}

const USUAL: usize = 10;
const MOST: usize = 50;
