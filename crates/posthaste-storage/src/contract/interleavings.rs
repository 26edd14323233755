//! Every order in which three clients and time can take their steps, up to a number of steps.
//!
//! The [`model`] says after each step what the store should have answered and where every counter should stand. From that
//! follow the laws: no reservation passes a limit that refuses, nothing is negative, a refused claim changes nothing, a lease
//! settles once, what is held is what leases alive hold, and a window holds the truths of what was settled and the reserves
//! of what was not.

pub(crate) mod model;

use std::{collections::HashSet, sync::Arc, time::Duration};

use model::{Answer, Call, Model, SPAN, Scene, Step};
use posthaste_core::Timestamp;
use uuid::Uuid;

use super::fixtures::NOON;
use crate::{AdmissionStore, Half, StorageError};

/// Which orders lead to a state that is gone on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Orders {
    /// One for each state of the model: every step is tried in every state.
    OneForEachState,
    /// All of them.
    All,
}

/// Tries every step after every order of fewer than `depth` steps, each time from the beginning and for a new owner.
pub(crate) async fn explore(
    store: &Arc<dyn AdmissionStore>,
    orders: Orders,
    depth: usize,
) -> Result<(), StorageError> {
    let mut seen = HashSet::from([Model::default()]);
    let mut frontier = vec![Vec::new()];
    // Time goes on from story to story: a store may forget whatever is over by the latest moment that it was told.
    let mut start = NOON;
    for _ in 0..depth {
        let mut reached = Vec::new();
        for steps in &frontier {
            for step in Step::ALL {
                let steps: Vec<_> = steps.iter().copied().chain([step]).collect();
                let state = tell(store, &steps, start).await?;
                start = start.plus(Duration::from_secs(SPAN * (depth as u64 + 1)));
                if orders == Orders::All || seen.insert(state) {
                    reached.push(steps);
                }
            }
        }
        frontier = reached;
    }
    assert!(!frontier.is_empty(), "the clients can do nothing");
    Ok(())
}

/// Takes the steps, and compares every answer and, at the end, every counter.
async fn tell(
    store: &Arc<dyn AdmissionStore>,
    steps: &[Step],
    start: Timestamp,
) -> Result<Model, StorageError> {
    let scene = Scene { owner: Uuid::now_v7(), start };
    let mut model = Model::default();
    for step in steps {
        let (call, now) = model.call(*step, scene);
        let answer = match call {
            Call::Reserve(claim) => store.reserve(&claim, now).await?.into(),
            Call::Renew(lease, ttl) => Answer::Renewed(store.renew(lease, ttl, now).await?),
            Call::Settle(lease, truth) => {
                store.settle(lease, &truth, now).await?;
                Answer::Nothing
            }
            Call::Nothing => Answer::Nothing,
        };
        assert_eq!(answer, model.take(*step, scene), "the last answer of {steps:?}, up to {step:?}");
    }
    let (_, now) = model.call(Step::Wait(0), scene);
    for (counter, expected) in model.counters(scene) {
        let used = store.used(Half::Caller, scene.owner, &counter, now).await?;
        assert_eq!(used, expected, "{} after {steps:?}", counter.name);
        assert!(used >= 0, "{} is negative after {steps:?}", counter.name);
    }
    Ok(model)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::Places;

    /// A state is gone on from unless the model and the counts were both there before, so that orders that a store tells
    /// apart, though they look the same, are all gone on from.
    fn explore_places(depth: usize) -> usize {
        let scene = Scene { owner: Uuid::from_u128(7 << 64), start: NOON };
        let mut seen: HashMap<Model, Vec<Places>> = HashMap::new();
        let mut frontier = vec![(Model::default(), Places::default())];
        let mut states = 0;
        for _ in 0..depth {
            let mut reached = Vec::new();
            for (model, places) in &frontier {
                for step in Step::ALL {
                    let (mut model, mut places) = (model.clone(), places.clone());
                    let (call, now) = model.call(step, scene);
                    let answer = match call {
                        Call::Reserve(claim) => places.reserve(&claim, now).into(),
                        Call::Renew(lease, ttl) => Answer::Renewed(places.renew(lease, ttl, now)),
                        Call::Settle(lease, truth) => {
                            places.settle(lease, &truth, now);
                            Answer::Nothing
                        }
                        Call::Nothing => Answer::Nothing,
                    };
                    let before = model.clone();
                    assert_eq!(answer, model.take(step, scene), "{step:?} after {before:?}");
                    let (_, now) = model.call(Step::Wait(0), scene);
                    let mut looked_at = places.clone();
                    for (counter, expected) in model.counters(scene) {
                        let used = looked_at.used(Half::Caller, scene.owner, &counter, now);
                        assert_eq!(used, expected, "{} with {step:?} after {before:?}", counter.name);
                        assert!(used >= 0);
                    }
                    let known = seen.entry(model.clone()).or_default();
                    if !known.contains(&places) {
                        known.push(places.clone());
                        reached.push((model, places));
                        states += 1;
                    }
                }
            }
            frontier = reached;
        }
        states
    }

    #[test]
    fn every_order_of_steps_in_memory_gives_what_it_should() {
        assert!(explore_places(6) > 1_000);
    }

    #[test]
    #[ignore = "takes minutes; `cargo xtask test --all` runs it"]
    fn every_long_order_of_steps_in_memory_gives_what_it_should() {
        assert!(explore_places(8) > 1_000);
    }
}
