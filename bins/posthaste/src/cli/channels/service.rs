//! What only one service asks for.

use clap::Args;
use posthaste_core::{BarkSettings, ChannelKind, MailSecurity, SmtpSettings, TelegramSettings};

use crate::cli::Failure;

#[derive(Args, Debug)]
pub(in crate::cli) struct Service {
    /// Telegram: the chat, its number or `@name`
    #[arg(long, value_name = "CHAT", allow_hyphen_values = true)]
    chat: Option<String>,
    /// Telegram: the topic in a group that has topics
    #[arg(long, value_name = "NUMBER")]
    thread: Option<i64>,
    /// Telegram: where the bot API stands, when it is not Telegram's own; '' for Telegram's
    #[arg(long, value_name = "URL")]
    api_base: Option<String>,
    /// Bark: where the server stands, when it is not the app's own; '' for the app's, and so with the next two
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Bark: the group that messages are shown in
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Bark: the sound
    #[arg(long, value_name = "NAME")]
    sound: Option<String>,
    /// Mail: the server
    #[arg(long, value_name = "HOST")]
    mail_host: Option<String>,
    /// Mail: its port [default: the usual one of --mail-security]
    #[arg(long, value_name = "PORT")]
    mail_port: Option<u16>,
    /// Mail: starttls, tls, or plain for this machine [default: starttls]
    #[arg(long, value_name = "HOW", value_parser = security)]
    mail_security: Option<MailSecurity>,
    /// Mail: who logs in, with --key as the password; '' for nobody
    #[arg(long, value_name = "NAME")]
    mail_user: Option<String>,
    /// Mail: from whom
    #[arg(long, value_name = "ADDRESS")]
    from: Option<String>,
    /// Mail: to whom; may be repeated or separated by commas
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    to: Option<Vec<String>>,
}

fn security(text: &str) -> Result<MailSecurity, String> {
    match text {
        "starttls" => Ok(MailSecurity::StartTls),
        "tls" => Ok(MailSecurity::Tls),
        "plain" => Ok(MailSecurity::Plain),
        _ => Err("expected starttls, tls or plain".to_owned()),
    }
}

impl Service {
    /// A new one of this kind.
    pub(super) fn made(self, kind: &str) -> Result<ChannelKind, Failure> {
        let empty = SmtpSettings {
            host: String::new(),
            port: None,
            security: MailSecurity::default(),
            username: None,
            from: String::new(),
            to: Vec::new(),
        };
        let plain = match kind {
            "webhook" => ChannelKind::Webhook,
            "wecom" => ChannelKind::WeCom,
            "dingtalk" => ChannelKind::DingTalk,
            "feishu" => ChannelKind::Feishu,
            "slack" => ChannelKind::Slack,
            "discord" => ChannelKind::Discord,
            "telegram" => ChannelKind::Telegram(TelegramSettings::default()),
            "bark" => ChannelKind::Bark(BarkSettings::default()),
            "smtp" => ChannelKind::Smtp(empty),
            _ => {
                let kinds = "webhook, wecom, dingtalk, feishu, slack, discord, telegram, bark or smtp";
                return Err(Failure::usage(format!("--kind is none of {kinds}")));
            }
        };
        Ok(self.changed(plain.clone())?.unwrap_or(plain))
    }

    /// What is there with what is named; `None` when nothing is.
    pub(super) fn changed(self, present: ChannelKind) -> Result<Option<ChannelKind>, Failure> {
        let Self { chat, thread, api_base, server, group, sound, mail_host, .. } = self;
        let telegram = chat.is_some() || thread.is_some() || api_base.is_some();
        let bark = server.is_some() || group.is_some() || sound.is_some();
        let Self { mail_port, mail_security, mail_user, from, to, .. } = self;
        let mail = mail_host.is_some() || mail_port.is_some() || mail_security.is_some();
        let mail = mail || mail_user.is_some() || from.is_some() || to.is_some();
        let of = |named: bool, whose: &str| match named {
            true => Err(Failure::usage(format!("an option was given that only {whose} has"))),
            false => Ok(()),
        };
        Ok(match present {
            ChannelKind::Telegram(mut settings) => {
                of(bark, "Bark")?;
                of(mail, "mail")?;
                settings.chat = chat.unwrap_or(settings.chat);
                settings.thread = thread.or(settings.thread);
                put(&mut settings.api_base, api_base);
                telegram.then_some(ChannelKind::Telegram(settings))
            }
            ChannelKind::Bark(mut settings) => {
                of(telegram, "Telegram")?;
                of(mail, "mail")?;
                put(&mut settings.server, server);
                put(&mut settings.group, group);
                put(&mut settings.sound, sound);
                bark.then_some(ChannelKind::Bark(settings))
            }
            ChannelKind::Smtp(mut settings) => {
                of(telegram, "Telegram")?;
                of(bark, "Bark")?;
                settings.host = mail_host.unwrap_or(settings.host);
                settings.port = mail_port.or(settings.port);
                settings.security = mail_security.unwrap_or(settings.security);
                put(&mut settings.username, mail_user);
                settings.from = from.unwrap_or(settings.from);
                settings.to = to.unwrap_or(settings.to);
                mail.then_some(ChannelKind::Smtp(settings))
            }
            _ => {
                of(telegram, "Telegram")?;
                of(bark, "Bark")?;
                of(mail, "mail")?;
                None
            }
        })
    }
}

/// An empty text takes away.
fn put(present: &mut Option<String>, given: Option<String>) {
    if let Some(given) = given {
        *present = Some(given).filter(|given| !given.is_empty());
    }
}

/// What is told of a service's own settings.
pub(super) fn rows(service: &ChannelKind) -> Vec<(&'static str, String)> {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    match service {
        ChannelKind::Telegram(TelegramSettings { chat, thread, api_base }) => {
            let thread = thread.map_or_else(|| "-".to_owned(), |thread| thread.to_string());
            vec![("chat", chat.clone()), ("thread", thread), ("API", or_none(api_base))]
        }
        ChannelKind::Bark(BarkSettings { server, group, sound }) => {
            vec![("server", or_none(server)), ("group", or_none(group)), ("sound", or_none(sound))]
        }
        ChannelKind::Smtp(SmtpSettings { host, port, security, username, from, to }) => {
            let port = port.unwrap_or(security.port());
            vec![
                ("server", format!("{host}:{port}")),
                ("log-in", or_none(username)),
                ("from", from.clone()),
                ("to", to.join(", ")),
            ]
        }
        _ => Vec::new(),
    }
}
