use posthaste_core::CooldownReason::{
    Failing, Forbidden, Overloaded, QuotaExhausted, RateLimited, Unauthorised,
};
use rstest::rstest;

use super::*;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// An account with back-off steps free of jitter would hide nothing, but jitter is part of the promise: these tests use
/// the bounds.
struct Subject {
    account: AccountId,
    health: Health,
    begun: u64,
}

impl Subject {
    fn new() -> Self {
        Self { account: AccountId::generate(), health: Health::default(), begun: 0 }
    }

    fn start(&mut self, now: i64) -> Ticket {
        self.begun += 1;
        let ticket = Ticket(self.begun);
        self.health.started(ticket, Resort::Usual, at(now));
        ticket
    }

    fn rest(&mut self, reason: CooldownReason, until: Option<i64>, now: i64) -> Parked {
        let cooldown = Cooldown::of_account(reason, until.map(at), format!("{reason} at {now}"));
        self.health.rest(self.account, &cooldown, &Backoff::default(), Instance::default(), at(now)).parked
    }

    /// How long a rest without an end is, in the number of the strike: 1 for the first step, 2 for the doubled one, …
    fn rest_step(&mut self, reason: CooldownReason, first: Duration, now: i64) -> u32 {
        let length = self.rest(reason, None, now).until.since(at(now));
        (1..30).find(|&step| length <= first * 2_u32.pow(step - 1)).unwrap()
    }
}

const SECOND: Duration = Duration::from_secs(1);
const TEN_MINUTES: Duration = Duration::from_secs(600);

#[rstest]
#[case(RateLimited)]
#[case(Overloaded)]
#[case(QuotaExhausted)]
#[case(Failing)]
fn the_upstreams_own_end_is_kept(#[case] reason: CooldownReason) {
    let mut subject = Subject::new();
    let parked = subject.rest(reason, Some(3_600), 0);
    assert_eq!(
        parked,
        Parked {
            reason,
            until: at(3_600),
            on_trial: false,
            early: at(3_600),
            strikes: 1,
            again: false,
            why: format!("{reason} at 0").into()
        }
    );
    assert_eq!(subject.health.parked(at(3_599)), Some(parked));
    assert_eq!(subject.health.parked(at(3_600)), None);
}

#[rstest]
#[case(RateLimited, 86_400)]
#[case(Overloaded, 86_400)]
#[case(Failing, 86_400)]
#[case(QuotaExhausted, 700_000)]
#[case(Unauthorised, 700_000)]
#[case(Forbidden, 700_000)]
fn only_lasting_trouble_may_last_longer_than_a_day(#[case] reason: CooldownReason, #[case] until: i64) {
    assert_eq!(Subject::new().rest(reason, Some(700_000), 0).until, at(until));
}

#[test]
fn an_end_that_has_passed_leaves_the_length_to_the_back_off() {
    let until = Subject::new().rest(RateLimited, Some(99), 100).until;
    assert!(until > at(100) && until <= at(101), "{until}");
}

#[test]
fn each_strike_in_a_row_doubles_the_rest() {
    let mut subject = Subject::new();
    let steps: Vec<_> = [0, 100, 200, 300].map(|now| subject.rest_step(Failing, SECOND, now)).into();
    assert_eq!(steps, [1, 2, 3, 4]);
}

#[test]
fn passing_and_lasting_trouble_count_apart() {
    let mut subject = Subject::new();
    for now in [0, 100, 200] {
        subject.rest(RateLimited, None, now);
    }
    assert_eq!(subject.rest_step(Unauthorised, TEN_MINUTES, 300), 1);
}

#[test]
fn a_burst_is_one_strike() {
    let mut subject = Subject::new();
    assert_eq!(subject.rest_step(RateLimited, SECOND, 0), 1);
    assert_eq!(subject.rest_step(RateLimited, SECOND, 1), 1);
    assert_eq!(subject.rest_step(RateLimited, SECOND, 2), 2);
}

