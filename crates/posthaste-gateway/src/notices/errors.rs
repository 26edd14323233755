//! How many attempts fail.

use std::{collections::VecDeque, time::Duration};

use posthaste_core::{AttemptOutcome, NoticeEvent, Timestamp};

/// When so many attempts fail that somebody should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ErrorRateRules {
    /// The time that is looked at.
    pub(super) window: Duration,
    /// Fewer attempts than that in it say nothing.
    pub(super) least_attempts: u32,
    /// From this share of failures on it is told, in percent.
    pub(super) rises_at: u8,
    /// At this share or below it is over, in percent.
    pub(super) falls_at: u8,
}

impl Default for ErrorRateRules {
    /// Half of at least twenty attempts within five minutes; over at a fifth.
    fn default() -> Self {
        Self { window: Duration::from_secs(300), least_attempts: 20, rises_at: 50, falls_at: 20 }
    }
}

/// Counts attempts and failures in a window that moves with the time. Memory is that of a few numbers, whatever comes.
#[derive(Debug)]
pub(super) struct ErrorRate {
    rules: ErrorRateRules,
    /// The oldest first. Room for all of them is made at the start.
    parts: VecDeque<Part>,
    /// The sum of all parts, so that an attempt costs the same however many there are.
    failed: u32,
    attempts: u32,
    is_high: bool,
}

/// What came in a part of the window.
#[derive(Clone, Copy, Debug)]
struct Part {
    number: i64,
    failed: u32,
    attempts: u32,
}

impl ErrorRate {
    /// With nothing counted yet.
    pub(super) fn new(rules: ErrorRateRules) -> Self {
        let parts = VecDeque::with_capacity(MOST_PARTS);
        Self { rules, parts, failed: 0, attempts: 0, is_high: false }
    }

    /// Counts an attempt, and tells what that changes. What the client did says nothing of the upstream: its faults count as
    /// gone well, and where it left nothing is counted.
    pub(super) fn note(&mut self, outcome: AttemptOutcome, now: Timestamp) -> Option<NoticeEvent> {
        let failed = match outcome {
            AttemptOutcome::Cancelled => return None,
            AttemptOutcome::Complete | AttemptOutcome::ClientFault => 0,
            AttemptOutcome::Failed(_) | AttemptOutcome::Cut => 1,
        };
        self.forget(now);
        // More than that say nothing new.
        if self.attempts < u32::MAX {
            let number = self.number(now);
            match self.parts.back_mut() {
                Some(part) if part.number >= number => {
                    part.failed += failed;
                    part.attempts += 1;
                }
                _ => self.parts.push_back(Part { number, failed, attempts: 1 }),
            }
            self.failed += failed;
            self.attempts += 1;
        }
        self.weigh()
    }

    /// Lets time go by without an attempt: what was high ends also when nobody asks any more.
    pub(super) fn look(&mut self, now: Timestamp) -> Option<NoticeEvent> {
        self.forget(now);
        self.weigh()
    }

    fn weigh(&mut self) -> Option<NoticeEvent> {
        let (failed, attempts) = (self.failed, self.attempts);
        let window_seconds = u32::try_from(self.rules.window.as_secs()).unwrap_or(u32::MAX);
        let share = |percent: u8| u64::from(attempts) * u64::from(percent);
        let hundredfold = u64::from(failed) * 100;
        if !self.is_high && attempts >= self.rules.least_attempts && hundredfold >= share(self.rules.rises_at)
        {
            self.is_high = true;
            return Some(NoticeEvent::ErrorsRose { failed, attempts, window_seconds });
        }
        if self.is_high && hundredfold <= share(self.rules.falls_at) {
            self.is_high = false;
            return Some(NoticeEvent::ErrorsFell { failed, attempts, window_seconds });
        }
        None
    }

    fn forget(&mut self, now: Timestamp) {
        let first = self.number(now) - PARTS + 1;
        while let Some(part) = self.parts.pop_front_if(|part| part.number < first) {
            self.failed -= part.failed;
            self.attempts -= part.attempts;
        }
    }

    fn number(&self, now: Timestamp) -> i64 {
        let length = i64::try_from(self.rules.window.as_micros()).unwrap_or(i64::MAX) / PARTS;
        now.as_micros().div_euclid(length.max(1))
    }
}

/// Of a window.
const PARTS: i64 = 30;
const MOST_PARTS: usize = 31;

#[cfg(test)]
mod tests {
    use posthaste_core::FaultKind;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);
    const FAILED: AttemptOutcome = AttemptOutcome::Failed(FaultKind::Overloaded);
    const WELL: AttemptOutcome = AttemptOutcome::Complete;

    fn at(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    /// What is told while these come, one a second from `from` on.
    fn told(
        rate: &mut ErrorRate,
        from: u64,
        outcomes: impl IntoIterator<Item = AttemptOutcome>,
    ) -> Vec<NoticeEvent> {
        (from..).zip(outcomes).filter_map(|(second, outcome)| rate.note(outcome, at(second))).collect()
    }

    #[test]
    fn a_rise_is_told_once_and_so_is_its_end() {
        let mut rate = ErrorRate::new(ErrorRateRules::default());
        assert_eq!(told(&mut rate, 0, [WELL; 10]), []);
        assert_eq!(told(&mut rate, 10, [FAILED; 9]), []);
        let rose = NoticeEvent::ErrorsRose { failed: 10, attempts: 20, window_seconds: 300 };
        assert_eq!(told(&mut rate, 19, [FAILED; 5]), [rose], "half of twenty");
        // 14 of 70 are a fifth.
        let fell = NoticeEvent::ErrorsFell { failed: 14, attempts: 70, window_seconds: 300 };
        assert_eq!(told(&mut rate, 25, [WELL; 60]), [fell]);
        assert_eq!(told(&mut rate, 90, [WELL; 60]), []);
    }

    #[test]
    fn few_attempts_and_what_clients_do_say_nothing() {
        let mut rate = ErrorRate::new(ErrorRateRules::default());
        assert_eq!(told(&mut rate, 0, [FAILED; 19]), []);
        assert_eq!(told(&mut rate, 19, [AttemptOutcome::Cancelled; 50]), []);
        let mut rate = ErrorRate::new(ErrorRateRules::default());
        assert_eq!(told(&mut rate, 0, [AttemptOutcome::ClientFault; 100]), []);
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let mut rate = ErrorRate::new(ErrorRateRules::default());
        assert_eq!(told(&mut rate, 0, [FAILED; 19]), []);
        assert_eq!(told(&mut rate, 400, [FAILED; 19]), []);
        assert!(rate.note(FAILED, at(420)).is_some());
        // Nobody asks any more.
        let fell = NoticeEvent::ErrorsFell { failed: 0, attempts: 0, window_seconds: 300 };
        assert_eq!(rate.look(at(600)), None);
        assert_eq!(rate.look(at(800)), Some(fell));
        assert!(rate.parts.is_empty());
    }
}
