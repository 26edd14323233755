//! Putting a conversation right whose session was interrupted: a tool was called and its result never came, or a result
//! is left whose call is gone. Vendors refuse both, and the session could not go on.
//!
//! A call without its result gets an error result that says so; a result without its call is left out. What needs no
//! repair keeps its bytes, and so does everything else in a body that needs some.

mod chat;
mod items;
mod turns;

use bytes::Bytes;
use posthaste_core::Dialect;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A body that was put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The whole body.
    pub body: Bytes,
    /// How many calls got an error result.
    pub answered: usize,
    /// How many results without a call were left out.
    pub dropped: usize,
}

/// Puts a request's conversation right; `None` when nothing is wrong with it, or when it cannot be read, which is for
/// others to say.
pub fn repair(dialect: Dialect, body: &[u8]) -> Option<Repaired> {
    let text = std::str::from_utf8(body).ok()?;
    let members: Members<'_> = serde_json::from_str(text).ok()?;
    let (list, mended) = match dialect {
        Dialect::AnthropicMessages => {
            let list = members.messages?;
            (list, turns::mend(&turns::ANTHROPIC, list)?)
        }
        Dialect::BedrockConverse => {
            let list = members.messages?;
            (list, turns::mend(&turns::CONVERSE, list)?)
        }
        Dialect::GeminiGenerate => {
            let list = members.contents?;
            (list, turns::mend(&turns::GEMINI, list)?)
        }
        Dialect::OpenAiChat => {
            let list = members.messages?;
            (list, chat::mend(list)?)
        }
        Dialect::OpenAiResponses => {
            let list = members.input?;
            // What lies at the vendor may hold the calls.
            let is_whole = members.previous_response_id.is_none() && members.conversation.is_none();
            (list, items::mend(list, is_whole)?)
        }
    };
    let Mended { list: new, answered, dropped } = mended;
    let start = list.get().as_ptr().addr() - text.as_ptr().addr();
    let body = [&text[..start], &new, &text[start + list.get().len()..]].concat();
    Some(Repaired { body: body.into(), answered, dropped })
}

/// The lists that conversations stand in.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    messages: Option<&'a RawValue>,
    #[serde(borrow, default)]
    contents: Option<&'a RawValue>,
    #[serde(borrow, default)]
    input: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "is_there")]
    previous_response_id: Option<()>,
    #[serde(default, deserialize_with = "is_there")]
    conversation: Option<()>,
}

/// A list that was put right.
struct Mended {
    list: String,
    answered: usize,
    dropped: usize,
}

/// Whether a member is there and not `null`, whatever it is.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<()>, D::Error> {
    Ok(Option::<serde::de::IgnoredAny>::deserialize(deserializer)?.map(|_| ()))
}

/// The elements of a list as they stand; `None` for what is no list.
pub(crate) fn elements(list: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(list.get()).ok()
}

/// A list of values that are JSON already.
pub(crate) fn list_of<T: AsRef<str>>(values: &[T]) -> String {
    let mut list = String::from("[");
    for (position, value) in values.iter().enumerate() {
        if position > 0 {
            list.push(',');
        }
        list.push_str(value.as_ref());
    }
    list.push(']');
    list
}

/// What the model is told in the place of a result.
const INTERRUPTED: &str = "interrupted, no result";

/// What takes the place of a message that held nothing but results without a call.
const LEFT_OUT: &str = "(a tool result whose call is missing was left out)";

#[cfg(test)]
mod tests;
