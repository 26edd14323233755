//! Taking out of a conversation what only the maker of it can read: signed or encrypted thoughts.
//!
//! A vendor refuses thoughts that another one made, or another organisation of its own. The request then works without them:
//! the model has lost its thoughts, and the session goes on. What is not sealed keeps its bytes.

mod blocks;
mod contents;
mod items;

use bytes::Bytes;
use posthaste_core::Dialect;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::UpstreamError;

/// A body without sealed thoughts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsealed {
    /// The whole body.
    pub body: Bytes,
    /// How many seals were taken out.
    pub left_out: usize,
}

/// Takes sealed thoughts out of a request; `None` when it has none, or cannot be read, which is for others to say.
///
/// Where a vendor wants a thought before a call that is being answered, thinking is switched off for this request (Messages,
/// Converse), or the call gets the vendor's own placeholder (Gemini).
pub fn unseal(dialect: Dialect, body: &[u8]) -> Option<Unsealed> {
    let text = std::str::from_utf8(body).ok()?;
    let members: Members<'_> = serde_json::from_str(text).ok()?;
    let mut changes = Changes::of(text);
    let left_out = match dialect {
        Dialect::AnthropicMessages => blocks::take_out(&blocks::ANTHROPIC, &members, &mut changes)?,
        Dialect::BedrockConverse => blocks::take_out(&blocks::CONVERSE, &members, &mut changes)?,
        Dialect::GeminiGenerate => contents::take_out(&members, &mut changes)?,
        Dialect::OpenAiResponses => items::take_out(&members, &mut changes)?,
        // Its clients carry no seals; the relay remembers them.
        Dialect::OpenAiChat => return None,
    };
    (left_out > 0).then(|| Unsealed { body: changes.apply().into(), left_out })
}

/// Whether an upstream refuses a request for a seal in it: one that it cannot open, or that is not there.
///
/// The vendors have no class of error for it but OpenAI's `invalid_encrypted_content`; the words are those that they were
/// seen to use.
pub fn refuses_seal(error: &UpstreamError) -> bool {
    if error.code.as_deref() == Some("invalid_encrypted_content") {
        return true;
    }
    let message = error.message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    let seal = says(&["signature"]) && says(&["thinking", "thought", "reasoning"])
        || says(&["encrypted content", "encrypted_content"]);
    let blocks_of_thought = says(&["`thinking` or `redacted_thinking` blocks"]);
    seal && says(&["invalid", "not valid", "corrupt", "verif", "decrypt", "missing"])
        || blocks_of_thought && says(&["cannot be modified"])
}

/// Where conversations stand, and what is said of thinking.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    messages: Option<&'a RawValue>,
    #[serde(borrow, default)]
    contents: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(borrow, default)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow, default)]
    context_management: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "additionalModelRequestFields")]
    additional: Option<&'a RawValue>,
}

/// Parts of a text that are to be replaced, none of which lies in another.
struct Changes<'a> {
    text: &'a str,
    changes: Vec<(usize, &'a str, String)>,
}

impl<'a> Changes<'a> {
    const fn of(text: &'a str) -> Self {
        Self { text, changes: Vec::new() }
    }

    /// Replaces a part of the text.
    fn replace(&mut self, part: &'a RawValue, by: String) {
        let start = part.get().as_ptr().addr() - self.text.as_ptr().addr();
        self.changes.push((start, part.get(), by));
    }

    fn apply(mut self) -> String {
        self.changes.sort_by_key(|(start, ..)| *start);
        let mut out = String::with_capacity(self.text.len());
        let mut from = 0;
        for (start, old, new) in &self.changes {
            out.push_str(&self.text[from..*start]);
            out.push_str(new);
            from = start + old.len();
        }
        out.push_str(&self.text[from..]);
        out
    }
}

#[cfg(test)]
mod tests;
