//! What each service is sent.

mod answers;

use std::sync::Arc;

use http::header;
use posthaste_core::{
    BarkSettings, CooldownReason, CooldownScope, Language, MailSecurity, Notice, NoticeEvent, SmtpSettings,
    Subject, TelegramSettings,
};
use rstest::rstest;
use serde_json::Value;

use super::*;
use crate::testing::{NOW, Plain, channel, evil, samples, with_consent};

const HOOK: &str = "https://hooks.example.com/send?key=dummy-hook-0001";

fn telegram() -> ChannelKind {
    let thread = Some(7);
    ChannelKind::Telegram(TelegramSettings { chat: "-1001".to_owned(), thread, api_base: None })
}

fn bark() -> ChannelKind {
    ChannelKind::Bark(BarkSettings { server: None, group: None, sound: Some("alarm".to_owned()) })
}

fn smtp() -> ChannelKind {
    ChannelKind::Smtp(SmtpSettings {
        host: "mail.example.com".to_owned(),
        port: None,
        security: MailSecurity::StartTls,
        username: Some("relay".to_owned()),
        from: "Relay <relay@example.com>".to_owned(),
        to: vec!["ops@example.com".to_owned(), "Alex <alex@example.com>".to_owned()],
    })
}

/// Each service with a target and a key as it has them.
fn services() -> Vec<Channel> {
    vec![
        channel(ChannelKind::Webhook, HOOK, Some("dummy-key-0001")),
        channel(ChannelKind::WeCom, HOOK, None),
        channel(ChannelKind::DingTalk, HOOK, Some("SEC-dummy-secret")),
        channel(ChannelKind::Feishu, HOOK, Some("SEC-dummy-secret")),
        channel(ChannelKind::Slack, HOOK, None),
        channel(ChannelKind::Discord, HOOK, None),
        channel(telegram(), "1001:dummy-bot-token", None),
        channel(bark(), "dummyDeviceKey0001", None),
        channel(smtp(), "", Some("dummy-password")),
    ]
}

fn composed(channel: &Channel, notices: &[Arc<Notice>]) -> Result<Outgoing, ChannelError> {
    let opened = Opened::new(channel, &Plain)?;
    let message = Message::new("Posthaste", channel.language, notices);
    compose(&message, &Sending { channel, opened: &opened, id: Uuid::from_u128(5), now: NOW })
}

fn request(channel: &Channel, notices: &[Arc<Notice>]) -> Request<Payload> {
    match composed(channel, notices).unwrap() {
        Outgoing::Http(request) => *request,
        Outgoing::Mail(_) => panic!("a mail"),
    }
}

fn shown(request: &Request<Payload>) -> String {
    let mut text = format!("{} {}\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        if name != header::USER_AGENT {
            text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
        }
    }
    let body: Value = serde_json::from_slice(&request.body().to_bytes()).unwrap();
    text + "\n" + &serde_json::to_string_pretty(&body).unwrap()
}

#[test]
fn each_service_is_sent_what_it_takes() {
    let all = samples();
    for service in services().into_iter().filter(|channel| !matches!(channel.service, ChannelKind::Smtp(_))) {
        let name = service.service.as_str();
        insta::assert_snapshot!(format!("{name}-one"), shown(&request(&service, &all[..1])));
        let chinese = Channel { language: Language::Chinese, ..service };
        insta::assert_snapshot!(format!("{name}-digest"), shown(&request(&chinese, &all[11..13])));
    }
}

