//! Messages and Converse: thoughts are blocks of the model's turns
//! (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html>).
//!
//! Blocks of earlier turns may be left out. With thinking on, a turn whose calls are being answered has to begin with its
//! thoughts; without them, thinking has to be off.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{Changes, Members};
use crate::repair::{elements, list_of};

/// What tells the two apart.
pub(super) struct Form {
    read: fn(&str) -> Block,
    /// What takes the place of a turn that held nothing but thoughts.
    nothing: fn() -> String,
    stop_thinking: for<'a> fn(&Members<'a>, &mut Changes<'a>),
}

pub(super) const ANTHROPIC: Form = Form {
    read: read_anthropic,
    nothing: || json!({"type": "text", "text": LEFT_OUT}).to_string(),
    stop_thinking: stop_anthropic,
};

pub(super) const CONVERSE: Form = Form {
    read: read_converse,
    nothing: || json!({"text": LEFT_OUT}).to_string(),
    stop_thinking: stop_converse,
};

enum Block {
    Sealed,
    Call,
    Other,
}

pub(super) fn take_out<'a>(form: &Form, members: &Members<'a>, changes: &mut Changes<'a>) -> Option<usize> {
    let mut left_out = 0;
    let mut is_called = false;
    for raw in elements(members.messages?)? {
        let turn: Turn<'_> = serde_json::from_str(raw.get()).ok()?;
        if turn.role.as_deref() != Some("assistant") {
            continue;
        }
        is_called = false;
        let Some((content, blocks)) = turn.content.and_then(|raw| Some((raw, elements(raw)?))) else {
            continue;
        };
        let mut kept = Vec::with_capacity(blocks.len());
        for block in &blocks {
            match (form.read)(block.get()) {
                Block::Sealed => continue,
                Block::Call => is_called = true,
                Block::Other => {}
            }
            kept.push(Cow::Borrowed(block.get()));
        }
        let sealed = blocks.len() - kept.len();
        if sealed > 0 {
            left_out += sealed;
            if kept.is_empty() {
                kept.push(Cow::Owned((form.nothing)()));
            }
            changes.replace(content, list_of(&kept));
        }
    }
    if left_out > 0 && is_called {
        (form.stop_thinking)(members, changes);
    }
    Some(left_out)
}

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
}

fn read_anthropic(block: &str) -> Block {
    #[derive(Deserialize)]
    struct Head {
        r#type: Option<String>,
    }
    let kind = serde_json::from_str(block).ok().and_then(|head: Head| head.r#type);
    match kind.as_deref() {
        Some("thinking" | "redacted_thinking") => Block::Sealed,
        Some("tool_use") => Block::Call,
        _ => Block::Other,
    }
}

fn read_converse(block: &str) -> Block {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head<'a> {
        #[serde(borrow, default)]
        reasoning_content: Option<&'a RawValue>,
        #[serde(borrow, default)]
        tool_use: Option<&'a RawValue>,
    }
    match serde_json::from_str(block) {
        Ok(Head { reasoning_content: Some(_), .. }) => Block::Sealed,
        Ok(Head { tool_use: Some(_), .. }) => Block::Call,
        _ => Block::Other,
    }
}

/// Thinking is switched off, and with it the clearing of thoughts, which is refused without.
fn stop_anthropic<'a>(members: &Members<'a>, changes: &mut Changes<'a>) {
    #[derive(Deserialize)]
    struct Management<'a> {
        #[serde(borrow, default)]
        edits: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Edit {
        r#type: String,
    }
    let Some(thinking) = members.thinking else { return };
    changes.replace(thinking, OFF.to_owned());
    let edits = members
        .context_management
        .and_then(|raw| serde_json::from_str::<Management<'_>>(raw.get()).ok()?.edits);
    let Some((raw, edits)) = edits.and_then(|raw| Some((raw, elements(raw)?))) else { return };
    let clears = |edit: &&RawValue| {
        serde_json::from_str(edit.get()).is_ok_and(|edit: Edit| edit.r#type.starts_with("clear_thinking"))
    };
    if edits.iter().any(clears) {
        let kept: Vec<_> = edits.into_iter().filter(|edit| !clears(edit)).map(RawValue::get).collect();
        changes.replace(raw, list_of(&kept));
    }
}

/// Converse has Anthropic's own fields in a member of their own.
fn stop_converse<'a>(members: &Members<'a>, changes: &mut Changes<'a>) {
    #[derive(Deserialize)]
    struct Additional<'a> {
        #[serde(borrow, default)]
        thinking: Option<&'a RawValue>,
        #[serde(borrow, default)]
        reasoning_config: Option<&'a RawValue>,
    }
    let additional = members.additional.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let Some(Additional { thinking, reasoning_config }) = additional else { return };
    for member in [thinking, reasoning_config].into_iter().flatten() {
        changes.replace(member, OFF.to_owned());
    }
}

const OFF: &str = r#"{"type":"disabled"}"#;
const LEFT_OUT: &str = "(thoughts of another model were left out)";
