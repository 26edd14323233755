//! Thought signatures (<https://ai.google.dev/gemini-api/docs/thought-signatures>).

use serde_json::Value;

use crate::{brain, seal};

/// The signature of a call: it fits this call alone.
pub(super) fn of_call(name: &str, args: &Value, salt: &str) -> String {
    seal::stamp(PURPOSE, salt, &call(name, args), &[])
}

/// The signature at the end of a text. It fits every text, since a stream delivers it behind the text's last piece.
pub(super) fn of_text(salt: &str) -> String {
    seal::stamp(PURPOSE, salt, TEXT, &[])
}

pub(super) fn fits_call(name: &str, args: &Value, signature: &str) -> bool {
    is_placeholder(signature) || seal::unstamp(PURPOSE, &call(name, args), signature).is_some()
}

pub(super) fn fits_text(signature: &str) -> bool {
    is_placeholder(signature) || seal::unstamp(PURPOSE, TEXT, signature).is_some()
}

/// What the vendor documents for calls that none of its models made.
fn is_placeholder(signature: &str) -> bool {
    ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"].contains(&signature)
}

fn call(name: &str, args: &Value) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.extend(brain::digest(args));
    bytes
}

const PURPOSE: &[u8] = b"thought signature";
const TEXT: &[u8] = b"text";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_signature_fits_its_call_and_the_placeholders_fit_all() {
        let signature = of_call("f", &json!({"a": 1, "b": 2}), "salt");
        assert!(fits_call("f", &json!({"b": 2, "a": 1}), &signature));
        assert!(!fits_call("g", &json!({"a": 1, "b": 2}), &signature));
        assert!(!fits_call("f", &json!({"a": 1}), &signature));
        assert!(!fits_text(&signature) && fits_text(&of_text("salt")));
        assert!(fits_call("f", &json!({}), "skip_thought_signature_validator"));
    }
}
