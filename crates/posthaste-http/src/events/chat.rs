//! A chat in plain text: what is said becomes a request of Chat Completions, and the chunks of its answer become text again
//! (<https://platform.openai.com/docs/api-reference/chat-streaming>, checked 2026-11-28).

use std::{borrow::Cow, collections::BTreeMap};

use bytes::Bytes;
use posthaste_core::{Fault, FaultKind, Origin};
use posthaste_wire::Frame;
use serde::{Deserialize, Serialize};

use super::message::Text;

/// The conversations of one connection, as far as they were answered.
#[derive(Debug, Default)]
pub(super) struct Talks {
    by_name: BTreeMap<String, Vec<Said>>,
    bytes: usize,
}

/// One thing that was said.
#[derive(Clone, Debug, Serialize)]
struct Said {
    role: &'static str,
    content: String,
}

/// What a turn added to a conversation.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) conversation: String,
    pub(super) said: String,
    pub(super) answered: String,
}

impl Talks {
    /// The request for something said, and what was said before it.
    pub(super) fn body(&self, text: &Text, model: &str) -> Result<Bytes, Fault> {
        let before = match &text.conversation {
            Some(name) => {
                let is_new = !self.by_name.contains_key(name);
                if name.len() > LONGEST_NAME {
                    return Err(Fault::invalid_request("`conversation`: a name of at most 128 bytes"));
                }
                let many = is_new && self.by_name.len() >= MOST_TALKS;
                if many || self.bytes + text.content.len() > MOST_BYTES {
                    let message = "`conversation`: this connection remembers 16 conversations and 1 MiB of them at most: connect again, or send the whole conversation as a `request`";
                    return Err(Fault::new(FaultKind::TooLarge, Origin::Client, message));
                }
                self.by_name.get(name).map_or(&[][..], Vec::as_slice)
            }
            None => &[],
        };
        let said = |role, content: &str| Said { role, content: content.to_owned() };
        let system = text.system.as_deref().map(|system| said("system", system));
        let messages =
            system.into_iter().chain(before.iter().cloned()).chain([said("user", &text.content)]).collect();
        let body = Body {
            model,
            messages,
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            max_completion_tokens: text.max_tokens,
        };
        let body = serde_json::to_vec(&body);
        body.map(Bytes::from).map_err(|error| Fault::internal("the relay failed on this request", error))
    }

    /// Remembers what was answered.
    pub(super) fn note(&mut self, exchange: Exchange) {
        let Exchange { conversation, said, answered } = exchange;
        self.bytes += said.len() + answered.len();
        let talk = self.by_name.entry(conversation).or_default();
        talk.push(Said { role: "user", content: said });
        talk.push(Said { role: "assistant", content: answered });
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Said>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// What an answer's chunks say.
#[derive(Debug, Default)]
pub(super) struct Listener {
    /// All of it so far.
    pub(super) text: String,
    pub(super) stop_reason: Option<String>,
    pub(super) model: Option<String>,
}

impl Listener {
    /// The text that a chunk brings, if it brings some.
    pub(super) fn hear(&mut self, frame: &Frame<'_>) -> Option<String> {
        // `[DONE]`, comments and what a vendor adds are no chunks.
        let chunk: Chunk<'_> = serde_json::from_slice(frame.data).ok()?;
        if self.model.is_none() {
            self.model = chunk.model.map(Cow::into_owned);
        }
        let choice = chunk.choices.into_iter().next()?;
        if let Some(reason) = choice.finish_reason {
            self.stop_reason = Some(reason.into_owned());
        }
        let delta = choice.delta.unwrap_or_default();
        let text = delta.content.or(delta.refusal).filter(|text| !text.is_empty())?;
        self.text.push_str(&text);
        Some(text.into_owned())
    }
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    refusal: Option<Cow<'a, str>>,
}

const MOST_TALKS: usize = 16;
const MOST_BYTES: usize = 1024 * 1024;
const LONGEST_NAME: usize = 128;

#[cfg(test)]
mod tests {
    use axum::extract::ws::Utf8Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::events::message::{Incoming, read};

    fn text(more: Value) -> Text {
        let mut message = json!({"type": "text", "content": "and then?"});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        match read(&Utf8Bytes::from(message.to_string())).unwrap() {
            Incoming::Text(text) => *text,
            other => panic!("{other:?}"),
        }
    }

    fn exchange(name: &str, answered: impl Into<String>) -> Exchange {
        Exchange { conversation: name.to_owned(), said: "hi".to_owned(), answered: answered.into() }
    }

    fn body(talks: &Talks, text: &Text) -> Value {
        serde_json::from_slice(&talks.body(text, "m").unwrap()).unwrap()
    }

    #[test]
    fn a_conversation_goes_on_and_what_stands_alone_does_not() {
        let mut talks = Talks::default();
        talks.note(exchange("a", "hello"));
        let said = body(&talks, &text(json!({"conversation": "a", "system": "be brief", "max_tokens": 7})));
        let messages = json!([
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "hello"},
            {"role": "user", "content": "and then?"},
        ]);
        assert_eq!((&said["messages"], &said["max_completion_tokens"]), (&messages, &json!(7)));
        assert_eq!((&said["stream"], &said["stream_options"]["include_usage"]), (&json!(true), &json!(true)));
        for other in [json!({}), json!({"conversation": "b"})] {
            assert_eq!(body(&talks, &text(other))["messages"].as_array().unwrap().len(), 1);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut talks = Talks::default();
        for number in 0..MOST_TALKS {
            talks.note(exchange(&number.to_string(), "x"));
        }
        let new = text(json!({"conversation": "new"}));
        assert_eq!(talks.body(&new, "m").unwrap_err().kind, FaultKind::TooLarge);
        talks.body(&text(json!({"conversation": "3"})), "m").unwrap();
        talks.note(exchange("3", "x".repeat(MOST_BYTES)));
        assert!(talks.body(&text(json!({"conversation": "3"})), "m").is_err());
        talks.body(&text(json!({})), "m").unwrap();
    }

    #[test]
    fn chunks_become_text_and_the_rest_is_noted() {
        let mut listener = Listener::default();
        let mut hear = |data: &str| listener.hear(&Frame::new(None, data.as_bytes()));
        assert_eq!(hear(r#"{"model":"m","choices":[{"delta":{"role":"assistant","content":""}}]}"#), None);
        assert_eq!(hear(r#"{"choices":[{"delta":{"content":"h\u00e9"}}]}"#).as_deref(), Some("hé"));
        assert_eq!(
            hear(r#"{"choices":[{"delta":{"refusal":" no","content":null}}]}"#).as_deref(),
            Some(" no")
        );
        assert_eq!(hear(r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#), None);
        for other in ["[DONE]", r#"{"choices":[],"usage":{}}"#, "{", r#"{"error":{"message":"x"}}"#] {
            assert_eq!(hear(other), None, "{other}");
        }
        let Listener { text, stop_reason, model } = listener;
        assert_eq!(
            (text.as_str(), stop_reason.as_deref(), model.as_deref()),
            ("hé no", Some("stop"), Some("m"))
        );
    }
}
