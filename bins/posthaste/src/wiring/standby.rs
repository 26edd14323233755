//! Who stands in for a store that several relays share, while it is away.

use std::sync::Arc;

use posthaste_standby::{Standby, StandbyOptions};
use posthaste_storage::FleetSize;

use super::{Backend, Opened};
use crate::Config;

/// Watches over a shared store, for the relay that serves; a store of this machine's own needs nobody. `fleet` is how many
/// relays share it.
///
/// # Panics
/// Outside a tokio runtime.
pub fn standby(config: &Config, opened: &Opened, fleet: FleetSize) -> Option<Standby> {
    let Backend::Redis(_) = &opened.backend else { return None };
    let options = StandbyOptions {
        deadline: config.data.deadline,
        fleet,
        clock: Arc::clone(&opened.clock),
        ..StandbyOptions::default()
    };
    Some(Standby::around(&opened.stores, &options))
}
