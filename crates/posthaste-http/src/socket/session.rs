//! A connection from its first message to its last.

use std::{future, pin::Pin, sync::Arc, time::Duration};

use axum::extract::ws::{Utf8Bytes, close_code};
use bytes::Bytes;
use posthaste_core::{Fault, FaultKind, Origin, RequestId};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    event,
    recall::Exchange,
    turn::{self, Client, Outcome},
};
use crate::{
    link::{Heard, Link, Over, over},
    waiting::Waiting,
};

/// A connection. Dropping it cancels the turn under way, and with it whatever is asked of an upstream.
pub(super) struct Session {
    client: Arc<Client>,
    waiting: Waiting<Bytes>,
    running: Option<Pin<Box<dyn Future<Output = Outcome> + Send>>>,
    last: Option<Exchange>,
    /// When the client last asked for something, or was answered.
    busy: Instant,
}

/// What happens next.
enum Step {
    Tell(Utf8Bytes),
    Ended(Outcome),
    Heard(Result<Heard, Over>),
    Stop,
    Idle,
}

impl Session {
    pub(super) fn new(client: Client) -> Self {
        let waiting = Waiting::new(client.front.options.now().max_body_bytes);
        let busy = Instant::now();
        Self { client: Arc::new(client), waiting, running: None, last: None, busy }
    }

    /// Serves the connection until it is over; `stop` asks for its end once the turn under way is over.
    pub(super) async fn run(mut self, mut link: Link, stop: CancellationToken) {
        // One event at a time: the turn waits for a slow client, and the upstream for the turn.
        let (events, mut told) = mpsc::channel(1);
        loop {
            if self.running.is_none() && !stop.is_cancelled() {
                self.begin(&events);
            }
            let idle = self.running.is_none();
            link.expect_life(!idle);
            let step = tokio::select! {
                event = told.recv() => event.map_or(Step::Stop, Step::Tell),
                outcome = ended(&mut self.running) => Step::Ended(outcome),
                heard = link.hear() => Step::Heard(heard),
                () = stop.cancelled(), if idle => Step::Stop,
                () = sleep_until(self.busy + IDLE), if idle => Step::Idle,
            };
            if let Err(over) = self.step(step, &mut link, &mut told, &stop).await {
                return link.close(over).await;
            }
        }
    }

    /// Begins the next turn, if one waits.
    fn begin(&mut self, events: &mpsc::Sender<Utf8Bytes>) {
        if let Some(message) = self.waiting.pop() {
            let turn = turn::run(Arc::clone(&self.client), message, self.last.take(), events.clone());
            self.running = Some(Box::pin(turn));
        }
    }

    async fn step(
        &mut self,
        step: Step,
        link: &mut Link,
        told: &mut mpsc::Receiver<Utf8Bytes>,
        stop: &CancellationToken,
    ) -> Result<(), Over> {
        match step {
            Step::Tell(event) => link.tell(event).await,
            Step::Ended(outcome) => {
                self.running = None;
                self.busy = Instant::now();
                while let Ok(event) = told.try_recv() {
                    link.tell(event).await?;
                }
                if outcome.locked_out {
                    return Err(over(close_code::POLICY, "the client key does not open this door any more"));
                }
                self.last = outcome.exchange;
                Ok(())
            }
            Step::Heard(heard) => self.heard(heard?, link, stop).await,
            Step::Stop => {
                while self.waiting.pop().is_some() {
                    refuse(&self.client, link, &stopping()).await?;
                }
                Err(over(close_code::AWAY, "the relay is shutting down"))
            }
            Step::Idle => Err(over(close_code::NORMAL, "nothing was asked for a long time")),
        }
    }

    async fn heard(&mut self, heard: Heard, link: &mut Link, stop: &CancellationToken) -> Result<(), Over> {
        let text = match heard {
            Heard::Text(text) => text,
            Heard::Bytes => {
                let fault = Fault::invalid_request("a message in bytes: send events as text");
                return refuse(&self.client, link, &fault).await;
            }
            // The connection ends with it; the client learns why.
            Heard::TooLarge => {
                let fault = crate::body::too_large(self.client.front.options.now().max_body_bytes);
                refuse(&self.client, link, &fault).await?;
                return Err(over(close_code::SIZE, "the message is too large"));
            }
        };
        self.busy = Instant::now();
        if stop.is_cancelled() {
            return refuse(&self.client, link, &stopping()).await;
        }
        let size = text.len();
        match self.waiting.push(text.into(), size) {
            Ok(()) => Ok(()),
            Err(fault) => refuse(&self.client, link, &fault).await,
        }
    }
}

async fn refuse(client: &Client, link: &mut Link, fault: &Fault) -> Result<(), Over> {
    client.front.relay.refused(fault);
    link.tell(event::of_fault(fault, RequestId::generate())).await
}

/// The end of the turn under way; never comes where there is none.
async fn ended(running: &mut Option<Pin<Box<dyn Future<Output = Outcome> + Send>>>) -> Outcome {
    match running {
        Some(turn) => turn.await,
        None => future::pending().await,
    }
}

fn stopping() -> Fault {
    let message = "the relay is shutting down: connect again";
    Fault::new(FaultKind::Overloaded, Origin::Relay, message).retry_after(Duration::from_secs(1))
}

/// How long nothing may be asked. Clients keep the connection while their user thinks, and open another one if it is gone.
const IDLE: Duration = Duration::from_secs(15 * 60);
