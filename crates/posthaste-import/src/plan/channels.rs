//! Channels against those that are here.

use std::collections::HashMap;

use posthaste_core::{Channel, ChannelField, Sealed, Secret};
use posthaste_storage::Versioned;
use posthaste_vault::{Vault, VaultError, channel_place};
use uuid::Uuid;

use super::{ALWAYS_LEFT_ALONE, Target, Write, another, differences, entry};
use crate::{
    map::WantedChannel,
    report::{Difference, Entry, State},
};

pub(super) fn channel(
    target: Target<'_>,
    here: &HashMap<Uuid, Versioned<Channel>>,
    wanted: WantedChannel,
) -> Result<(Entry, Option<Write<Channel>>), VaultError> {
    let WantedChannel { mut channel, target: address, key, proxy_password, mut notes } = wanted;
    let found = here.get(&channel.id.uuid());
    let present = found.map(|found| &found.value);
    let mut differ = Vec::new();

    let secrets = Secrets { vault: target.vault, channel: &channel, is_here: present.is_some() };
    let password_here = present.and_then(|present| present.proxy.as_ref()?.password.as_ref());
    let target_here = present.and_then(|present| present.target.as_ref());
    let key_here = present.and_then(|present| present.key.as_ref());
    let sealed_target = secrets.keep(ChannelField::Target, address, target_here, &mut differ)?;
    let sealed_key = secrets.keep(ChannelField::Key, key, key_here, &mut differ)?;
    let password = secrets.keep(ChannelField::Proxy, proxy_password, password_here, &mut differ)?;
    // Consent was given to the address that it was given for.
    if let Some(present) = present.filter(|present| present.target == sealed_target) {
        channel.private_address.clone_from(&present.private_address);
    }
    (channel.target, channel.key) = (sealed_target, sealed_key);
    if let Some(proxy) = &mut channel.proxy {
        proxy.password = password;
    }

    if let Err(why) = (target.check_channel)(&channel) {
        notes.push(format!("no message can be sent to it, so it is off: {why}"));
        channel.enabled = present.is_some_and(|present| present.enabled);
    }
    if let Some(present) = present {
        // What the source does not know of.
        channel.language = present.language;
        channel.digest_seconds = present.digest_seconds;
        channel.per_minute = present.per_minute;
        channel.filter.least = present.filter.least;
        channel.filter.subjects.clone_from(&present.filter.subjects);
        let left_alone = ["target", "target_host", "key", "proxy.password", "private_address"];
        let left_alone = left_alone.into_iter().chain(ALWAYS_LEFT_ALONE);
        differ.extend(differences(present, &channel, &left_alone.collect::<Vec<_>>()));
    }
    let mut entry = entry(channel.id.uuid(), &channel.name, found.is_some(), differ);
    let (host, off) =
        (channel.target_host.as_deref().unwrap_or_default(), if channel.enabled { "" } else { ", off" });
    let at = if host.is_empty() { "" } else { " at " };
    entry.about = format!("{}{at}{host}{off}", channel.service.as_str());
    entry.notes = notes;
    let write = (entry.state != State::Same)
        .then(|| Write { record: channel, over: found.map(|found| found.version) });
    Ok((entry, write))
}

struct Secrets<'a> {
    vault: &'a Vault,
    channel: &'a Channel,
    is_here: bool,
}

impl Secrets<'_> {
    /// The sealed form that is here, where it is of the same secret; else a new one, and a difference.
    fn keep(
        &self,
        field: ChannelField,
        wanted: Option<Secret>,
        here: Option<&Sealed>,
        differ: &mut Vec<Difference>,
    ) -> Result<Option<Sealed>, VaultError> {
        let place = channel_place(self.channel.id, field);
        let same = match (&wanted, here) {
            (None, None) => true,
            (Some(wanted), Some(here)) => self.vault.unseal(&place, here).is_ok_and(|kept| kept == *wanted),
            _ => false,
        };
        if same {
            return Ok(here.cloned());
        }
        if self.is_here {
            let name = if field == ChannelField::Proxy { "proxy.password" } else { field.as_str() };
            differ.push(another(name));
        }
        wanted.map(|secret| self.vault.seal(&place, &secret)).transpose()
    }
}
