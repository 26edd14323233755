//! Channels that notices are brought to.

mod input;
mod messenger;

pub use input::{ChannelChange, NewChannel};
pub use messenger::{DeliveryView, Messenger, NotedView, UnfitChannel};

use std::sync::Arc;

use posthaste_core::{
    Channel, ChannelField, ChannelId, ChannelKind, Language, NoticeFilter, ProxyScheme, Secret, Timestamp,
};
use posthaste_storage::{Repository, StorageError};
use posthaste_vault::channel_place;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, AdminError,
    change::{self, find},
};

/// A channel as operators see it: its secrets are told to nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelView {
    /// Its identity.
    pub id: ChannelId,
    /// The operator's name for it.
    pub name: String,
    /// Whether it is used.
    pub enabled: bool,
    /// Who brings messages, with what only they ask for.
    pub service: ChannelKind,
    /// Scheme and host of the address; the rest is a secret.
    pub target_host: Option<String>,
    /// Whether messages are signed, or mail is sent with a password.
    pub has_key: bool,
    /// Whether it may be at a private address.
    pub allow_private: bool,
    /// The proxy that it is reached through, without user and password.
    pub proxy: Option<String>,
    /// The language of its messages.
    pub language: Language,
    /// What it wants to hear.
    pub filter: NoticeFilter,
    /// For how many seconds notices are collected and then sent as one message; 0 sends each by itself.
    pub digest_seconds: u32,
    /// How many messages a minute it may get.
    pub per_minute: u16,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Channels.
#[derive(Clone, Copy)]
pub struct ChannelService<'a> {
    admin: &'a Admin,
}

impl<'a> ChannelService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// Adds a channel.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for an input that cannot be taken, [`AdminError::Conflict`] when the name is taken.
    pub async fn create(self, new: NewChannel) -> Result<ChannelView, AdminError> {
        let channel = self.furnish(new)?;
        let name = channel.name.clone();
        match self.channels().create(channel).await {
            Ok(kept) => Ok(ChannelView::of(kept.value)),
            Err(StorageError::Taken { .. }) => Err(change::taken("channel", &name)),
            Err(error) => Err(error.into()),
        }
    }

    /// All channels, by name.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(self) -> Result<Vec<ChannelView>, AdminError> {
        let mut views: Vec<_> =
            self.channels().all().await?.into_iter().map(|found| ChannelView::of(found.value)).collect();
        views.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(views)
    }

    /// One channel, by id or name.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none.
    pub async fn show(self, channel: &str) -> Result<ChannelView, AdminError> {
        find(&self.channels(), channel).await.map(|found| ChannelView::of(found.value))
    }

    /// Changes a channel.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn update(self, channel: &str, change: ChannelChange) -> Result<ChannelView, AdminError> {
        let found = find(&self.channels(), channel).await?.value;
        let changed = change::apply(&self.channels(), found.id.uuid(), |channel: &mut Channel| {
            input::apply(self.admin, channel, &change)?;
            self.check(channel)
        })
        .await?;
        Ok(ChannelView::of(changed))
    }

    /// Removes a channel.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub async fn delete(self, channel: &str) -> Result<ChannelView, AdminError> {
        let removed = change::remove(&self.channels(), channel).await?;
        Ok(ChannelView::of(removed))
    }

    /// Sends a test to a channel, whether it is on or not, and waits for what becomes of it.
    ///
    /// # Errors
    /// As [`show`](Self::show), and [`AdminError::Conflict`] where no relay runs that could send it.
    pub async fn test(self, channel: &str) -> Result<DeliveryView, AdminError> {
        let found = find(&self.channels(), channel).await?.value;
        Ok(self.messenger()?.test(&found).await)
    }

    /// Sends a test to a channel that is not kept.
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`test`](Self::test).
    pub async fn try_out(self, new: NewChannel) -> Result<DeliveryView, AdminError> {
        let channel = self.furnish(new)?;
        Ok(self.messenger()?.test(&channel).await)
    }

    /// What became of a channel's latest messages, the newest first.
    ///
    /// # Errors
    /// As [`test`](Self::test).
    pub async fn deliveries(self, channel: &str, limit: usize) -> Result<Vec<DeliveryView>, AdminError> {
        let found = find(&self.channels(), channel).await?.value;
        self.messenger()?.deliveries(found.id, limit).await
    }

    fn furnish(self, new: NewChannel) -> Result<Channel, AdminError> {
        let channel = input::furnish(self.admin, new)?;
        self.check(&channel)?;
        Ok(channel)
    }

    /// What only its service can tell of a channel: whether messages can be made for it.
    fn check(self, channel: &Channel) -> Result<(), AdminError> {
        let Some(messenger) = self.admin.messenger() else { return Ok(()) };
        messenger
            .check(channel)
            .map_err(|UnfitChannel { field, message }| AdminError::invalid(field, message))
    }

    fn messenger(self) -> Result<&'a Arc<dyn Messenger>, AdminError> {
        let what = || "messages to channels are off here; set notify.enabled = true".to_owned();
        self.admin.messenger().ok_or_else(|| AdminError::Conflict { what: what() })
    }

    fn channels(self) -> Repository<Channel> {
        self.admin.channel_records()
    }
}

impl ChannelView {
    fn of(channel: Channel) -> Self {
        let proxy = channel.proxy.as_ref().map(|proxy| {
            let scheme = match proxy.scheme {
                ProxyScheme::Http => "http",
                ProxyScheme::Https => "https",
                ProxyScheme::Socks5 => "socks5",
                ProxyScheme::Socks5h => "socks5h",
            };
            format!("{scheme}://{}:{}", proxy.host, proxy.port)
        });
        Self {
            id: channel.id,
            name: channel.name,
            enabled: channel.enabled,
            service: channel.service,
            target_host: channel.target_host,
            has_key: channel.key.is_some(),
            allow_private: channel.private_address.is_some(),
            proxy,
            language: channel.language,
            filter: channel.filter,
            digest_seconds: channel.digest_seconds,
            per_minute: channel.per_minute,
            created_at: channel.created_at,
            updated_at: channel.updated_at,
        }
    }
}

/// Seals a secret for its place in a channel.
fn sealed(
    admin: &Admin,
    channel: ChannelId,
    field: ChannelField,
    secret: &Secret,
) -> Result<posthaste_core::Sealed, AdminError> {
    Ok(admin.parts().vault.seal(&channel_place(channel, field), secret)?)
}
