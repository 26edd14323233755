//! What each client key or account used, for all of a list at once.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use posthaste_core::Timestamp;
use posthaste_storage::{Dimension, GroupSums, RollupPeriod, Sums, UsageQuery};
use uuid::Uuid;

use super::UsedIn;
use crate::{Admin, AdminError, board};

pub(super) type Used = HashMap<Uuid, Sums>;

/// The sums of each by its identity; `by` is the client key or the account.
pub(super) async fn used(admin: &Admin, span: UsedIn, by: Dimension) -> Result<Used, AdminError> {
    Ok(by_id(board::sums(admin, &query(span, admin.parts().clock.now()), &[by]).await?))
}

/// The same of a few, which takes less than to read those of all.
pub(super) async fn used_by(
    admin: &Admin,
    span: UsedIn,
    by: Dimension,
    ids: &[Uuid],
) -> Result<Used, AdminError> {
    if ids.is_empty() {
        return Ok(Used::new());
    }
    let query = query(span, admin.parts().clock.now());
    Ok(by_id(admin.parts().stores.ledger.sums_of(&query, by, ids).await?))
}

fn by_id(groups: Vec<GroupSums>) -> Used {
    groups.into_iter().filter_map(|group| Some((group.group.id()?, group.sums))).collect()
}

/// When each was last used, in the order of `ids`.
pub(super) async fn last_use(
    admin: &Admin,
    by: Dimension,
    ids: &[Uuid],
) -> Result<Vec<Option<Timestamp>>, AdminError> {
    Ok(admin.parts().stores.ledger.last_use(by, ids).await?)
}

/// When each of many was last used, for lists that are sorted by it. It is read for all at once and kept for a moment, so that the
/// pages of one list go together.
#[derive(Default)]
pub(crate) struct LastUses(Mutex<Vec<Kept>>);

struct Kept {
    by: Dimension,
    read_at: Timestamp,
    told: Arc<HashMap<Uuid, Option<Timestamp>>>,
}

impl LastUses {
    fn find(&self, by: Dimension, now: Timestamp) -> Option<Arc<HashMap<Uuid, Option<Timestamp>>>> {
        let mut kept = self.0.lock();
        kept.retain(|kept| kept.read_at <= now && now.since(kept.read_at) < KEPT);
        kept.iter().find(|kept| kept.by == by).map(|kept| Arc::clone(&kept.told))
    }

    fn keep(&self, new: Kept) {
        let mut kept = self.0.lock();
        kept.retain(|kept| kept.by != new.by);
        kept.push(new);
    }
}

/// When each was last used, as it was at most [`KEPT`] ago, in the order of `ids`.
pub(super) async fn last_use_lately(
    admin: &Admin,
    by: Dimension,
    ids: &[Uuid],
) -> Result<Vec<Option<Timestamp>>, AdminError> {
    let now = admin.parts().clock.now();
    let known = admin.last_uses().find(by, now).unwrap_or_default();
    let unknown: Vec<Uuid> = ids.iter().copied().filter(|id| !known.contains_key(id)).collect();
    if unknown.is_empty() {
        return Ok(ids.iter().map(|id| known.get(id).copied().flatten()).collect());
    }
    // All of them, so that none is older than another.
    let told = last_use(admin, by, ids).await?;
    let kept = ids.iter().copied().zip(told.iter().copied()).collect();
    admin.last_uses().keep(Kept { by, read_at: now, told: Arc::new(kept) });
    Ok(told)
}

/// Long enough to turn a page.
const KEPT: Duration = Duration::from_secs(10);

fn query(span: UsedIn, now: Timestamp) -> UsageQuery {
    let days_before = match span {
        UsedIn::Ever => return UsageQuery::all(RollupPeriod::Month),
        UsedIn::Today => 0,
        UsedIn::Week => 6,
        UsedIn::Month => 29,
    };
    let from = RollupPeriod::Day.start_of(now.minus(Duration::from_secs(days_before * 86_400)));
    UsageQuery { from: Some(from), ..UsageQuery::all(RollupPeriod::Day) }
}
