//! Upstream accounts.

mod add;
mod form;
mod list;
mod login;
mod one;
mod order;
mod trial;
mod used;

use posthaste_core::Area;

pub(super) use self::list::state_word;

use crate::serve::{Door, Page, shows, takes};

pub(super) fn pages() -> Vec<Page> {
    let (read, write) = (Door::Needs(Area::Accounts.read()), Door::Needs(Area::Accounts.write()));
    vec![
        shows("/accounts", read, list::show),
        shows("/accounts/new", write, add::choose),
        shows("/accounts/new/{preset}", write, add::show),
        takes("/accounts/new/{preset}", write, add::add),
        takes("/accounts/log-in/{login}", write, login::finish),
        shows("/accounts/order", write, order::show),
        takes("/accounts/order", write, order::save),
        shows("/accounts/{account}", read, one::show),
        shows("/accounts/{account}/edit", write, one::show_edit),
        takes("/accounts/{account}/edit", write, one::edit),
        takes("/accounts/{account}/{action}", write, one::act),
    ]
}
