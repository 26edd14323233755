//! What sends messages, as far as operators need it.

use async_trait::async_trait;
use posthaste_core::{Channel, ChannelId, NoticeKind, Secret, Severity, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::AdminError;

/// Brings messages to channels. The relay's own, where the services live in one.
#[async_trait]
pub trait Messenger: Send + Sync + 'static {
    /// Whether messages can be made for a channel; sends none.
    ///
    /// # Errors
    /// With the field that is missing or cannot be used.
    fn check(&self, channel: &Channel) -> Result<(), UnfitChannel>;

    /// Scheme and host of a channel's address, all of it that operators may see.
    fn target_host(&self, target: &Secret) -> Option<String>;

    /// Sends a test and waits for what becomes of it.
    async fn test(&self, channel: &Channel) -> DeliveryView;

    /// What became of the latest messages, the newest first.
    async fn deliveries(&self, channel: ChannelId, limit: usize) -> Result<Vec<DeliveryView>, AdminError>;
}

/// Why no messages can be made for a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfitChannel {
    /// Which of its inputs is missing or cannot be used.
    pub field: &'static str,
    /// What is wrong with it and what to do.
    pub message: String,
}

/// A message and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryView {
    /// Its identity, also told to a webhook.
    pub id: Uuid,
    /// What it told.
    pub notices: Vec<NotedView>,
    /// When it was first tried, or given up.
    pub at: Timestamp,
    /// When it was known what became of it.
    pub ended_at: Timestamp,
    /// `delivered`, `refused` by the service, or `given_up` after some tries.
    pub outcome: String,
    /// How often it was tried.
    pub tries: u32,
    /// What went wrong last.
    pub error: Option<String>,
}

/// A notice in a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotedView {
    /// Its kind.
    pub kind: NoticeKind,
    /// How much it matters.
    pub severity: Severity,
    /// Whether something is over.
    pub recovery: bool,
    /// Its title, in the channel's language.
    pub title: String,
}
