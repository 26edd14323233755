//! Channels: where notices are brought to.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ChannelId, Notice, NoticeKind, PrivateAddressConsent, ProxySettings, Sealed, Severity, SubjectRef,
    Timestamp,
};

/// A place that notices are brought to, as configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Channel {
    /// Its identity.
    pub id: ChannelId,
    /// The operator's name for it, unique.
    pub name: String,
    /// Whether it is used. A test works in any case.
    pub enabled: bool,
    /// Who brings them, with what only they ask for.
    pub service: ChannelKind,
    /// The sealed address or token by which messages are sent, where knowing it is all that is needed: a webhook's URL,
    /// the token of a bot, the key of a device. `None` for mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Sealed>,
    /// Scheme and host of the target, for operators' eyes. The rest of it is a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_host: Option<String>,
    /// The sealed key that messages are signed with; for mail the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Sealed>,
    /// Consent to a private address, if given. Without it messages go to the open internet only, and encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_address: Option<PrivateAddressConsent>,
    /// The proxy that it is reached through; not for mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxySettings>,
    /// The language of its messages.
    #[serde(default)]
    pub language: Language,
    /// What it wants to hear.
    #[serde(default)]
    pub filter: NoticeFilter,
    /// For how many seconds notices are collected and then sent as one message; 0 sends each by itself.
    #[serde(default)]
    pub digest_seconds: u32,
    /// How many messages a minute it may get. What is more waits and is sent as one message.
    #[serde(default = "Channel::default_per_minute")]
    pub per_minute: u16,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Channel {
    /// Below what the strictest vendors take (20 a minute), so that a test always finds room.
    pub const fn default_per_minute() -> u16 {
        15
    }

    /// Its sealed secrets, each with the field that it is sealed for.
    pub fn sealed(&self) -> impl Iterator<Item = (ChannelField, &Sealed)> {
        let password = self.proxy.as_ref().and_then(|proxy| proxy.password.as_ref());
        let fields = [
            (ChannelField::Target, self.target.as_ref()),
            (ChannelField::Key, self.key.as_ref()),
            (ChannelField::Proxy, password),
        ];
        fields.into_iter().filter_map(|(field, sealed)| Some((field, sealed?)))
    }
}

/// The secrets of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelField {
    /// Where messages go.
    Target,
    /// What they are signed with, or the password.
    Key,
    /// The password of its proxy.
    Proxy,
}

impl ChannelField {
    /// The stable name that is part of the place that a secret is sealed for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Key => "key",
            Self::Proxy => "proxy",
        }
    }
}

/// Who brings messages to people, with what only they ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ChannelKind {
    /// Somebody's own program: signed JSON.
    Webhook,
    /// A group robot of WeCom (企业微信).
    WeCom,
    /// A custom robot of DingTalk (钉钉).
    DingTalk,
    /// A custom bot of Feishu (飞书) or Lark.
    Feishu,
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// A bot of Telegram.
    Telegram(TelegramSettings),
    /// Bark, which pushes to Apple's devices.
    Bark(BarkSettings),
    /// Mail.
    Smtp(SmtpSettings),
}

impl ChannelKind {
    /// The stable name used in messages and JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::WeCom => "wecom",
            Self::DingTalk => "dingtalk",
            Self::Feishu => "feishu",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Telegram(_) => "telegram",
            Self::Bark(_) => "bark",
            Self::Smtp(_) => "smtp",
        }
    }
}

/// What Telegram asks for beside the bot's token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TelegramSettings {
    /// The chat: its number, or `@name` of a public channel.
    pub chat: String,
    /// The topic in a group that has topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<i64>,
    /// Where the bot API stands, when it is not Telegram's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_base: Option<String>,
}

/// What Bark takes beside the device's key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BarkSettings {
    /// Where the server stands, when it is not the app's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The group that messages are shown in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
}

/// How mail is sent. The password is the channel's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SmtpSettings {
    /// The server.
    pub host: String,
    /// Its port; the usual one of `security` when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub security: MailSecurity,
    /// Who logs in; nobody when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// From whom: an address, or `Name <address>`.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// It begins in the clear and must turn to TLS before anything is said (port 587).
    #[default]
    StartTls,
    /// TLS from the start (port 465).
    Tls,
    /// In the clear: to this machine only, and with consent to private addresses (port 25).
    Plain,
}

