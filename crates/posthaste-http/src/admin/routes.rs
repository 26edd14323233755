//! The endpoints, area by area.

mod accounts;
mod audit;
mod cards;
mod channels;
mod command;
mod errors;
mod exports;
mod holders;
mod key_batches;
mod keys;
mod kinds;
mod live;
mod me;
mod operating;
mod own_keys;
mod people;
mod pools;
mod probe;
mod reports;
mod session;
mod system;
mod trying;
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
        errors::endpoints(),
        holders::endpoints(),
        keys::endpoints(),
        key_batches::endpoints(),
        exports::endpoints(),
        pools::endpoints(),
        cards::endpoints(),
        people::endpoints(),
        channels::endpoints(),
        usage::endpoints(),
        reports::endpoints(),
        audit::endpoints(),
        live::endpoints(),
        operating::endpoints(),
        trying::endpoints(),
        probe::endpoints(),
        system::endpoints(),
        command::endpoints(),
    ] {
        all.extend(area);
    }
    all
}
