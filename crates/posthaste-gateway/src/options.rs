//! The relay's settings.

use std::{collections::HashMap, time::Duration};

use posthaste_core::{Dialect, Multiplier, PoolRules, ProviderKind};
use posthaste_storage::ErrorBounds;

/// Time-outs, bounds and policies of a request's journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayOptions {
    /// How many accounts are asked for one request at most.
    pub attempts: u16,
    /// From the request to the first event of a stream, by the upstream's dialect.
    pub first_event: FirstEventTimeouts,
    /// From the request to the head of an answer that is not a stream.
    pub head_timeout: Duration,
    /// The longest silence within an answer's body.
    pub gap_timeout: Duration,
    /// After this long without a byte, and then each time again, a waiting client of a stream is sent something harmless.
    pub keep_alive: Duration,
    /// Time-outs of some providers' accounts, in place of those above.
    pub by_provider: HashMap<ProviderKind, TimeoutOverrides>,
    /// What a dollar of cost at some providers' accounts is billed as, where no operator has said so in the store; at others, a
    /// dollar.
    pub multipliers: HashMap<ProviderKind, Multiplier>,
    /// How accounts are chosen and asked again where no pool has rules of its own.
    pub rules: PoolRules,
    /// How long requests are remembered, so that they can be explained; `None` where nothing is to be remembered.
    pub records: Option<RecordRules>,
    /// How long a stream whose client has left is read on, so that the books know what it cost; `None` cancels it at once.
    pub drain: Option<Duration>,
    /// How long failures of accounts are remembered; `None` where they are not to be.
    pub account_errors: Option<ErrorBounds>,
    /// Whether the last bytes of an answer wait until its attempt is booked durably.
    pub strict_accounting: bool,
}

/// What the accounts of one provider are given in place of the usual time-outs. What is `None` is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeoutOverrides {
    /// For a connection: name resolution, TCP, proxy and TLS together.
    pub connect: Option<Duration>,
    /// From the request to the first event of a stream.
    pub first_event: Option<Duration>,
    /// From the request to the head of an answer that is not a stream.
    pub head: Option<Duration>,
    /// The longest silence within an answer's body.
    pub gap: Option<Duration>,
}

/// How long the records of requests are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRules {
    /// No longer than this.
    pub keep: Duration,
    /// And no more than this many.
    pub most: u64,
}

impl Default for RecordRules {
    fn default() -> Self {
        Self { keep: Duration::from_secs(7 * 86_400), most: 100_000 }
    }
}

impl RelayOptions {
    /// What a provider's accounts are given in place of the usual.
    pub(crate) fn overrides(&self, provider: ProviderKind) -> TimeoutOverrides {
        self.by_provider.get(&provider).copied().unwrap_or_default()
    }

    /// What a dollar of cost at a provider's accounts is billed as.
    pub(crate) fn multiplier(&self, provider: ProviderKind) -> Multiplier {
        self.multipliers.get(&provider).copied().unwrap_or_default()
    }

    /// How long the first event of a stream, or else the head of an answer, may take.
    pub(crate) fn patience(&self, provider: ProviderKind, dialect: Dialect, streamed: bool) -> Duration {
        let own = self.overrides(provider);
        if streamed {
            own.first_event.unwrap_or_else(|| self.first_event.of(dialect))
        } else {
            own.head.unwrap_or(self.head_timeout)
        }
    }

    /// The longest silence within an answer of a provider's account.
    pub(crate) fn gap(&self, provider: ProviderKind) -> Duration {
        self.overrides(provider).gap.unwrap_or(self.gap_timeout)
    }
}

/// How long the first event of a stream may take, by the upstream's dialect: some think before they speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstEventTimeouts {
    /// Anthropic Messages, Responses and Gemini.
    pub anthropic_messages: Duration,
    /// OpenAI Chat Completions, and Converse, behind which the same models stand.
    pub open_ai_chat: Duration,
}

impl FirstEventTimeouts {
    pub(crate) const fn of(&self, dialect: Dialect) -> Duration {
        match dialect {
            Dialect::AnthropicMessages | Dialect::OpenAiResponses | Dialect::GeminiGenerate => {
                self.anthropic_messages
            }
            Dialect::OpenAiChat | Dialect::BedrockConverse => self.open_ai_chat,
        }
    }
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_event: FirstEventTimeouts {
                anthropic_messages: Duration::from_secs(60),
                open_ai_chat: Duration::from_secs(300),
            },
            head_timeout: Duration::from_secs(900),
            gap_timeout: Duration::from_secs(300),
            keep_alive: Duration::from_secs(10),
            by_provider: HashMap::new(),
            multipliers: HashMap::new(),
            rules: PoolRules::default(),
            records: Some(RecordRules::default()),
            drain: None,
            account_errors: Some(ErrorBounds { most: 100, keep: Duration::from_secs(30 * 86_400) }),
            strict_accounting: false,
        }
    }
}