impl MailSecurity {
    /// The usual port.
    pub const fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::Plain => 25,
        }
    }
}

/// The languages of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Chinese in its simplified script.
    #[serde(rename = "zh-CN")]
    Chinese,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its tag (RFC 5646).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// Reads [`as_str`](Self::as_str)'s form.
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.as_str() == tag)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a channel wants to hear; all of it when nothing is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct NoticeFilter {
    /// Only these kinds, unless empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<NoticeKind>,
    /// Nothing that matters less.
    pub least: Severity,
    /// Only these subjects, unless empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<SubjectRef>,
    /// No word when something is over.
    pub without_recoveries: bool,
}

impl NoticeFilter {
    /// Whether a channel wants to hear of it. A test is always heard.
    pub fn allows(&self, notice: &Notice) -> bool {
        self.is_about(notice) && notice.severity() >= self.least
    }

    /// The same, however much it matters: for what ends something that was told.
    pub fn is_about(&self, notice: &Notice) -> bool {
        let kind = notice.kind();
        let is_named =
            self.subjects.is_empty() || self.subjects.iter().any(|subject| subject.means(&notice.subject));
        kind == NoticeKind::Test
            || (self.kinds.is_empty() || self.kinds.contains(&kind))
                && is_named
                && !(self.without_recoveries && notice.is_recovery())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoticeEvent, PoolId, Subject};

    fn notice(event: NoticeEvent) -> Notice {
        let id = PoolId::from_uuid(uuid::Uuid::from_u128(7));
        Notice { at: Timestamp::EPOCH, subject: Subject::Pool { id, name: "p".to_owned() }, event }
    }

    #[test]
    fn a_filter_lets_through_what_it_names() {
        let down = notice(NoticeEvent::PoolDown { accounts: 3, next_at: None });
        let serves = notice(NoticeEvent::PoolServes);
        let all = NoticeFilter::default();
        assert!(all.allows(&down) && all.allows(&serves));
        let kinds = NoticeFilter { kinds: vec![NoticeKind::Quota], ..all.clone() };
        assert!(!kinds.allows(&down));
        assert!(kinds.allows(&Notice { event: NoticeEvent::Test, ..down.clone() }), "a test is always heard");
        let Subject::Pool { id, .. } = down.subject else { unreachable!() };
        let subjects = |subject| NoticeFilter { subjects: vec![subject], ..all.clone() };
        assert!(subjects(SubjectRef::Pool(id)).allows(&down));
        assert!(!subjects(SubjectRef::Store).allows(&down));
        assert!(!subjects(SubjectRef::Pool(PoolId::generate())).allows(&down));
        let silent = NoticeFilter { without_recoveries: true, ..all };
        assert!(silent.allows(&down) && !silent.allows(&serves));
        let least = NoticeFilter { least: Severity::Critical, ..NoticeFilter::default() };
        let errors = NoticeEvent::ErrorsRose { failed: 1, attempts: 2, window_seconds: 60 };
        assert!(least.allows(&down) && !least.allows(&notice(errors)));
    }

    #[test]
    fn a_channel_reads_back_and_what_is_usual_need_not_be_written() {
        let text = r#"{"id":"0190c0de-0000-7000-8000-000000000001","name":"ops","enabled":true,
            "service":{"kind":"telegram","chat":"-100"},"target":"sealed",
            "created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}"#;
        let channel: Channel = serde_json::from_str(text).unwrap();
        assert_eq!((channel.per_minute, channel.language), (15, Language::English));
        assert_eq!(channel.sealed().map(|(field, _)| field.as_str()).collect::<Vec<_>>(), ["target"]);
        let again = serde_json::to_string(&channel).unwrap();
        assert_eq!(serde_json::from_str::<Channel>(&again).unwrap(), channel);
        assert!(!format!("{channel:?}").contains("sealed"), "{channel:?}");
    }

    #[test]
    fn a_language_is_called_as_it_is_written_in_json() {
        for language in Language::ALL {
            assert_eq!(serde_json::to_value(language).unwrap(), language.as_str());
            assert_eq!(Language::parse(language.as_str()), Some(language));
        }
    }
}
