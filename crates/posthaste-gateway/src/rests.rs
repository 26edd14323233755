//! How long accounts rest.

use posthaste_core::{Account, Cooldown, Timestamp};
use posthaste_provider::{Rests, preset};
use posthaste_scheduler::{Backoff, Parked, Steps, Ticket};

use crate::engine::Engine;

/// Parks an account: until its upstream's word, else by the steps of its preset, else by those of the relay. `ticket` is that
/// of the attempt that found it out, if one did.
pub(crate) fn rest(
    engine: &Engine,
    account: &Account,
    ticket: Option<Ticket>,
    cooldown: &Cooldown,
    now: Timestamp,
) -> Parked {
    let scheduler = &engine.scheduler;
    match (steps_of(account), ticket) {
        (Some(backoff), ticket) => scheduler.rest_by(account.id, ticket, cooldown, &backoff, now),
        (None, Some(ticket)) => scheduler.rest_after(account.id, ticket, cooldown, now),
        (None, None) => scheduler.rest(account.id, cooldown, now),
    }
}

fn steps_of(account: &Account) -> Option<Backoff> {
    let Rests { first, most } = preset(&account.preset.0)?.rests?;
    Some(Backoff { passing: Steps { first, most }, ..Backoff::default() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use posthaste_core::{CooldownReason, PresetName};
    use posthaste_scheduler::Scheduler;
    use posthaste_testkit::account;

    use super::*;

    #[test]
    fn a_server_of_ones_own_is_asked_again_soon_however_often_it_failed() {
        let own = Account { preset: PresetName("ollama".to_owned()), ..account("own") };
        let (backoff, scheduler) = (steps_of(&own).unwrap(), Scheduler::default());
        let failing = Cooldown::of_account(CooldownReason::Failing, None, "it does not listen");
        let mut now = Timestamp::from_secs(1_000);
        let mut longest = Duration::ZERO;
        for _ in 0..12 {
            let parked = scheduler.rest_by(own.id, None, &failing, &backoff, now);
            longest = longest.max(parked.until.since(now));
            now = parked.until.plus(Duration::from_secs(3));
        }
        assert!(longest > Duration::from_secs(10) && longest <= Duration::from_secs(15), "{longest:?}");
        let refused = Cooldown::of_account(CooldownReason::Unauthorised, None, "401");
        let parked = scheduler.rest_by(own.id, None, &refused, &backoff, now);
        assert!(parked.until.since(now) > Duration::from_secs(60), "what lasts rests as everywhere");
    }

    #[test]
    fn most_presets_rest_by_the_relays_steps() {
        let hosted = Account { preset: PresetName("anthropic".to_owned()), ..account("hosted") };
        assert_eq!(steps_of(&hosted), None);
    }
}
