//! The ports once more, with a watch on how long each call takes.
//!
//! Handles are made once: a call costs two looks at the clock and one record more.

mod admission;
mod affinity;
mod config;
mod ledger;
mod locks;
mod requests;

use std::{future::Future, sync::Arc};

use metrics::{Histogram, histogram};
use tokio::time::Instant;

use self::{
    admission::TimedAdmission, affinity::TimedAffinity, config::TimedConfig, ledger::TimedLedger,
    locks::TimedLocks, requests::TimedRequests,
};
use crate::Stores;

/// Watches the calls that requests, their books and their records rest on, of a store of this kind (`sqlite`, say). Where it
/// stands between a store and what stands in for it, it tells of the store itself.
#[must_use]
pub fn timed(stores: &Stores, kind: &'static str) -> Stores {
    let watch = |operation| Watch::of(kind, operation);
    Stores {
        config: Arc::new(TimedConfig::new(Arc::clone(&stores.config), watch)),
        admission: Arc::new(TimedAdmission::new(Arc::clone(&stores.admission), watch)),
        ledger: Arc::new(TimedLedger::new(Arc::clone(&stores.ledger), watch)),
        affinity: Arc::new(TimedAffinity::new(Arc::clone(&stores.affinity), watch)),
        requests: Arc::new(TimedRequests::new(Arc::clone(&stores.requests), watch)),
        locks: Arc::new(TimedLocks::new(Arc::clone(&stores.locks), watch)),
        ..stores.clone()
    }
}

/// Takes the time of one operation.
struct Watch(Histogram);

impl Watch {
    fn of(kind: &'static str, operation: &'static str) -> Self {
        Self(histogram!("posthaste_store_seconds", "store" => kind, "operation" => operation))
    }

    /// Calls that are given up are left out: nobody knows how long they would have taken.
    async fn time<T>(&self, call: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let result = call.await;
        self.0.record(began.elapsed());
        result
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use posthaste_core::{ClientKeyId, RequestId, Timestamp};

    use super::*;
    use crate::{AffinityKey, memory::MemoryStores};

    // Whatever a store promises, it promises through the watch as well.
    crate::contract_tests!(std::future::ready((timed(&MemoryStores::stores(), "memory"), ())));

    #[tokio::test]
    async fn calls_are_counted_by_their_operation() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let _counting = metrics::set_default_local_recorder(&recorder);
        let stores = timed(&MemoryStores::stores(), "memory");
        for _ in 0..3 {
            stores.ledger.attempts(RequestId::generate()).await.unwrap();
        }
        let key = AffinityKey { tenant: ClientKeyId::generate(), conversation: [7; 16] };
        stores.affinity.home(key, Timestamp::EPOCH).await.unwrap();
        let text = recorder.handle().render();
        let count = |operation| {
            let line =
                format!("posthaste_store_seconds_count{{store=\"memory\",operation=\"{operation}\"}} ");
            text.lines().find_map(|found| found.strip_prefix(&line)).map(str::to_owned)
        };
        assert_eq!(count("ledger_read").as_deref(), Some("3"), "{text}");
        assert_eq!(count("affinity_home").as_deref(), Some("1"), "{text}");
        assert!(count("ledger_append").is_none_or(|none| none == "0"), "{text}");
    }
}
