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
    is_placeholder(signature) || is_genuine(&call(name, args), signature)
}

pub(super) fn fits_text(signature: &str) -> bool {
    is_placeholder(signature) || is_genuine(TEXT, signature)
}

/// Whether the signature was made here for what it signs. The vendor's Python SDK sends back in base64's other alphabet
/// what came in the usual one; the API takes both, as all JSON forms of Protocol Buffers do
/// (<https://protobuf.dev/programming-guides/json/>).
fn is_genuine(signed: &[u8], signature: &str) -> bool {
    let usual = signature.replace('-', "+").replace('_', "/");
    seal::unstamp(PURPOSE, signed, &usual).is_some()
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

    #[test]
    fn a_signature_may_come_back_in_the_other_alphabet() {
        let both =
            (0..50).map(|salt| of_text(&salt.to_string())).find(|signature| signature.contains(['+', '/']));
        let signature = both.expect("one of fifty digests has such a letter");
        assert!(fits_text(&signature.replace('+', "-").replace('/', "_")));
    }
}
