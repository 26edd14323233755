//! The books.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use posthaste_core::{AccountId, AttemptRow, ClientKeyId, RequestId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Correction, Dimension, Group, GroupSums, RollupRow, StorageError, UsageQuery};

/// How long a roll-up's span is. Spans are in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollupPeriod {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
}

impl RollupPeriod {
    /// Every period, the shortest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// The stable name used in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

/// One row for each attempt, with roll-ups that always agree with the rows.
#[async_trait]
pub trait LedgerStore: Send + Sync + 'static {
    /// Books rows, durable when it returns. A row whose `(request_id, attempt)` is booked already adds nothing, neither
    /// as a row nor to a roll-up.
    async fn append(&self, rows: &[AttemptRow]) -> Result<(), StorageError>;

    /// The attempts of one request, in their order.
    async fn attempts(&self, request: RequestId) -> Result<Vec<AttemptRow>, StorageError>;

    /// Those of these rows, named by request and attempt, that are not booked (or not any more), in the order in which they
    /// were asked for. For whoever has copies and wants to know which of them are needed; one question tells of about a
    /// thousand rows.
    async fn missing(&self, rows: &[(RequestId, u16)]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        let mut missing = Vec::new();
        for &(request, attempt) in rows {
            let booked = self.attempts(request).await?;
            if !booked.iter().any(|row| row.attempt == attempt) {
                missing.push((request, attempt));
            }
        }
        Ok(missing)
    }

    /// The latest attempts, newest first, at most `limit`; only one key's when `key` is given. The order is that of the
    /// requests' identities, which grow with time, and of their attempts.
    async fn recent(&self, key: Option<ClientKeyId>, limit: usize) -> Result<Vec<AttemptRow>, StorageError>;

    /// The rows after one, the oldest first, about `limit` of them; from the first one on without `after`. None means that
    /// there are no more. The order is that of [`recent`](Self::recent), turned round. A store that has no better way
    /// answers all that are left at once.
    async fn rows_after(
        &self,
        after: Option<(RequestId, u16)>,
        _limit: usize,
    ) -> Result<Vec<AttemptRow>, StorageError> {
        let mut rows = self.recent(None, usize::MAX).await?;
        rows.retain(|row| after.is_none_or(|after| (row.request_id, row.attempt) > after));
        rows.sort_by_key(|row| (row.request_id, row.attempt));
        Ok(rows)
    }

    /// Roll-ups, by start, key, account, model, owner and provider.
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<RollupRow>, StorageError>;

    /// The sums of the same roll-ups for each combination of `by` that occurs, sorted by their groups; with nothing to
    /// group by, the sums of all in one group, and none where there is no roll-up. Sums are exact, or at the top where a
    /// number cannot hold them.
    async fn sums(&self, query: &UsageQuery, by: &[Dimension]) -> Result<Vec<GroupSums>, StorageError>;

    /// The same by client key, account or owner, as `of` says, and of these alone; whoever has nothing is left out.
    async fn sums_of(
        &self,
        query: &UsageQuery,
        of: Dimension,
        ids: &[Uuid],
    ) -> Result<Vec<GroupSums>, StorageError> {
        let mut groups = self.sums(query, &[of]).await?;
        let wanted: HashSet<Uuid> = ids.iter().copied().collect();
        groups.retain(|group| group.group.id().is_some_and(|id| wanted.contains(&id)));
        Ok(groups)
    }

    /// When each of these client keys, accounts or owners was last used, as [`by`](Dimension) says which they are: the start of
    /// the attempt that came last, or of the hour that has it. `None` where none is kept any more, and for whatever has no
    /// identity.
    async fn last_use(&self, by: Dimension, ids: &[Uuid]) -> Result<Vec<Option<Timestamp>>, StorageError> {
        last_spans(self, by, ids).await
    }

    /// Puts sums in the place of the roll-ups that have the same keys, durable when it returns; sums of nothing remove theirs.
    /// For what another relay has counted, under [`AccountId::CARRIED_OVER`](posthaste_core::AccountId::CARRIED_OVER), for
    /// which no row is ever booked, and for sums of rows that another store has forgotten, when its books are moved here.
    /// All other roll-ups always agree with the rows.
    async fn carry_over(&self, rollups: &[RollupRow]) -> Result<(), StorageError>;

    /// Puts amounts of booked rows right, and the roll-ups that they are in by the difference, durable when it returns;
    /// answers which rows were changed, in no order. A row stays as it is where it is not booked (or not any more) or does not
    /// say what the correction takes it to say, so that doing it again changes nothing. Each row goes as one with its
    /// roll-ups; when it fails midway, some may be done and others not. Roll-ups that are forgotten stay so; all else that a
    /// row tells never changes.
    async fn correct(&self, corrections: &[Correction]) -> Result<Vec<(RequestId, u16)>, StorageError>;

    /// How many rows are kept.
    async fn count(&self) -> Result<u64, StorageError>;

    /// Forgets rows of requests that were made before a moment, as their identities tell it: the oldest, at most `most` of
    /// them. Answers how many those were; fewer than `most` means that no older ones are left. Roll-ups stay as they are:
    /// each row is in them, since both are booked as one. A forgotten row that is booked again counts again.
    async fn forget_rows(&self, before: Timestamp, most: usize) -> Result<usize, StorageError>;

    /// Forgets roll-ups of one period whose spans start before a moment, at most `most` of them. Answers how many those
    /// were; fewer than `most` means that none are left.
    async fn forget_rollups(
        &self,
        period: RollupPeriod,
        before: Timestamp,
        most: usize,
    ) -> Result<usize, StorageError>;
}

/// The start of the last hour in which each was used, from the sums of hours: [`LedgerStore::last_use`] for stores that have no
/// better way.
///
/// # Errors
/// As [`LedgerStore::sums`].
pub async fn last_spans<L: LedgerStore + ?Sized>(
    ledger: &L,
    by: Dimension,
    ids: &[Uuid],
) -> Result<Vec<Option<Timestamp>>, StorageError> {
    let groups = ledger.sums(&UsageQuery::all(RollupPeriod::Hour), &[Dimension::Span, by]).await?;
    let mut last: HashMap<Uuid, Timestamp> = HashMap::new();
    for group in groups {
        let Group { start, key_id, account_id, owner, .. } = group.group;
        let id = match by {
            Dimension::Key => key_id.map(ClientKeyId::uuid),
            Dimension::Account => account_id.map(AccountId::uuid),
            Dimension::Owner => owner.map(UserId::uuid),
            Dimension::Span | Dimension::Model | Dimension::Provider => None,
        };
        if let (Some(id), Some(start)) = (id, start) {
            let known = last.entry(id).or_insert(start);
            *known = start.max(*known);
        }
    }
    Ok(ids.iter().map(|id| last.get(id).copied()).collect())
}
