//! The items of an answer.

use serde_json::Value;

use super::{REFUSAL, request::Request, wire};
use crate::{
    brain::{Part, Reply, Stop},
    openai::family,
    seal,
};

/// The items, and whether the last one was cut off.
pub(super) struct Output {
    pub(super) items: Vec<Item>,
    cut: bool,
}

/// One item.
pub(super) enum Item {
    Reasoning {
        id: String,
        summary: Option<String>,
        /// Open models show what they thought itself.
        content: Option<String>,
        encrypted: Option<String>,
    },
    Message {
        id: String,
        text: String,
        is_refusal: bool,
    },
    Call {
        id: String,
        call: String,
        name: String,
        arguments: String,
        free_text: bool,
    },
}

impl Output {
    pub(super) fn of(reply: &Reply, request: &Request<'_>, id: &str, scope: &[u8]) -> Self {
        let thinks = reply.parts.iter().any(Part::is_thinking);
        let item_id = |prefix: &str, index: usize| {
            format!("{prefix}_{id}{index}{}", if thinks { THOUGHT_OF } else { "" })
        };
        let item = |(index, part): (usize, &Part)| match part {
            Part::Thinking { text, .. } | Part::RedactedThinking { text } => {
                let hidden = matches!(part, Part::RedactedThinking { .. });
                let open = family::shows_thoughts(request.model);
                let salt = format!("{id}{index}");
                Item::Reasoning {
                    id: format!("rs_{id}"),
                    summary: (request.summary.is_some() && !hidden && !open).then(|| text.clone()),
                    content: (open && !hidden).then(|| text.clone()),
                    encrypted: request
                        .encrypted
                        .then(|| seal::stamp(REASONING, &salt, scope, text.as_bytes())),
                }
            }
            Part::Text(text) => {
                Item::Message { id: item_id("msg", index), text: text.clone(), is_refusal: false }
            }
            Part::ToolCall { id: call, name, input, free_text } => Item::Call {
                id: item_id(if *free_text { "ctc" } else { "fc" }, index),
                call: call.clone(),
                name: name.clone(),
                arguments: input.clone(),
                free_text: *free_text,
            },
        };
        let mut items: Vec<_> = reply.parts.iter().enumerate().map(item).collect();
        if reply.stop == Stop::Refusal {
            items.push(Item::Message { id: item_id("msg", 0), text: REFUSAL.to_owned(), is_refusal: true });
        }
        Self { items, cut: reply.stop == Stop::MaxTokens }
    }

    /// Whether the item at `index` is whole.
    pub(super) fn is_complete(&self, index: usize) -> bool {
        !self.cut || index + 1 < self.items.len()
    }

    /// The items as they would come back.
    pub(super) fn to_values(&self) -> impl Iterator<Item = Value> {
        let item = |(index, item)| wire::Item::whole(item, self.is_complete(index));
        self.items
            .iter()
            .enumerate()
            .map(move |pair| serde_json::to_value(item(pair)).expect("an item becomes JSON"))
    }
}

/// The id of the thought that led to the item of this id, if one did.
pub(super) fn thought_before(id: &str) -> Option<String> {
    let (_, id) = id.strip_suffix(THOUGHT_OF)?.split_once('_')?;
    Some(format!("rs_{}", id.get(..ID_LENGTH)?))
}

/// What the ids of items end with that a thought led to.
const THOUGHT_OF: &str = "_r";
/// Of a prompt's id.
const ID_LENGTH: usize = 24;
pub(super) const REASONING: &[u8] = b"reasoning";
pub(super) const COMPACTION: &[u8] = b"compaction";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_whether_a_thought_led_to_them() {
        let id = "0123456789abcdefghijklmn";
        assert_eq!(thought_before(&format!("fc_{id}1_r")), Some(format!("rs_{id}")));
        assert_eq!(thought_before(&format!("fc_{id}1")), None);
        assert_eq!(thought_before("fc_shorter"), None);
        assert_eq!(thought_before("ß_aßßßßßßßßßßßßßßßßßßß_r"), None);
    }
}
