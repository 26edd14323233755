//! People against those that are here.

use std::collections::HashMap;

use posthaste_core::User;
use posthaste_storage::Versioned;
use uuid::Uuid;

use super::{ALWAYS_LEFT_ALONE, Write, differences, entry};
use crate::{
    map::WantedPerson,
    report::{Entry, State},
};

pub(super) fn person(
    here: &HashMap<Uuid, Versioned<User>>,
    wanted: WantedPerson,
) -> (Entry, Option<Write<User>>) {
    let WantedPerson { mut user, notes } = wanted;
    let found = here.get(&user.id.uuid());
    let mut differ = Vec::new();
    if let Some(Versioned { value: found, .. }) = found {
        // How somebody logs in here is no concern of there.
        user.sign_in.clone_from(&found.sign_in);
        user.second_factor.clone_from(&found.second_factor);
        user.max_keys = found.max_keys;
        user.last_login_at = found.last_login_at.max(user.last_login_at);
        let left_alone = ["last_login_at"].into_iter().chain(ALWAYS_LEFT_ALONE);
        differ = differences(found, &user, &left_alone.collect::<Vec<_>>());
    }
    let mut entry = entry(user.id.uuid(), &user.name, found.is_some(), differ);
    let (off, waits) = (if user.enabled { "" } else { ", off" }, !user.has_sign_in());
    let waits = if waits { ", without a password: give one with `users reset-password`" } else { "" };
    entry.about = format!("{}{off}{waits}", user.role);
    entry.notes = notes;
    let write =
        (entry.state != State::Same).then(|| Write { record: user, over: found.map(|found| found.version) });
    (entry, write)
}
