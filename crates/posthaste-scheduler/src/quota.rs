//! Windows of an account's quota, and how far they reach.

use std::{fmt, time::Duration};

use posthaste_core::Timestamp;

/// An allowance for a span of time that ends, as the vendor's plan or the operator's limit has it. What is counted does not
/// matter as long as `used` and `limit` count the same: requests, tokens, nano-dollars, hundredths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaWindow {
    /// What was used of it, what is promised to requests under way included.
    pub used: u64,
    /// What may be used; 0 means nothing.
    pub limit: u64,
    /// What the request is expected to use of it; 0 when that is not known.
    pub request: u64,
    /// When it began. A window that opens with the first request begins where it would if that came now.
    pub starts_at: Timestamp,
    /// When it ends, and what is left of the allowance is lost.
    pub resets_at: Timestamp,
}

impl QuotaWindow {
    /// Whether nothing is left of it at `now`.
    pub fn is_used_up(&self, now: Timestamp) -> bool {
        self.used >= self.limit && now < self.resets_at
    }

    /// How far the use lags behind the time: the share of the allowance that is left over the share of the time that is
    /// left.
    ///
    /// 1 is on pace; more would lose a part of the allowance when the window ends, without bound towards the end; less
    /// will run out before it. A window that has ended is a fresh one: 1.
    pub fn slack(&self, now: Timestamp) -> f64 {
        let Ratio { over, under } = self.slack_ratio(now);
        over / under
    }

    fn slack_ratio(&self, now: Timestamp) -> Ratio {
        self.slack_of_left(self.left(), now)
    }

    /// In floating point from the start: moments and counts are exact in it up to 2^53, which is 285 years and nine million
    /// dollars.
    #[inline]
    fn slack_of_left(&self, left: f64, now: Timestamp) -> Ratio {
        // Of nothing all is used.
        let (limit, length) = (greater(self.limit as f64, 1.0), self.length());
        let time_left = greater(lesser(micros_between(now, self.resets_at), length), 1.0);
        // A window that has ended is a fresh one.
        if now >= self.resets_at {
            return Ratio { over: 1.0, under: 1.0 };
        }
        Ratio { over: left * length, under: limit * time_left }
    }

    #[inline]
    fn left(&self) -> f64 {
        greater(self.limit as f64 - self.used as f64, 0.0)
    }

    /// When it runs out if its use goes on as it did since it began.
    pub fn forecast(&self, now: Timestamp) -> Forecast {
        if now >= self.resets_at {
            return Forecast { used: 0.0, level: None, runs_out_at: None, at_reset: 0.0 };
        }
        let used = if self.limit == 0 { 1.0 } else { self.used as f64 / self.limit as f64 };
        // A few requests in the first moments are no pace yet.
        let length = self.length();
        let elapsed = now.as_micros().saturating_sub(self.starts_at.as_micros()) as f64;
        let elapsed = elapsed.max(length / FIRST_PART);
        let at_reset = used * length / elapsed;
        let runs_out_at = if self.used >= self.limit {
            Some(now)
        } else if at_reset > 1.0 {
            // At the pace of `used` in `elapsed`, what is left lasts so long.
            let lasts = elapsed * (1.0 - used) / used;
            Some(now.plus(Duration::from_micros(lasts.round() as u64)))
                .filter(|&moment| moment < self.resets_at)
        } else {
            None
        };
        Forecast { used, level: Level::of(self.used, self.limit), runs_out_at, at_reset }
    }

    /// Its length in microseconds, which plans count in and not in `Duration`s, whose parts have to be put together each
    /// time. One at least, so that nothing is divided by 0.
    fn length(&self) -> f64 {
        greater(micros_between(self.starts_at, self.resets_at), 1.0)
    }
}

/// How a window will go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// The share that was used: 1 is all.
    pub used: f64,
    /// The highest of the warning marks that the use has passed.
    pub level: Option<Level>,
    /// When nothing is left, if that is before the window ends.
    pub runs_out_at: Option<Timestamp>,
    /// The share that will have been asked for when the window ends; above 1 it runs out.
    pub at_reset: f64,
}

/// The marks at which operators are warned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Half of it is used.
    Half,
    /// Four fifths.
    Most,
    /// Nineteen twentieths.
    Nearly,
    /// All of it.
    All,
}

impl Level {
    /// Every level, the lowest first.
    pub const ALL: [Self; 4] = [Self::Half, Self::Most, Self::Nearly, Self::All];

