//! The last exchange on a connection, for the request that goes on from it.
//!
//! A vendor that shall not store an answer keeps it for as long as the connection lives, so that clients (Codex) then send
//! only what is new. Upstreams are posted to and keep nothing; the connection's memory is here instead, and the whole
//! conversation goes up.

use bytes::Bytes;
use posthaste_core::Fault;
use posthaste_wire::Edits;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{create::Create, event::text};

/// What was said up to an answer, the answer included.
#[derive(Debug)]
pub(super) struct Exchange {
    id: String,
    /// The items with commas between them.
    items: Vec<u8>,
}

impl Exchange {
    /// The conversation before `create`, and its body with the whole of it, if it goes on from here.
    pub(super) fn continued(&self, create: &Create) -> Result<Option<Bytes>, Fault> {
        if create.earlier.as_deref() != Some(&*self.id) {
            return Ok(None);
        }
        let mut items = self.items.clone();
        push(&mut items, &items_of(&create.body));
        let mut input = Vec::with_capacity(items.len() + 2);
        input.push(b'[');
        input.append(&mut items);
        input.push(b']');
        let edits = Edits::new().remove("previous_response_id").remove("input");
        let rest = edits.apply(&create.body)?.payload.to_bytes();
        // What is left of an object that asks for a stream is never empty.
        let inner = rest.strip_prefix(b"{").unwrap_or(&rest);
        Ok(Some([b"{\"input\":", &input[..], b",", inner].concat().into()))
    }
}

/// An exchange under way.
#[derive(Debug)]
pub(super) struct Listening {
    items: Vec<u8>,
    at_most: usize,
    overheard: bool,
}

impl Listening {
    /// Begins with a request's body.
    pub(super) fn new(body: &[u8], at_most: usize) -> Self {
        let items = items_of(body);
        Self { overheard: items.len() > at_most, items, at_most }
    }

    /// Takes an item of the answer.
    pub(super) fn hear(&mut self, item: &RawValue) {
        self.overheard |= self.items.len() + item.get().len() > self.at_most;
        if !self.overheard {
            push(&mut self.items, item.get().as_bytes());
        }
    }

    /// The whole exchange; `None` when it is too large to be remembered, or has no name.
    pub(super) fn end(self, id: Option<String>) -> Option<Exchange> {
        let id = id.filter(|_| !self.overheard)?;
        Some(Exchange { id, items: self.items })
    }
}

/// The name of an answer.
pub(super) fn id_of(response: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }

    let named: Named<'_> = serde_json::from_str(response.get()).ok()?;
    named.id.map(text).filter(|id| !id.is_empty()).map(std::borrow::Cow::into_owned)
}

/// The items of a request's input with commas between them; a text is the client's message.
fn items_of(body: &[u8]) -> Vec<u8> {
    #[derive(Deserialize)]
    struct Asked<'a> {
        #[serde(borrow)]
        input: Option<&'a RawValue>,
    }

    let input = serde_json::from_slice(body).ok().and_then(|asked: Asked<'_>| asked.input);
    let input = input.map_or("", RawValue::get);
    match input.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(items) => items.trim_ascii().as_bytes().to_vec(),
        None if input.starts_with('"') => {
            [br#"{"type":"message","role":"user","content":"#, input.as_bytes(), b"}"].concat()
        }
        // Left for the upstream to refuse.
        None => input.as_bytes().to_vec(),
    }
}

fn push(items: &mut Vec<u8>, more: &[u8]) {
    if !items.is_empty() && !more.is_empty() {
        items.push(b',');
    }
    items.extend_from_slice(more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::create::read;

    fn create(rest: &str) -> Create {
        let message = format!(r#"{{"type":"response.create","model":"m",{rest}}}"#);
        read(&Bytes::from(message)).unwrap()
    }

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn what_goes_on_from_here_gets_the_whole_conversation() {
        let first = create(r#""input":"Hi""#);
        let mut listening = Listening::new(&first.body, 1_000);
        listening.hear(&raw(r#"{"type":"message","n":1.0}"#));
        let exchange = listening.end(Some("r1".into())).unwrap();
        let next = create(r#""previous_response_id":"r1","input":[ {"new":1} ]"#);
        let body = exchange.continued(&next).unwrap().unwrap();
        let items = r#"{"type":"message","role":"user","content":"Hi"},{"type":"message","n":1.0},{"new":1}"#;
        let whole = format!(r#"{{"input":[{items}],"model":"m","stream":true}}"#);
        assert_eq!(std::str::from_utf8(&body).unwrap(), whole);
        // The next one remembers all of it.
        assert_eq!(Listening::new(&body, 1_000).items, items.as_bytes());
    }

    #[test]
    fn what_goes_on_from_elsewhere_is_left_alone() {
        let exchange = Listening::new(br#"{"input":[]}"#, 10).end(Some("r1".into())).unwrap();
        assert!(exchange.continued(&create(r#""input":[]"#)).unwrap().is_none());
        assert!(exchange.continued(&create(r#""previous_response_id":"r2""#)).unwrap().is_none());
        let next = create(r#""previous_response_id":"r1","input":[{"a":1}]"#);
        let body = exchange.continued(&next).unwrap().unwrap();
        assert!(body.starts_with(br#"{"input":[{"a":1}],"#));
    }

    #[test]
    fn what_is_too_large_or_has_no_name_is_forgotten() {
        let mut listening = Listening::new(br#"{"input":[1,2]}"#, 4);
        assert!(Listening::new(br#"{"input":[1,2,3]}"#, 4).end(Some("r".into())).is_none());
        listening.hear(&raw("34"));
        assert!(listening.end(Some("r".into())).is_none());
        assert!(Listening::new(b"{}", 4).end(None).is_none());
        assert_eq!(id_of(&raw(r#"{"id":"resp_1"}"#)).as_deref(), Some("resp_1"));
        for unnamed in ["{}", r#"{"id":7}"#, r#"{"id":""}"#, "7"] {
            assert!(id_of(&raw(unnamed)).is_none(), "{unnamed}");
        }
    }
}
