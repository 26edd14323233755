//! Responses: calls and their outputs are items of their own, joined by `call_id`, wherever they stand
//! (<https://platform.openai.com/docs/guides/function-calling?api-mode=responses>).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{INTERRUPTED, LEFT_OUT, Mended, elements, list_of};

/// Puts the items right; `None` when nothing is wrong. In what is not the whole conversation, outputs are left alone: their
/// calls may be elsewhere.
pub(super) fn mend(list: &RawValue, is_whole: bool) -> Option<Mended> {
    let raws = elements(list)?;
    let items: Vec<Item> =
        raws.iter().map(|raw| serde_json::from_str(raw.get())).collect::<Result<_, _>>().ok()?;
    // A reference may stand for a call.
    let is_whole = is_whole && items.iter().all(|item| item.kind.as_deref() != Some("item_reference"));
    let mut mended = Mended { list: String::new(), answered: 0, dropped: 0 };
    let mut out: Vec<Cow<'_, str>> = Vec::with_capacity(raws.len() + 1);
    for (item, raw) in items.iter().zip(&raws) {
        if let Some(output) = item.output() {
            let has_call = items.iter().any(|other| other.call().is_some_and(|call| call.id == output));
            if is_whole && !has_call {
                mended.dropped += 1;
                continue;
            }
        }
        out.push(Cow::Borrowed(raw.get()));
        if let Some(call) = item.call()
            && !items.iter().any(|other| other.output() == Some(call.id))
        {
            mended.answered += 1;
            let output = json!({"type": call.output, "call_id": call.id, "output": INTERRUPTED});
            out.push(Cow::Owned(output.to_string()));
        }
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
struct Item {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    call_id: Option<String>,
}

struct Call<'a> {
    id: &'a str,
    /// The type of its output.
    output: &'static str,
}

impl Item {
    fn call(&self) -> Option<Call<'_>> {
        let kind = self.kind.as_deref()?;
        let (_, output) = PAIRS.into_iter().find(|(call, _)| *call == kind)?;
        Some(Call { id: self.call_id.as_deref()?, output })
    }

    fn output(&self) -> Option<&str> {
        let kind = self.kind.as_deref()?;
        PAIRS.iter().any(|(_, output)| *output == kind).then_some(self.call_id.as_deref()).flatten()
    }
}

const PAIRS: [(&str, &str); 2] =
    [("function_call", "function_call_output"), ("custom_tool_call", "custom_tool_call_output")];
