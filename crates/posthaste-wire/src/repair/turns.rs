//! Anthropic Messages, Converse and Gemini: turns of parts, where calls are parts of the model's turn and results are parts
//! of the turn that follows it
//! (<https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/tool-use.html>,
//! <https://ai.google.dev/gemini-api/docs/function-calling>).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{INTERRUPTED, LEFT_OUT, Mended, elements, list_of};

/// What tells the three apart.
pub(super) struct Form {
    /// The model's role.
    model: &'static str,
    /// The member that holds a turn's parts.
    parts: &'static str,
    /// Whether results may only be added to a turn that holds results already: others stand in a turn of their own.
    apart: bool,
    read: fn(&str) -> Part,
    result: fn(&Call) -> String,
    text: fn(&str) -> String,
}

pub(super) const ANTHROPIC: Form = Form {
    model: "assistant",
    parts: "content",
    apart: false,
    read: read_anthropic,
    result: |call| {
        json!({"type": "tool_result", "tool_use_id": call.id, "is_error": true, "content": INTERRUPTED})
            .to_string()
    },
    text: |text| json!({"type": "text", "text": text}).to_string(),
};

pub(super) const CONVERSE: Form = Form {
    model: "assistant",
    parts: "content",
    apart: false,
    read: read_converse,
    result: |call| {
        let content = json!([{"text": INTERRUPTED}]);
        json!({"toolResult": {"toolUseId": call.id, "content": content, "status": "error"}}).to_string()
    },
    text: |text| json!({"text": text}).to_string(),
};

pub(super) const GEMINI: Form = Form {
    model: "model",
    parts: "parts",
    apart: true,
    read: read_gemini,
    result: |call| {
        let mut response = json!({"name": call.name, "response": {"error": INTERRUPTED}});
        if let Some(id) = &call.id {
            response["id"] = json!(id);
        }
        json!({ "functionResponse": response }).to_string()
    },
    text: |text| json!({"text": text}).to_string(),
};

/// What a call and its result have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    id: Option<String>,
    /// Empty where the id alone counts.
    name: String,
}

impl Call {
    fn is_answered_by(&self, result: &Self) -> bool {
        match (&self.id, &result.id) {
            (Some(call), Some(result)) => call == result,
            _ => self.name == result.name,
        }
    }
}

enum Part {
    Call(Call),
    Result(Call),
    Other,
}

struct Turn<'a> {
    raw: &'a RawValue,
    is_model: bool,
    is_user: bool,
    parts: Option<&'a RawValue>,
    list: Vec<&'a RawValue>,
}

/// Puts the turns right; `None` when nothing is wrong.
pub(super) fn mend(form: &Form, list: &RawValue) -> Option<Mended> {
    let turns: Vec<_> =
        elements(list)?.into_iter().map(|raw| Turn::read(form, raw)).collect::<Option<_>>()?;
    let mut mended = Mended { list: String::new(), answered: 0, dropped: 0 };
    let mut out: Vec<Cow<'_, str>> = Vec::with_capacity(turns.len() + 1);
    let mut open = Vec::new();
    // Neighbours of one role are one turn to the vendors.
    for run in turns.chunk_by(|left, right| left.is_model == right.is_model) {
        if run[0].is_model {
            open = run.iter().flat_map(|turn| turn.calls(form)).collect();
            out.extend(run.iter().map(|turn| Cow::Borrowed(turn.raw.get())));
        } else {
            answer(form, run, std::mem::take(&mut open), &mut out, &mut mended);
        }
    }
    if !open.is_empty() {
        mended.answered += open.len();
        out.push(Cow::Owned(turn_of(form, &open)));
    }
    if mended.answered == 0 && mended.dropped == 0 {
        return None;
    }
    mended.list = list_of(&out);
    Some(mended)
}

/// The turns behind the model's: each call gets its result, and what is none's is left out.
fn answer<'a>(
    form: &Form,
    run: &[Turn<'a>],
    mut open: Vec<Call>,
    out: &mut Vec<Cow<'a, str>>,
    mended: &mut Mended,
) {
    let mut holder = None;
    let mut kept = Vec::with_capacity(run.len());
    for (position, turn) in run.iter().enumerate() {
        let mut parts = Vec::with_capacity(turn.list.len());
        for part in &turn.list {
            if let Part::Result(result) = (form.read)(part.get()) {
                let Some(call) = open.iter().position(|call| call.is_answered_by(&result)) else { continue };
                open.remove(call);
                holder.get_or_insert(position);
            }
            parts.push(part.get());
        }
        kept.push(parts);
    }
    let home = if form.apart { holder } else { run.iter().position(|turn| turn.is_user) };
    mended.answered += open.len();
    if home.is_none() && !open.is_empty() {
        out.push(Cow::Owned(turn_of(form, &open)));
    }
    for (position, (turn, parts)) in run.iter().zip(kept).enumerate() {
        let added = if home == Some(position) { open.as_slice() } else { &[] };
        let dropped = turn.list.len() - parts.len();
        mended.dropped += dropped;
        if dropped == 0 && added.is_empty() {
            out.push(Cow::Borrowed(turn.raw.get()));
        } else {
            out.push(Cow::Owned(turn.with(form, added, &parts)));
        }
    }
}

