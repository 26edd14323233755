//! The messages to instructions and turns.

use std::collections::{HashMap, VecDeque};

use serde::de::Error;
use serde_json::value::RawValue;

use crate::{
    ir::{Content, Message, Part, Role, Thinking, ToolResult, Weight},
    json::{Str, TextOr, at, extras, wire_object},
    openai_chat::{
        part::{FunctionCallIn, parts, tool_calls},
        thoughts::ThoughtsIn,
    },
};

wire_object! {
    /// A message as it comes.
    pub(super) struct MessageIn<'a> {
        role: Str<'a> = "role",
        name: Option<&'a RawValue> = "name",
        content: TextOr<'a, Vec<&'a RawValue>> = "content",
        refusal: Option<Str<'a>> = "refusal",
        reasoning_content: Option<&'a RawValue> = "reasoning_content",
        reasoning: Option<&'a RawValue> = "reasoning",
        reasoning_text: Option<&'a RawValue> = "reasoning_text",
        reasoning_details: Option<&'a RawValue> = "reasoning_details",
        tool_calls: Option<Vec<&'a RawValue>> = "tool_calls",
        tool_call_id: Option<Str<'a>> = "tool_call_id",
        function_call: Option<FunctionCallIn<'a>> = "function_call",
    }
}

type Read<T> = Result<T, serde_json::Error>;

/// The instructions before the first turn, and everything from there on.
pub(super) fn conversation(wire: Vec<MessageIn<'_>>) -> Read<(Vec<Part>, Vec<Message>)> {
    let mut system: Vec<Part> = Vec::new();
    let mut messages = Vec::with_capacity(wire.len());
    let mut functions = FunctionCalls::default();
    for wire in wire {
        let message = message(wire, &mut functions).map_err(|error| at("messages", error))?;
        if message.role == Role::System && messages.is_empty() {
            lead(&mut system, message);
        } else {
            messages.push(message);
        }
    }
    Ok((system, messages))
}

/// Leading instructions become one text, set apart by blank lines, except where a part says more than its text: a mark
/// for the cache says where the text before it ends.
fn lead(system: &mut Vec<Part>, message: Message) {
    for mut part in message.parts {
        part.extra.extend(message.extra.iter().cloned());
        match (system.last_mut(), &part.content) {
            (
                Some(Part { content: Content::Text(before), extra, cache: cache @ None, .. }),
                Content::Text(text),
            ) if extra.is_empty() && part.extra.is_empty() => {
                before.push_str("\n\n");
                before.push_str(text);
                *cache = part.cache;
            }
            _ => system.push(part),
        }
    }
}

/// The calls of the older `function_call`, which have no ids: a result names the function.
#[derive(Default)]
struct FunctionCalls {
    made: usize,
    /// The ids that those without a result got, by the function's name.
    open: HashMap<String, VecDeque<String>>,
}

impl FunctionCalls {
    fn call(&mut self, wire: FunctionCallIn<'_>) -> Read<Part> {
        self.made += 1;
        let call = wire.into_call(format!("function_call_{}", self.made))?;
        self.open.entry(call.name.clone()).or_default().push_back(call.id.clone());
        Ok(Part::new(Content::ToolCall(call)))
    }

    /// The id of the call that a result belongs to; the function's name where there is none.
    fn answered(&mut self, name: String) -> String {
        self.open.get_mut(&name).and_then(VecDeque::pop_front).unwrap_or(name)
    }
}

fn message(mut wire: MessageIn<'_>, functions: &mut FunctionCalls) -> Read<Message> {
    let content = parts(wire.content).map_err(|error| at("content", error))?;
    let name = wire.name.map(|raw| (Str("name".into()), raw));
    let (role, parts) = match &*wire.role {
        "system" | "developer" => (Role::System, content),
        "user" => (Role::User, content),
        "assistant" => {
            let thoughts = ThoughtsIn {
                reasoning_content: wire.reasoning_content,
                reasoning: wire.reasoning,
                reasoning_text: wire.reasoning_text,
                reasoning_details: wire.reasoning_details,
            };
            if thoughts.is_sealed() {
                wire.rest.extend(wire.reasoning_details.map(|raw| (Str("reasoning_details".into()), raw)));
            }
            let mut parts = Vec::with_capacity(content.len() + 1);
            parts.extend(thoughts.text().map(|text| Part::new(Content::Thinking(Thinking::new(text)))));
            parts.extend(content);
            let refusal = wire.refusal.filter(|refusal| !refusal.is_empty());
            parts.extend(refusal.map(|refusal| Part::new(Content::Refusal(refusal.into_string()))));
            parts.extend(tool_calls(wire.tool_calls)?);
            let call = wire.function_call.map(|call| functions.call(call));
            parts.extend(call.transpose().map_err(|error| at("function_call", error))?);
            (Role::Assistant, parts)
        }
        "tool" => {
            let Some(call_id) = wire.tool_call_id else { return Err(Error::custom("tool_call_id: missing")) };
            (Role::User, vec![result(call_id.into_string(), content)])
        }
        "function" => {
            let name = wire.name.map(|raw| serde_json::from_str::<Str<'_>>(raw.get())).transpose();
            let name = name.map_err(|error| at("name", error))?;
            let name = name.ok_or_else(|| Error::custom("name: missing"))?.into_string();
            (Role::User, vec![result(functions.answered(name), content)])
        }
        other => return Err(Error::custom(format_args!("role: unknown role `{other}`"))),
    };
    wire.rest.extend(name.filter(|_| &*wire.role != "function"));
    let extra = extras(wire.rest, |field, _| match field {
        "audio" => Weight::Essential,
        _ => Weight::Hint,
    });
    Ok(Message { role, parts, extra })
}

fn result(call_id: String, parts: Vec<Part>) -> Part {
    Part::new(Content::ToolResult(ToolResult { call_id, parts, is_error: false }))
}
