//! Gemini: any part of the model's may carry a signature, and since Gemini 3 the first call of a step has to. For calls that
//! another model made, Google has a placeholder (<https://ai.google.dev/gemini-api/docs/thought-signatures>).

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Changes, Members};
use crate::{edit::Edits, repair::elements};

pub(super) fn take_out<'a>(members: &Members<'a>, changes: &mut Changes<'a>) -> Option<usize> {
    let mut left_out = 0;
    for raw in elements(members.contents?)? {
        let turn: Turn<'_> = serde_json::from_str(raw.get()).ok()?;
        if turn.role.as_deref() != Some("model") {
            continue;
        }
        let mut called = false;
        for raw in turn.parts.and_then(elements).unwrap_or_default() {
            let part: Part<'_> = serde_json::from_str(raw.get()).ok()?;
            let is_first_call = part.function_call.is_some() && !called;
            called |= is_first_call;
            if part.signature.is_none() && !is_first_call {
                continue;
            }
            let edits = Edits::new().remove("thought_signature");
            let edits = if is_first_call {
                edits.set("thoughtSignature", PLACEHOLDER)
            } else {
                edits.remove("thoughtSignature")
            };
            let edited = edits.apply(&Bytes::copy_from_slice(raw.get().as_bytes())).ok()?;
            changes.replace(raw, String::from_utf8(edited.payload.to_bytes().to_vec()).ok()?);
            left_out += 1;
        }
    }
    Some(left_out)
}

#[derive(Deserialize)]
struct Turn<'a> {
    #[serde(borrow, default)]
    role: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    parts: Option<&'a RawValue>,
}

/// Both spellings of Google's JSON are read (<https://protobuf.dev/programming-guides/json/>).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(borrow, default, alias = "function_call")]
    function_call: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "thoughtSignature", alias = "thought_signature")]
    signature: Option<&'a RawValue>,
}

const PLACEHOLDER: &str = "skip_thought_signature_validator";
