//! The content of a message: a plain text where that says it all, else a list of parts.

use std::borrow::Cow;

use serde::Serialize;

use crate::openai_chat::part::PartOut;

/// The content of a message as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ContentOut<'a> {
    /// A plain text.
    Text(Cow<'a, str>),
    /// A list of parts.
    Parts(Vec<PartOut<'a>>),
}

impl<'a> ContentOut<'a> {
    /// One plain text is written as that text, anything else as a list.
    pub(super) fn of(mut parts: Vec<PartOut<'a>>) -> Option<Self> {
        let last = parts.pop()?;
        if parts.is_empty() {
            return Some(match last.into_plain_text() {
                Ok(text) => Self::Text(text),
                Err(part) => Self::Parts(vec![part]),
            });
        }
        parts.push(last);
        Some(Self::Parts(parts))
    }

    /// The texts as one, if they are all plain; else a list.
    pub(super) fn joined(parts: Vec<PartOut<'a>>, between: &str) -> Option<Self> {
        if parts.len() < 2 || !parts.iter().all(|part| part.as_plain_text().is_some()) {
            return Self::of(parts);
        }
        let texts: Vec<_> = parts.iter().filter_map(PartOut::as_plain_text).collect();
        Some(Self::Text(texts.join(between).into()))
    }

    /// Both, the second behind the first.
    pub(super) fn followed_by(self, next: Self) -> Self {
        match (self, next) {
            (Self::Text(before), Self::Text(text)) => Self::Text(format!("{before}\n\n{text}").into()),
            (before, next) => {
                let mut parts = before.into_parts();
                parts.append(&mut next.into_parts());
                Self::Parts(parts)
            }
        }
    }

    fn into_parts(self) -> Vec<PartOut<'a>> {
        match self {
            Self::Text(text) => vec![PartOut::text(text)],
            Self::Parts(parts) => parts,
        }
    }
}
