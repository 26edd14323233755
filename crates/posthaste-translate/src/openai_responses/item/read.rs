//! Items to parts.

use serde::{Deserialize, de::Error};
use serde_json::value::RawValue;

use super::{hosted::readable_text, part::parts};
use crate::{
    ir::{
        Arguments, Citation, Content, Extra, Json, Opaque, Part, Proof, Role, Thinking, ToolCall, ToolResult,
        Weight,
    },
    json::{Str, TextOr, at, extras, wire_object},
    openai_responses::{DIALECT, full_name},
};

type Read<T> = Result<T, serde_json::Error>;

/// An item of a conversation or an answer.
#[derive(Debug)]
pub(in crate::openai_responses) enum Item {
    /// What somebody says.
    Message {
        role: Role,
        parts: Vec<Part>,
        /// Fields of the item itself.
        extra: Vec<Extra>,
    },
    /// What else the model does: it thinks, it calls a tool, a hosted tool ran for it.
    Model(Part),
    /// What a tool gave.
    Result(Part),
    /// Something that only this dialect has and that the conversation hangs on.
    Other(Part),
}

/// Marks an unknown part of a message.
pub(in crate::openai_responses) const PART: &str = "part";

/// Set before the name of a message's own field where it rides on the message's first part.
pub(in crate::openai_responses) const ITEM: &str = "item.";

/// Reads an item. One of a type that is not known is kept whole.
pub(in crate::openai_responses) fn item(raw: &RawValue) -> Read<Item> {
    let wire = match serde_json::from_str::<ItemIn<'_>>(raw.get()) {
        Ok(wire) => wire,
        // A field of an unknown item may share a known one's name and not its form.
        Err(error) => return unread(raw, error),
    };
    match wire.kind.as_deref().unwrap_or("message") {
        "message" => message(wire),
        "reasoning" => reasoning(wire.into_reasoning()).map(Item::Model),
        "function_call" => function_call(wire).map(Item::Model),
        "custom_tool_call" => custom_call(wire).map(Item::Model),
        "function_call_output" | "custom_tool_call_output" => result(wire).map(Item::Result),
        kind => other(kind, raw),
    }
}

wire_object! {
    /// Every item that the relay knows, in one: telling them apart first would read each twice.
    struct ItemIn<'a> {
        kind: Option<Str<'a>> = "type",
        role: Option<Str<'a>> = "role",
        id: Option<Str<'a>> = "id",
        content: Option<&'a RawValue> = "content",
        summary: Option<&'a RawValue> = "summary",
        encrypted_content: Option<Str<'a>> = "encrypted_content",
        call_id: Option<Str<'a>> = "call_id",
        name: Option<Str<'a>> = "name",
        namespace: Option<Str<'a>> = "namespace",
        arguments: Option<&'a RawValue> = "arguments",
        input: Option<&'a RawValue> = "input",
        output: Option<&'a RawValue> = "output",
    }
}

const KNOWN: [&str; 6] = [
    "message",
    "reasoning",
    "function_call",
    "custom_tool_call",
    "function_call_output",
    "custom_tool_call_output",
];

fn unread(raw: &RawValue, error: serde_json::Error) -> Read<Item> {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type")]
        kind: Str<'a>,
    }
    match serde_json::from_str::<Kind<'_>>(raw.get()) {
        Ok(Kind { kind }) if !KNOWN.contains(&&*kind) => other(&kind, raw),
        _ => Err(error),
    }
}

fn message(wire: ItemIn<'_>) -> Read<Item> {
    let role = match wire.role.as_deref() {
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("system" | "developer") => Role::System,
        Some(other) => return Err(Error::custom(format_args!("role: unknown role `{other}`"))),
        None => return Err(Error::custom("role: missing")),
    };
    let content = wire.content.map_or(Ok(TextOr::Null), |raw| serde_json::from_str(raw.get()));
    let mut parts = content.and_then(parts).map_err(|error| at("content", error))?;
    // An unknown part of a message is told from an unknown item.
    for part in parts.iter_mut().filter(|part| matches!(part.content, Content::Opaque(_))) {
        part.extra.push(trivial(PART, ""));
    }
    let mut extra = Vec::new();
    // The word is told apart for the way back; other dialects have one role for both.
    extra.extend(wire.role.filter(|role| &**role == "system").map(|role| trivial("role", &role)));
    extra.extend(wire.id.map(|id| trivial("id", &id)));
    extra.extend(extras(wire.rest, weight));
    Ok(Item::Message { role, parts, extra })
}

/// Lets a message's own fields ride on its first part.
pub(in crate::openai_responses) fn mark(parts: &mut [Part], extra: Vec<Extra>) {
    if let Some(first) = parts.first_mut() {
        first.extra.extend(extra.into_iter().map(|mut extra| {
            extra.field.insert_str(0, ITEM);
            extra
        }));
    }
}

