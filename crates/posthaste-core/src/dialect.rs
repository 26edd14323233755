//! Wire APIs and what is asked of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A wire API that clients or upstreams speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Anthropic's Messages API.
    AnthropicMessages,
    /// OpenAI's Chat Completions API.
    OpenAiChat,
}

impl Dialect {
    /// Every dialect, in the order of their declaration.
    pub const ALL: [Self; 2] = [Self::AnthropicMessages, Self::OpenAiChat];

    /// The stable name used in metrics, the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnthropicMessages => "anthropic-messages",
            Self::OpenAiChat => "open-ai-chat",
        }
    }

    /// Position in [`Self::ALL`], for tables indexed by dialect.
    pub const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A model's answer to a conversation.
    Chat,
    /// The number of tokens that a conversation would cost as input.
    CountTokens,
    /// The list of models.
    Models,
}

impl Operation {
    /// Every operation, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Chat, Self::CountTokens, Self::Models];

    /// The stable name used in metrics, the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::CountTokens => "count_tokens",
            Self::Models => "models",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_is_the_position_in_all() {
        for (position, dialect) in Dialect::ALL.into_iter().enumerate() {
            assert_eq!(dialect.index(), position);
        }
    }

    #[test]
    fn names_match_their_json_form() {
        for dialect in Dialect::ALL {
            assert_eq!(serde_json::to_value(dialect).unwrap(), dialect.as_str());
        }
        assert_eq!(serde_json::to_value(Operation::CountTokens).unwrap(), "count_tokens");
    }
}
