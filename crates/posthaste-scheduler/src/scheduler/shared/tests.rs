use std::time::Duration;

use posthaste_core::{Cooldown, CooldownReason};

use super::*;
use crate::{Backoff, Instance, Steps};

const MODEL: &str = "claude-opus-4-8";

const fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// Two relays and an account that they share.
struct Pair {
    a: Scheduler,
    b: Scheduler,
    account: AccountId,
}

impl Pair {
    fn new() -> Self {
        let relay = |number| Scheduler::default().with_instance(Instance(number));
        Self { a: relay(1), b: relay(2), account: AccountId::generate() }
    }

    /// The first relay meets with trouble; gives what it has to tell.
    fn trouble(&self, reason: CooldownReason, until: Option<i64>, now: i64) -> Option<ToldRest> {
        let cooldown = Cooldown::of_account(reason, until.map(at), "429");
        self.a.rest_by(self.account, None, &cooldown, None, at(now)).shared
    }

    fn learn(&self, told: &ToldRest) -> bool {
        self.b.learn_rest(self.account, &CooldownScope::Account, told)
    }

    fn parked(&self, now: i64) -> Option<Parked> {
        self.b.parked(self.account, at(now))
    }

    fn begin(relay: &Scheduler, account: AccountId, now: i64) -> Result<Begun, Parked> {
        relay.begin(account, MODEL, Resort::Usual, at(now))
    }
}

#[test]
fn a_rest_that_is_learnt_ends_when_the_other_says_and_never_before_the_upstreams_word() {
    let pair = Pair::new();
    let told = pair.trouble(CooldownReason::RateLimited, Some(60), 0).unwrap();
    assert!(told.until >= at(60) && told.until < at(61), "{told:?}");
    assert!(pair.learn(&told), "it is news");
    assert_eq!(pair.parked(59), pair.a.parked(pair.account, at(59)));
    assert!(pair.parked(62).is_none());
}

#[test]
fn the_same_news_again_change_nothing_and_an_earlier_end_is_not_taken() {
    let pair = Pair::new();
    let told = pair.trouble(CooldownReason::RateLimited, Some(60), 0).unwrap();
    pair.learn(&told);
    let before = pair.parked(1);
    assert!(!pair.learn(&told) && pair.parked(1) == before);
    let earlier = ToldRest { until: at(30), early: at(30), ..told };
    assert!(!pair.learn(&earlier) && pair.parked(1) == before);
}

#[test]
fn what_others_know_already_is_not_told() {
    let pair = Pair::new();
    assert!(pair.trouble(CooldownReason::RateLimited, Some(60), 0).is_some());
    assert_eq!(pair.trouble(CooldownReason::RateLimited, Some(60), 1), None, "the same strike, the same end");
    assert!(pair.trouble(CooldownReason::RateLimited, Some(90), 2).is_some(), "a later end");
}

#[test]
fn strikes_go_on_where_the_other_relay_left_them() {
    let pair = Pair::new();
    let mut now = 0;
    for _ in 0..6 {
        let told = pair.trouble(CooldownReason::Failing, None, now).unwrap();
        now = told.until.as_secs() + 3;
        pair.learn(&told);
    }
    let failing = Cooldown::of_account(CooldownReason::Failing, None, "503");
    let steps = Backoff {
        passing: Steps { first: Duration::from_secs(1), most: Duration::from_secs(300) },
        ..Backoff::default()
    };
    let rested = pair.b.rest_by(pair.account, None, &failing, Some(&steps), at(now));
    let told = rested.shared.unwrap();
    assert_eq!(told.strikes, 7);
    assert!(told.until.since(at(now)) > Duration::from_secs(40), "{told:?}");
}

#[test]
fn a_recovery_that_is_learnt_ends_the_rest_and_the_strikes() {
    let pair = Pair::new();
    let told = pair.trouble(CooldownReason::RateLimited, Some(60), 0).unwrap();
    pair.learn(&told);
    let Begun { ticket, is_trial } = Pair::begin(&pair.a, pair.account, 70).unwrap();
    assert!(is_trial);
    let recovered = pair.a.recovered(pair.account, MODEL, ticket, at(71)).unwrap();
    assert_eq!(recovered, Recovered { scopes: vec![CooldownScope::Account], hope: false });
    assert!(pair.b.learn_recovery(pair.account, &CooldownScope::Account, at(70), false));
    let begun = Pair::begin(&pair.b, pair.account, 71).unwrap();
    assert!(!begun.is_trial, "nothing is left to be tried");
    assert!(!pair.b.learn_recovery(pair.account, &CooldownScope::Account, at(70), false));
}

#[test]
fn a_recovery_that_was_asked_for_before_the_rest_began_ends_nothing() {
    let pair = Pair::new();
    let told = pair.trouble(CooldownReason::RateLimited, Some(60), 10).unwrap();
    pair.learn(&told);
    assert!(!pair.b.learn_recovery(pair.account, &CooldownScope::Account, at(9), false));
    assert!(pair.parked(20).is_some());
}