#[test]
fn late_failures_of_requests_begun_before_the_rest_are_the_same_strike() {
    let mut subject = Subject::new();
    subject.rest(Failing, Some(60), 0);
    for now in [10, 20, 30, 40, 50] {
        assert_eq!(subject.rest(Failing, None, now).until, at(60));
    }
    assert_eq!(subject.rest_step(Failing, SECOND, 100), 2);
}

#[test]
fn a_later_end_extends_the_rest_and_an_earlier_one_does_not_shorten_it() {
    let mut subject = Subject::new();
    subject.rest(RateLimited, Some(50), 0);
    assert_eq!(subject.rest(RateLimited, Some(90), 1).until, at(90));
    let kept = subject.rest(Failing, Some(20), 2);
    assert_eq!((kept.until, kept.reason), (at(90), RateLimited));
}

#[test]
fn a_refused_credential_outlasts_a_short_rest() {
    let mut subject = Subject::new();
    subject.rest(RateLimited, Some(5), 0);
    let parked = subject.rest(Unauthorised, None, 1);
    assert_eq!(parked.reason, Unauthorised);
    assert!(parked.until >= at(1 + 450), "{}", parked.until);
}

#[test]
fn success_forgets_the_strikes() {
    let mut subject = Subject::new();
    subject.rest(Failing, None, 0);
    subject.rest(Failing, None, 100);
    let ticket = subject.start(200);
    subject.health.succeeded(ticket);
    assert_eq!(subject.rest_step(Failing, SECOND, 300), 1);
}

#[test]
fn success_of_a_request_begun_before_the_rest_does_not_end_it() {
    let mut subject = Subject::new();
    let ticket = subject.start(0);
    subject.rest(RateLimited, Some(60), 0);
    subject.health.succeeded(ticket);
    assert_eq!(subject.health.parked(at(59)).unwrap().until, at(60));
    assert_eq!(subject.rest_step(RateLimited, SECOND, 100), 2);
}

#[test]
fn after_a_rest_one_request_tries_alone() {
    let mut subject = Subject::new();
    subject.rest(RateLimited, Some(10), 0);
    let ticket = subject.start(20);
    let parked = subject.health.parked(at(21)).unwrap();
    assert_eq!(
        parked,
        Parked {
            reason: RateLimited,
            until: at(80),
            on_trial: true,
            early: at(80),
            strikes: 1,
            again: false,
            why: "on trial".into()
        }
    );
    subject.health.succeeded(ticket);
    assert_eq!(subject.health.parked(at(22)), None);
}

#[test]
fn a_trial_without_a_word_keeps_others_away_for_a_minute() {
    let mut subject = Subject::new();
    subject.rest(RateLimited, Some(10), 0);
    subject.start(20);
    subject.start(70);
    assert!(subject.health.parked(at(79)).is_some(), "a second start does not lengthen the trial");
    assert_eq!(subject.health.parked(at(80)), None);
    subject.start(81);
    assert_eq!(subject.health.parked(at(82)).unwrap().until, at(141), "the next request is the next trial");
}

#[test]
fn a_cancelled_trial_leaves_the_trial_to_the_next_request() {
    let mut subject = Subject::new();
    subject.rest(RateLimited, Some(10), 0);
    let ticket = subject.start(20);
    subject.health.cancelled(ticket);
    assert_eq!(subject.health.parked(at(21)), None);
    subject.start(22);
    assert!(subject.health.parked(at(23)).is_some());
}

#[test]
fn a_failed_trial_is_the_next_strike() {
    let mut subject = Subject::new();
    subject.rest(Failing, None, 0);
    subject.start(20);
    assert_eq!(subject.rest_step(Failing, SECOND, 30), 2);
}

#[test]
fn an_attempt_that_begins_during_the_rest_is_no_trial() {
    let mut subject = Subject::new();
    subject.rest(RateLimited, Some(60), 0);
    let ticket = subject.start(30);
    subject.health.succeeded(ticket);
    assert_eq!(subject.health.parked(at(31)).unwrap().until, at(60));
}

#[test]
fn a_healthy_account_serves_many_at_once() {
    let mut subject = Subject::new();
    subject.start(0);
    assert_eq!(subject.health.parked(at(0)), None);
}

