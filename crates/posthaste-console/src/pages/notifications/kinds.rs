//! Who brings messages: what each is called and what it asks for.

use posthaste_admin::AdminError;
use posthaste_core::{BarkSettings, ChannelKind, MailSecurity, SmtpSettings, TelegramSettings};

use crate::{fields::Fields, pages::reading::invalid};

/// A service that brings messages, as the pages tell of it.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) summary: &'static str,
    /// What its secret address or token is called; mail has none.
    pub(super) target: Option<&'static str>,
    /// What its key is called, where it takes one.
    pub(super) key: Option<&'static str>,
}

/// One of them by its name.
pub(super) fn kind(name: &str) -> Result<Kind, AdminError> {
    let missing = || AdminError::NotFound { what: format!("kind of channel `{}`", name.escape_debug()) };
    all().into_iter().find(|kind| kind.name == name).ok_or_else(missing)
}

pub(super) fn all() -> [Kind; 9] {
    let webhook = Some(text("Address of the webhook"));
    let secret = Some(text("Secret for signatures (empty: none)"));
    [
        Kind {
            name: "webhook",
            title: text("Webhook"),
            summary: text("A program of your own gets JSON, signed as Standard Webhooks says."),
            target: webhook,
            key: Some(text("Key for signatures: whsec_… or any text (empty: none)")),
        },
        Kind {
            name: "smtp",
            title: text("Mail"),
            summary: text("A mail to one or several addresses, over your mail server."),
            target: None,
            key: Some(text("Password at the mail server")),
        },
        Kind {
            name: "telegram",
            title: "Telegram",
            summary: text("A bot writes into a chat, a group or a channel."),
            target: Some(text("Token of the bot")),
            key: None,
        },
        Kind {
            name: "slack",
            title: "Slack",
            summary: text("An incoming webhook of a workspace."),
            target: webhook,
            key: None,
        },
        Kind {
            name: "discord",
            title: "Discord",
            summary: text("A webhook of a server's channel."),
            target: webhook,
            key: None,
        },
        Kind {
            name: "wecom",
            title: text("WeCom"),
            summary: text("A group robot."),
            target: webhook,
            key: None,
        },
        Kind {
            name: "dingtalk",
            title: text("DingTalk"),
            summary: text("A custom robot of a group."),
            target: webhook,
            key: secret,
        },
        Kind {
            name: "feishu",
            title: text("Feishu or Lark"),
            summary: text("A custom bot of a group."),
            target: webhook,
            key: secret,
        },
        Kind {
            name: "bark",
            title: "Bark",
            summary: text("Pushes to Apple's devices."),
            target: Some(text("Key of the device")),
            key: None,
        },
    ]
}

/// What the form says of the service.
pub(super) fn service(name: &str, form: &Fields) -> Result<ChannelKind, AdminError> {
    let given = |field: &str| form.text(field).map(str::to_owned);
    let told = |field: &str| form.value(field).trim().to_owned();
    Ok(match kind(name)?.name {
        "webhook" => ChannelKind::Webhook,
        "wecom" => ChannelKind::WeCom,
        "dingtalk" => ChannelKind::DingTalk,
        "feishu" => ChannelKind::Feishu,
        "slack" => ChannelKind::Slack,
        "discord" => ChannelKind::Discord,
        "telegram" => {
            let thread = form.text("thread").map(str::parse).transpose();
            let thread = thread.map_err(|_| invalid("thread", "is the topic's number, such as 12"))?;
            ChannelKind::Telegram(TelegramSettings {
                chat: told("chat"),
                thread,
                api_base: given("api_base"),
            })
        }
        "bark" => ChannelKind::Bark(BarkSettings {
            server: given("server"),
            group: given("group"),
            sound: given("sound"),
        }),
        _ => ChannelKind::Smtp(mail(form)?),
    })
}

fn mail(form: &Fields) -> Result<SmtpSettings, AdminError> {
    let told = |field: &str| form.value(field).trim().to_owned();
    let port = form.text("port").map(str::parse).transpose();
    let security = match form.value("security") {
        "tls" => MailSecurity::Tls,
        "plain" => MailSecurity::Plain,
        _ => MailSecurity::StartTls,
    };
    Ok(SmtpSettings {
        host: told("host"),
        port: port.map_err(|_| invalid("port", "is a number from 1 to 65535, or empty for the usual one"))?,
        security,
        username: form.text("username").map(str::to_owned),
        from: told("from"),
        to: form.lines("to"),
    })
}

/// What the form's fields say of a service as it is.
pub(super) fn filled(form: Fields, service: &ChannelKind) -> Fields {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    match service {
        ChannelKind::Telegram(TelegramSettings { chat, thread, api_base }) => form
            .with("chat", chat)
            .with("thread", thread.map(|thread| thread.to_string()).unwrap_or_default())
            .with("api_base", or_empty(api_base)),
        ChannelKind::Bark(BarkSettings { server, group, sound }) => form
            .with("server", or_empty(server))
            .with("group", or_empty(group))
            .with("sound", or_empty(sound)),
        ChannelKind::Smtp(SmtpSettings { host, port, security, username, from, to }) => form
            .with("host", host)
            .with("port", port.map(|port| port.to_string()).unwrap_or_default())
            .with("security", security_word(*security))
            .with("username", or_empty(username))
            .with("from", from)
            .with("to", to.join("\n")),
        ChannelKind::Webhook
        | ChannelKind::WeCom
        | ChannelKind::DingTalk
        | ChannelKind::Feishu
        | ChannelKind::Slack
        | ChannelKind::Discord => form,
    }
}

fn security_word(security: MailSecurity) -> &'static str {
    match security {
        MailSecurity::StartTls => "starttls",
        MailSecurity::Tls => "tls",
        MailSecurity::Plain => "plain",
    }
}

/// Marks a text that pages say in the reader's language.
fn text(text: &'static str) -> &'static str {
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_says_of_each_service_reads_back() {
        let forms = [
            ("telegram", "chat=-100&thread=7&api_base=https%3A%2F%2Ftg.example"),
            ("bark", "server=https%3A%2F%2Fbark.example&group=ops&sound=bell"),
            (
                "smtp",
                "host=smtp.example&port=2525&security=tls&username=relay&from=r%40example.org&to=a%40example.org%0Ab%40example.org",
            ),
            ("slack", ""),
        ];
        for (name, text) in forms {
            let service = service(name, &Fields::read(text.as_bytes())).unwrap();
            assert_eq!(service.as_str(), name);
            let again = self::service(name, &filled(Fields::default(), &service)).unwrap();
            assert_eq!(again, service);
        }
        for kind in all() {
            assert_eq!(service(kind.name, &Fields::default()).unwrap().as_str(), kind.name);
        }
    }

    #[test]
    fn what_is_no_number_names_its_field() {
        for (name, form, field) in [("telegram", "thread=x", "thread"), ("smtp", "port=70000", "port")] {
            let error = service(name, &Fields::read(form.as_bytes())).unwrap_err();
            assert!(matches!(error, AdminError::Invalid { field: found, .. } if found == field), "{error}");
        }
        assert!(matches!(service("pigeon", &Fields::default()), Err(AdminError::NotFound { .. })));
    }
}
