//! How the relay is set up: its configuration, what it calls itself, and its back-ups.

mod backups;
mod branding;
mod list;

use posthaste_core::Area;

use crate::serve::{Door, Page, shows, takes};

pub(super) fn pages() -> Vec<Page> {
    let (read, write) = (Door::Needs(Area::Settings.read()), Door::Needs(Area::Settings.write()));
    vec![
        shows("/settings", read, list::show),
        takes("/settings/reload", write, list::reload),
        shows("/settings/branding", read, branding::show),
        takes("/settings/branding", write, branding::change),
        shows("/settings/backups", Door::Needs(Area::System.read()), backups::show),
        takes("/settings/backups/make", write, backups::make),
        takes("/settings/backups/delete", write, backups::delete),
    ]
}
