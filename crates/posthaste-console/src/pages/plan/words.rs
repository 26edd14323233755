//! What a plan's parts are called on the page.

use posthaste_core::{Barrier, Dialect, Operation, RefusingStep};

pub(super) fn dialect(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::AnthropicMessages => "Anthropic Messages",
        Dialect::OpenAiChat => "OpenAI Chat Completions",
        Dialect::OpenAiResponses => "OpenAI Responses",
        Dialect::GeminiGenerate => "Gemini generateContent",
        Dialect::BedrockConverse => "Bedrock Converse",
    }
}

pub(super) fn operation(operation: Operation) -> &'static str {
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
pub(super) fn refused(by: RefusingStep) -> &'static str {
    match by {
        RefusingStep::Key => text("The key would not open the door:"),
        RefusingStep::Limit => text("A limit would refuse it:"),
        RefusingStep::Nobody => text("Nobody could serve it:"),
    }
}

/// What stands against an account, and where that can be changed.
pub(super) fn barrier(barrier: Barrier) -> &'static str {
    match barrier {
        Barrier::Rests => text("rests"),
        Barrier::Disabled => text("switched off, or its subscription has ended"),
        Barrier::ModelNotServed => text("does not serve the model"),
        Barrier::NotForThisKey => text("not for this client key"),
        Barrier::NotInThePlace => text("not in the pool, or not the account, that is asked here"),
        Barrier::OperationNotServed => text("has no endpoint for what is asked"),
        Barrier::PinnedElsewhere => text("the path names another vendor"),
        Barrier::NotTheHome => text("the answer to go on from lies elsewhere"),
    }
}

/// Marks a text that pages say in the reader's language.
const fn text(text: &'static str) -> &'static str {
    text
}
