//! A limit holds for all relays together, to the last request.

use std::sync::Arc;

use futures_util::future::join_all;
use posthaste_core::{FaultKind, LimitUnit, LimitWindow, Pool, PoolId, PoolRules, Timestamp};

use crate::{
    pair::{Pair, limit},
    support::whole,
};

/// 64 clients, every other one at the other relay, ask four times each; gives how many answers there were.
async fn storm(pair: &Pair) -> usize {
    let clients = (0..64).map(|number| {
        let relay = Arc::clone(&pair.relays[number % 2]);
        tokio::spawn(async move {
            let mut served = 0;
            for _ in 0..4 {
                match relay.read(&whole()).await {
                    Ok(read) => {
                        assert_eq!(read.status, 200, "{}", read.text());
                        served += 1;
                    }
                    Err(fault) => assert_eq!(fault.kind, FaultKind::RateLimited, "{fault}"),
                }
            }
            served
        })
    });
    join_all(clients).await.into_iter().map(Result::unwrap).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_keys_hundred_requests_are_a_hundred_over_both_relays() {
    let pair = Pair::new(1, None).await;
    pair.relays[0].with_key(|key| key.policy.limits = vec![limit(LimitUnit::Requests, 100, HOUR)]).await;
    assert_eq!(storm(&pair).await, 100);
    assert_eq!(pair.upstream.asked().len(), 100);
    for relay in &pair.relays {
        let fault = relay.read(&whole()).await.unwrap_err();
        assert!(fault.message.contains("100 of 100"), "{fault}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pools_hundred_requests_are_a_hundred_over_both_relays_and_all_accounts() {
    let pool = Pool {
        id: PoolId::from_uuid(uuid::Uuid::from_u128(7)),
        name: "shared".to_owned(),
        rules: PoolRules::default(),
        limits: vec![limit(LimitUnit::Requests, 100, HOUR)],
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    };
    let pair = Pair::new(3, Some(pool)).await;
    assert_eq!(storm(&pair).await, 100);
    let asked = pair.upstream.by_account();
    assert_eq!(asked.values().sum::<usize>(), 100, "{asked:?}");
    for relay in &pair.relays {
        assert_eq!(relay.read(&whole()).await.unwrap_err().kind, FaultKind::RateLimited);
    }
}

const HOUR: LimitWindow = LimitWindow::Rolling { seconds: 3_600 };