    /// The highest mark that `used` has passed.
    pub fn of(used: u64, limit: u64) -> Option<Self> {
        let passed = |level: &Self| u128::from(used) * 100 >= u128::from(limit) * u128::from(level.percent());
        Self::ALL.into_iter().rev().find(passed)
    }

    /// The mark in percent.
    pub const fn percent(self) -> u8 {
        match self {
            Self::Half => 50,
            Self::Most => 80,
            Self::Nearly => 95,
            Self::All => 100,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent())
    }
}

/// The tightest of several windows decides: how far an account's use lags behind the time; 1 where it has none.
pub(crate) fn slack_of(windows: &[QuotaWindow], now: Timestamp) -> f64 {
    let slack = windows.iter().map(|window| window.slack(now)).fold(f64::INFINITY, f64::min);
    if slack.is_finite() { slack } else { 1.0 }
}

/// How much speaks for using an account's quota now: the slack of its longest window, times that of each shorter one up to
/// [`MOST_OF_SHORT`], over `crowd`, and over 1 + `few` times the part of what is left that the request takes, of all windows
/// together. Without windows it is 1 over `crowd`.
pub(crate) fn pull_of(windows: &[QuotaWindow], few: f64, crowd: f64, now: Timestamp) -> f64 {
    let longest = windows.iter().map(QuotaWindow::length).fold(0.0, greater);
    // Ratios are kept apart until the end, and nothing branches on numbers that differ from account to account: dividing and
    // guessing wrong are the dearest steps of a plan.
    let mut pull = Ratio { over: 1.0, under: crowd };
    let mut taken = Ratio { over: 0.0, under: 1.0 };
    for window in windows {
        let left = window.left();
        let Ratio { over, under } = window.slack_of_left(left, now);
        let most = if window.length() < longest { MOST_OF_SHORT } else { f64::INFINITY };
        pull = Ratio { over: pull.over * lesser(over, most * under), under: pull.under * under };
        // Half of one unit stands for nothing, which cannot be divided by.
        let left = greater(left, 0.5);
        taken = Ratio {
            over: taken.over * left + window.request as f64 * taken.under,
            under: taken.under * left,
        };
    }
    pull.over * taken.under / (pull.under * (taken.under + few * taken.over))
}

/// A number that has not been divided yet.
#[derive(Clone, Copy)]
struct Ratio {
    over: f64,
    under: f64,
}

/// When the last of the windows that are used up starts anew; `None` when all have something left.
#[inline]
pub(crate) fn used_up_until(windows: &[QuotaWindow], now: Timestamp) -> Option<Timestamp> {
    if !windows.iter().any(|window| window.is_used_up(now)) {
        // Nearly always; the answer below is dearer to make.
        return None;
    }
    windows.iter().filter(|window| window.is_used_up(now)).map(|window| window.resets_at).max()
}

/// The microseconds from one moment to another; less than 0 where that is earlier.
fn micros_between(from: Timestamp, to: Timestamp) -> f64 {
    to.as_micros() as f64 - from.as_micros() as f64
}

/// The lesser of two numbers. `f64::min` also minds what is no number, which takes seven instructions instead of one.
fn lesser(one: f64, other: f64) -> f64 {
    if one < other { one } else { other }
}

/// The greater of two numbers; as [`lesser`].
fn greater(one: f64, other: f64) -> f64 {
    if one > other { one } else { other }
}

/// A short window comes again soon: its end pulls no more than this.
const MOST_OF_SHORT: f64 = 2.0;

