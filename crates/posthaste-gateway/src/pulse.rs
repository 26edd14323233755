//! Waiting on a silent stream.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// What a silence calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Send the client something harmless.
    KeepAlive,
    /// The upstream has been silent for too long.
    Gap,
}

/// One timer for both deadlines. It is set anew only when it fires, not for every byte that passes.
pub(crate) struct Pulse {
    timer: Option<Pin<Box<Sleep>>>,
    keep_alive: Duration,
    gap: Duration,
    last_heard: Instant,
    last_sent: Instant,
}

impl Pulse {
    pub(crate) fn new(keep_alive: Duration, gap: Duration) -> Self {
        let now = Instant::now();
        Self { timer: None, keep_alive, gap, last_heard: now, last_sent: now }
    }

    /// The upstream sent something, and the client will get it.
    pub(crate) fn heard(&mut self) {
        let now = Instant::now();
        self.last_heard = now;
        self.last_sent = now;
    }

    /// From here on only this much more silence is borne.
    pub(crate) fn linger(&mut self, at_most: Duration) {
        self.gap = at_most;
        self.keep_alive = Duration::MAX;
        self.heard();
        self.timer = None;
    }

    /// Ready when the silence calls for something.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Beat> {
        loop {
            let now = Instant::now();
            if now.duration_since(self.last_heard) >= self.gap {
                return Poll::Ready(Beat::Gap);
            }
            if now.duration_since(self.last_sent) >= self.keep_alive {
                self.last_sent = now;
                return Poll::Ready(Beat::KeepAlive);
            }
            let due = self.due();
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if timer.is_elapsed() {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
        }
    }

    fn due(&self) -> Instant {
        let gap = self.last_heard + self.gap;
        match self.last_sent.checked_add(self.keep_alive) {
            Some(keep_alive) => keep_alive.min(gap),
            None => gap,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silence_beats_until_it_has_lasted_too_long() {
        let start = Instant::now();
        let mut pulse = Pulse::new(Duration::from_secs(10), Duration::from_secs(25));
        let mut beats = Vec::new();
        for _ in 0..3 {
            let beat = poll_fn(|cx| pulse.poll(cx)).await;
            beats.push((beat, start.elapsed().as_secs()));
        }
        assert_eq!(beats, [(Beat::KeepAlive, 10), (Beat::KeepAlive, 20), (Beat::Gap, 25)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_puts_both_off() {
        let start = Instant::now();
        let mut pulse = Pulse::new(Duration::from_secs(10), Duration::from_secs(15));
        tokio::time::sleep(Duration::from_secs(9)).await;
        pulse.heard();
        assert_eq!(poll_fn(|cx| pulse.poll(cx)).await, Beat::KeepAlive);
        assert_eq!(start.elapsed().as_secs(), 19);
    }
}
