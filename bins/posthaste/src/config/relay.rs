//! `[relay]`

use std::time::Duration;

use super::{ConfigError, section::section};

section! {
    /// How requests are passed on.
    "relay" => Relay {
        /// How many attempts a request gets, the first included, before the client is told of a failure. 1 to 20.
        attempts: u16 = "4",
        /// How long name resolution, connecting and TLS may take together.
        connect_timeout: Duration = "2s",
        /// How long the first event of a stream may take, where the upstream speaks Anthropic's dialect.
        first_event_timeout: Duration = "60s",
        /// The same, where the upstream speaks Chat Completions: its reasoning models are silent for longer.
        first_event_timeout_chat: Duration = "300s",
        /// How long the head of an answer that is no stream may take.
        head_timeout: Duration = "900s",
        /// How long an answer may fall silent between two reads.
        gap_timeout: Duration = "300s",
        /// How long a stream whose client has left is read on, so that the books know what it cost. A vendor bills what
        /// it has made, and most tell the tokens at the end only. Without it the upstream is cancelled at once, and what
        /// it does not tell is estimated. 15 minutes at most; meanwhile the request counts for `concurrency`.
        drain_timeout: Option<Duration> = unset,
    }
}

impl Relay {
    pub(super) fn finish(&self, errors: &mut Vec<ConfigError>) {
        if !(1..=MAX_ATTEMPTS).contains(&self.attempts) {
            errors.push(ConfigError::new(
                "relay.attempts",
                None,
                format!("`{}` is not a number from 1 to {MAX_ATTEMPTS}", self.attempts),
            ));
        }
        if self.drain_timeout.is_some_and(|drain| drain > MAX_DRAIN) {
            errors.push(ConfigError::new(
                "relay.drain_timeout",
                None,
                "is more than 15 minutes (`15m`)".to_owned(),
            ));
        }
    }
}

/// Clients retry as well: more attempts here make a storm out of an outage.
const MAX_ATTEMPTS: u16 = 20;

/// A vendor's longest answers take about as long.
const MAX_DRAIN: Duration = Duration::from_secs(15 * 60);
