//! What a client asks for.

use std::collections::HashSet;

use posthaste_core::Dialect;
use serde_json::Number;

use super::{CacheHint, Extra, Json, Message, Part};

/// A conversation to be continued by a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The dialect it was read from: whose extras these are.
    pub dialect: Dialect,
    /// The model's name.
    pub model: String,
    /// Instructions before the conversation; text parts only.
    pub system: Vec<Part>,
    /// The conversation.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Whether and what it must call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// The longest answer, thoughts included.
    pub max_tokens: Option<u64>,
    /// How the next token is drawn.
    pub sampling: Sampling,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How many answers, when not one.
    pub candidates: Option<u64>,
    /// Token probabilities, with this many alternatives each.
    pub logprobs: Option<u64>,
    /// The form that the answer must have.
    pub output: Option<OutputFormat>,
    /// How hard to think.
    pub reasoning: Option<Reasoning>,
    /// Who the client's own user is; opaque.
    pub user: Option<String>,
    /// How urgent it is.
    pub service_tier: Option<ServiceTier>,
    /// What requests with the same beginning of a prompt have in common, for the vendor's cache (`prompt_cache_key`).
    pub cache_key: Option<String>,
    /// How wordy the answer should be (`low`, `medium`, `high`).
    pub verbosity: Option<String>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether the client wants token counts inside the stream.
    pub include_usage: bool,
    /// Whether the client gave `functions`, Chat's older form of tools: it knows one call an answer, as `function_call`.
    pub old_functions: bool,
    /// Fields that only the request's own dialect knows.
    pub extra: Vec<Extra>,
}

impl Request {
    /// An empty request in a dialect.
    pub fn new(dialect: Dialect, model: impl Into<String>) -> Self {
        Self {
            dialect,
            model: model.into(),
            system: Vec::new(),
            messages: Vec::new(),
            tools: Vec::new(),
            tool_choice: None,
            parallel_tool_calls: None,
            max_tokens: None,
            sampling: Sampling::default(),
            stop: Vec::new(),
            candidates: None,
            logprobs: None,
            output: None,
            reasoning: None,
            user: None,
            service_tier: None,
            cache_key: None,
            verbosity: None,
            stream: false,
            include_usage: false,
            old_functions: false,
            extra: Vec::new(),
        }
    }
}

impl Request {
    /// Whether the answer may show thoughts. Gemini's clients have to ask for them; all others get what there is.
    pub fn include_thoughts(&self) -> bool {
        let display = self.reasoning.as_ref().and_then(|reasoning| reasoning.display.as_ref());
        match self.dialect {
            Dialect::GeminiGenerate => matches!(display, Some(ReasoningDisplay::Summary)),
            _ => true,
        }
    }

    /// Which tools may be called, where the choice is among some of them: a set, since a body can name very many.
    pub(crate) fn allowed_tools(&self) -> Option<HashSet<&str>> {
        match &self.tool_choice {
            Some(ToolChoice::Allowed { names, .. }) => Some(names.iter().map(String::as_str).collect()),
            _ => None,
        }
    }

    /// The names of the tools of free text; a set for the same reason.
    pub(crate) fn custom_tools(&self) -> HashSet<&str> {
        let names = self.tools.iter().filter_map(|tool| match tool {
            Tool::Custom { name, .. } => Some(name.as_str()),
            _ => None,
        });
        names.collect()
    }
}

/// How the next token is drawn. Numbers keep whether they were written as integers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 1 at Anthropic, 0 to 2 elsewhere.
    pub temperature: Option<Number>,
    /// Nucleus sampling.
    pub top_p: Option<Number>,
    /// Only the k likeliest tokens.
    pub top_k: Option<u64>,
    /// For repeatable answers.
    pub seed: Option<i64>,
    /// Against words that were already used.
    pub presence_penalty: Option<Number>,
    /// Against words that were used often.
    pub frequency_penalty: Option<Number>,
}

