//! Pools: accounts that are chosen among by rules of their own.

mod form;
mod list;
mod members;
mod one;

use posthaste_core::Area;

pub(super) use self::form::strategy_words;

use crate::serve::{Door, Page, shows, takes};

pub(super) fn pages() -> Vec<Page> {
    let (read, write) = (Door::Needs(Area::Pools.read()), Door::Needs(Area::Pools.write()));
    // Accounts name their pools: who lets one join changes that account.
    let joins = Door::Needs(Area::Accounts.write());
    vec![
        shows("/pools", read, list::show),
        shows("/pools/new", write, one::show_new),
        takes("/pools/new", write, one::create),
        shows("/pools/{pool}", read, one::show),
        shows("/pools/{pool}/edit", write, one::show_edit),
        takes("/pools/{pool}/edit", write, one::edit),
        takes("/pools/{pool}/delete", write, one::delete),
        takes("/pools/{pool}/join", joins, members::join),
        takes("/pools/{pool}/leave", joins, members::leave),
    ]
}
