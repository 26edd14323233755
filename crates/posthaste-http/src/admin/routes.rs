//! The endpoints, area by area.

mod accounts;
mod audit;
mod channels;
mod exports;
mod holders;
mod key_batches;
mod keys;
mod kinds;
mod me;
mod own_keys;
mod people;
mod pools;
mod reports;
mod session;
mod system;
mod usage;

use super::endpoint::Endpoint;

/// Every endpoint.
pub(super) fn all() -> Vec<Endpoint> {
    let mut all = Vec::new();
    for area in [
        session::endpoints(),
        me::endpoints(),
        own_keys::endpoints(),
        accounts::endpoints(),
        kinds::endpoints(),
        holders::endpoints(),
        keys::endpoints(),
        key_batches::endpoints(),
        exports::endpoints(),
        pools::endpoints(),
        people::endpoints(),
        channels::endpoints(),
        usage::endpoints(),
        reports::endpoints(),
        audit::endpoints(),
        system::endpoints(),
    ] {
        all.extend(area);
    }
    all
}