/// What the model may call.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool {
    /// A function that the client runs.
    Function {
        /// Its name.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// JSON Schema of its arguments; none for a function without any.
        schema: Option<Json>,
        /// Whether arguments must fit the schema exactly.
        strict: Option<bool>,
        /// That the prompt up to here may be cached.
        cache: Option<CacheHint>,
        /// Fields that only the request's own dialect knows.
        extra: Vec<Extra>,
    },
    /// A tool that takes plain text instead of a JSON object, which the client runs (OpenAI's `custom`).
    Custom {
        /// Its name.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// What the text must be like, in the form of its own dialect.
        format: Option<Json>,
        /// Fields that only the request's own dialect knows.
        extra: Vec<Extra>,
    },
    /// A tool that only one dialect has, most of all those that the vendor runs itself.
    Hosted {
        /// Its type in that dialect.
        kind: String,
        /// The whole declaration.
        value: Json,
    },
}

impl Tool {
    /// A function with a schema and nothing else.
    pub fn function(name: impl Into<String>, schema: Option<Json>) -> Self {
        Self::Function {
            name: name.into(),
            description: None,
            schema,
            strict: None,
            cache: None,
            extra: Vec::new(),
        }
    }
}

/// Whether and what the model must call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// Some tool.
    Any,
    /// This tool.
    Tool(String),
    /// No tool.
    None,
    /// Only these tools.
    Allowed {
        /// Whether one of them must be called.
        required: bool,
        /// Their names.
        names: Vec<String>,
    },
}

/// The form that the answer must have.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputFormat {
    /// Some JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema(OutputSchema),
}

/// The schema of a structured answer.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSchema {
    /// A label for it.
    pub name: Option<String>,
    /// What the answer is for.
    pub description: Option<String>,
    /// The JSON Schema.
    pub schema: Json,
    /// Whether the answer must fit exactly.
    pub strict: Option<bool>,
}

/// How hard to think.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// Whether to think, and who decides how much.
    pub mode: Option<ReasoningMode>,
    /// How hard, in words.
    pub effort: Option<Effort>,
    /// Whether and how thoughts are shown.
    pub display: Option<ReasoningDisplay>,
}

/// Whether to think, and who decides how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReasoningMode {
    /// Not at all.
    Off,
    /// The model decides.
    Adaptive,
    /// At most so many tokens.
    Budget(u64),
    /// A mode that only one dialect has.
    Other(String),
}

/// Whether and how thoughts are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReasoningDisplay {
    /// As a summary, in the vendor's own measure.
    Summary,
    /// Not at all.
    Omitted,
    /// In a way that only one dialect has (`concise`, `detailed`).
    Other(String),
}

/// How hard to think, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// As usual.
    Medium,
    /// Much.
    High,
    /// Very much.
    XHigh,
    /// As much as the model can.
    Max,
}

impl Effort {
    /// Every effort, from least to most.
    pub const ALL: [Self; 6] = [Self::Minimal, Self::Low, Self::Medium, Self::High, Self::XHigh, Self::Max];

    /// The word that all dialects use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::XHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The effort that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.as_str() == word)
    }

    /// The thinking budget that stands for it where a dialect counts tokens.
    ///
    /// The two highest stay below 32,000 together with a usual answer: the smallest output cap among Anthropic's thinking
    /// models, and the caps are not known here.
    pub const fn budget(self) -> u64 {
        match self {
            Self::Minimal => 1_024,
            Self::Low => 4_096,
            Self::Medium => 10_240,
            Self::High => 24_576,
            Self::XHigh | Self::Max => 27_904,
        }
    }

    /// The effort nearest to a thinking budget. Never more than high: few models know the words above it.
    pub fn nearest(budget: u64) -> Self {
        [Self::Minimal, Self::Low, Self::Medium, Self::High]
            .into_iter()
            .min_by_key(|effort| effort.budget().abs_diff(budget))
            .expect("the list is not empty")
    }
}

/// How urgent a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceTier {
    /// The vendor decides.
    Auto,
    /// The ordinary tier and no other.
    Standard,
    /// A tier by its name at one vendor (`flex`, `priority`).
    Other(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_and_efforts_meet() {
        for effort in [Effort::Minimal, Effort::Low, Effort::Medium, Effort::High] {
            assert_eq!(Effort::nearest(effort.budget()), effort);
        }
        assert_eq!(Effort::nearest(0), Effort::Minimal);
        assert_eq!(Effort::nearest(16_000), Effort::Medium);
        assert_eq!(Effort::nearest(u64::MAX), Effort::High);
        assert!(Effort::ALL.is_sorted());
    }
}
