//! What a plan's parts are called on the page.

use posthaste_core::{Dialect, LimitUnit, NanoUsd, Operation, RefusingStep};

pub(in crate::pages) const fn dialect(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::AnthropicMessages => "Anthropic Messages",
        Dialect::OpenAiChat => "OpenAI Chat Completions",
        Dialect::OpenAiResponses => "OpenAI Responses",
        Dialect::GeminiGenerate => "Gemini generateContent",
        Dialect::BedrockConverse => "Bedrock Converse",
    }
}

pub(in crate::pages) const fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Chat => text("an answer to a conversation"),
        Operation::CountTokens => text("a count of tokens"),
        Operation::Models => text("a list of models"),
        Operation::Embeddings => text("vectors of a text"),
        Operation::BatchEmbeddings => text("vectors of several texts"),
        Operation::Images => text("pictures"),
        Operation::Completions => text("the continuation of a text"),
        Operation::Compact => text("a conversation made short"),
    }
}

/// What refuses a request before anybody is asked.
pub(super) const fn refused(by: RefusingStep) -> &'static str {
    match by {
        RefusingStep::Key => text("The key would not open the door:"),
        RefusingStep::Limit => text("A limit would refuse it:"),
        RefusingStep::Nobody => text("Nobody could serve it:"),
    }
}

/// An amount in the unit of its limit: money as money.
pub(in crate::pages) fn amount(unit: LimitUnit, amount: i64) -> String {
    match unit {
        LimitUnit::Cost => NanoUsd::from_nanos(amount).to_string(),
        LimitUnit::Requests | LimitUnit::Tokens | LimitUnit::Concurrency => amount.to_string(),
    }
}

/// Marks a text that pages say in the reader's language.
const fn text(text: &'static str) -> &'static str {
    text
}