/// What a reasoning item holds.
#[derive(Debug, Default)]
pub(in crate::openai_responses) struct ReasoningIn<'a> {
    id: Option<Str<'a>>,
    summary: Option<&'a RawValue>,
    content: Option<&'a RawValue>,
    encrypted_content: Option<Str<'a>>,
    rest: crate::json::Rest<'a>,
}

impl<'a> ItemIn<'a> {
    fn into_reasoning(self) -> ReasoningIn<'a> {
        let Self { id, summary, content, encrypted_content, rest, .. } = self;
        ReasoningIn { id, summary, content, encrypted_content, rest }
    }
}

/// The model's thoughts: their summary, or the thoughts themselves where open models show them.
pub(in crate::openai_responses) fn reasoning(wire: ReasoningIn<'_>) -> Read<Part> {
    let summary = texts(wire.summary).map_err(|error| at("summary", error))?;
    let content = texts(wire.content).map_err(|error| at("content", error))?;
    let id = wire.id.map(Str::into_string).filter(|id| !id.is_empty());
    let sealed = wire.encrypted_content.filter(|data| !data.is_empty());
    let mut extra = extras(wire.rest, weight);
    // The neutral text tells neither the cuts nor where it stood.
    if summary.len() > 1 || !content.is_empty() {
        extra.extend(wire.summary.map(|raw| raw_extra("summary", raw)));
        extra.extend(wire.content.filter(|_| !content.is_empty()).map(|raw| raw_extra("content", raw)));
    }
    let proof = sealed.map(|data| Proof { item: id.clone(), ..Proof::of(DIALECT, data.into_string()) });
    if proof.is_none() {
        extra.extend(id.as_deref().map(|id| trivial("id", id)));
    }
    let text = joined(if summary.is_empty() { &content } else { &summary });
    let content = match proof {
        Some(proof) if text.is_empty() => Content::RedactedThinking(proof),
        proof => Content::Thinking(Thinking { text, proof }),
    };
    Ok(Part { extra, ..Part::new(content) })
}

/// The texts of a list of parts that hold nothing else.
fn texts(raw: Option<&RawValue>) -> Read<Vec<Str<'_>>> {
    #[derive(Deserialize)]
    struct TextIn<'a> {
        #[serde(borrow, default)]
        text: Str<'a>,
    }
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let texts = serde_json::from_str::<Vec<TextIn<'_>>>(raw.get())?;
    Ok(texts.into_iter().map(|part| part.text).collect())
}

fn joined(texts: &[Str<'_>]) -> String {
    texts.iter().map(|text| &**text).collect::<Vec<_>>().join(BETWEEN_PARTS)
}

/// Set between the parts of a summary.
pub(in crate::openai_responses) const BETWEEN_PARTS: &str = "\n\n";

fn function_call(wire: ItemIn<'_>) -> Read<Part> {
    // A string by the book; some vendors send the object itself.
    let arguments = match wire.arguments.map(RawValue::get) {
        None => Arguments::default(),
        Some(text) if text.starts_with('"') => Arguments::new(string(text, "arguments")?.into_string()),
        Some(object) => Arguments::new(object),
    };
    call(wire, arguments, false)
}

fn custom_call(wire: ItemIn<'_>) -> Read<Part> {
    let input = wire.input.map_or(Ok(Str::default()), |raw| string(raw.get(), "input"))?;
    call(wire, Arguments::new(input.into_string()), true)
}

fn string<'a>(json: &'a str, field: &str) -> Read<Str<'a>> {
    serde_json::from_str(json).map_err(|error| at(field, error))
}

fn call(wire: ItemIn<'_>, arguments: Arguments, free_text: bool) -> Read<Part> {
    let name = wire.name.ok_or_else(|| Error::custom("name: missing"))?;
    let name = full_name(wire.namespace.as_deref(), name.0).into_owned();
    let mut extra = Vec::new();
    // Some vendors know one id only.
    let id = match (wire.call_id, wire.id) {
        (Some(call_id), id) => {
            extra.extend(id.map(|id| trivial("id", &id)));
            call_id
        }
        (None, id) => id.unwrap_or_default(),
    };
    extra.extend(extras(wire.rest, weight));
    let call = ToolCall { free_text, ..ToolCall::new(id.into_string(), name, arguments) };
    Ok(Part { extra, ..Part::new(Content::ToolCall(call)) })
}

fn result(wire: ItemIn<'_>) -> Read<Part> {
    let call_id = wire.call_id.ok_or_else(|| Error::custom("call_id: missing"))?;
    let output = match wire.output.map(RawValue::get) {
        None => Vec::new(),
        Some(text) if text.starts_with(['"', '[']) => {
            serde_json::from_str(text).and_then(parts).map_err(|error| at("output", error))?
        }
        // A JSON value by the book is none; some clients send one.
        Some(value) => vec![Part::text(value)],
    };
    let mut extra = Vec::new();
    // The call, which tells the kind of its result, may lie in an earlier answer.
    let kind = wire.kind.filter(|kind| kind.starts_with("custom"));
    extra.extend(kind.map(|kind| trivial("type", &kind)));
    extra.extend(wire.id.map(|id| trivial("id", &id)));
    extra.extend(extras(wire.rest, weight));
    let result = ToolResult { call_id: call_id.into_string(), parts: output, is_error: false };
    Ok(Part { extra, ..Part::new(Content::ToolResult(result)) })
}

