//! The extras of this dialect's own items, on their way back.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::read::{ITEM, PART};
use crate::ir::Extra;

/// Set before the name of a field of the namespace that a tool stands in.
pub(in crate::openai_responses) const NAMESPACE: &str = "namespace.";

/// Extras written as fields of the object around them, as far as they are that object's.
#[derive(Clone, Copy, Debug)]
pub(in crate::openai_responses) struct Kept<'a> {
    extras: &'a [Extra],
    /// The name that a field is written under; `None` for one of another object, or one that is a mark.
    name: fn(&str) -> Option<&str>,
}

impl<'a> Kept<'a> {
    /// No extras.
    pub(in crate::openai_responses) const NONE: Self = Self { extras: &[], name: |field| Some(field) };

    /// Those of an item that is a part by itself, or of a user's message.
    pub(in crate::openai_responses) const fn item(extras: &'a [Extra]) -> Self {
        Self { extras, name: |field| (!matches!(field, "role" | "type")).then_some(field) }
    }

    /// Those of the message whose first part holds them.
    pub(in crate::openai_responses) const fn message(extras: &'a [Extra]) -> Self {
        Self { extras, name: |field| field.strip_prefix(ITEM).filter(|field| *field != "role") }
    }

    /// Those of a part.
    pub(in crate::openai_responses) const fn part(extras: &'a [Extra]) -> Self {
        Self { extras, name: |field| (field != PART && !field.starts_with(ITEM)).then_some(field) }
    }

    /// Those of the request itself.
    pub(in crate::openai_responses) const fn request(extras: &'a [Extra]) -> Self {
        Self { extras, name: |field| (!field.contains('.')).then_some(field) }
    }

    /// Those of the request's `reasoning`.
    pub(in crate::openai_responses) const fn reasoning(extras: &'a [Extra]) -> Self {
        Self { extras, name: |field| field.strip_prefix("reasoning.") }
    }

    /// Those of the request's `text`.
    pub(in crate::openai_responses) const fn text(extras: &'a [Extra]) -> Self {
        Self { extras, name: |field| field.strip_prefix("text.") }
    }

    /// Those of a tool.
    pub(in crate::openai_responses) const fn tool(extras: &'a [Extra]) -> Self {
        Self { extras, name: |field| (!field.starts_with(NAMESPACE)).then_some(field) }
    }

    /// Those of the namespace around a tool.
    pub(in crate::openai_responses) const fn namespace(extras: &'a [Extra]) -> Self {
        Self { extras, name: |field| field.strip_prefix(NAMESPACE) }
    }

    /// Whether there is one of this name.
    pub(in crate::openai_responses) fn has(&self, name: &str) -> bool {
        self.fields().any(|(field, _)| field == name)
    }

    /// Whether there are none.
    pub(in crate::openai_responses) fn is_empty(&self) -> bool {
        self.fields().next().is_none()
    }

    fn fields(&self) -> impl Iterator<Item = (&'a str, &'a Extra)> {
        let (extras, name) = (self.extras, self.name);
        extras.iter().filter_map(move |extra| name(&extra.field).map(|field| (field, extra)))
    }
}

impl Serialize for Kept<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (field, extra) in self.fields() {
            map.serialize_entry(field, &extra.value)?;
        }
        map.end()
    }
}
