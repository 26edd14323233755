//! What an answer means.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use crate::words;

/// What became of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// The service has taken the message.
    Yes,
    /// It may go better later.
    Again {
        /// Why; without secrets.
        why: String,
        /// How long the service wants to be left alone, if it said so.
        after: Option<Duration>,
    },
    /// It will not go better until somebody changes something.
    Refused {
        /// Why; without secrets.
        why: String,
    },
}

impl Delivered {
    pub(crate) fn again(why: impl Into<String>, after: Option<Duration>) -> Self {
        Self::Again { why: why.into(), after }
    }

    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self::Refused { why: why.into() }
    }
}

/// A service's answer.
pub(crate) struct Answer<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// Takes the channel's secrets out of a text.
    pub(crate) redact: &'a (dyn Fn(&str) -> String + Sync),
}

impl Answer<'_> {
    /// The body as JSON of this form.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(self.body).ok()
    }

    /// The body as text, where the service answers in words.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }

    /// What the service said, as it may be shown: without secrets first, so that none is cut in two, then tame and short.
    pub(crate) fn said(&self, text: &str) -> String {
        words::tame(&(self.redact)(text), MOST_SAID)
    }

    /// How long the service wants to be left alone (RFC 9110 §10.2.3), where it counts in seconds.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// What the status alone says: 2xx is taken, 408, 425, 429 and 5xx may pass, the rest stays. `said` is what the service
    /// said, if that is to be shown.
    pub(crate) fn by_status(&self, said: &str) -> Delivered {
        let said = self.said(said);
        let why = match said.as_str() {
            "" => format!("the service answered {}", self.status),
            said => format!("the service answered {}: {said}", self.status),
        };
        match self.status.as_u16() {
            200..=299 => Delivered::Yes,
            408 | 425 | 429 | 500..=599 => Delivered::again(why, self.retry_after()),
            300..=399 => Delivered::refused(format!(
                "{why}; redirects are not followed: set the address that it leads to"
            )),
            _ => Delivered::refused(why),
        }
    }
}

impl Answer<'_> {
    /// An answer that is not in the form that the service's answers have: with a 2xx it comes from somebody else, such as a
    /// page of a proxy, and the message went nowhere.
    pub(crate) fn by_status_without_word(&self) -> Delivered {
        match self.by_status("") {
            Delivered::Yes => Delivered::refused(format!(
                "the answer ({}) is not the service's own: does the address lead to it?",
                self.status
            )),
            other => other,
        }
    }
}

/// Whether words complain of too many messages. The vendors' codes for that are many and change; their words are few.
pub(crate) fn sounds_hasty(said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    ["too fast", "too many", "freq", "rate limit"].iter().any(|words| said.contains(words))
}

/// Of what a service said.
const MOST_SAID: usize = 200;