#[test]
fn a_failure_that_was_met_here_alone_keeps_its_strikes() {
    let pair = Pair::new();
    let failing = Cooldown::of_account(CooldownReason::Failing, None, "connection refused");
    for round in 0..4 {
        pair.b.rest(pair.account, &failing, at(round * 100));
    }
    assert!(pair.b.learn_recovery(pair.account, &CooldownScope::Account, at(399), false));
    assert!(!Pair::begin(&pair.b, pair.account, 400).unwrap().is_trial);
    let rested = pair.b.rest_by(pair.account, None, &failing, None, at(400));
    assert_eq!(rested.shared.unwrap().strikes, 5);
}

#[test]
fn models_rest_and_recover_apart() {
    let pair = Pair::new();
    let opus = CooldownScope::Models("claude-opus".to_owned());
    let told = pair.trouble(CooldownReason::RateLimited, Some(60), 0).unwrap();
    pair.b.learn_rest(pair.account, &opus, &told);
    assert!(Pair::begin(&pair.b, pair.account, 1).is_err());
    assert!(pair.b.begin(pair.account, "claude-haiku-4-5", Resort::Usual, at(1)).is_ok());
    assert!(!pair.b.learn_recovery(pair.account, &CooldownScope::Account, at(2), false));
    assert!(Pair::begin(&pair.b, pair.account, 3).is_err(), "another part is meant");
    assert!(pair.b.learn_recovery(pair.account, &opus, at(4), false));
    assert!(Pair::begin(&pair.b, pair.account, 5).is_ok());
}

#[test]
fn hope_reaches_the_other_relay() {
    let pair = Pair::new();
    let other = AccountId::generate();
    let failing = Cooldown::of_account(CooldownReason::Failing, None, "503");
    for round in 0..9 {
        pair.b.rest(other, &failing, at(round * 1_000));
    }
    assert!(pair.b.parked(other, at(8_030)).is_some());
    pair.b.learn_recovery(pair.account, &CooldownScope::Account, at(8_020), true);
    assert!(pair.b.parked(other, at(8_030)).is_none());
}

#[test]
fn an_operators_release_ends_what_began_before_it() {
    let pair = Pair::new();
    let opus = CooldownScope::Models("claude-opus".to_owned());
    let told = pair.trouble(CooldownReason::RateLimited, Some(600), 10).unwrap();
    pair.learn(&told);
    pair.b.learn_rest(pair.account, &opus, &told);
    assert!(!pair.b.learn_release(pair.account, at(9)) && pair.parked(20).is_some());
    assert!(pair.b.learn_release(pair.account, at(10)));
    assert!(Pair::begin(&pair.b, pair.account, 20).is_ok_and(|begun| !begun.is_trial));
}

#[test]
fn who_is_refused_the_trial_leaves_the_account_alone_for_the_while() {
    let pair = Pair::new();
    let told = pair.trouble(CooldownReason::RateLimited, Some(60), 0).unwrap();
    pair.learn(&told);
    let begun = Pair::begin(&pair.b, pair.account, 70).unwrap();
    assert!(begun.is_trial);
    let left = pair.b.leave_to_another(pair.account, begun.ticket, at(71), at(70));
    assert!(left.is_some_and(|parked| parked.on_trial));
    let parked = Pair::begin(&pair.b, pair.account, 70).unwrap_err();
    assert!(parked.on_trial && parked.until == at(71), "{parked:?}");
    assert!(Pair::begin(&pair.b, pair.account, 71).unwrap().is_trial, "then it asks again");
}

#[test]
fn nothing_is_left_to_another_where_the_account_serves_already() {
    let pair = Pair::new();
    let told = pair.trouble(CooldownReason::RateLimited, Some(60), 0).unwrap();
    pair.learn(&told);
    let begun = Pair::begin(&pair.b, pair.account, 70).unwrap();
    pair.b.learn_recovery(pair.account, &CooldownScope::Account, at(69), false);
    assert_eq!(pair.b.leave_to_another(pair.account, begun.ticket, at(71), at(70)), None);
}

#[test]
fn an_early_trial_is_left_to_another_as_well() {
    let pair = Pair::new();
    let failing = Cooldown::of_account(CooldownReason::Failing, None, "503");
    for round in 0..9 {
        pair.b.rest(pair.account, &failing, at(round * 1_000));
    }
    let last = |now| pair.b.begin(pair.account, MODEL, Resort::Last, at(now));
    let begun = last(8_020).unwrap();
    assert!(begun.is_trial);
    assert!(pair.b.leave_to_another(pair.account, begun.ticket, at(8_021), at(8_020)).is_some());
    assert!(last(8_020).is_err());
    assert!(last(8_021).unwrap().is_trial);
}

#[test]
fn a_trial_is_not_sent_where_a_new_rest_has_become_known() {
    let pair = Pair::new();
    let told = pair.trouble(CooldownReason::RateLimited, Some(60), 0).unwrap();
    pair.learn(&told);
    let begun = Pair::begin(&pair.b, pair.account, 70).unwrap();
    assert_eq!(pair.b.confirm(pair.account, MODEL, begun.ticket, at(70)), Ok(()));
    let again = ToldRest { until: at(130), early: at(130), since: at(69), ..told };
    pair.learn(&again);
    let parked = pair.b.confirm(pair.account, MODEL, begun.ticket, at(70)).unwrap_err();
    assert_eq!(parked.until, at(130));
    assert!(Pair::begin(&pair.b, pair.account, 130).unwrap().is_trial, "the trial has ended");
}
