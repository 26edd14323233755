//! Channels that operators are told through: a webhook, a chat, mail.

mod add;
mod form;
mod kinds;
mod list;
mod one;
mod subjects;
mod words;

use posthaste_core::Area;

use crate::serve::{Door, Page, shows, takes};

pub(super) fn pages() -> Vec<Page> {
    let read = Door::Needs(Area::Notifications.read());
    let write = Door::Needs(Area::Notifications.write());
    vec![
        shows("/notifications", read, list::show),
        shows("/notifications/events", read, list::events),
        shows("/notifications/new", write, add::choose),
        shows("/notifications/new/{kind}", write, add::show),
        takes("/notifications/new/{kind}", write, add::add),
        shows("/notifications/{channel}", read, one::show),
        shows("/notifications/{channel}/edit", write, one::show_edit),
        takes("/notifications/{channel}/edit", write, one::edit),
        takes("/notifications/{channel}/{action}", write, one::act),
    ]
}