#[test]
fn a_trial_is_ended_by_nobody_else() {
    let mut subject = Subject::new();
    let older = subject.start(0);
    subject.rest(RateLimited, Some(10), 0);
    let trial = subject.start(20);
    subject.health.cancelled(older);
    assert!(subject.health.parked(at(21)).unwrap().on_trial);
    subject.health.succeeded(older);
    assert!(subject.health.parked(at(21)).unwrap().on_trial);
    subject.health.succeeded(trial);
    assert!(subject.health.is_healthy());
}

#[test]
fn a_trial_stays_the_only_one_beyond_a_rest_that_another_attempt_brought() {
    let mut subject = Subject::new();
    subject.rest(RateLimited, Some(10), 0);
    let trial = subject.start(20);
    subject.rest(RateLimited, Some(30), 25);
    assert!(!subject.health.parked(at(29)).unwrap().on_trial);
    assert!(subject.health.parked(at(30)).unwrap().on_trial);
    subject.health.succeeded(trial);
    assert_eq!(subject.health.parked(at(31)), None);
    assert!(!subject.health.is_healthy(), "it began before the rest, and so the next one is a trial as well");
}

#[test]
fn a_trial_that_was_given_up_as_lost_still_proves_the_account() {
    let mut subject = Subject::new();
    subject.rest(RateLimited, Some(10), 0);
    let slow = subject.start(20);
    subject.start(80);
    subject.health.succeeded(slow);
    assert!(subject.health.is_healthy());
}

/// Two failures within two seconds are one strike; the second one comes after a rest all the same.
#[test]
fn who_fails_after_a_rest_has_failed_again_until_something_goes_well() {
    let mut subject = Subject::new();
    assert!(!subject.rest(Failing, Some(1), 0).again);
    assert!(!subject.rest(Failing, Some(1), 0).again, "side by side");
    let ticket = subject.start(1);
    let parked = subject.rest(Failing, None, 1);
    assert!(parked.again && parked.strikes == 1, "{parked:?}");
    assert!(subject.rest(Failing, None, 1).again);
    assert_eq!(subject.health.succeeded(ticket), None, "it began before this rest");
    let ticket = subject.start(100);
    subject.health.succeeded(ticket);
    assert!(!subject.rest(Failing, None, 101).again);
}

/// So many failures in a row that the account rests for minutes.
fn failing_for_long(subject: &mut Subject, now: i64) -> Parked {
    for before in (1..10).rev() {
        subject.rest(Failing, None, now - before * 400);
    }
    subject.rest(Failing, None, now)
}

#[rstest]
#[case(Overloaded)]
#[case(Failing)]
fn where_nobody_else_can_serve_a_long_guess_is_tried_within_seconds(#[case] reason: CooldownReason) {
    let mut subject = Subject::new();
    failing_for_long(&mut subject, 9_600);
    let parked = subject.rest(reason, None, 10_000);
    assert!(parked.until >= at(10_225), "{parked:?}");
    assert_eq!(parked.strikes, 11, "{parked:?}");
    assert!(parked.early > at(10_007) && parked.early <= at(10_010), "{parked:?}");
    assert!(subject.health.bars(Resort::Last, at(10_007)).is_some());
    assert_eq!(subject.health.bars(Resort::Last, at(10_010)), None);
    assert!(
        subject.health.bars(Resort::Usual, at(10_010)).is_some(),
        "others are asked as long as there are any"
    );
}

#[rstest]
#[case::named(Failing, Some(20_000))]
#[case::a_limit(RateLimited, None)]
#[case::a_quota(QuotaExhausted, None)]
#[case::a_credential(Unauthorised, None)]
#[case::a_block(Forbidden, None)]
fn what_the_upstream_said_and_what_lasts_is_left_alone(
    #[case] reason: CooldownReason,
    #[case] until: Option<i64>,
) {
    let mut subject = Subject::new();
    for now in [1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000] {
        subject.rest(reason, None, now);
    }
    let parked = subject.rest(reason, until, 10_000);
    assert!(parked.until > at(10_200));
    assert_eq!(parked.early, parked.until);
}

