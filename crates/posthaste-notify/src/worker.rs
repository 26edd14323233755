//! One channel's messages: collected, paced, sent, tried again.

use std::{sync::Arc, time::Duration};

use posthaste_core::{Channel, Notice};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout_at},
};

use crate::{
    delivery::{Begun, DeliveryLog, DeliveryOutcome},
    pace::{Pace, lot, pause},
    sender::Sender,
    services::Delivered,
};

/// Serves one channel for as long as it is configured. It waits for nobody and nobody waits for it.
pub(crate) struct Worker {
    pub(crate) queue: mpsc::Receiver<Arc<Notice>>,
    /// The channel as it is now; closed when it is no more.
    pub(crate) channel: watch::Receiver<Arc<Channel>>,
    /// Whether the relay stops.
    pub(crate) stopping: watch::Receiver<bool>,
    pub(crate) sender: Arc<Sender>,
    pub(crate) log: Arc<dyn DeliveryLog>,
    pub(crate) pace: Pace,
}

/// Why a wait ended.
enum Woken {
    /// The time is over, or the channel was changed: both are reasons to try.
    Again,
    /// There is nothing to wait for any more.
    Over(&'static str),
}

impl Worker {
    pub(crate) async fn run(mut self) {
        while let Some(first) = self.queue.recv().await {
            let mut notices = vec![first];
            let digest = self.channel.borrow().digest_seconds;
            if digest > 0 {
                self.collect(&mut notices, Instant::now() + Duration::from_secs(digest.into())).await;
            }
            loop {
                let per_minute = self.channel.borrow().per_minute;
                match self.pace.wait(per_minute, Instant::now()) {
                    Some(wait) if !*self.stopping.borrow() => {
                        self.collect(&mut notices, Instant::now() + wait).await;
                    }
                    _ => break,
                }
            }
            self.deliver(&notices).await;
        }
    }

    /// Takes what comes until then, up to a message full; then it only waits. Ends at once when the relay stops.
    async fn collect(&mut self, notices: &mut Vec<Arc<Notice>>, until: Instant) {
        loop {
            let full = notices.len() >= MOST_IN_MESSAGE;
            tokio::select! {
                biased;
                () = stopped(&mut self.stopping) => {
                    while notices.len() < MOST_IN_MESSAGE && let Ok(notice) = self.queue.try_recv() {
                        notices.push(notice);
                    }
                    return;
                }
                next = timeout_at(until, self.queue.recv()), if !full => match next {
                    Ok(Some(notice)) => notices.push(notice),
                    // Nothing more will come, or the time is over.
                    Ok(None) | Err(_) => return,
                },
                () = tokio::time::sleep_until(until), if full => return,
            }
        }
    }

    async fn deliver(&mut self, notices: &[Arc<Notice>]) {
        let channel = Arc::clone(&self.channel.borrow_and_update());
        let mut begun = Begun::new(&channel, notices, self.sender.clock.now());
        if self.channel.has_changed().is_err() {
            return self.log.note(begun.drop_because(IS_NO_MORE, self.sender.clock.now())).await;
        }
        loop {
            let channel = Arc::clone(&self.channel.borrow_and_update());
            self.pace.sent(Instant::now());
            let delivered = self.sender.send(&channel, notices, begun.id()).await;
            let now = self.sender.clock.now();
            let (why, after) = match delivered {
                Delivered::Yes => {
                    begun.tried(None);
                    return self.log.note(begun.end(DeliveryOutcome::Delivered, now)).await;
                }
                Delivered::Refused { why } => {
                    tracing::warn!(
                        channel = channel.name,
                        service = channel.service.as_str(),
                        why,
                        "a notice was refused"
                    );
                    begun.tried(Some(why));
                    return self.log.note(begun.end(DeliveryOutcome::Refused, now)).await;
                }
                Delivered::Again { why, after } => (why, after),
            };
            begun.tried(Some(why.clone()));
            let Some(pause) = pause(begun.tries(), after, lot()) else {
                tracing::warn!(
                    channel = channel.name,
                    service = channel.service.as_str(),
                    why,
                    tries = begun.tries(),
                    "a notice could not be brought"
                );
                return self.log.note(begun.end(DeliveryOutcome::GivenUp, now)).await;
            };
            tracing::debug!(channel = channel.name, why, ?pause, "a notice is tried again");
            if let Woken::Over(why) = self.wait(pause).await {
                return self.log.note(begun.drop_because(why, self.sender.clock.now())).await;
            }
        }
    }

    async fn wait(&mut self, pause: Duration) -> Woken {
        tokio::select! {
            biased;
            () = stopped(&mut self.stopping) => Woken::Over("the relay stopped"),
            changed = self.channel.changed() => match changed {
                Ok(()) => Woken::Again,
                Err(_) => Woken::Over(IS_NO_MORE),
            },
            () = sleep(pause) => Woken::Again,
        }
    }
}

/// Waits until the relay stops.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Whoever could say so is gone: that is a stop as well.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

const IS_NO_MORE: &str = "the channel was switched off or removed";
/// What is more waits for the next one.
const MOST_IN_MESSAGE: usize = 50;
