//! What a model answers.

use posthaste_core::{Dialect, Usage};

use super::{Content, Extra, Part, ServiceTier};

/// A whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The dialect it was read from: whose extras these are.
    pub dialect: Dialect,
    /// The answer's id.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// When, in seconds since 1970; zero where the dialect does not tell.
    pub created: i64,
    /// What it says, in order.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub stop: Stop,
    /// What it cost.
    pub usage: Usage,
    /// The tier that served it.
    pub service_tier: Option<ServiceTier>,
    /// Fields that only the answer's own dialect knows.
    pub extra: Vec<Extra>,
}

impl Response {
    /// Why the answer ended, told by its content: some dialects and vendors say "end" although a tool is called.
    pub fn stop_reason(&self) -> StopReason {
        self.stop.reason.clone().given(self.parts.iter().any(is_tool_call))
    }
}

fn is_tool_call(part: &Part) -> bool {
    matches!(part.content, Content::ToolCall(_))
}

/// Why an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The reason.
    pub reason: StopReason,
    /// The text that ended it, where the dialect tells.
    pub sequence: Option<String>,
    /// The class of a refusal, in the vendor's word.
    pub category: Option<String>,
    /// Why it was refused, for people.
    pub explanation: Option<String>,
}

impl Stop {
    /// A reason and nothing more.
    pub const fn new(reason: StopReason) -> Self {
        Self { reason, sequence: None, category: None, explanation: None }
    }
}

/// Why an answer ended, in a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// The model was done.
    EndTurn,
    /// The longest answer was reached.
    MaxTokens,
    /// The model's context was full.
    ContextFull,
    /// A stop sequence came up.
    StopSequence,
    /// The model waits for tools.
    ToolUse,
    /// The vendor's policy cut it.
    Refusal,
    /// A long turn with hosted tools was interrupted; to be sent back as it is.
    Paused,
    /// A word that the relay does not know.
    Other(String),
}

impl StopReason {
    /// The reason, given whether tools are called: content decides between "done" and "waits for tools".
    #[must_use]
    pub fn given(self, calls_tools: bool) -> Self {
        match self {
            Self::EndTurn if calls_tools => Self::ToolUse,
            Self::ToolUse if !calls_tools => Self::EndTurn,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_whether_tools_are_called() {
        assert_eq!(StopReason::EndTurn.given(true), StopReason::ToolUse);
        assert_eq!(StopReason::ToolUse.given(false), StopReason::EndTurn);
        assert_eq!(StopReason::MaxTokens.given(true), StopReason::MaxTokens);
    }
}