/// A hosted tool's work has a readable text; without one, the conversation hangs on the item.
fn other(kind: &str, raw: &RawValue) -> Read<Item> {
    if kind.is_empty() {
        return Err(Error::custom("an item without a type"));
    }
    let text = readable_text(kind, raw);
    let is_hosted = text.is_some();
    let part = Part::new(Content::Opaque(Opaque { kind: kind.to_owned(), value: Json::from(raw), text }));
    Ok(if is_hosted { Item::Model(part) } else { Item::Other(part) })
}

/// The vendor's names and states of items, and the model's own note what a message is for, are no loss elsewhere.
fn weight(field: &str, _: &RawValue) -> Weight {
    match field {
        "status" | "phase" | "created_by" | "caller" => Weight::Trivial,
        _ => Weight::Hint,
    }
}

/// A text of the item's own that other dialects need not know.
pub(in crate::openai_responses) fn trivial(field: &str, text: &str) -> Extra {
    let value = serde_json::Value::from(text).to_string();
    let value = Json::parse(&value).expect("a serialised text is JSON");
    Extra { field: field.to_owned(), value, weight: Weight::Trivial }
}

fn raw_extra(field: &str, raw: &RawValue) -> Extra {
    Extra { field: field.to_owned(), value: Json::from(raw), weight: Weight::Trivial }
}

/// The source of a text. Only one on the web has a name that other dialects know; its place is counted in characters.
pub(in crate::openai_responses) fn citation(raw: &RawValue) -> Citation {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct AnnotationIn<'a> {
        #[serde(borrow)]
        url: Option<Str<'a>>,
        #[serde(borrow)]
        title: Option<Str<'a>>,
        start_index: Option<usize>,
        end_index: Option<usize>,
    }
    let wire = serde_json::from_str::<AnnotationIn<'_>>(raw.get()).unwrap_or_default();
    Citation {
        url: wire.url.map(Str::into_string),
        title: wire.title.map(Str::into_string),
        quote: None,
        span: wire.start_index.zip(wire.end_index),
        own: Some(Json::from(raw)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Item {
        item(serde_json::from_str(json).unwrap()).unwrap()
    }

    fn model(json: &str) -> Part {
        match read(json) {
            Item::Model(part) => part,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parts_of_a_summary_are_joined_by_blank_lines_and_their_cuts_kept() {
        let json = r#"{"type":"reasoning","id":"rs_1","encrypted_content":"c2ln",
            "summary":[{"type":"summary_text","text":"One"},{"type":"summary_text","text":"Two"}]}"#;
        let part = model(json);
        let Content::Thinking(Thinking { text, proof: Some(proof) }) = part.content else {
            panic!("thoughts")
        };
        assert_eq!(
            (text.as_str(), proof.data.as_str(), proof.item.as_deref()),
            ("One\n\nTwo", "c2ln", Some("rs_1"))
        );
        assert_eq!(part.extra[0].field, "summary");
    }

    #[test]
    fn sealed_reasoning_without_a_summary_is_redacted() {
        let json =
            r#"{"type":"reasoning","id":"rs_1","summary":[],"content":null,"encrypted_content":"c2ln"}"#;
        assert!(matches!(model(json).content, Content::RedactedThinking(proof) if proof.data == "c2ln"));
    }

    #[test]
    fn open_models_show_the_thoughts_themselves() {
        let json = r#"{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"Hm"}]}"#;
        assert!(matches!(model(json).content, Content::Thinking(thinking) if thinking.text == "Hm"));
    }

    #[test]
    fn a_namespace_stands_before_the_name() {
        let json =
            r#"{"type":"function_call","call_id":"c","namespace":"fs","name":"read","arguments":"{}"}"#;
        let Content::ToolCall(call) = model(json).content else { panic!("a call") };
        assert_eq!((call.id.as_str(), call.name.as_str()), ("c", "fs::read"));
    }

    #[test]
    fn unknown_items_are_kept_whole_even_if_their_fields_look_known() {
        let json = r#"{"type":"hologram","content":7,"name":["a"]}"#;
        let Item::Other(part) = read(json) else { panic!("other") };
        assert!(matches!(part.content, Content::Opaque(opaque) if opaque.value.as_str() == json));
        assert!(item(serde_json::from_str(r#"{"type":"function_call","name":["a"]}"#).unwrap()).is_err());
    }
}
