//! A connection from its first message to its last.

use std::{future, pin::Pin, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use bytes::Bytes;
use posthaste_core::{Fault, FaultKind, Origin, RequestId};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    event,
    recall::Exchange,
    turn::{self, Client, Outcome},
    waiting::Waiting,
};

/// A connection. Dropping it cancels the turn under way, and with it whatever is asked of an upstream.
pub(super) struct Session {
    socket: WebSocket,
    client: Arc<Client>,
    waiting: Waiting,
    running: Option<Pin<Box<dyn Future<Output = Outcome> + Send>>>,
    last: Option<Exchange>,
    /// When the client last asked for something, or was answered.
    busy: Instant,
}

/// What happens next.
enum Step {
    Tell(Utf8Bytes),
    Ended(Outcome),
    Heard(Option<Result<Message, axum::Error>>),
    Stop,
    Beat,
    Idle,
}

/// The connection is over, with the reason that the client is told, if it can be told any.
struct Over(Option<CloseFrame>);

impl Session {
    pub(super) fn new(socket: WebSocket, client: Client) -> Self {
        let waiting = Waiting::new(client.front.options.now().max_body_bytes);
        let busy = Instant::now();
        Self { socket, client: Arc::new(client), waiting, running: None, last: None, busy }
    }

    /// Serves the connection until it is over; `stop` asks for its end once the turn under way is over.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        // One event at a time: the turn waits for a slow client, and the upstream for the turn.
        let (events, mut told) = mpsc::channel(1);
        let mut beats = interval_at(Instant::now() + BEAT, BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.running.is_none() && !stop.is_cancelled() {
                self.begin(&events);
            }
            let idle = self.running.is_none();
            let step = tokio::select! {
                event = told.recv() => event.map_or(Step::Stop, Step::Tell),
                outcome = ended(&mut self.running) => Step::Ended(outcome),
                message = self.socket.recv() => Step::Heard(message),
                () = stop.cancelled(), if idle => Step::Stop,
                _ = beats.tick() => Step::Beat,
                () = sleep_until(self.busy + IDLE), if idle => Step::Idle,
            };
            if let Err(Over(reason)) = self.step(step, &mut told, &stop).await {
                if reason.is_some() {
                    timeout(CLOSING, self.close(reason)).await.ok();
                }
                return;
            }
        }
    }

    /// Says good-bye and waits for the answer: a socket that is dropped with unread bytes in it takes along what the client
    /// has not read yet.
    async fn close(&mut self, reason: Option<CloseFrame>) {
        if self.socket.send(Message::Close(reason)).await.is_ok() {
            while let Some(Ok(_)) = self.socket.recv().await {}
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
        told: &mut mpsc::Receiver<Utf8Bytes>,
        stop: &CancellationToken,
    ) -> Result<(), Over> {
        match step {
            Step::Tell(event) => self.tell(event).await,
            Step::Ended(outcome) => {
                self.running = None;
                self.busy = Instant::now();
                while let Ok(event) = told.try_recv() {
                    self.tell(event).await?;
                }
                if outcome.locked_out {
                    return Err(over(close_code::POLICY, "the client key does not open this door any more"));
                }
                self.last = outcome.exchange;
                Ok(())
            }
            Step::Heard(Some(Ok(message))) => self.heard(message, stop).await,
            Step::Heard(Some(Err(error))) => self.failed(&error).await,
            Step::Heard(None) => Err(Over(None)),
            Step::Stop => {
                while self.waiting.pop().is_some() {
                    self.refuse(&stopping()).await?;
                }
                Err(over(close_code::AWAY, "the relay is shutting down"))
            }
            // Keeps what lies between from taking silence for an end.
            Step::Beat => self.send(Message::Ping(Bytes::new())).await,
            Step::Idle => Err(over(close_code::NORMAL, "nothing was asked for a long time")),
        }
    }

    async fn heard(&mut self, message: Message, stop: &CancellationToken) -> Result<(), Over> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => {
                let fault = Fault::invalid_request("a message in bytes: send events as text");
                return self.refuse(&fault).await;
            }
            // Pings are answered below us.
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(Over(None)),
        };
        self.busy = Instant::now();
        if stop.is_cancelled() {
            return self.refuse(&stopping()).await;
        }
        match self.waiting.push(text.into()) {
            Ok(()) => Ok(()),
            Err(fault) => self.refuse(&fault).await,
        }
    }

    /// A message that cannot be received ends the connection; the client learns why if it was its size.
    async fn failed(&mut self, error: &axum::Error) -> Result<(), Over> {
        tracing::debug!(%error, "a WebSocket failed");
        if !is_too_large(error) {
            return Err(Over(None));
        }
        let fault = crate::body::too_large(self.client.front.options.now().max_body_bytes);
        self.refuse(&fault).await?;
        Err(over(close_code::SIZE, "the message is too large"))
    }

    async fn refuse(&mut self, fault: &Fault) -> Result<(), Over> {
        self.client.front.relay.refused(fault);
        self.tell(event::of_fault(fault, RequestId::generate())).await
    }

    async fn tell(&mut self, event: Utf8Bytes) -> Result<(), Over> {
        self.send(Message::Text(event)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Over> {
        match timeout(SLOWEST, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Over(None)),
        }
    }
}

/// The end of the turn under way; never comes where there is none.
async fn ended(running: &mut Option<Pin<Box<dyn Future<Output = Outcome> + Send>>>) -> Outcome {
    match running {
        Some(turn) => turn.await,
        None => future::pending().await,
    }
}

fn over(code: u16, reason: &'static str) -> Over {
    Over(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }))
}

fn stopping() -> Fault {
    let message = "the relay is shutting down: connect again";
    Fault::new(FaultKind::Overloaded, Origin::Relay, message).retry_after(Duration::from_secs(1))
}

/// axum hides the error's type, and with it a dependency, but not its words.
fn is_too_large(error: &axum::Error) -> bool {
    error.to_string().contains("too long")
}

/// How often a sign of life goes out, as it does on streams.
const BEAT: Duration = Duration::from_secs(10);

/// How long nothing may be asked. Clients keep the connection while their user thinks, and open another one if it is gone.
const IDLE: Duration = Duration::from_secs(15 * 60);

/// How long a client may take to take one event.
const SLOWEST: Duration = Duration::from_secs(5 * 60);
const CLOSING: Duration = Duration::from_secs(5);
