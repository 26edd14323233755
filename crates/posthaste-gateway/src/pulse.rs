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
    /// When the answer last went on, and the longest that it did not, once it is being delivered.
    delivering: Option<(Instant, Duration)>,
}

impl Pulse {
    pub(crate) fn new(keep_alive: Duration, gap: Duration) -> Self {
        let now = Instant::now();
        Self { timer: None, keep_alive, gap, last_heard: now, last_sent: now, delivering: None }
    }

    /// The upstream sent something, and the client will get it.
    pub(crate) fn heard(&mut self) {
        let now = Instant::now();
        self.last_heard = now;
        self.last_sent = now;
        self.note_gap(now);
    }

    /// From here on the answer's silences count.
    pub(crate) fn deliver(&mut self) {
        self.delivering = Some((Instant::now(), Duration::ZERO));
    }

    /// The longest silence, told once.
    pub(crate) fn take_longest_gap(&mut self) -> Option<Duration> {
        self.delivering.take().map(|(_, longest)| longest)
    }

    fn note_gap(&mut self, now: Instant) {
        if let Some((before, longest)) = &mut self.delivering {
            *longest = now.duration_since(*before).max(*longest);
            *before = now;
        }
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
                self.note_gap(now);
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
    async fn the_longest_silence_is_told_once_and_from_the_first_content_on() {
        let wait = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
        let mut pulse = Pulse::new(Duration::MAX, Duration::from_secs(25));
        wait(9).await;
        pulse.heard();
        pulse.deliver();
        for seconds in [1, 7, 2] {
            wait(seconds).await;
            pulse.heard();
        }
        assert_eq!(pulse.take_longest_gap(), Some(Duration::from_secs(7)));
        assert_eq!(pulse.take_longest_gap(), None);
        // The silence that an answer ends with counts as well.
        pulse.deliver();
        assert_eq!(poll_fn(|cx| pulse.poll(cx)).await, Beat::Gap);
        assert_eq!(pulse.take_longest_gap(), Some(Duration::from_secs(25)));
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
