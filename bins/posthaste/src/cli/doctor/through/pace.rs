//! Whether a stream's parts come one by one.

use std::time::Duration;

use super::{Finding, fix};

/// When the parts of a stream were sent, and when they came.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// For each part when it came and when it was sent, by two clocks that began at different moments.
    pub(super) parts: Vec<(Duration, Duration)>,
    /// How many were to come.
    pub(super) of: usize,
}

impl Pace {
    pub(super) fn is_whole(&self) -> bool {
        self.of > 0 && self.parts.len() == self.of
    }

    /// Whether most of them came together though they were sent apart: all but one in less than half of the time over which
    /// they were sent. Only distances are compared, so that neither a long way nor a slow machine counts.
    pub(super) fn is_held_back(&self) -> bool {
        let most = self.parts.len().saturating_sub(1).max(2);
        self.parts.windows(most).any(|parts| {
            let [(came_first, sent_first), .., (came_last, sent_last)] = parts else { return false };
            let (came, sent) = (came_last.saturating_sub(*came_first), sent_last.saturating_sub(*sent_first));
            came * 2 < sent
        })
    }

    pub(super) fn finding(seen: &Result<Self, String>) -> Finding {
        let what = "through: streams";
        match seen {
            Err(why) => Finding::bad(what, format!("no stream comes through: {why}"), fix::BUFFERING),
            Ok(pace) if !pace.is_whole() => {
                let seen = format!("a stream broke off after {} of {} parts", pace.parts.len(), pace.of);
                Finding::bad(what, seen, "the proxy's log says why it gave up")
            }
            Ok(pace) if pace.is_held_back() => {
                let (came, sent) = pace.spans();
                let seen = format!(
                    "parts sent over {} ms came within {} ms: the proxy holds answers back until it has more of them",
                    sent.as_millis(),
                    came.as_millis()
                );
                Finding::bad(what, seen, fix::BUFFERING)
            }
            Ok(pace) => Finding::good(what, format!("{} parts came one by one", pace.of)),
        }
    }

    fn spans(&self) -> (Duration, Duration) {
        match &self.parts[..] {
            [(came_first, sent_first), .., (came_last, sent_last)] => {
                (came_last.saturating_sub(*came_first), sent_last.saturating_sub(*sent_first))
            }
            _ => (Duration::ZERO, Duration::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::State, *};

    fn pace(came: &[u64]) -> Pace {
        let parts = came
            .iter()
            .enumerate()
            .map(|(number, came)| (Duration::from_millis(*came), Duration::from_millis(150 * number as u64)));
        Pace { parts: parts.collect(), of: 6 }
    }

    #[test]
    fn what_comes_together_was_held_back() {
        for (came, held) in [
            // As they were sent, far away, and with a hiccup.
            ([3, 153, 303, 453, 603, 753], false),
            ([9_000, 9_150, 9_300, 9_450, 9_600, 9_750], false),
            ([3, 450, 451, 452, 603, 753], false),
            // On a slow line.
            ([3, 403, 903, 1_403, 1_903, 2_403], false),
            // All at the end; all but the first; all but the last.
            ([760, 760, 760, 761, 761, 761], true),
            ([2, 760, 760, 760, 760, 761], true),
            ([600, 600, 600, 601, 601, 760], true),
            // In two heaps, of which neither is most of it.
            ([300, 300, 300, 760, 760, 760], false),
        ] {
            assert_eq!(pace(&came).is_held_back(), held, "{came:?}");
        }
    }

    #[test]
    fn what_broke_off_is_no_good_stream() {
        let state = |pace| Pace::finding(&Ok(pace)).state;
        assert_eq!(state(pace(&[3, 153, 303, 453, 603, 753])), State::Good);
        assert_eq!(state(pace(&[3, 153])), State::Bad);
        assert_eq!(state(pace(&[760, 760, 760, 760, 760, 760])), State::Bad);
        assert_eq!(state(Pace::default()), State::Bad);
        assert_eq!(Pace::finding(&Err("502".to_owned())).state, State::Bad);
    }
}
