//! Routes: model names of the operator's own, and what is asked for them.

mod form;
mod list;
mod one;

use posthaste_core::Area;

use crate::serve::{Door, Page, shows, takes};

pub(super) fn pages() -> Vec<Page> {
    let (read, write) = (Door::Needs(Area::Pools.read()), Door::Needs(Area::Pools.write()));
    vec![
        shows("/routes", read, list::show),
        shows("/routes/new", write, one::show_new),
        takes("/routes/new", write, one::create),
        shows("/routes/{route}", read, one::show),
        shows("/routes/{route}/edit", write, one::show_edit),
        takes("/routes/{route}/edit", write, one::edit),
        takes("/routes/{route}/delete", write, one::delete),
    ]
}
