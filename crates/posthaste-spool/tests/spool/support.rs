//! Rows and patience.

use std::time::Duration;

use posthaste_core::{AttemptRow, RequestId};
use posthaste_storage::{LedgerStore, RollupPeriod, UsageQuery, contract};
use tokio::time::{sleep, timeout};

pub(crate) fn rows(count: usize) -> Vec<AttemptRow> {
    let first = contract::row();
    (0..count).map(|_| AttemptRow { request_id: RequestId::generate(), ..first.clone() }).collect()
}

/// Tries until it holds; a promise about the end, not about the time.
pub(crate) async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let patience = timeout(Duration::from_secs(90), async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    });
    patience.await.expect("it should hold within the patience");
}

/// How many attempts the sums tell of.
pub(crate) async fn summed(ledger: &dyn LedgerStore) -> u64 {
    let sums = ledger.sums(&UsageQuery::all(RollupPeriod::Day), &[]).await.unwrap();
    sums.iter().map(|sums| sums.sums.attempts).sum()
}