#[test]
fn an_early_trial_is_the_only_one_and_the_next_comes_seconds_later() {
    let mut subject = Subject::new();
    let long = failing_for_long(&mut subject, 10_000);
    subject.begun += 1;
    let trial = Ticket(subject.begun);
    subject.health.started(trial, Resort::Last, at(10_020));
    let seen = subject.health.bars(Resort::Last, at(10_021)).unwrap();
    assert!(seen.on_trial && seen.until >= long.until, "{seen:?}");
    subject.health.cancelled(trial);
    let again = subject.rest(Failing, None, 10_030);
    assert!(again.until >= long.until && !again.on_trial, "{again:?}");
    assert!(again.early > at(10_037) && again.early <= at(10_040), "{again:?}");
}

#[test]
fn an_early_trial_that_goes_well_ends_the_rest() {
    let mut subject = Subject::new();
    failing_for_long(&mut subject, 10_000);
    let trial = Ticket(7_000);
    subject.health.started(trial, Resort::Last, at(10_020));
    assert_eq!(subject.health.succeeded(trial), Some(Recovery::OfAll));
    assert!(subject.health.is_healthy());
}

#[rstest]
#[case::guessed(Failing, None, true)]
#[case::named(Failing, Some(10_300), false)]
#[case::a_limit(RateLimited, None, false)]
fn when_an_outage_is_over_what_was_a_guess_is_tried_soon(
    #[case] reason: CooldownReason,
    #[case] until: Option<i64>,
    #[case] soon: bool,
) {
    let mut subject = Subject::new();
    for now in [1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000, 9_000] {
        subject.rest(reason, None, now);
    }
    subject.rest(reason, until, 10_000);
    subject.health.hope();
    assert_eq!(subject.health.parked(at(10_010)).is_none(), soon);
}

#[test]
fn a_trial_from_before_the_rest_keeps_early_ones_away() {
    let mut subject = Subject::new();
    failing_for_long(&mut subject, 10_000);
    let slow = subject.start(10_400);
    subject.rest(Failing, None, 10_405);
    assert!(subject.health.bars(Resort::Last, at(10_459)).is_some());
    subject.health.cancelled(slow);
    assert_eq!(subject.health.bars(Resort::Last, at(10_459)), None);
}

#[test]
fn trouble_is_told_once_until_it_is_over_or_becomes_another() {
    let mut subject = Subject::new();
    let rest = |subject: &mut Subject, reason, now| {
        let cooldown = Cooldown::of_account(reason, None, "why");
        let rested = subject.health.rest(
            subject.account,
            &cooldown,
            &Backoff::default(),
            Instance::default(),
            at(now),
        );
        rested.begins
    };
    assert!(rest(&mut subject, Unauthorised, 0));
    assert!(!rest(&mut subject, Unauthorised, 1));
    let failed = subject.start(5_000);
    subject.health.cancelled(failed);
    assert!(!rest(&mut subject, Unauthorised, 5_001), "it was never well in between");
    assert!(!rest(&mut subject, Failing, 5_002), "what lasts longer stays the reason");
    let trial = subject.start(100_000);
    assert_eq!(subject.health.succeeded(trial), Some(Recovery::OfOne), "and its end is told");
    assert!(rest(&mut subject, Unauthorised, 100_001));
    assert!(rest(&mut subject, Forbidden, 200_000));
}

impl Health {
    /// All but the strikes, with times by `ahead`, attempts by `place`, and which of those that are open bring news.
    pub(crate) fn likeness(
        &self,
        ahead: &impl Fn(Timestamp) -> i64,
        place: &impl Fn(Ticket) -> Option<usize>,
        open: &[Option<Ticket>],
    ) -> String {
        let rest = self.rest.as_ref().map(|rest| {
            let news = |ticket: &Option<Ticket>| ticket.is_some_and(|ticket| rest.first <= Some(ticket));
            let trial = rest.trial.as_ref().map(|trial| (place(trial.ticket), ahead(trial.since)));
            let news: Vec<_> = open.iter().map(news).collect();
            (ahead(rest.parked.until), trial, rest.first.is_some(), news)
        });
        format!("{rest:?}")
    }
}
