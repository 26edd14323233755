//! What the sandbox says: a few plain rules, first fit wins.
//!
//! 1. Anthropic's documented test string for refusals: a refusal;
//! 2. a forced tool choice: that tool, or those that the text names, or the first;
//! 3. declared tools that the text names: a call of each, after a sentence;
//! 4. a wanted form: JSON that fits its schema, or any JSON;
//! 5. tool results: what they say;
//! 6. "count to n": the numbers;
//! 7. else an echo of the text, with what else was in the turn.

mod tools;
mod words;

use super::{
    prompt::{Block, Format, Message, Prompt, Role, Thinking},
    reply::{Part, Reply, Stop},
    schema,
};

/// Composes the answer, before stop sequences and the greatest number of tokens cut it.
pub(super) fn compose(prompt: &Prompt<'_>) -> Reply {
    let turn = Turn::of(prompt);
    if turn.text.contains(REFUSAL_TEST) {
        return Reply { parts: Vec::new(), stop: Stop::Refusal };
    }
    let mut reply = answer(prompt, &turn);
    if let Some(thought) = think(prompt, &turn) {
        reply.parts.insert(0, thought);
    }
    reply
}

fn answer(prompt: &Prompt<'_>, turn: &Turn<'_>) -> Reply {
    let calls = tools::wanted(prompt, turn);
    if !calls.is_empty() {
        return tools::call(prompt, &calls);
    }
    match prompt.format {
        Some(Format::Schema(schema)) => return Reply::text(schema::example(schema).to_string()),
        Some(Format::AnyJson) => {
            let answer = serde_json::json!({"answer": words::echo(prompt, turn)});
            return Reply::text(answer.to_string());
        }
        None => {}
    }
    if !turn.results.is_empty() {
        return Reply::text(tools::report(prompt, &turn.results));
    }
    Reply::text(words::count_to(turn.text).unwrap_or_else(|| words::echo(prompt, turn)))
}

/// The turn that is answered.
struct Turn<'a> {
    /// Its last text: earlier ones are what agents put in front of what a person wrote.
    text: &'a str,
    images: usize,
    documents: usize,
    recordings: usize,
    results: Vec<ToolResult<'a>>,
}

struct ToolResult<'a> {
    call: &'a str,
    text: String,
    is_error: bool,
}

impl<'a> Turn<'a> {
    fn of(prompt: &'a Prompt<'_>) -> Self {
        let mut turn = Self { text: "", images: 0, documents: 0, recordings: 0, results: Vec::new() };
        for block in last_user_turn(&prompt.messages) {
            match block {
                // Nor is it what a relay puts behind: instructions of agents that the dialect has no other place for.
                Block::Text(text) if text.starts_with("<system") && !turn.text.is_empty() => {}
                Block::Text(text) => turn.text = text,
                Block::Image => turn.images += 1,
                Block::Document(_) => turn.documents += 1,
                Block::Audio => turn.recordings += 1,
                Block::Result { call, content, is_error } => turn.results.push(ToolResult {
                    call,
                    text: words::of_result(content),
                    is_error: *is_error,
                }),
                Block::Call { .. } | Block::Thought(_) | Block::Other(_) => {}
            }
        }
        turn
    }
}

/// The last turn, which is what the answer answers.
fn last_user_turn<'m, 'a>(messages: &'m [Message<'a>]) -> impl Iterator<Item = &'m Block<'a>> {
    // Turns of the same role that follow one another are one turn; a prefill may stand behind it.
    let behind = messages.iter().rev().take_while(|message| message.role != Role::User).count();
    let end = messages.len() - behind;
    let length = messages[..end].iter().rev().take_while(|message| message.role == Role::User).count();
    messages[end - length..end].iter().flat_map(|message| &message.content)
}

fn think(prompt: &Prompt<'_>, turn: &Turn<'_>) -> Option<Part> {
    let omitted = match prompt.thinking {
        Thinking::Never => return None,
        Thinking::Always { omitted } => omitted,
        Thinking::BetweenTools if turn.results.is_empty() => return None,
        Thinking::BetweenTools => false,
    };
    let text = words::thought(turn);
    if turn.text.contains(REDACTION_TEST) {
        return Some(Part::RedactedThinking { text });
    }
    Some(Part::Thinking { text, omitted })
}

/// Anthropic's documented test strings; see its pages on refusals and on redacted thinking. What follows them there is
/// not needed to tell them.
const REFUSAL_TEST: &str = "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL";
const REDACTION_TEST: &str = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING";
