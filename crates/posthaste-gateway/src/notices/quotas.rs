//! Windows of accounts' plans.

use std::{collections::HashMap, time::Duration};

use posthaste_core::{AccountId, Notice, NoticeEvent, Subject, Timestamp};

/// How a window of an account's plan goes, as the relay forecasts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlanWindow {
    /// How much of it is used, in percent.
    pub(super) used_percent: u8,
    /// When it began.
    pub(super) starts_at: Timestamp,
    /// When it starts anew.
    pub(super) resets_at: Timestamp,
    /// When nothing is left if it goes on like this, if that is before it starts anew.
    pub(super) runs_out_at: Option<Timestamp>,
}

/// What is to be told of a window: the highest of the marks 80, 95 and 100 % that it has passed, and that it will run out
/// early. The same window gives the same notices each time: whoever brings them tells each once.
pub(super) fn quota_notices(
    (id, name): (AccountId, &str),
    window: &PlanWindow,
    now: Timestamp,
) -> Vec<Notice> {
    let PlanWindow { used_percent, resets_at, runs_out_at, .. } = *window;
    if resets_at <= now {
        return Vec::new();
    }
    let mark = MARKS.into_iter().rev().find(|mark| used_percent >= *mark);
    let reached =
        mark.map(|percent| NoticeEvent::QuotaReached { percent, used_percent, resets_at, runs_out_at });
    let runs_out = runs_out_at
        .filter(|_| mark != Some(ALL) && is_worth_a_word(window))
        .map(|runs_out_at| NoticeEvent::QuotaRunsOut { used_percent, runs_out_at, resets_at });
    // Most windows have nothing to tell, and cost no memory then.
    let notice = |event| {
        let subject = Subject::Account { id, name: name.to_owned() };
        Notice { at: now, subject, event }
    };
    reached.into_iter().chain(runs_out).map(notice).collect()
}

/// The first part of a window tells little of the rest, and a window that runs out as it starts anew troubles nobody.
fn is_worth_a_word(window: &PlanWindow) -> bool {
    let length = window.resets_at.since(window.starts_at);
    let early = window.runs_out_at.map_or(Duration::ZERO, |at| window.resets_at.since(at));
    window.used_percent >= LEAST_USED && early >= length / EARLY_PART
}

/// Which marks of which windows were told, so that not every answer of a vendor tells them again.
#[derive(Debug, Default)]
pub(super) struct Windows(HashMap<AccountId, Vec<Told>>);

#[derive(Debug)]
struct Told {
    resets_at: Timestamp,
    /// The highest one.
    mark: u8,
    /// That it will run out.
    forecast: bool,
}

impl Windows {
    /// Whether this was not told yet of its window; it is then.
    pub(super) fn is_new(&mut self, account: AccountId, event: &NoticeEvent, now: Timestamp) -> bool {
        let (resets_at, mark) = match event {
            NoticeEvent::QuotaReached { resets_at, percent, .. } => (*resets_at, Some(*percent)),
            NoticeEvent::QuotaRunsOut { resets_at, .. } => (*resets_at, None),
            _ => return true,
        };
        let windows = self.0.entry(account).or_default();
        windows.retain(|told| told.resets_at > now);
        let same = |told: &Told| told.resets_at.since(resets_at).max(resets_at.since(told.resets_at)) < SAME;
        let at = windows.iter().position(same).unwrap_or_else(|| {
            windows.push(Told { resets_at, mark: 0, forecast: false });
            windows.len() - 1
        });
        let told = &mut windows[at];
        match mark {
            Some(mark) => {
                let before = told.mark;
                told.mark = before.max(mark);
                before < mark
            }
            None => !std::mem::replace(&mut told.forecast, true),
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(AccountId) -> bool) {
        self.0.retain(|account, _| keep(*account));
    }
}

/// Vendors tell the same end a second earlier or later.
const SAME: Duration = Duration::from_secs(60);
const ALL: u8 = 100;
const MARKS: [u8; 3] = [80, 95, ALL];
/// Percent.
const LEAST_USED: u8 = 30;
/// One part of so many.
const EARLY_PART: u32 = 20;

#[cfg(test)]
mod tests {
    use posthaste_core::NoticeKind;

    use super::*;

    const HOUR: i64 = 3_600;

    fn kinds(used_percent: u8, runs_out_hours: Option<i64>) -> Vec<(NoticeKind, Option<u8>)> {
        let [starts_at, now, resets_at] = [0, 2 * HOUR, 5 * HOUR].map(Timestamp::from_secs);
        let runs_out_at = runs_out_hours.map(|hours| Timestamp::from_secs(hours * HOUR));
        let window = PlanWindow { used_percent, starts_at, resets_at, runs_out_at };
        let notices = quota_notices((AccountId::generate(), "one"), &window, now);
        let mark = |notice: &Notice| match notice.event {
            NoticeEvent::QuotaReached { percent, .. } => Some(percent),
            _ => None,
        };
        notices.iter().map(|notice| (notice.kind(), mark(notice))).collect()
    }

    #[test]
    fn the_highest_mark_and_the_forecast_are_told() {
        assert_eq!(kinds(79, None), []);
        assert_eq!(kinds(80, None), [(NoticeKind::Quota, Some(80))]);
        assert_eq!(kinds(96, Some(3)), [(NoticeKind::Quota, Some(95)), (NoticeKind::Forecast, None)]);
        assert_eq!(kinds(100, Some(2)), [(NoticeKind::Quota, Some(100))], "it has run out");
        assert_eq!(kinds(50, Some(4)), [(NoticeKind::Forecast, None)]);
    }

    #[test]
    fn a_guess_from_the_first_requests_is_not_told() {
        assert_eq!(kinds(29, Some(3)), []);
        assert_eq!(kinds(50, Some(5)), [], "it runs out as it starts anew");
    }

    #[test]
    fn a_mark_is_told_once_in_a_window_whose_end_moves_by_a_second() {
        let (mut windows, account) = (Windows::default(), AccountId::generate());
        let mut is_new = |used_percent, hour, second| {
            let resets_at = Timestamp::from_secs(hour * HOUR + second);
            let starts_at = Timestamp::from_secs((hour - 5) * HOUR);
            let window = PlanWindow { used_percent, starts_at, resets_at, runs_out_at: None };
            let now = starts_at.plus(Duration::from_secs(1));
            let notices = quota_notices((account, "one"), &window, now);
            notices.iter().filter(|notice| windows.is_new(account, &notice.event, now)).count()
        };
        let told =
            [is_new(80, 5, 0), is_new(85, 5, 1), is_new(99, 5, 0), is_new(100, 5, 0), is_new(100, 5, 1)];
        assert_eq!(told, [1, 0, 1, 1, 0]);
        assert_eq!(is_new(100, 10, 0), 1, "the next window");
    }

    #[test]
    fn of_a_window_that_is_over_nothing_is_told() {
        let [starts_at, resets_at] = [0, HOUR].map(Timestamp::from_secs);
        let window = PlanWindow { used_percent: 100, starts_at, resets_at, runs_out_at: None };
        assert_eq!(quota_notices((AccountId::generate(), "one"), &window, resets_at), []);
    }
}
