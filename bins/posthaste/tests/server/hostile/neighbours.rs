//! Good clients beside the others.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::{
    task::JoinSet,
    time::{Duration, Instant, sleep},
};

use crate::support::{PATIENCE, Server, streamed, whole};

/// Four clients that expect to be served, whatever others do.
pub(super) struct Neighbours {
    asking: JoinSet<()>,
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
}

impl Neighbours {
    pub(super) fn of(server: &Server, key: &str) -> Self {
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut asking = JoinSet::new();
        for client in 0..4 {
            let (relay, key) = (server.client(), key.to_owned());
            let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
            asking.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let body = if client % 2 == 0 { whole() } else { streamed() };
                    let answer = relay.post(&key, &body).await.unwrap();
                    let status = answer.status;
                    let text = answer.text().await.unwrap();
                    assert_eq!(status, 200, "{text}");
                    served.fetch_add(1, Ordering::SeqCst);
                    sleep(Duration::from_millis(5)).await;
                }
            });
        }
        Self { asking, stop, served }
    }

    /// Waits until some more were served.
    pub(super) async fn are_served(&self) {
        let (from, begun) = (self.served.load(Ordering::SeqCst), Instant::now());
        while self.served.load(Ordering::SeqCst) < from + 20 {
            assert!(begun.elapsed() < PATIENCE, "nobody is served");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Lets them go; every one of their requests was served. Gives how many those were.
    pub(super) async fn leave(mut self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.asking.join_next().await {
            ended.unwrap();
        }
        self.served.load(Ordering::SeqCst)
    }
}
