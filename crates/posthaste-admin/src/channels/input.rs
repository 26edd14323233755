//! What is told of a channel, checked.

use posthaste_core::{
    Channel, ChannelField, ChannelId, ChannelKind, Language, NoticeFilter, PrivateAddressConsent,
};
use posthaste_vault::channel_place;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sealed;
use crate::{Admin, AdminError, accounts::read_proxy, input, input::Disclosed};

/// A channel to be added.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// The operator's name for it.
    pub name: String,
    /// Who brings messages, with what only they ask for.
    pub service: ChannelKind,
    /// What else is told of it.
    #[serde(default)]
    pub with: ChannelChange,
}

/// What is to change of a channel. What is `None` stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChannelChange {
    /// The operator's name for it.
    pub name: Option<String>,
    /// Whether it is used.
    pub enabled: Option<bool>,
    /// What only its service asks for, in place of what was said before; the kind stays.
    pub service: Option<ChannelKind>,
    /// The address or token by which messages are sent: a webhook's URL, the token of a bot, the key of a device. Consent to a
    /// private address belongs to the old one and is asked for again.
    pub target: Option<Disclosed>,
    /// What messages are signed with, for mail the password; empty for none.
    pub key: Option<Disclosed>,
    /// Consent to a private address.
    pub allow_private: Option<bool>,
    /// The URL of the proxy that it is reached through, with user and password; empty for none.
    pub proxy: Option<Disclosed>,
    /// The language of its messages.
    pub language: Option<Language>,
    /// What it wants to hear, in place of what was said before.
    pub filter: Option<NoticeFilter>,
    /// For how many seconds notices are collected and then sent as one message; 0 sends each by itself, a day at most.
    pub digest_seconds: Option<u32>,
    /// How many messages a minute it may get, 1 to 120.
    pub per_minute: Option<u16>,
}

pub(super) fn furnish(admin: &Admin, new: NewChannel) -> Result<Channel, AdminError> {
    let NewChannel { name, service, with } = new;
    if with.name.is_some() || with.service.is_some() {
        return Err(AdminError::invalid("with", "repeats the name or the service; leave those out"));
    }
    let now = admin.parts().clock.now();
    let mut channel = Channel {
        id: ChannelId::generate(),
        name: input::name(&name)?,
        enabled: true,
        service,
        target: None,
        target_host: None,
        key: None,
        private_address: None,
        proxy: None,
        language: Language::default(),
        filter: NoticeFilter::default(),
        digest_seconds: 0,
        per_minute: Channel::default_per_minute(),
        created_at: now,
        updated_at: now,
    };
    apply(admin, &mut channel, &with)?;
    Ok(channel)
}

pub(super) fn apply(admin: &Admin, channel: &mut Channel, change: &ChannelChange) -> Result<(), AdminError> {
    let now = admin.parts().clock.now();
    if let Some(name) = &change.name {
        channel.name = input::name(name)?;
    }
    channel.enabled = change.enabled.unwrap_or(channel.enabled);
    if let Some(service) = &change.service {
        if service.as_str() != channel.service.as_str() {
            let message =
                format!("is {}, and a channel stays what it is; add another one", channel.service.as_str());
            return Err(AdminError::invalid("service", message));
        }
        channel.service.clone_from(service);
    }
    if let Some(target) = &change.target {
        let secret = input::secret("target", target)?;
        channel.target_host = admin.messenger().and_then(|messenger| messenger.target_host(&secret));
        channel.target = Some(sealed(admin, channel.id, ChannelField::Target, &secret)?);
        channel.private_address = None;
    }
    if let Some(key) = &change.key {
        let given = key.secret().expose();
        channel.key = match given.is_empty() {
            true => None,
            false => Some(sealed(admin, channel.id, ChannelField::Key, key.secret())?),
        };
    }
    if let Some(allowed) = change.allow_private {
        let how = "admin".to_owned();
        channel.private_address = allowed.then_some(PrivateAddressConsent { given_at: now, how });
    }
    if let Some(proxy) = &change.proxy {
        let place = channel_place(channel.id, ChannelField::Proxy);
        channel.proxy = read_proxy(&admin.parts().vault, &place, proxy)?;
    }
    channel.language = change.language.unwrap_or(channel.language);
    if let Some(filter) = &change.filter {
        channel.filter.clone_from(filter);
    }
    if let Some(seconds) = change.digest_seconds {
        if seconds > MOST_DIGEST {
            return Err(AdminError::invalid(
                "digest_seconds",
                format!("{seconds} is more than a day ({MOST_DIGEST})"),
            ));
        }
        channel.digest_seconds = seconds;
    }
    if let Some(per_minute) = change.per_minute {
        if !(1..=MOST_A_MINUTE).contains(&per_minute) {
            let message = format!("{per_minute} is not from 1 to {MOST_A_MINUTE}");
            return Err(AdminError::invalid("per_minute", message));
        }
        channel.per_minute = per_minute;
    }
    channel.updated_at = now;
    Ok(())
}

const MOST_DIGEST: u32 = 24 * 3_600;
const MOST_A_MINUTE: u16 = 120;
