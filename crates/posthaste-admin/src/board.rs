//! Sums of months for lists and charts. What months that are over had is kept for a while, so that only the present one is read
//! each time: a row that comes to the books of a month that is over shows within [`KEPT`].

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use posthaste_core::Timestamp;
use posthaste_storage::{Dimension, GroupSums, RollupPeriod, StorageError, UsageQuery};

use crate::Admin;

/// What was read of months that are over.
#[derive(Default)]
pub(crate) struct Board {
    kept: Mutex<VecDeque<Kept>>,
}

struct Kept {
    query: UsageQuery,
    by: Vec<Dimension>,
    read_at: Timestamp,
    groups: Arc<Vec<GroupSums>>,
}

/// The sums that [`LedgerStore::sums`](posthaste_storage::LedgerStore::sums) tells.
pub(crate) async fn sums(
    admin: &Admin,
    query: &UsageQuery,
    by: &[Dimension],
) -> Result<Vec<GroupSums>, StorageError> {
    let ledger = &admin.parts().stores.ledger;
    let now = admin.parts().clock.now();
    let month = RollupPeriod::Month.start_of(now);
    let narrow = query.key_id.is_some() || query.account_id.is_some();
    if query.period != RollupPeriod::Month || narrow || query.from.is_some_and(|from| from >= month) {
        return ledger.sums(query, by).await;
    }
    let over =
        UsageQuery { until: Some(query.until.map_or(month, |until| until.min(month))), ..query.clone() };
    let over = match admin.board().find(&over, by, now) {
        Some(groups) => groups,
        None => {
            let groups = Arc::new(ledger.sums(&over, by).await?);
            admin.board().keep(Kept {
                query: over,
                by: by.to_vec(),
                read_at: now,
                groups: Arc::clone(&groups),
            });
            groups
        }
    };
    if query.until.is_some_and(|until| until <= month) {
        return Ok(Arc::unwrap_or_clone(over));
    }
    let present = ledger.sums(&UsageQuery { from: Some(month), ..query.clone() }, by).await?;
    Ok(merged(&over, present))
}

impl Board {
    fn find(&self, query: &UsageQuery, by: &[Dimension], now: Timestamp) -> Option<Arc<Vec<GroupSums>>> {
        let mut kept = self.kept.lock();
        kept.retain(|kept| kept.read_at <= now && now.since(kept.read_at) < KEPT);
        let found = kept.iter().find(|kept| kept.query == *query && kept.by == by)?;
        Some(Arc::clone(&found.groups))
    }

    fn keep(&self, new: Kept) {
        if new.groups.len() > MOST_GROUPS {
            return;
        }
        let mut kept = self.kept.lock();
        kept.push_back(new);
        while kept.len() > MOST_KEPT {
            kept.pop_front();
        }
    }
}

/// Both are in the order of their groups.
fn merged(over: &[GroupSums], present: Vec<GroupSums>) -> Vec<GroupSums> {
    let mut merged = Vec::with_capacity(over.len() + present.len());
    let mut over = over.iter().peekable();
    for mut group in present {
        while let Some(earlier) = over.next_if(|earlier| earlier.group < group.group) {
            merged.push(earlier.clone());
        }
        if let Some(same) = over.next_if(|earlier| earlier.group == group.group) {
            group.sums.merge(&same.sums);
        }
        merged.push(group);
    }
    merged.extend(over.cloned());
    merged
}

const KEPT: Duration = Duration::from_secs(300);

/// A few questions of a console's pages; some 8 MB each at most, and far less for most.
const MOST_KEPT: usize = 8;

const MOST_GROUPS: usize = 30_000;

#[cfg(test)]
mod tests {
    use posthaste_core::ClientKeyId;
    use posthaste_storage::{Group, Sums};

    use super::*;

    fn sums(key: u128, attempts: u64) -> GroupSums {
        let key_id = Some(ClientKeyId::from_uuid(uuid::Uuid::from_u128(key)));
        let group = Group { key_id, ..Group::default() };
        GroupSums { group, sums: Sums { attempts, ..Sums::default() } }
    }

    #[test]
    fn months_are_put_together_group_by_group() {
        let over = [sums(1, 1), sums(3, 3), sums(4, 4)];
        let present = vec![sums(0, 10), sums(3, 30), sums(5, 50)];
        let told = [sums(0, 10), sums(1, 1), sums(3, 33), sums(4, 4), sums(5, 50)];
        assert_eq!(merged(&over, present), told);
        assert_eq!(merged(&[], vec![sums(1, 1)]), [sums(1, 1)]);
        assert_eq!(merged(&[sums(1, 1)], Vec::new()), [sums(1, 1)]);
    }
}
