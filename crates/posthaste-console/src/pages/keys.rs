//! Client keys.

mod batch;
mod form;
mod list;
mod one;

use posthaste_core::Area;

pub(super) use self::{
    batch::csv_cell,
    form::expiry,
    list::{state_word, used_in},
};

use crate::serve::{Door, Page, shows, takes};

pub(super) fn pages() -> Vec<Page> {
    let (read, write) = (Door::Needs(Area::Keys.read()), Door::Needs(Area::Keys.write()));
    vec![
        shows("/keys", read, list::show),
        shows("/keys/new", write, one::show_new),
        takes("/keys/new", write, one::create),
        shows("/keys/batch", write, batch::show_new),
        takes("/keys/batch", write, batch::create),
        takes("/keys/edit", write, batch::show_edit),
        takes("/keys/edit/apply", write, batch::apply),
        shows("/keys/{key}", read, one::show),
        shows("/keys/{key}/edit", write, one::show_edit),
        takes("/keys/{key}/edit", write, one::edit),
        takes("/keys/{key}/{action}", write, one::act),
    ]
}
