//! Responses: thoughts are items of their own
//! (<https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items>). Items that came with one are refused
//! without it as long as they have their id, which is theirs to leave out.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};

use super::{Changes, Members};
use crate::{
    edit::Edits,
    repair::{elements, list_of},
};

pub(super) fn take_out<'a>(members: &Members<'a>, changes: &mut Changes<'a>) -> Option<usize> {
    let list = members.input?;
    let raws = elements(list)?;
    let mut left_out = 0;
    let mut kept = Vec::with_capacity(raws.len());
    for raw in raws {
        let item: Item = serde_json::from_str(raw.get()).ok()?;
        match item.kind.as_deref() {
            Some("reasoning") => left_out += 1,
            Some("message" | "function_call" | "custom_tool_call") if item.id.is_some() => {
                let item = Bytes::copy_from_slice(raw.get().as_bytes());
                let edited = Edits::new().remove("id").apply(&item).ok()?;
                kept.push(Cow::Owned(String::from_utf8(edited.payload.to_bytes().to_vec()).ok()?));
            }
            _ => kept.push(Cow::Borrowed(raw.get())),
        }
    }
    changes.replace(list, list_of(&kept));
    Some(left_out)
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    id: Option<IgnoredAny>,
}
