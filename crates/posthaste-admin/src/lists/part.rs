//! From the records of a list that are wanted to those that a page shows, with what they used.

use posthaste_core::{Area, Timestamp};
use posthaste_storage::{Dimension, Sums};
use uuid::Uuid;

use super::{
    Cut, SortOrder, UsedIn,
    order::{SortValue, Sorted, sort},
    used::{Used, last_use, last_use_lately, used, used_by},
};
use crate::{Actor, Admin, AdminError, UsageTotals};

/// What rows are sorted by that the books tell and not the records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ByUse {
    LastUsedAt,
    Cost,
    Tokens,
    Requests,
}

impl ByUse {
    /// Takes names as the JSON of the rows has them, and as the predecessor wrote them.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "lastUsedAt" | "last_used_at" => Self::LastUsedAt,
            "cost" => Self::Cost,
            "tokens" => Self::Tokens,
            "requests" => Self::Requests,
            _ => return None,
        })
    }

    fn value(self, sums: Option<&Sums>, last: Option<Timestamp>) -> SortValue {
        match self {
            Self::LastUsedAt => SortValue::moment(last),
            Self::Cost => SortValue::number(sums.map_or(0, |sums| sums.cost.as_nanos())),
            Self::Tokens => SortValue::number(sums.map_or(0, |sums| sums.usage.total())),
            Self::Requests => SortValue::number(sums.map_or(0, |sums| sums.attempts)),
        }
    }
}

/// Which part of a list is wanted.
pub(super) struct Wish {
    pub(super) cut: Cut,
    pub(super) order: SortOrder,
    /// What rows are sorted by, where the books tell it.
    pub(super) by_use: Option<ByUse>,
    /// Since when use counts.
    pub(super) range: UsedIn,
    /// Client keys or accounts.
    pub(super) of: Dimension,
}

/// A record of a list.
pub(super) struct Listed<T> {
    pub(super) id: Uuid,
    pub(super) name: String,
    /// What it is sorted by, where the record tells it.
    pub(super) value: SortValue,
    pub(super) record: T,
}

/// The part that a page shows.
pub(super) struct Part<T> {
    pub(super) rows: Vec<Row<T>>,
    /// How many rows there are on all pages.
    pub(super) total: usize,
}

/// A row, with what it used for whoever may see that.
pub(super) struct Row<T> {
    pub(super) record: T,
    pub(super) usage: Option<UsageTotals>,
    pub(super) last_used_at: Option<Timestamp>,
}

impl Wish {
    /// Sorts, cuts the page out, and looks up what its rows used.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`] for whoever wants rows sorted by use and may not see use.
    pub(super) async fn part<T>(
        self,
        admin: &Admin,
        actor: &Actor,
        listed: Vec<Listed<T>>,
    ) -> Result<Part<T>, AdminError> {
        let allowed = actor.check(Area::Usage.read());
        let may = allowed.is_ok();
        if self.by_use.is_some() {
            allowed?;
        }
        let used_by_all = match self.by_use {
            Some(ByUse::Cost | ByUse::Tokens | ByUse::Requests) => {
                Some(used(admin, self.range, self.of).await?)
            }
            Some(ByUse::LastUsedAt) | None => None,
        };
        let ids: Vec<Uuid> = listed.iter().map(|listed| listed.id).collect();
        let last = match self.by_use {
            Some(ByUse::LastUsedAt) => last_use_lately(admin, self.of, &ids).await?,
            _ => vec![None; ids.len()],
        };
        let sorted = |(Listed { id, name, value, record }, last)| {
            let value = self
                .by_use
                .map_or(value, |by| by.value(used_by_all.as_ref().and_then(|used| used.get(&id)), last));
            Sorted { value, name, id, row: record }
        };
        let mut rows: Vec<_> = listed.into_iter().zip(last).map(sorted).collect();
        sort(&mut rows, self.order);
        let (rows, total) = self.cut.of(rows);
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let used = match used_by_all {
            Some(used) => used,
            None if may => used_by(admin, self.range, self.of, &ids).await?,
            None => Used::new(),
        };
        let last = if may { last_use(admin, self.of, &ids).await? } else { vec![None; ids.len()] };
        let row = |(row, last_used_at): (Sorted<T>, _)| Row {
            usage: may.then(|| UsageTotals::from(used.get(&row.id).cloned().unwrap_or_default())),
            record: row.row,
            last_used_at,
        };
        Ok(Part { rows: rows.into_iter().zip(last).map(row).collect(), total })
    }
}
