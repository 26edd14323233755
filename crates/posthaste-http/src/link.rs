//! A WebSocket as sessions use it: messages in and out, signs of life, and an end that the client learns of.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::poll;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout, timeout_at};

/// A connection with somebody at its other end, as far as is known.
///
/// A peer that has vanished says nothing and closes nothing, so pings go out, and where life is expected a peer is given up that
/// neither says anything nor takes in what waited for it.
pub(crate) struct Link {
    socket: WebSocket,
    pace: LinkPace,
    beats: Interval,
    /// When the peer last showed that it lives.
    alive: Instant,
    /// Whether it has to.
    expected: bool,
}

/// How long things take on a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkPace {
    /// The time between two pings.
    pub beat: Duration,
    /// For how long a peer may show no life, where it has to: it is gone then. Together with `least` it bounds how long a peer that
    /// vanished holds anything.
    pub silence: Duration,
    /// What any message is given to be taken, however long the peer has been silent.
    pub least: Duration,
}

impl Default for LinkPace {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { beat: seconds(10), silence: seconds(45), least: seconds(10) }
    }
}

/// What the peer says.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message in text.
    Text(Utf8Bytes),
    /// A message in bytes, which nobody here understands.
    Bytes,
    /// One that is larger than is taken. Nothing can be heard after it.
    TooLarge,
}

/// The connection is over, with the reason that the peer is told, if it can be told any.
#[derive(Debug)]
pub(crate) struct Over(pub(crate) Option<CloseFrame>);

/// The end of a connection with a reason.
pub(crate) fn over(code: u16, reason: &'static str) -> Over {
    Over(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }))
}

impl Link {
    pub(crate) fn new(socket: WebSocket, pace: LinkPace) -> Self {
        let mut beats = interval_at(Instant::now() + pace.beat, pace.beat);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { socket, pace, beats, alive: Instant::now(), expected: false }
    }

    /// From now on the peer has to show that it lives, or need not any more: whoever holds nothing harms nobody, and some clients
    /// answer no ping while they want nothing.
    pub(crate) fn expect_life(&mut self, expected: bool) {
        if expected && !self.expected {
            self.alive = Instant::now();
        }
        self.expected = expected;
    }

    /// The next message. Pings go out meanwhile. Dropping it loses no message.
    pub(crate) async fn hear(&mut self) -> Result<Heard, Over> {
        loop {
            let message = tokio::select! {
                message = self.socket.recv() => message,
                _ = self.beats.tick() => {
                    self.beat().await?;
                    continue;
                }
            };
            self.alive = Instant::now();
            match message {
                Some(Ok(Message::Text(text))) => return Ok(Heard::Text(text)),
                Some(Ok(Message::Binary(_))) => return Ok(Heard::Bytes),
                // Pings are answered below us.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_))) | None => return Err(Over(None)),
                Some(Err(error)) if is_too_large(&error) => return Ok(Heard::TooLarge),
                Some(Err(error)) => {
                    tracing::debug!(%error, "a WebSocket failed");
                    return Err(Over(None));
                }
            }
        }
    }

    /// Sends a text.
    pub(crate) async fn tell(&mut self, text: Utf8Bytes) -> Result<(), Over> {
        self.send(Message::Text(text)).await
    }

    /// Says good-bye, where there is anything to say, and waits for the answer: a socket that is dropped with unread bytes in it
    /// takes along what the client has not read yet.
    pub(crate) async fn close(mut self, Over(reason): Over) {
        let Some(reason) = reason else { return };
        let parting = async {
            if self.socket.send(Message::Close(Some(reason))).await.is_ok() {
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        timeout(CLOSING, parting).await.ok();
    }

    /// Keeps what lies between from taking silence for an end, and asks the peer for a sign.
    async fn beat(&mut self) -> Result<(), Over> {
        if self.expected && self.alive.elapsed() >= self.pace.silence {
            tracing::debug!("a WebSocket's peer shows no life any more");
            return Err(Over(None));
        }
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Over> {
        let until = if self.expected {
            (self.alive + self.pace.silence).max(Instant::now() + self.pace.least)
        } else {
            Instant::now() + SLOWEST
        };
        let sending = self.socket.send(message);
        tokio::pin!(sending);
        let (sent, waited) = match poll!(&mut sending) {
            std::task::Poll::Ready(sent) => (sent, false),
            std::task::Poll::Pending => match timeout_at(until, sending).await {
                Ok(sent) => (sent, true),
                Err(_) => {
                    tracing::debug!("a WebSocket's peer takes nothing in any more");
                    return Err(Over(None));
                }
            },
        };
        if waited {
            // It made room, so somebody reads.
            self.alive = Instant::now();
        }
        sent.map_err(|_| Over(None))
    }
}

/// axum hides the error's type, and with it a dependency, but not its words.
fn is_too_large(error: &axum::Error) -> bool {
    error.to_string().contains("too long")
}

/// How long a client may take to take one event, where it holds nothing.
const SLOWEST: Duration = Duration::from_secs(5 * 60);
const CLOSING: Duration = Duration::from_secs(5);
