//! What time it is for a relay that shares its store with others.

use std::sync::Arc;

use posthaste_core::SystemClock;
use posthaste_standby::SteadyClock;

use super::{Backend, Opened};

/// Has the relay go by a clock that does not jump with this machine's; a store of this machine's own is alone with it anyway.
/// Compares it with the store's before anything relies on it.
pub(super) async fn steady(opened: &mut Opened) {
    let Backend::Redis(stores) = &opened.backend else { return };
    let clock = Arc::new(SteadyClock::new(Arc::new(SystemClock)));
    clock.compare(|| stores.time()).await;
    opened.clock = Arc::<SteadyClock>::clone(&clock);
    opened.steady = Some(clock);
}

/// Compares the clocks as long as the relay runs.
pub fn keep_time(opened: &Opened) -> impl Future<Output = ()> + Send + 'static {
    let kept = match (&opened.backend, &opened.steady) {
        (Backend::Redis(stores), Some(clock)) => Some((Arc::clone(stores), Arc::clone(clock))),
        _ => None,
    };
    async move {
        if let Some((stores, clock)) = kept {
            clock.keep(|| stores.time()).await;
        }
    }
}