/// A turn of nothing but error results.
fn turn_of(form: &Form, calls: &[Call]) -> String {
    let results: Vec<_> = calls.iter().map(form.result).collect();
    format!(r#"{{"role":"user","{}":{}}}"#, form.parts, list_of(&results))
}

impl<'a> Turn<'a> {
    fn read(form: &Form, raw: &'a RawValue) -> Option<Self> {
        let head: Head<'a> = serde_json::from_str(raw.get()).ok()?;
        let parts = if form.parts == "parts" { head.parts } else { head.content };
        let list = parts.and_then(elements).unwrap_or_default();
        let role = head.role.unwrap_or(Cow::Borrowed("user"));
        Some(Self { raw, is_model: role == form.model, is_user: role == "user", parts, list })
    }

    fn calls(&self, form: &Form) -> impl Iterator<Item = Call> {
        self.list.iter().filter_map(|part| match (form.read)(part.get()) {
            Part::Call(call) => Some(call),
            Part::Result(_) | Part::Other => None,
        })
    }

    /// The turn with error results before those of its parts that are kept.
    fn with(&self, form: &Form, added: &[Call], kept: &[&str]) -> String {
        let mut parts: Vec<_> = added.iter().map(|call| Cow::Owned((form.result)(call))).collect();
        parts.extend(kept.iter().copied().map(Cow::Borrowed));
        // Anthropic's shorthand for one part of text, which may not be empty.
        let text = self.parts.and_then(|parts| serde_json::from_str::<String>(parts.get()).ok());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            parts.push(Cow::Owned((form.text)(&text)));
        }
        if parts.is_empty() {
            parts.push(Cow::Owned((form.text)(LEFT_OUT)));
        }
        let list = list_of(&parts);
        let Some(before) = self.parts else {
            // No content at all: whatever else the turn says, it has this member now.
            return format!(r#"{{"role":"user","{}":{list}}}"#, form.parts);
        };
        let raw = self.raw.get();
        let start = before.get().as_ptr().addr() - raw.as_ptr().addr();
        [&raw[..start], &list, &raw[start + before.get().len()..]].concat()
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    parts: Option<&'a RawValue>,
}

fn read_anthropic(part: &str) -> Part {
    #[derive(Deserialize)]
    struct Block {
        r#type: Option<String>,
        id: Option<String>,
        tool_use_id: Option<String>,
    }
    let Ok(Block { r#type: Some(kind), id, tool_use_id }) = serde_json::from_str(part) else {
        return Part::Other;
    };
    let named = |id| Call { id: Some(id), name: String::new() };
    match (kind.as_str(), id, tool_use_id) {
        ("tool_use", Some(id), _) => Part::Call(named(id)),
        ("tool_result", _, Some(id)) => Part::Result(named(id)),
        _ => Part::Other,
    }
}

fn read_converse(part: &str) -> Part {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Block {
        tool_use: Option<Tool>,
        tool_result: Option<Tool>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Tool {
        tool_use_id: String,
    }
    let named = |tool: Tool| Call { id: Some(tool.tool_use_id), name: String::new() };
    match serde_json::from_str(part) {
        Ok(Block { tool_use: Some(tool), .. }) => Part::Call(named(tool)),
        Ok(Block { tool_result: Some(tool), .. }) => Part::Result(named(tool)),
        _ => Part::Other,
    }
}

/// Both spellings of Google's JSON are read (<https://protobuf.dev/programming-guides/json/>).
fn read_gemini(part: &str) -> Part {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Piece {
        #[serde(alias = "function_call")]
        function_call: Option<Function>,
        #[serde(alias = "function_response")]
        function_response: Option<Function>,
    }
    #[derive(Deserialize)]
    struct Function {
        id: Option<String>,
        #[serde(default)]
        name: String,
    }
    let named =
        |function: Function| Call { id: function.id.filter(|id| !id.is_empty()), name: function.name };
    match serde_json::from_str(part) {
        Ok(Piece { function_call: Some(function), .. }) => Part::Call(named(function)),
        Ok(Piece { function_response: Some(function), .. }) => Part::Result(named(function)),
        _ => Part::Other,
    }
}
