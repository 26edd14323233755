//! Thought signatures (<https://ai.google.dev/gemini-api/docs/thought-signatures>).

use serde_json::{Map, Value};

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
    fits(&call(name, args), signature)
}

pub(super) fn fits_text(signature: &str) -> bool {
    fits(TEXT, signature)
}

fn fits(what: &[u8], signature: &str) -> bool {
    let signature = standard(signature);
    let placeholder = PLACEHOLDERS.iter().any(|placeholder| standard(placeholder) == signature);
    placeholder || seal::unstamp(PURPOSE, what, &signature).is_some()
}

/// Bytes may come in either alphabet of base64, padded or not: `google-genai` writes the one for URLs.
fn standard(signature: &str) -> String {
    let mut standard = signature.trim_end_matches('=').replace('-', "+").replace('_', "/");
    while !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    standard
}

fn call(name: &str, args: &Value) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    // No arguments are the same whether they are told or not.
    let none = args.as_object().is_none_or(Map::is_empty);
    bytes.extend(brain::digest(if none { &Value::Null } else { args }));
    bytes
}

/// What the vendor documents for calls that none of its models made.
const PLACEHOLDERS: [&str; 2] = ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];
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
        assert!(fits_call("f", &json!({}), "skip/thought/signature/validator"));
    }

    #[test]
    fn bytes_may_come_in_either_alphabet() {
        let args = json!({});
        let signature = (0..50).map(|salt| of_call("f", &args, &salt.to_string()));
        for signature in signature {
            let for_urls = signature.replace('+', "-").replace('/', "_");
            assert!(fits_call("f", &Value::Null, for_urls.trim_end_matches('=')));
        }
    }
}