#[test]
fn a_mail_has_two_parts_and_says_that_a_program_made_it() {
    let channel = services().pop().unwrap();
    let Outgoing::Mail(letter) = composed(&channel, &samples()[1..2]).unwrap() else { panic!("a request") };
    assert_eq!((letter.host.as_str(), letter.port), ("mail.example.com", 587));
    assert!(!format!("{letter:?}").contains("dummy-password"));
    let text = String::from_utf8(letter.mail.formatted()).unwrap().replace("\r\n ", " ");
    for line in [
        "From: Relay <relay@example.com>\r\n",
        "To: ops@example.com, Alex <alex@example.com>\r\n",
        "Subject: [Critical] Posthaste: Account max-1 rests: its credential is refused\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// What would be markup, a tag or a mention in the service's format.
fn forbidden(service: &ChannelKind) -> &'static [&'static str] {
    match service {
        ChannelKind::WeCom | ChannelKind::DingTalk => &["<at", "<@", "[x](", "**b**", "`c`", "<script"],
        ChannelKind::Feishu => &["<at"],
        ChannelKind::Slack => &["<!channel>", "<@", "<at", "<script"],
        ChannelKind::Discord => &[" @everyone", "<@", "[x](", "**b**", "`c`"],
        ChannelKind::Telegram(_) => &["@everyone", "<script", "<at", "</b><script"],
        ChannelKind::Smtp(_) => &["\nBcc:", "<script", "<at"],
        // Bark shows plain text, and a program gets JSON: of the facts as well.
        ChannelKind::Bark(_) | ChannelKind::Webhook => &["\r", "\u{202e}", "\u{7}"],
    }
}

#[test]
fn names_and_words_from_elsewhere_are_inert_everywhere() {
    for channel in services() {
        for notices in [vec![evil()], vec![evil(), evil()]] {
            let text = match composed(&channel, &notices).unwrap() {
                Outgoing::Http(request) => {
                    let body: Value = serde_json::from_slice(&request.body().to_bytes()).unwrap();
                    if channel.service == ChannelKind::Webhook {
                        let (length, most) = longest(&channel, &body);
                        assert!(length <= most, "{length} > {most}");
                    }
                    strings(&body).join("\n")
                }
                // In the plain part markup is only text.
                Outgoing::Mail(letter) => {
                    let text = String::from_utf8(letter.mail.formatted()).unwrap();
                    assert!(!text.contains("\nBcc:"), "{text}");
                    text.split("text/html").nth(1).unwrap().to_owned()
                }
            };
            for part in forbidden(&channel.service) {
                assert!(!text.contains(part), "{}: {part:?} in\n{text}", channel.service.as_str());
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]

    /// Whatever somebody is called and whatever an upstream says: each service gets a message that it takes.
    #[test]
    fn any_text_makes_a_message_that_fits(
        name in r##"\PC{0,300}|[<>&@*_`#\[\]\\"']{0,200}|[\x00-\x20🦀]{0,200}"##,
        why in r##"(?s).{0,900}|[&"]{0,900}|[🦀]{0,500}"##,
        count in 1_usize..50,
    ) {
        let Subject::Account { id, .. } = evil().subject else { unreachable!() };
        let event = NoticeEvent::AccountRests {
            reason: CooldownReason::Failing,
            scope: CooldownScope::Model(name.clone()),
            until: NOW,
            why,
        };
        let notice = Arc::new(Notice { at: NOW, subject: Subject::Account { id, name }, event });
        let notices = vec![notice; count];
        for channel in services() {
            match composed(&channel, &notices).unwrap() {
                Outgoing::Http(request) => {
                    let body: Value = serde_json::from_slice(&request.body().to_bytes()).unwrap();
                    let (length, most) = longest(&channel, &body);
                    assert!(length <= most, "{}: {length} > {most}", channel.service.as_str());
                }
                Outgoing::Mail(letter) => {
                    let text = String::from_utf8(letter.mail.formatted()).unwrap();
                    assert_eq!(fields_of(&text), FIELDS, "{text}");
                }
            }
        }
    }
}

/// The names of a mail's fields.
fn fields_of(mail: &str) -> Vec<&str> {
    let head = mail.split("\r\n\r\n").next().unwrap();
    let lines = head.split("\r\n").filter(|line| !line.starts_with(' '));
    lines.map(|line| line.split(':').next().unwrap()).collect()
}

const FIELDS: [&str; 8] =
    ["From", "Subject", "Date", "Message-ID", "Auto-Submitted", "To", "MIME-Version", "Content-Type"];

/// All texts of a value.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(strings).collect(),
        Value::Object(fields) => fields.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

/// The most that a service takes, and how it counts, of the text that is shown.
fn longest(channel: &Channel, body: &Value) -> (usize, usize) {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    let utf16 = |text: String| text.encode_utf16().count();
    match &channel.service {
        ChannelKind::WeCom => (text("/markdown/content").len(), 4_096),
        ChannelKind::DingTalk => (body.to_string().len(), 20_000),
        ChannelKind::Feishu => (body.to_string().len(), 20 * 1_024),
        ChannelKind::Slack => (utf16(text("/blocks/1/text/text")), 3_000),
        ChannelKind::Discord => (utf16(text("/embeds/0/description")), 4_096),
        ChannelKind::Telegram(_) => (utf16(text("/text")), 4_096),
        ChannelKind::Bark(_) => (body.to_string().len(), 4_096),
        ChannelKind::Webhook => {
            (strings(body).iter().map(|text| text.chars().count()).max().unwrap_or(0), 1_001)
        }
        ChannelKind::Smtp(_) => (0, 0),
    }
}

#[test]
fn long_messages_are_cut_with_a_word_about_it() {
    let many: Vec<_> = samples().into_iter().chain((0..28).map(|_| evil())).collect();
    for language in Language::ALL {
        for channel in services() {
            let channel = Channel { language, ..channel };
            if matches!(channel.service, ChannelKind::Webhook | ChannelKind::Smtp(_)) {
                continue;
            }
            let body: Value = serde_json::from_slice(&request(&channel, &many).body().to_bytes()).unwrap();
            let (length, most) = longest(&channel, &body);
            assert!(length <= most, "{}: {length} > {most}", channel.service.as_str());
            let word = if language == Language::English { "more lines did not fit" } else { "已省略" };
            assert!(body.to_string().contains(word), "{}: {body}", channel.service.as_str());
        }
    }
}

#[test]
fn titles_fit_also_where_much_of_them_is_escaped() {
    for (service, pointer, most) in
        [(ChannelKind::Slack, "/blocks/0/text/text", 150), (ChannelKind::Discord, "/embeds/0/title", 256)]
    {
        let body = request(&channel(service, HOOK, None), &[evil()]).into_body().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let title = body.pointer(pointer).and_then(Value::as_str).unwrap();
        assert!(title.encode_utf16().count() <= most, "{title}");
        assert!(
            title.starts_with("[Warning] Posthaste: Account") || title.starts_with("\\[Warning"),
            "{title}"
        );
    }
}

const NOT_HTTPS: &str = "the channel's target cannot be used: it must begin with https://";

#[rstest]
#[case::nothing(channel(ChannelKind::Slack, "", None), "the channel has no target")]
#[case::no_address(
    channel(ChannelKind::Slack, "dummy-hook", None),
    "the channel's target cannot be used: it is no address such as https://example.com/hook"
)]
#[case::in_the_clear(channel(ChannelKind::Slack, "http://hooks.example.com/dummy-hook", None), NOT_HTTPS)]
#[case::a_file(with_consent(channel(ChannelKind::Slack, "file:///dummy-hook", None)), NOT_HTTPS)]
#[case::a_login(
    channel(ChannelKind::Slack, "https://me:dummy-hook@example.com/", None),
    "the channel's target cannot be used: names and passwords may not stand in it"
)]
#[case::a_path_in_a_token(
    channel(telegram(), "1:dummy-hook/../x", None),
    "the channel's target cannot be used: it has characters that such a token does not have"
)]
#[case::no_chat(
    channel(ChannelKind::Telegram(TelegramSettings::default()), "1:dummy-hook", None),
    "the channel has no chat"
)]
#[case::an_empty_key(
    channel(ChannelKind::Webhook, HOOK, Some(" ")),
    "the channel's key cannot be used: it is empty"
)]
#[case::no_password(channel(smtp(), "", None), "the channel has no key")]
fn what_cannot_be_used_is_named_without_its_secret(#[case] channel: Channel, #[case] expected: &str) {
    let error = composed(&channel, &samples()[..1]).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert!(!format!("{error:?}").contains("dummy-hook"));
}

