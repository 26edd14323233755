//! Digests of JSON that do not depend on the order of keys.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Feeds a value into a digest. `cache_control` is left out: where a prompt is marked does not change what it says.
pub(super) fn feed(digest: &mut Sha256, value: &Value) {
    match value {
        Value::Object(fields) => {
            // Sorted here, since a map of serde_json's keeps either order, by a feature that any crate may switch on.
            let mut fields: Vec<_> = fields.iter().filter(|(key, _)| *key != "cache_control").collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            digest.update(b"{");
            for (key, value) in fields {
                feed_text(digest, key);
                feed(digest, value);
            }
            digest.update(b"}");
        }
        Value::Array(items) => {
            digest.update(b"[");
            items.iter().for_each(|item| feed(digest, item));
            digest.update(b"]");
        }
        Value::String(text) => feed_text(digest, text),
        Value::Number(number) => feed_text(digest, &number.to_string()),
        Value::Bool(boolean) => digest.update(if *boolean { b"t" } else { b"f" }),
        Value::Null => digest.update(b"n"),
    }
}

/// Feeds a text with its length, so that two neighbours cannot be told as one.
pub(super) fn feed_text(digest: &mut Sha256, text: &str) {
    digest.update((text.len() as u64).to_be_bytes());
    digest.update(text);
}
