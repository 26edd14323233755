//! An answer in no dialect.

use super::tokens;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) parts: Vec<Part>,
    pub(crate) stop: Stop,
}

impl Reply {
    pub(crate) fn text(text: String) -> Self {
        Self { parts: vec![Part::Text(text)], stop: Stop::EndTurn }
    }

    /// All tokens of the answer, thoughts included.
    pub(crate) fn tokens(&self) -> u64 {
        self.parts.iter().map(Part::tokens).sum()
    }

    /// The thoughts' part of it.
    pub(crate) fn thinking_tokens(&self) -> u64 {
        self.parts.iter().filter(|part| part.is_thinking()).map(Part::tokens).sum()
    }

    pub(crate) fn calls_tools(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::ToolCall { .. }))
    }
}

/// One block of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What was thought; `omitted` keeps the text from the client.
    Thinking {
        text: String,
        omitted: bool,
    },
    /// Thoughts that are sent sealed.
    RedactedThinking {
        text: String,
    },
    Text(String),
    /// A tool call with its arguments, which may be cut off: JSON, or any text where the tool takes that.
    ToolCall {
        id: String,
        name: String,
        input: String,
        free_text: bool,
    },
}

impl Part {
    pub(crate) fn tokens(&self) -> u64 {
        match self {
            Self::Thinking { text, .. } | Self::RedactedThinking { text } | Self::Text(text) => {
                tokens::of_text(text)
            }
            Self::ToolCall { input, .. } => tokens::of_text(input),
        }
    }

    pub(crate) const fn is_thinking(&self) -> bool {
        matches!(self, Self::Thinking { .. } | Self::RedactedThinking { .. })
    }
}

/// Why an answer ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    EndTurn,
    MaxTokens,
    Sequence(String),
    ToolUse,
    Refusal,
}
