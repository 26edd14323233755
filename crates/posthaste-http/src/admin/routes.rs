//! The endpoints, area by area.

mod accounts;
mod audit;
mod channels;
mod errors;
mod holders;
mod keys;
mod kinds;
mod live;
mod me;
mod operating;
mod people;
mod pools;
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
        accounts::endpoints(),
        kinds::endpoints(),
        errors::endpoints(),
        holders::endpoints(),
        keys::endpoints(),
        pools::endpoints(),
        people::endpoints(),
        channels::endpoints(),
        usage::endpoints(),
        audit::endpoints(),
        live::endpoints(),
        operating::endpoints(),
        trying::endpoints(),
        system::endpoints(),
    ] {
        all.extend(area);
    }
    all
}
