//! What a client is told when nobody can serve it.

use std::time::Duration;

use posthaste_core::{Fault, FaultKind, Origin, Timestamp};
use posthaste_scheduler::Exclusion;

use super::Course;
use crate::journey::Journey;

impl Course<'_> {
    /// When the first of the accounts that rest may be asked again; `None` when none rests.
    pub(crate) fn soonest_return(&self) -> Option<Timestamp> {
        self.legs.iter().filter_map(|leg| leg.plan.soonest_return()).min()
    }

    /// Whether an account is left to ask.
    pub(crate) fn has_candidates(&self) -> bool {
        self.legs.iter().any(|leg| !leg.plan.order.is_empty())
    }

    /// Whether nothing but limits stands in the way.
    fn all_rate_limited(&self) -> bool {
        let mut resting = self.legs.iter().filter(|leg| leg.plan.soonest_return().is_some()).peekable();
        resting.peek().is_some() && resting.all(|leg| leg.plan.all_rate_limited())
    }

    fn exclusions(&self) -> impl Iterator<Item = &Exclusion> {
        self.legs.iter().flat_map(|leg| leg.exclusions())
    }

    /// What a client is told when nobody can serve it.
    pub(crate) fn nobody_left(&self, journey: &Journey, now: Timestamp) -> Fault {
        if self.has_candidates() {
            return overloaded("the upstream accounts that were asked could not answer: ask again")
                .retry_after(LEAST_WAIT);
        }
        let nobody = self.exclusions().next().is_none();
        let only = |wanted: fn(&Exclusion) -> bool| !nobody && self.exclusions().all(wanted);
        if nobody || only(|exclusion| matches!(exclusion, Exclusion::Disabled)) {
            return overloaded(
                "the relay has no upstream account that is switched on: its operator has to add or enable one",
            )
            .retry_after(OPERATORS_WAIT);
        }
        if only(|exclusion| matches!(exclusion, Exclusion::Disabled | Exclusion::NotTheHome)) {
            return Fault::new(FaultKind::AnswerNotFound, Origin::Client, HOME_IS_GONE);
        }
        let served = |exclusion: &Exclusion| {
            !matches!(
                exclusion,
                Exclusion::Disabled
                    | Exclusion::ModelNotServed
                    | Exclusion::PinnedElsewhere
                    | Exclusion::NotForThisKey
                    | Exclusion::NotInThePlace
            )
        };
        if self.exclusions().any(served) && only(|exclusion| !matches!(exclusion, Exclusion::Parked(_))) {
            let (operation, model) = (journey.operation, &journey.envelope.model);
            let message = format!(
                "no account of the relay that serves model `{model}` has an endpoint for {operation}"
            );
            return Fault::new(FaultKind::NotFound, Origin::Client, message);
        }
        if only(|exclusion| {
            matches!(
                exclusion,
                Exclusion::Disabled
                    | Exclusion::ModelNotServed
                    | Exclusion::PinnedElsewhere
                    | Exclusion::NotForThisKey
                    | Exclusion::NotInThePlace
            )
        }) {
            return Fault::new(
                FaultKind::NotFound,
                Origin::Client,
                format!(
                    "no account of the relay serves model `{}`: see GET /v1/models",
                    journey.envelope.model
                ),
            );
        }
        let wait = self.soonest_return().map_or(DEFAULT_WAIT, |until| until.since(now)).max(LEAST_WAIT);
        let fault = if self.all_rate_limited() {
            let message =
                "every upstream account is at its rate limit: ask again after the time in retry-after";
            Fault::new(FaultKind::RateLimited, Origin::Upstream, message)
        } else {
            overloaded("no upstream account can answer now: ask again after the time in retry-after")
        };
        fault.retry_after(wait)
    }
}

fn overloaded(message: &'static str) -> Fault {
    Fault::new(FaultKind::Overloaded, Origin::Relay, message)
}

const HOME_IS_GONE: &str = "`previous_response_id`: the account that made this answer cannot be asked any more; send the whole conversation instead";
const DEFAULT_WAIT: Duration = Duration::from_secs(5);
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// A person has to act. Without advice clients would ask every half second; SDKs take none above a minute.
const OPERATORS_WAIT: Duration = Duration::from_secs(30);
