//! How long accounts rest, and that it is told.

use posthaste_core::{Account, Cooldown, Timestamp, Told, fields};
use posthaste_provider::{Rests, preset};
use posthaste_scheduler::{Backoff, Parked, Recovered, Rested, Steps, Ticket};

use crate::engine::Engine;

/// Parks an account: until its upstream's word, else by the steps of its preset, else by those of the relay. `ticket` is that
/// of the attempt that found it out, if one did.
///
/// The operator is told when trouble begins or becomes another, and not by each request that meets with it. Other relays are
/// not told: the trouble may lie between this one and the upstream, or in what this one cannot read.
pub(crate) fn rest(
    engine: &Engine,
    account: &Account,
    ticket: Option<Ticket>,
    cooldown: &Cooldown,
    now: Timestamp,
) -> Parked {
    park(engine, account, ticket, cooldown, now).parked
}

/// The same for what the upstream itself has said, which holds for all relays: they are told as well.
pub(crate) fn rest_everywhere(
    engine: &Engine,
    account: &Account,
    ticket: Option<Ticket>,
    cooldown: &Cooldown,
    now: Timestamp,
) -> Parked {
    let Rested { parked, shared, .. } = park(engine, account, ticket, cooldown, now);
    if let Some(rest) = shared {
        engine.fleet.tell(account.id, cooldown.scope.clone(), Told::Rests(rest));
    }
    parked
}

fn park(
    engine: &Engine,
    account: &Account,
    ticket: Option<Ticket>,
    cooldown: &Cooldown,
    now: Timestamp,
) -> Rested {
    let backoff = steps_of(account);
    let rested = engine.scheduler.rest_by(account.id, ticket, cooldown, backoff.as_ref(), now);
    let Rested { parked, begins, .. } = &rested;
    if *begins {
        engine.metrics.rest_began(parked.reason);
        engine.notices.rests(account, &cooldown.scope, parked, now);
        tracing::warn!({ fields::ACCOUNT } = %account.name, reason = %parked.reason, until = %parked.until, why = %parked.why, "account rests");
    } else {
        tracing::debug!({ fields::ACCOUNT } = %account.name, reason = %parked.reason, until = %parked.until, why = %cooldown.why, "account still rests");
    }
    rested
}

/// An attempt that was sent at `asked_at` went well. The operator and the other relays are told where that ends trouble.
pub(crate) fn serves(
    engine: &Engine,
    account: &Account,
    model: &str,
    (ticket, asked_at): (Ticket, Timestamp),
) {
    let now = engine.clock.now();
    let recovered = engine.scheduler.recovered(account.id, model, ticket, now);
    let Some(Recovered { scopes, hope }) = recovered else { return };
    engine.metrics.rest_ended();
    tracing::info!({ fields::ACCOUNT } = %account.name, model, "account serves again");
    for scope in scopes {
        engine.notices.serves(account, &scope, now);
        engine.fleet.tell(account.id, scope, Told::Serves { asked_at, hope });
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
            let parked = scheduler.rest_by(own.id, None, &failing, Some(&backoff), now).parked;
            longest = longest.max(parked.until.since(now));
            now = parked.until.plus(Duration::from_secs(3));
        }
        assert!(longest > Duration::from_secs(10) && longest <= Duration::from_secs(15), "{longest:?}");
        let refused = Cooldown::of_account(CooldownReason::Unauthorised, None, "401");
        let parked = scheduler.rest_by(own.id, None, &refused, Some(&backoff), now).parked;
        assert!(parked.until.since(now) > Duration::from_secs(60), "what lasts rests as everywhere");
    }

    #[test]
    fn most_presets_rest_by_the_relays_steps() {
        let hosted = Account { preset: PresetName("anthropic".to_owned()), ..account("hosted") };
        assert_eq!(steps_of(&hosted), None);
    }
}
