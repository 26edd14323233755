//! Chat Completions: a message with `tool_calls`, then a message of the role `tool` for each of them
//! (<https://platform.openai.com/docs/guides/function-calling>).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{INTERRUPTED, LEFT_OUT, Mended, elements, list_of};

/// Puts the messages right; `None` when nothing is wrong.
pub(super) fn mend(list: &RawValue) -> Option<Mended> {
    let raws = elements(list)?;
    let messages: Vec<Message> =
        raws.iter().map(|raw| serde_json::from_str(raw.get())).collect::<Result<_, _>>().ok()?;
    let mut mended = Mended { list: String::new(), answered: 0, dropped: 0 };
    let mut out: Vec<Cow<'_, str>> = Vec::with_capacity(raws.len() + 1);
    let mut at = 0;
    while at < messages.len() {
        // Each message of the model has its results behind it, before its next one.
        let calls = messages[at].calls();
        let end = messages[at + 1..]
            .iter()
            .position(Message::is_model)
            .map_or(messages.len(), |next| at + 1 + next);
        let first = if messages[at].is_model() {
            out.push(Cow::Borrowed(raws[at].get()));
            at + 1
        } else {
            at
        };
        let mut open = calls;
        let mut kept = Vec::with_capacity(end - first);
        for (message, raw) in messages[first..end].iter().zip(&raws[first..end]) {
            if let Some(result) = message.result() {
                let Some(call) = open.iter().position(|call| *call == result) else {
                    mended.dropped += 1;
                    continue;
                };
                open.remove(call);
            }
            kept.push(Cow::Borrowed(raw.get()));
        }
        mended.answered += open.len();
        out.extend(open.iter().map(|call| Cow::Owned(call.error_result())));
        out.extend(kept);
        at = end;
    }
    if mended.answered == 0 && mended.dropped == 0 {
        return None;
    }
    if out.is_empty() {
        out.push(Cow::Owned(json!({"role": "user", "content": LEFT_OUT}).to_string()));
    }
    mended.list = list_of(&out);
    Some(mended)
}

#[derive(Deserialize)]
struct Message {
    role: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
    #[serde(default)]
    tool_call_id: Option<String>,
    #[serde(default)]
    function_call: Option<Function>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct ToolCall {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
}

/// A call, as its result names it.
#[derive(Debug, PartialEq, Eq)]
enum Call {
    Tool(String),
    /// The form before there were tools, without an id.
    Function(String),
}

impl Message {
    fn is_model(&self) -> bool {
        self.role.as_deref() == Some("assistant")
    }

    fn calls(&self) -> Vec<Call> {
        if !self.is_model() {
            return Vec::new();
        }
        let tools = self.tool_calls.iter().flatten().filter_map(|call| call.id.clone()).map(Call::Tool);
        let function = self.function_call.as_ref().and_then(|function| function.name.clone());
        tools.chain(function.map(Call::Function)).collect()
    }

    fn result(&self) -> Option<Call> {
        match self.role.as_deref() {
            Some("tool") => self.tool_call_id.clone().map(Call::Tool),
            Some("function") => self.name.clone().map(Call::Function),
            _ => None,
        }
    }
}

impl Call {
    fn error_result(&self) -> String {
        match self {
            Self::Tool(id) => json!({"role": "tool", "tool_call_id": id, "content": INTERRUPTED}).to_string(),
            Self::Function(name) => {
                json!({"role": "function", "name": name, "content": INTERRUPTED}).to_string()
            }
        }
    }
}