/// One in so many parts of a window has to pass before its pace is believed.
const FIRST_PART: f64 = 50.0;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(10_000);

    /// A window of 1,000 s, so much of whose time and of whose allowance of 100 has gone.
    fn window(elapsed: i64, used: u64) -> QuotaWindow {
        let starts_at = Timestamp::from_secs(10_000 - elapsed);
        QuotaWindow {
            used,
            limit: 100,
            request: 0,
            starts_at,
            resets_at: starts_at.plus(Duration::from_secs(1_000)),
        }
    }

    #[rstest]
    #[case(0, 0, 1.0)]
    #[case(500, 50, 1.0)]
    #[case(500, 0, 2.0)]
    #[case(500, 75, 0.5)]
    #[case(990, 0, 100.0)]
    #[case(990, 100, 0.0)]
    #[case(1_000, 100, 1.0)]
    fn slack_is_what_is_left_over_the_time_that_is_left(
        #[case] elapsed: i64,
        #[case] used: u64,
        #[case] wanted: f64,
    ) {
        let slack = window(elapsed, used).slack(NOW);
        assert!((slack - wanted).abs() < 1e-9, "{slack}");
    }

    #[test]
    fn the_tightest_window_decides() {
        assert_eq!(slack_of(&[], NOW), 1.0);
        assert!((slack_of(&[window(500, 0), window(500, 75)], NOW) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn the_longest_window_has_the_main_say_and_short_ones_multiply_it() {
        let week =
            |used| QuotaWindow { resets_at: NOW.plus(Duration::from_secs(9_500)), ..window(500, used) };
        let pull = |windows: &[QuotaWindow]| (pull_of(windows, 4.0, 1.0, NOW) * 1_000.0).round();
        assert_eq!(pull(&[]), 1_000.0);
        assert_eq!(pull(&[window(990, 0)]), 100_000.0);
        let slack = week(62).slack(NOW);
        assert!((slack - 0.4).abs() < 1e-9, "{slack}");
        assert_eq!(
            pull(&[window(0, 0), week(62)]),
            400.0,
            "an unopened window neither pulls nor hides the week"
        );
        assert_eq!(pull(&[window(990, 0), week(62)]), 800.0);
        assert_eq!(pull(&[week(62), window(500, 75)]), 200.0);
        assert_eq!(pull(&[week(62), QuotaWindow { limit: 0, ..window(0, 0) }]), 0.0);
    }

    #[test]
    fn little_room_and_a_crowd_push_away() {
        let pull = |windows: &[QuotaWindow], crowd| (pull_of(windows, 4.0, crowd, NOW) * 1_000.0).round();
        let of = |request, used| QuotaWindow { request, ..window(500, used) };
        assert_eq!(pull(&[], 4.0), 250.0);
        assert_eq!(pull(&[of(0, 50)], 1.0), 1_000.0, "what a request uses is not known");
        assert_eq!(pull(&[of(1, 50)], 1.0), 926.0);
        assert_eq!(pull(&[of(1, 50), of(0, 50), of(12, 50)], 1.0), 490.0, "of all that tell together");
        assert_eq!(pull(&[of(12, 50)], 3.0), 170.0);
        assert_eq!(pull(&[of(10, 120), of(10, 120)], 1.0), 0.0);
        let vast = QuotaWindow { limit: u64::MAX, request: u64::MAX, ..window(500, 0) };
        assert!(pull(&[vast, vast, vast, vast], 1.0).is_finite());
    }

    #[test]
    fn an_account_is_used_up_until_the_last_of_its_used_up_windows_ends() {
        assert_eq!(used_up_until(&[window(500, 99)], NOW), None);
        assert_eq!(used_up_until(&[window(1_000, 100)], NOW), None, "it has ended");
        let (soon, late) = (window(900, 100), window(100, 120));
        assert_eq!(used_up_until(&[late, soon, window(1, 0)], NOW), Some(late.resets_at));
    }

    #[rstest]
    #[case(500, 40, None, None)]
    #[case(500, 50, Some(Level::Half), None)]
    #[case(500, 80, Some(Level::Most), Some(125))]
    #[case(100, 50, Some(Level::Half), Some(100))]
    #[case(900, 95, Some(Level::Nearly), Some(47))]
    #[case(400, 100, Some(Level::All), Some(0))]
    #[case(1_000, 100, None, None)]
    fn a_forecast_goes_on_at_the_pace_so_far(
        #[case] elapsed: i64,
        #[case] used: u64,
        #[case] level: Option<Level>,
        #[case] runs_out_in: Option<u64>,
    ) {
        let forecast = window(elapsed, used).forecast(NOW);
        assert_eq!(forecast.level, level);
        assert_eq!(forecast.runs_out_at.map(|moment| moment.since(NOW).as_secs()), runs_out_in);
        assert_eq!(forecast.runs_out_at.is_some(), forecast.at_reset > 1.0 || used == 100 && elapsed < 1_000);
    }

    #[test]
    fn the_first_moments_are_no_pace() {
        assert_eq!(window(0, 1).forecast(NOW).runs_out_at, None);
        assert_eq!(window(0, 1).forecast(NOW).at_reset, 0.5);
    }

    #[test]
    fn nothing_is_all_of_nothing() {
        let none = QuotaWindow { limit: 0, ..window(10, 0) };
        assert!(none.is_used_up(NOW));
        assert_eq!((none.slack(NOW), none.forecast(NOW).runs_out_at), (0.0, Some(NOW)));
        assert_eq!(Level::of(0, 0), Some(Level::All));
    }
}
