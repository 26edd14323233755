//! How often a channel is called.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;
use uuid::Uuid;

/// At most so many messages a minute.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    sent: VecDeque<Instant>,
}

impl Pace {
    /// How long to wait for room for another message.
    pub(crate) fn wait(&mut self, per_minute: u16, now: Instant) -> Option<Duration> {
        while self.sent.front().is_some_and(|sent| now.duration_since(*sent) >= MINUTE) {
            self.sent.pop_front();
        }
        let most = usize::from(per_minute.max(1));
        let oldest_in_the_way = self.sent.len().checked_sub(most)?;
        let sent = self.sent.get(oldest_in_the_way)?;
        Some(MINUTE - now.duration_since(*sent))
    }

    /// Notes that a message goes out.
    pub(crate) fn sent(&mut self, now: Instant) {
        self.sent.push_back(now);
        if self.sent.len() > usize::from(u16::MAX) {
            self.sent.pop_front();
        }
    }
}

/// How long to wait before a message is tried again; `None` when it was tried often enough. `after` is what the service asked
/// for, `lot` any number: relays that failed together shall not come back together.
pub(crate) fn pause(tries: u32, after: Option<Duration>, lot: u64) -> Option<Duration> {
    let step = *PAUSES.get(usize::try_from(tries.checked_sub(1)?).ok()?)?;
    // From four to six fifths of it.
    let jittered = step * 4 / 5 + step * u32::try_from(lot % 1_000).unwrap_or(0) / 2_500;
    // What the service asked for is never cut short by the lot.
    Some(after.map_or(jittered, |after| jittered.max(after.min(LONGEST))))
}

/// Any number.
pub(crate) fn lot() -> u64 {
    Uuid::new_v4().as_u64_pair().1
}

const MINUTE: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3_600);
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_minute_has_room_for_so_many() {
        let mut pace = Pace::default();
        let start = Instant::now();
        for second in 0..3 {
            let now = start + Duration::from_secs(second);
            assert_eq!(pace.wait(3, now), None);
            pace.sent(now);
        }
        let now = start + Duration::from_secs(10);
        assert_eq!(pace.wait(3, now), Some(Duration::from_secs(50)));
        assert_eq!(pace.wait(2, now), Some(Duration::from_secs(51)), "of fewer, a later one is in the way");
        assert_eq!(pace.wait(3, start + MINUTE), None);
    }

    #[test]
    fn pauses_grow_within_a_fifth_of_their_steps_and_end() {
        for lot in [0, 499, 999, u64::MAX] {
            for (tries, step) in (1..).zip(PAUSES) {
                let pause = pause(tries, None, lot).unwrap();
                assert!(pause >= step * 4 / 5 && pause <= step * 6 / 5, "{tries}: {pause:?}");
            }
        }
        assert_eq!(pause(6, None, 0), None);
        assert_eq!(pause(6, Some(MINUTE), 0), None);
    }

    #[test]
    fn what_the_service_asks_for_is_kept_and_bounded() {
        assert_eq!(pause(1, Some(MINUTE), 0), Some(MINUTE));
        assert_eq!(pause(1, Some(Duration::MAX), 0), Some(LONGEST));
        assert_eq!(pause(5, Some(MINUTE), 0), Some(Duration::from_secs(480)), "the longer of the two");
    }
}
