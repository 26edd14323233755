//! Mail: a message with a plain and an HTML part (RFC 2046 §5.1.4), marked as made by a program (RFC 3834 §5).

use std::time::{Duration, SystemTime};

use lettre::{
    Message as Mail,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use posthaste_core::{MailSecurity, Secret, SmtpSettings};

use super::Sending;
use crate::{
    ChannelError,
    format::html,
    message::{Line, Message},
    words,
};

/// A mail and how it is to be sent. `Debug` shows no password.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) mail: Mail,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: MailSecurity,
    pub(crate) login: Option<(String, Secret)>,
}

/// Writes the mail. All that goes into its head is one line by then; addresses are read, not pasted.
pub(crate) fn letter(
    message: &Message,
    settings: &SmtpSettings,
    sending: &Sending<'_>,
) -> Result<Letter, ChannelError> {
    if sending.channel.proxy.is_some() {
        return Err(ChannelError::invalid("proxy", "mail is not sent through a proxy: remove it"));
    }
    let host = settings.host.trim().trim_matches(['[', ']']);
    if host.is_empty() || host.chars().any(|character| character.is_whitespace() || character.is_control()) {
        return Err(ChannelError::invalid("host", "it is no name and no address of a server"));
    }
    let login = match (&settings.username, &sending.opened.key) {
        (None, None) => None,
        (Some(username), Some(password)) => Some((username.clone(), password.clone())),
        (Some(_), None) => return Err(ChannelError::Missing("key")),
        (None, Some(_)) => return Err(ChannelError::Missing("username")),
    };
    if settings.to.is_empty() {
        return Err(ChannelError::Missing("to"));
    }
    let mut mail = Mail::builder()
        .from(mailbox("from", &settings.from)?)
        .subject(message.title())
        .date(at(sending))
        .message_id(Some(format!("<{}@posthaste>", sending.id)))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    for to in &settings.to {
        mail = mail.to(mailbox("to", to)?);
    }
    let parts = MultiPart::alternative_plain_html(plain(message), page(message));
    let mail = mail.multipart(parts).map_err(|error| ChannelError::invalid("from", error.to_string()))?;
    Ok(Letter {
        mail,
        host: host.to_owned(),
        port: settings.port.unwrap_or(settings.security.port()),
        security: settings.security,
        login,
    })
}

fn mailbox(field: &'static str, text: &str) -> Result<Mailbox, ChannelError> {
    let unreadable = || ChannelError::invalid(field, "it is no address such as `Relay <relay@example.com>`");
    if text.chars().any(char::is_control) {
        return Err(unreadable());
    }
    text.trim().parse().map_err(|_| unreadable())
}

fn at(sending: &Sending<'_>) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(sending.now.as_secs()).unwrap_or(0))
}

fn plain(message: &Message) -> String {
    let body = message.fitted(MOST_BYTES, str::len, |line| message.plain(line));
    format!("{}\n\n{body}\n", message.title())
}

fn page(message: &Message) -> String {
    let colon = words::colon(message.language);
    let body = message.fitted(MOST_BYTES, str::len, |line| match line {
        Line::Heading(text) => format!("<h3>{}</h3>", html(text)),
        Line::Text(text) => format!("<p>{}</p>", html(text)),
        Line::Fact(label, value) => format!("<div>{label}{colon}<b>{}</b></div>", html(value)),
        Line::Gap => "<hr>".to_owned(),
    });
    let (language, title) = (message.language, html(&message.title()));
    format!("<!doctype html>\n<html lang=\"{language}\"><body>\n<h2>{title}</h2>\n{body}\n</body></html>\n")
}

/// Of each of the two parts: a long digest, and far below what servers take.
const MOST_BYTES: usize = 100_000;
