//! Promises of [`LockStore`](crate::LockStore).

use std::sync::Arc;

use uuid::Uuid;

use super::{
    Promise,
    fixtures::{NOON, TTL, noon_plus},
};
use crate::Stores;

/// While one holds a lock nobody else gets it.
pub async fn a_lock_is_held_by_one(stores: Stores) -> Promise {
    assert!(stores.locks.acquire("a", Uuid::now_v7(), TTL, NOON).await?.is_some());
    assert_eq!(stores.locks.acquire("a", Uuid::now_v7(), TTL, noon_plus(59)).await?, None);
    Ok(())
}

/// However many try at once, one gets it.
pub async fn of_parallel_holders_exactly_one_wins(stores: Stores) -> Promise {
    let tries: Vec<_> = (0..16)
        .map(|_| {
            let locks = Arc::clone(&stores.locks);
            tokio::spawn(async move { locks.acquire("a", Uuid::now_v7(), TTL, NOON).await })
        })
        .collect();
    let mut holders = 0;
    for attempt in tries {
        holders += usize::from(attempt.await.expect("a holder does not panic")?.is_some());
    }
    assert_eq!(holders, 1);
    Ok(())
}

/// Numbers grow, whether the lock lapsed or was given back before.
pub async fn each_new_holder_has_a_greater_number(stores: Stores) -> Promise {
    let [first, second, third] = [(); 3].map(|()| Uuid::now_v7());
    let one = stores.locks.acquire("a", first, TTL, NOON).await?.expect("the lock is free");
    let two = stores.locks.acquire("a", second, TTL, noon_plus(60)).await?.expect("the lock has lapsed");
    stores.locks.release("a", second).await?;
    let three = stores.locks.acquire("a", third, TTL, noon_plus(61)).await?.expect("the lock is free");
    stores.locks.release("a", third).await?;
    let four = stores.locks.acquire("a", first, TTL, noon_plus(62)).await?.expect("the lock is free");
    assert!(one < two && two < three && three < four, "{one:?} {two:?} {three:?} {four:?}");
    Ok(())
}

/// A holder that asks again holds on for longer, under the number it has.
pub async fn the_same_holder_renews_and_keeps_its_number(stores: Stores) -> Promise {
    let holder = Uuid::now_v7();
    let fence = stores.locks.acquire("a", holder, TTL, NOON).await?;
    assert!(fence.is_some());
    assert_eq!(stores.locks.acquire("a", holder, TTL, noon_plus(50)).await?, fence);
    assert_eq!(stores.locks.acquire("a", Uuid::now_v7(), TTL, noon_plus(109)).await?, None);
    Ok(())
}

/// A holder that fell silent loses the lock after its time to live.
pub async fn a_lock_lapses(stores: Stores) -> Promise {
    stores.locks.acquire("a", Uuid::now_v7(), TTL, NOON).await?;
    assert!(stores.locks.acquire("a", Uuid::now_v7(), TTL, noon_plus(60)).await?.is_some());
    Ok(())
}

/// A lock that was given back is anybody's at once.
pub async fn a_released_lock_is_free(stores: Stores) -> Promise {
    let holder = Uuid::now_v7();
    stores.locks.acquire("a", holder, TTL, NOON).await?;
    stores.locks.release("a", holder).await?;
    assert!(stores.locks.acquire("a", Uuid::now_v7(), TTL, NOON).await?.is_some());
    Ok(())
}

/// Neither a stranger nor a holder from before gives a lock back.
pub async fn only_the_holder_releases(stores: Stores) -> Promise {
    let (before, holder) = (Uuid::now_v7(), Uuid::now_v7());
    stores.locks.acquire("a", before, TTL, NOON).await?;
    let fence = stores.locks.acquire("a", holder, TTL, noon_plus(60)).await?;
    stores.locks.release("a", before).await?;
    stores.locks.release("a", Uuid::now_v7()).await?;
    stores.locks.release("b", holder).await?;
    assert_eq!(stores.locks.acquire("a", before, TTL, noon_plus(61)).await?, None);
    assert_eq!(stores.locks.acquire("a", holder, TTL, noon_plus(61)).await?, fence);
    Ok(())
}

/// Locks of other names are other locks.
pub async fn locks_do_not_meet(stores: Stores) -> Promise {
    let holder = Uuid::now_v7();
    stores.locks.acquire("a", holder, TTL, NOON).await?;
    assert!(stores.locks.acquire("b", Uuid::now_v7(), TTL, NOON).await?.is_some());
    stores.locks.release("b", holder).await?;
    assert_eq!(stores.locks.acquire("a", Uuid::now_v7(), TTL, NOON).await?, None);
    Ok(())
}
