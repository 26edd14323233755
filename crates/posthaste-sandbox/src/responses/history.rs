//! All items that a request is about: those that are remembered, and its own.

use serde_json::{Value, json};

use super::memory::Memory;
use crate::{
    error::{ApiError, ErrorKind},
    openai::place::Place,
    reading::Kind,
};

/// The items, the remembered ones first.
pub(super) struct History {
    items: Vec<Value>,
    remembered: usize,
}

impl History {
    /// Gathers the items. References are replaced by what they mean.
    pub(super) fn of(root: &Place<'_>, scope: &[u8], memory: &Memory) -> Result<Self, ApiError> {
        let mut items = match root.key("previous_response_id") {
            None => Vec::new(),
            Some(place) => {
                let id = place.text()?;
                let stored = memory.get(scope, id).ok_or_else(|| {
                    let message = format!("Previous response with id '{id}' not found.");
                    place.error(&message).coded("previous_response_not_found")
                })?;
                stored.items.clone()
            }
        };
        let remembered = items.len();
        let input = root.required("input")?;
        match input.value() {
            Value::String(text) => items.push(json!({"type": "message", "role": "user", "content": text})),
            Value::Array(_) => {
                for item in input.list()? {
                    items.push(dereferenced(&item, scope, memory)?);
                }
            }
            _ => return Err(input.mistyped(Kind::TextOrList)),
        }
        Ok(Self { items, remembered })
    }

    pub(super) fn items(&self) -> &[Value] {
        &self.items
    }

    /// The items with their places in the request.
    pub(super) fn places(&self) -> impl Iterator<Item = Place<'_>> {
        self.items.iter().enumerate().map(|(index, item)| {
            let path = match index.checked_sub(self.remembered) {
                Some(index) => format!("input[{index}]"),
                None => format!("previous_response_id[{index}]"),
            };
            Place::at(item, path)
        })
    }
}

/// What an item means: a reference, and a thought without its content, stand for something that is remembered.
fn dereferenced(place: &Place<'_>, scope: &[u8], memory: &Memory) -> Result<Value, ApiError> {
    let item = place.value();
    let known_by_id = match item["type"].as_str() {
        Some("item_reference") => true,
        Some("reasoning") => item["encrypted_content"].is_null() && item["content"].is_null(),
        _ => false,
    };
    match item["id"].as_str() {
        Some(id) if known_by_id => memory.item(scope, id).ok_or_else(|| {
            let message = format!(
                "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with \
                 `store` set to true, or remove this item from your input."
            );
            ApiError::new(ErrorKind::NotFound, message).about("input")
        }),
        _ => Ok(item.clone()),
    }
}
