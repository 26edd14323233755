//! What the holder of a client key sees with nothing but the key: no log-in is needed.

mod cookie;
mod enter;
mod one;
mod used;

pub(crate) use self::cookie::read as ticket;

use crate::serve::{Door, Page, shows, takes};

pub(super) fn pages() -> Vec<Page> {
    vec![
        shows("/key", Door::Open, one::show),
        takes("/key", Door::Open, enter::enter),
        takes("/key/leave", Door::Open, enter::leave),
        takes("/key/redeem", Door::Open, one::redeem),
    ]
}
