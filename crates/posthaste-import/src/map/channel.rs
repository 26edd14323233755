//! Channels: the platforms of the webhook settings, which keep their secrets in the clear there.

use posthaste_core::{
    BarkSettings, Channel, ChannelId, ChannelKind, Language, MailSecurity, NoticeFilter, NoticeKind, Secret,
    SmtpSettings, TelegramSettings,
};
use serde_json::Value;
use url::Url;

use super::{MapOptions, Wanted, proxy};
use crate::{
    found::{Fields, Flaw, Found},
    ids,
    names::Names,
    report::LeftOut,
};

/// A channel as it is to be.
#[derive(Debug)]
pub(crate) struct WantedChannel {
    /// The record, without its secrets.
    pub(crate) channel: Channel,
    pub(crate) target: Option<Secret>,
    pub(crate) key: Option<Secret>,
    pub(crate) proxy_password: Option<Secret>,
    /// What the operator should know.
    pub(crate) notes: Vec<String>,
}

pub(super) fn channels(found: &Found, options: &MapOptions, names: &mut Names, wanted: &mut Wanted) {
    let settings = &found.notifications;
    let platforms = match settings.json("platforms") {
        Some(Value::Array(platforms)) => platforms,
        Some(_) => {
            let what = "it is no list".to_owned();
            wanted.flaws.push(Flaw { place: "webhook_config:default, platforms".to_owned(), what });
            return;
        }
        None => return,
    };
    for (at, platform) in platforms.into_iter().enumerate() {
        let fields = Fields::of(platform);
        let kind = fields.text("type").unwrap_or_default().into_owned();
        let name = fields.text("name").unwrap_or_default().into_owned();
        match channel(&fields, &kind, at, settings, options) {
            Ok(mut mapped) => {
                let otherwise = format!("crs {}", mapped.channel.service.as_str());
                mapped.channel.name = names.give(&name, &otherwise, mapped.channel.id.uuid());
                wanted.channels.push(mapped);
            }
            Err(why) => {
                let called = format!("`{}` ({})", name.escape_debug(), kind.escape_debug());
                wanted.left_out.push(LeftOut::one(format!("notification channel {called}: {why}")));
            }
        }
    }
}

fn channel(
    fields: &Fields,
    kind: &str,
    at: usize,
    settings: &Fields,
    options: &MapOptions,
) -> Result<WantedChannel, String> {
    let text = |name: &str| fields.text(name).map(|text| text.into_owned());
    let secret = |name: &str| text(name).map(Secret::new).ok_or_else(|| format!("it has no {name}"));
    let signed = || text("secret").filter(|_| fields.flag("enableSign") == Some(true)).map(Secret::new);
    let mut notes = Vec::new();
    let (service, target, key) = match kind {
        "wechat_work" => (ChannelKind::WeCom, Some(secret("url")?), None),
        "dingtalk" => (ChannelKind::DingTalk, Some(secret("url")?), signed()),
        "feishu" => (ChannelKind::Feishu, Some(secret("url")?), signed()),
        "slack" => (ChannelKind::Slack, Some(secret("url")?), None),
        "discord" => (ChannelKind::Discord, Some(secret("url")?), None),
        "custom" => {
            notes.push(
                "its program gets other `type`s and `data` than before, see the documentation".to_owned(),
            );
            (ChannelKind::Webhook, Some(secret("url")?), None)
        }
        "telegram" => {
            let api_base = text("apiBaseUrl").or_else(|| text("apiUrl"));
            let chat = text("chatId").ok_or("it has no chatId")?;
            let service = ChannelKind::Telegram(TelegramSettings { chat, thread: None, api_base });
            (service, Some(secret("botToken")?), None)
        }
        "bark" => {
            let server = text("serverUrl").map(|url| {
                let url = url.trim_end_matches('/');
                url.strip_suffix("/push").unwrap_or(url).to_owned()
            });
            let service =
                ChannelKind::Bark(BarkSettings { server, group: text("group"), sound: text("sound") });
            (service, Some(secret("deviceKey")?), None)
        }
        "smtp" => {
            if fields.flag("ignoreTLS") == Some(true) {
                notes.push("certificates were not checked there; here they are".to_owned());
            }
            (ChannelKind::Smtp(mail(fields)?), None, text("pass").map(Secret::new))
        }
        "" => return Err("it does not say of which kind it is".to_owned()),
        _ => return Err("its kind is not known here".to_owned()),
    };
    let (proxy, proxy_password) = match text("proxyUrl") {
        Some(url) => proxy::of_url(&url).map_err(|why| format!("its proxy cannot be read ({why})"))?,
        None => (None, None),
    };
    let (filter, hears) = filter(settings);
    if !hears {
        notes.push("no kind of notice is on there, so it is off here".to_owned());
    }
    let id = match text("id") {
        Some(id) => ids::stable("channel", &id),
        None => ids::derived("channel", &format!("{kind} {at}")),
    };
    let on = |fields: &Fields| fields.flag("enabled") != Some(false);
    let created_at = fields.moment("createdAt").unwrap_or(options.now);
    let channel = Channel {
        id: ChannelId::from_uuid(id),
        name: String::new(),
        enabled: hears && on(fields) && settings.flag("enabled") == Some(true),
        service,
        target: None,
        target_host: target.as_ref().and_then(host_of),
        key: None,
        private_address: None,
        proxy,
        // Its only one.
        language: Language::Chinese,
        filter,
        digest_seconds: 0,
        per_minute: Channel::default_per_minute(),
        created_at,
        updated_at: options.now,
    };
    Ok(WantedChannel { channel, target, key, proxy_password, notes })
}

