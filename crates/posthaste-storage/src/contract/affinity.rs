//! Promises of [`AffinityStore`](crate::AffinityStore).

use posthaste_core::{AccountId, ClientKeyId};

use super::{
    Promise,
    fixtures::{NOON, TTL, noon_plus},
};
use crate::{AffinityKey, Stores};

/// Nobody knows a conversation before it settles.
pub async fn a_conversation_has_no_home_at_first(stores: Stores) -> Promise {
    let key = conversation(1);
    assert_eq!(stores.affinity.home(key, NOON).await?, None);
    stores.affinity.forget(key).await?;
    assert_eq!(stores.affinity.home(key, NOON).await?, None);
    Ok(())
}

/// Its home is told until it ends, and other conversations are not touched.
pub async fn a_conversation_lives_where_it_settled(stores: Stores) -> Promise {
    let (key, account) = (conversation(1), AccountId::generate());
    let other = AffinityKey { conversation: [2; 16], ..key };
    stores.affinity.settle_at(key, account, TTL, NOON).await?;
    assert_eq!(stores.affinity.home(key, noon_plus(59)).await?, Some(account));
    assert_eq!(stores.affinity.home(other, NOON).await?, None);
    Ok(())
}

/// The last home counts.
pub async fn a_conversation_moves(stores: Stores) -> Promise {
    let (key, account) = (conversation(1), AccountId::generate());
    stores.affinity.settle_at(key, AccountId::generate(), TTL, NOON).await?;
    stores.affinity.settle_at(key, account, TTL, NOON).await?;
    assert_eq!(stores.affinity.home(key, NOON).await?, Some(account));
    Ok(())
}

/// A home ends with its time to live.
pub async fn a_home_is_forgotten_after_its_time(stores: Stores) -> Promise {
    let key = conversation(1);
    stores.affinity.settle_at(key, AccountId::generate(), TTL, NOON).await?;
    assert_eq!(stores.affinity.home(key, noon_plus(60)).await?, None);
    Ok(())
}

/// Settling at the same home again counts the time anew.
pub async fn settling_again_renews_the_time(stores: Stores) -> Promise {
    let (key, account) = (conversation(1), AccountId::generate());
    stores.affinity.settle_at(key, account, TTL, NOON).await?;
    stores.affinity.settle_at(key, account, TTL, noon_plus(50)).await?;
    assert_eq!(stores.affinity.home(key, noon_plus(109)).await?, Some(account));
    assert_eq!(stores.affinity.home(key, noon_plus(110)).await?, None);
    Ok(())
}

/// A forgotten home is gone at once.
pub async fn a_home_can_be_forgotten(stores: Stores) -> Promise {
    let key = conversation(1);
    stores.affinity.settle_at(key, AccountId::generate(), TTL, NOON).await?;
    stores.affinity.forget(key).await?;
    assert_eq!(stores.affinity.home(key, NOON).await?, None);
    Ok(())
}

/// The same conversation's mark under another tenant is another conversation.
pub async fn tenants_do_not_meet(stores: Stores) -> Promise {
    let (mine, theirs) = (conversation(1), conversation(1));
    let (here, there) = (AccountId::generate(), AccountId::generate());
    stores.affinity.settle_at(mine, here, TTL, NOON).await?;
    assert_eq!(stores.affinity.home(theirs, NOON).await?, None);
    stores.affinity.settle_at(theirs, there, TTL, NOON).await?;
    stores.affinity.forget(theirs).await?;
    assert_eq!(stores.affinity.home(mine, NOON).await?, Some(here));
    Ok(())
}

/// A conversation of a tenant of its own.
fn conversation(mark: u8) -> AffinityKey {
    AffinityKey { tenant: ClientKeyId::generate(), conversation: [mark; 16] }
}
