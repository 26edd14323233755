//! What each client key or account used, for all of a list at once.

use std::{collections::HashMap, time::Duration};

use posthaste_core::{AccountId, ClientKeyId, Timestamp};
use posthaste_storage::{Dimension, RollupPeriod, Sums, UsageQuery};
use uuid::Uuid;

use super::UsedIn;
use crate::{Admin, AdminError, board};

pub(super) type Used = HashMap<Uuid, Sums>;

/// The sums of each by its identity; `by` is the client key or the account.
pub(super) async fn used(admin: &Admin, span: UsedIn, by: Dimension) -> Result<Used, AdminError> {
    let groups = board::sums(admin, &query(span, admin.parts().clock.now()), &[by]).await?;
    let id = |group: &posthaste_storage::Group| {
        group.key_id.map(ClientKeyId::uuid).or(group.account_id.map(AccountId::uuid))
    };
    Ok(groups.into_iter().filter_map(|group| Some((id(&group.group)?, group.sums))).collect())
}

/// When each was last used, in the order of `ids`.
pub(super) async fn last_use(
    admin: &Admin,
    by: Dimension,
    ids: &[Uuid],
) -> Result<Vec<Option<Timestamp>>, AdminError> {
    Ok(admin.parts().stores.ledger.last_use(by, ids).await?)
}

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
