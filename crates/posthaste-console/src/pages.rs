//! The list of pages. A file for each thing that people keep.

mod accounts;
mod audit;
mod cards;
mod dashboard;
mod guides;
pub(crate) mod holder;
mod keys;
mod logs;
pub(crate) mod look;
mod me;
mod notifications;
pub(crate) mod paging;
mod people;
mod plan;
mod pools;
mod prices;
mod reading;
mod requests;
mod routes;
mod settings;
mod sign_in;
mod spans;
mod start;
mod system;
mod usage;

use crate::serve::Page;

/// Every page. None is served that does not say here to whom.
pub(crate) fn all() -> Vec<Page> {
    [
        sign_in::pages(),
        start::pages(),
        holder::pages(),
        look::pages(),
        dashboard::pages(),
        keys::pages(),
        accounts::pages(),
        pools::pages(),
        routes::pages(),
        plan::pages(),
        cards::pages(),
        notifications::pages(),
        requests::pages(),
        usage::pages(),
        prices::pages(),
        people::pages(),
        me::pages(),
        guides::pages(),
        settings::pages(),
        system::pages(),
        logs::pages(),
        audit::pages(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
