//! What the sandbox says: a few plain rules, first fit wins.
//!
//! 1. the vendor's documented test string for refusals: a refusal;
//! 2. a forced tool choice: that tool, or those that the text names, or the first;
//! 3. declared tools that the text names: a call of each, after a sentence;
//! 4. a wanted JSON Schema: JSON that fits it;
//! 5. tool results: what they say;
//! 6. "count to n": the numbers;
//! 7. else an echo of the text, with what else was in the turn.

mod tools;
mod words;

use super::{
    Part, Stop,
    request::{BlockKind, Request, Thinking, ToolChoice},
    schema,
};

/// An answer before stop sequences and `max_tokens` cut it.
pub(super) struct Draft {
    pub(super) parts: Vec<Part>,
    pub(super) stop: Stop,
}

impl Draft {
    fn text(text: String) -> Self {
        Self { parts: vec![Part::Text(text)], stop: Stop::EndTurn }
    }
}

/// Composes the answer. `id` makes ids of tool calls that differ from prompt to prompt.
pub(super) fn compose(request: &Request<'_>, id: &str) -> Draft {
    let turn = Turn::of(request);
    if turn.text.contains(REFUSAL_TEST) {
        return Draft { parts: Vec::new(), stop: Stop::Refusal };
    }
    let mut draft = answer(request, &turn, id);
    if let Some(thought) = think(request, &turn) {
        draft.parts.insert(0, thought);
    }
    draft
}

fn answer(request: &Request<'_>, turn: &Turn<'_>, id: &str) -> Draft {
    let calls = tools::wanted(request, turn);
    if !calls.is_empty() {
        return tools::call(request, &calls, id);
    }
    if let Some(schema) = request.format {
        return Draft::text(schema::example(schema).to_string());
    }
    if !turn.results.is_empty() {
        return Draft::text(tools::report(request, &turn.results));
    }
    Draft::text(words::count_to(turn.text).unwrap_or_else(|| words::echo(request, turn)))
}

/// The turn that is answered.
struct Turn<'a> {
    /// Its last text: earlier ones are what agents put in front of what a person wrote.
    text: &'a str,
    images: usize,
    documents: usize,
    results: Vec<ToolResult<'a>>,
}

struct ToolResult<'a> {
    tool_use_id: &'a str,
    text: String,
    is_error: bool,
}

impl<'a> Turn<'a> {
    fn of(request: &Request<'a>) -> Self {
        let mut turn = Self { text: "", images: 0, documents: 0, results: Vec::new() };
        for block in request.last_user_turn() {
            match &block.kind {
                BlockKind::Text(text) => turn.text = text,
                BlockKind::Image => turn.images += 1,
                BlockKind::Document(_) => turn.documents += 1,
                BlockKind::ToolResult { tool_use_id, content, is_error } => turn.results.push(ToolResult {
                    tool_use_id,
                    text: words::of_result(content),
                    is_error: *is_error,
                }),
                _ => {}
            }
        }
        turn
    }
}

fn think(request: &Request<'_>, turn: &Turn<'_>) -> Option<Part> {
    let forced = request.tool_choice.as_ref().is_some_and(ToolChoice::is_forced);
    let omitted = match request.thinking {
        Thinking::Disabled => return None,
        Thinking::Enabled { omitted, .. } | Thinking::Adaptive { omitted } => omitted,
        Thinking::BetweenTools if turn.results.is_empty() => return None,
        Thinking::BetweenTools => false,
    };
    if forced {
        return None;
    }
    let text = words::thought(turn);
    if turn.text.contains(REDACTION_TEST) {
        return Some(Part::RedactedThinking { text });
    }
    Some(Part::Thinking { text, omitted })
}

/// The vendor's documented test strings; see its pages on refusals and on redacted thinking. What follows them there is
/// not needed to tell them.
const REFUSAL_TEST: &str = "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL";
const REDACTION_TEST: &str = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING";
