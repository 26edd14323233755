//! What tells one conversation from another.

use std::{borrow::Cow, cell::Cell, fmt, ops::Range, sync::LazyLock};

use memchr::memmem::Finder;
use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use crate::lenient::Text;

/// What stays the same from the first to the last request of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conversation<'a> {
    /// What the client calls it: the session in Anthropic's `metadata.user_id`, OpenAI's `prompt_cache_key`, or Gemini's
    /// `cachedContent`.
    Named(Cow<'a, str>),
    /// How it begins, as JSON without cache marks, since those move as a conversation grows.
    Opening {
        /// What the system says; empty where it says nothing, or says it as the first turn.
        system: Cow<'a, str>,
        /// The first turn.
        first: Cow<'a, str>,
    },
}

/// Where those parts stand in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) metadata: Option<Range<usize>>,
    pub(super) prompt_cache_key: Option<Range<usize>>,
    pub(super) cached_content: Option<Range<usize>>,
    pub(super) system: Option<Range<usize>>,
    pub(super) turns: Option<Range<usize>>,
}

impl Marks {
    pub(super) fn conversation<'a>(&self, body: &'a [u8]) -> Option<Conversation<'a>> {
        let part = |range: &Option<Range<usize>>| std::str::from_utf8(&body[range.clone()?]).ok();
        let named = part(&self.metadata)
            .and_then(session)
            .or_else(|| part(&self.prompt_cache_key).and_then(name))
            .or_else(|| part(&self.cached_content).and_then(name));
        if let Some(name) = named {
            return Some(Conversation::Named(name));
        }
        let turns = part(&self.turns)?;
        let first = if turns.starts_with('[') { first_of(turns)? } else { turns };
        let system = part(&self.system).unwrap_or_default();
        Some(Conversation::Opening { system: without_cache_marks(system), first: without_cache_marks(first) })
    }
}

fn name(raw: &str) -> Option<Cow<'_, str>> {
    let Text(name) = serde_json::from_str(raw).ok()?;
    (!name.is_empty()).then(|| Cow::Owned(name.into()))
}

/// The session that Claude Code tells: in JSON within `user_id`, or in its older releases at the end of it.
fn session(metadata: &str) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Metadata {
        user_id: String,
    }
    #[derive(Deserialize)]
    struct User {
        session_id: String,
    }
    let Metadata { user_id } = serde_json::from_str(metadata).ok()?;
    let session = match serde_json::from_str(&user_id) {
        Ok(User { session_id }) => session_id,
        Err(_) => user_id.rsplit_once("_session_")?.1.to_owned(),
    };
    (!session.is_empty()).then_some(Cow::Owned(session))
}

/// The first element of a JSON array, without reading the others.
fn first_of(array: &str) -> Option<&str> {
    struct First<'a, 'c>(&'c Cell<Option<&'a str>>);

    impl<'de> Visitor<'de> for First<'de, '_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
            self.0.set(array.next_element::<&RawValue>()?.map(RawValue::get));
            Ok(())
        }
    }

    let first = Cell::new(None);
    // It fails at the second element, when the first one is known.
    let _ = serde_json::Deserializer::from_str(array).deserialize_seq(First(&first));
    first.get()
}

/// The same JSON without cache marks.
fn without_cache_marks(json: &str) -> Cow<'_, str> {
    if CACHE_MARKS.iter().all(|mark| mark.find(json.as_bytes()).is_none()) {
        return Cow::Borrowed(json);
    }
    match serde_json::from_str::<Value>(json) {
        Ok(mut value) => {
            unmark(&mut value);
            Cow::Owned(value.to_string())
        }
        Err(_) => Cow::Borrowed(json),
    }
}

fn unmark(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove(CACHE_MARK);
            members.values_mut().for_each(unmark);
        }
        Value::Array(items) => {
            items.retain(|item| item.get(CACHE_POINT).is_none());
            items.iter_mut().for_each(unmark);
        }
        _ => {}
    }
}

