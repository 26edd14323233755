//! What models cost: the price book, prices of the operator's own, models without one, and what a dollar is billed as.

mod again;
mod book;
mod form;
mod own;
mod rates;
mod takeover;
mod unknown;

use posthaste_core::Area;

use crate::serve::{Door, Page, shows, takes};

pub(super) fn pages() -> Vec<Page> {
    // What a model costs decides whose budget ends when.
    let (read, write) = (Door::Needs(Area::Usage.read()), Door::Needs(Area::Settings.write()));
    vec![
        shows("/prices", read, book::show),
        shows("/prices/unknown", read, unknown::show),
        shows("/prices/rates", read, rates::show),
        takes("/prices/rates", write, rates::set),
        shows("/prices/update", write, takeover::show),
        takes("/prices/update", write, takeover::look),
        takes("/prices/update/take", write, takeover::take),
        shows("/prices/again", write, again::show),
        takes("/prices/again", write, again::look),
        takes("/prices/again/apply", write, again::apply),
        shows("/prices/own", read, own::list),
        shows("/prices/own/new", write, own::show_new),
        takes("/prices/own/new", write, own::create),
        shows("/prices/own/{price}", write, own::show_edit),
        takes("/prices/own/{price}", write, own::edit),
        takes("/prices/own/{price}/delete", write, own::delete),
    ]
}
