//! How slowly a request's body may come.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// A body comes more slowly than is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body came too slowly")]
pub(crate) struct TooSlow;

/// Measures a body whose bytes are waited for. Nothing is measured, and no timer made, while they are there.
///
/// A time-out for silence alone would let a client hold a connection, and what was read so far, for as long as it likes by
/// sending a byte now and then.
#[derive(Debug, Default)]
pub(super) struct Pace {
    begun: Option<Instant>,
    received: u64,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// So many bytes more came.
    pub(super) const fn came(&mut self, bytes: usize) {
        self.received = self.received.saturating_add(bytes as u64);
    }

    /// Ready when more should have come by now. To be polled while nothing is there.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<TooSlow> {
        loop {
            let now = Instant::now();
            let begun = *self.begun.get_or_insert(now);
            let due = begun + GRACE.max(Duration::from_secs(self.received / LEAST_BYTES_A_SECOND));
            if now >= due {
                return Poll::Ready(TooSlow);
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
            // It is set anew when it fires, not for every piece that comes.
            if timer.is_elapsed() {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(cx));
        }
    }
}

/// For so long any pace will do.
const GRACE: Duration = Duration::from_secs(30);

/// What has to come on average after that.
const LEAST_BYTES_A_SECOND: u64 = 1024;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::timeout;

    use super::*;

    /// How long it is waited for when so many bytes come at each of these pauses.
    async fn borne(bytes: usize, pause: Duration, times: usize) -> Option<u64> {
        let (begun, mut pace) = (Instant::now(), Pace::default());
        for _ in 0..times {
            if timeout(pause, poll_fn(|cx| pace.poll(cx))).await.is_ok() {
                return Some(begun.elapsed().as_secs());
            }
            pace.came(bytes);
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn a_dripping_body_is_given_up_after_the_grace() {
        let second = Duration::from_secs(1);
        assert_eq!(borne(1, second * 10, 100).await, Some(30));
        assert_eq!(borne(1_000, second, 1_000).await, Some(30));
        // A good beginning buys time, but not for ever.
        assert_eq!(borne(64 * 1024, second * 40, 100).await, Some(30), "nothing came within the grace");
        assert_eq!(borne(40 * 1024, second * 29, 2).await, Some(40));
        assert_eq!(borne(40 * 1024, second * 41, 2).await, Some(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_keeps_the_pace_may_take_its_time() {
        assert_eq!(borne(2_048, Duration::from_secs(1), 10_000).await, None);
        // The middle of a long one may be slow.
        let mut pace = Pace::default();
        pace.came(1024 * 1024);
        let begun = Instant::now();
        poll_fn(|cx| pace.poll(cx)).await;
        assert_eq!(begun.elapsed().as_secs(), 1024);
    }
}