/// Both are prepared once: they are looked for in what the system says, with each request.
static CACHE_MARKS: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [CACHE_MARK, CACHE_POINT].map(Finder::new));

/// Anthropic's, on a block.
const CACHE_MARK: &str = "cache_control";
/// Converse's, a block of its own.
const CACHE_POINT: &str = "cachePoint";

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use posthaste_core::ModelName;
    use serde_json::json;

    use super::*;
    use crate::Envelope;

    fn of(body: &Value) -> Option<Conversation<'static>> {
        let body = Bytes::from(body.to_string());
        let envelope = Envelope::peek_named(&body, ModelName::parse("m").unwrap(), None).unwrap();
        Some(match envelope.conversation(&body)? {
            Conversation::Named(name) => Conversation::Named(Cow::Owned(name.into_owned())),
            Conversation::Opening { system, first } => Conversation::Opening {
                system: Cow::Owned(system.into_owned()),
                first: Cow::Owned(first.into_owned()),
            },
        })
    }

    fn named(name: &str) -> Option<Conversation<'static>> {
        Some(Conversation::Named(Cow::Owned(name.to_owned())))
    }

    #[test]
    fn a_client_names_its_conversation() {
        let user = json!({"device_id": "d", "account_uuid": "", "session_id": "s-1"}).to_string();
        assert_eq!(of(&json!({"metadata": {"user_id": user}, "messages": []})), named("s-1"));
        let older = "user_ab_account__session_s-2";
        assert_eq!(of(&json!({"messages": [1], "metadata": {"user_id": older}})), named("s-2"));
        assert_eq!(of(&json!({"input": "x", "prompt_cache_key": "k"})), named("k"));
        assert_eq!(
            of(&json!({"contents": [{}], "cachedContent": "cachedContents/1"})),
            named("cachedContents/1")
        );
    }

    #[test]
    fn a_conversation_without_a_name_is_how_it_begins() {
        let grown = |mark: bool, turns: usize| {
            let mut first = json!({"role": "user", "content": [{"type": "text", "text": "hé"}]});
            if mark {
                first["content"][0]["cache_control"] = json!({"type": "ephemeral"});
            }
            let mut messages = vec![first];
            messages.extend((1..turns).map(|n| json!({"role": "user", "content": n.to_string()})));
            of(&json!({"system": "s", "messages": messages, "metadata": {"user_id": "nobody"}}))
        };
        assert!(matches!(grown(true, 1), Some(Conversation::Opening { .. })));
        assert_eq!(grown(true, 1), grown(false, 3), "cache marks move on");
        let other = of(&json!({"system": "t", "messages": [{"role": "user", "content": "hé"}]}));
        assert_ne!(other, grown(false, 1));
        let gemini = json!({"systemInstruction": {"parts": []}, "contents": [{"parts": [{"text": "a"}]}, 2]});
        let Some(Conversation::Opening { system, first }) = of(&gemini) else { panic!("it begins") };
        assert_eq!((&*system, &*first), (r#"{"parts":[]}"#, r#"{"parts":[{"text":"a"}]}"#));
        let converse = |point: bool| {
            let mut content = vec![json!({"text": "a"})];
            content.extend(point.then(|| json!({"cachePoint": {"type": "default"}})));
            of(&json!({"messages": [{"role": "user", "content": content}]}))
        };
        assert_eq!(converse(true), converse(false));
        assert!(matches!(of(&json!({"input": "x"})), Some(Conversation::Opening { .. })));
    }

    #[test]
    fn what_is_no_conversation_has_no_mark() {
        assert_eq!(of(&json!({"prompt": "x"})), None);
        assert_eq!(of(&json!({"messages": []})), None);
        assert_eq!(of(&json!({"messages": null, "prompt_cache_key": "", "metadata": 7})), None);
    }
}