fn mail(fields: &Fields) -> Result<SmtpSettings, String> {
    let text = |name: &str| fields.text(name).map(|text| text.into_owned());
    let to = fields.list("to");
    if to.is_empty() {
        return Err("it does not say to whom".to_owned());
    }
    let port = match fields.text("port") {
        Some(port) => Some(port.parse().map_err(|_| "its port is none".to_owned())?),
        None => None,
    };
    Ok(SmtpSettings {
        host: text("host").ok_or("it has no host")?,
        port,
        security: if fields.flag("secure") == Some(true) {
            MailSecurity::Tls
        } else {
            MailSecurity::StartTls
        },
        username: text("user"),
        from: text("from").or_else(|| text("user")).ok_or("it does not say from whom")?,
        to,
    })
}

/// What is to be heard, and whether anything is.
fn filter(settings: &Fields) -> (NoticeFilter, bool) {
    let Some(Value::Object(types)) = settings.json("notificationTypes") else {
        return (NoticeFilter::default(), true);
    };
    let types = Fields::of(Value::Object(types));
    let on = |name: &str| types.flag(name) == Some(true);
    let without_recoveries = !on("rateLimitRecovery");
    let kinds: Vec<_> =
        KINDS.iter().filter(|(name, _)| on(name)).flat_map(|(_, kinds)| kinds.iter().copied()).collect();
    let all = KINDS.iter().all(|(name, _)| on(name));
    let hears = !kinds.is_empty();
    (
        NoticeFilter {
            kinds: if all { Vec::new() } else { kinds },
            without_recoveries,
            ..NoticeFilter::default()
        },
        hears,
    )
}

/// Scheme and host of an address; a token has none.
fn host_of(target: &Secret) -> Option<String> {
    let url = Url::parse(target.expose().trim()).ok()?;
    let host = url.host_str()?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{host}{port}", url.scheme()))
}

/// What its kinds of notices are here.
const KINDS: [(&str, &[NoticeKind]); 4] = [
    ("accountAnomaly", &[NoticeKind::AccountState, NoticeKind::PoolDown, NoticeKind::ErrorRate]),
    (
        "quotaWarning",
        &[
            NoticeKind::Quota,
            NoticeKind::Forecast,
            NoticeKind::Limit,
            NoticeKind::KeyExpiry,
            NoticeKind::UnknownPrice,
        ],
    ),
    ("systemError", &[NoticeKind::Store, NoticeKind::RefusedData]),
    ("securityAlert", &[NoticeKind::SignIn, NoticeKind::SignInLocked]),
];