#[test]
fn an_address_in_the_clear_needs_consent() {
    let channel = channel(ChannelKind::Webhook, "http://127.0.0.1:9/hook", None);
    assert!(composed(&channel, &samples()[..1]).is_err());
    assert!(composed(&with_consent(channel), &samples()[..1]).is_ok());
}

#[test]
fn line_breaks_in_mail_addresses_are_refused() {
    for (from, to) in [
        ("relay@example.com\r\nBcc: all@example.com", "ops@example.com"),
        ("relay@example.com", "ops@example.com\nBcc: all@example.com"),
        ("relay", "ops@example.com"),
    ] {
        let ChannelKind::Smtp(settings) = smtp() else { unreachable!() };
        let settings = SmtpSettings { from: from.to_owned(), to: vec![to.to_owned()], ..settings };
        let channel = channel(ChannelKind::Smtp(settings), "", Some("dummy"));
        assert!(matches!(composed(&channel, &samples()[..1]), Err(ChannelError::Invalid { .. })), "{from:?}");
    }
}

#[test]
fn mail_is_not_sent_through_a_proxy() {
    let scheme = posthaste_core::ProxyScheme::Http;
    let proxy = posthaste_core::ProxySettings {
        scheme,
        host: "proxy.example.com".to_owned(),
        port: 1,
        username: None,
        password: None,
    };
    let channel = Channel { proxy: Some(proxy), ..services().pop().unwrap() };
    let error = composed(&channel, &samples()[..1]).unwrap_err();
    assert!(error.to_string().contains("proxy"), "{error}");
}
