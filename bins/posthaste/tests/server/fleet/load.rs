//! Clients that ask all the time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use posthaste_testkit::{Received, ScriptedUpstream};
use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::support::{PATIENCE, Server, serving, streamed, whole};

/// Eight clients that expect to be served, whatever happens.
pub(super) struct Load {
    asking: JoinSet<()>,
    stop: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
}

impl Load {
    /// Each client asks one relay.
    pub(super) fn on(relays: &[Server], key: &str) -> Self {
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut asking = JoinSet::new();
        for client in 0..8 {
            let (relay, key) = (relays[client % relays.len()].client(), key.to_owned());
            let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
            asking.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let body = if client < 4 { whole() } else { streamed() };
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

    pub(super) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    /// Waits for some more to be served.
    pub(super) async fn go_on(&self) {
        let (from, begun) = (self.served(), Instant::now());
        while self.served() < from + 40 {
            assert!(begun.elapsed() < PATIENCE, "nobody is served");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// How many were served.
    pub(super) async fn end(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        self.asking.join_all().await;
        self.served.load(Ordering::SeqCst)
    }
}

/// An upstream that serves, and takes a second for whoever asks with [`slow`].
pub(super) async fn upstream() -> ScriptedUpstream {
    ScriptedUpstream::start(|request: &Received| match request.json()["max_tokens"].as_u64() {
        Some(1) => serving(request).head_after(Duration::from_secs(1)),
        _ => serving(request),
    })
    .await
}

pub(super) fn slow() -> Value {
    let mut body = whole();
    body["max_tokens"] = 1.into();
    body
}

/// As many at the same time as the key may have at once, spread over all relays: nobody else holds a place. A relay that
/// still takes Redis for lost keeps to its share, so it is tried again for less than what it takes a lease to lapse. Tells
/// how many were served.
pub(super) async fn served_when_nobody_holds(relays: &[Server], key: &str, places: usize) -> usize {
    let (mut served, begun) = (0, Instant::now());
    loop {
        let mut asking = JoinSet::new();
        for number in 0..places {
            let (relay, key) = (relays[number % relays.len()].client(), key.to_owned());
            asking.spawn(async move {
                let answer = relay.post(&key, &slow()).await.unwrap();
                let status = answer.status;
                (status, answer.text().await.unwrap())
            });
        }
        let answers = asking.join_all().await;
        let refused = answers.iter().find(|(status, _)| *status != 200);
        served += answers.iter().filter(|(status, _)| *status == 200).count();
        let Some((_, why)) = refused else { return served };
        assert!(begun.elapsed() < PATIENCE, "some places are held: {why}");
        sleep(Duration::from_millis(500)).await;
    }
}
