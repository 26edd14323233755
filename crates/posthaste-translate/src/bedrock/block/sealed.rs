//! Sealed thoughts: bytes here, a text at Anthropic.
//!
//! Claude's are the text that Anthropic gives, in base64 once more (recorded), and are read as that text: either API takes
//! what the other one gave. Bytes of another kind stay in base64.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use posthaste_core::Dialect;

use crate::{bedrock::DIALECT, ir::Proof, media::standard_base64};

/// Reads `redactedContent`.
pub(in crate::bedrock) fn read(base64: &str) -> Proof {
    match STANDARD.decode(base64).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(text) if !text.is_empty() && text.bytes().all(is_base64) => Proof::of(DIALECT, text),
        _ => Proof { item: Some(BYTES.to_owned()), ..Proof::of(DIALECT, base64) },
    }
}

/// Writes `redactedContent`, which SDKs refuse unless it is base64 of the standard alphabet.
pub(in crate::bedrock) fn write(proof: &Proof) -> Cow<'_, str> {
    let of_claude = matches!(proof.maker.dialect, DIALECT | Dialect::AnthropicMessages);
    if of_claude && proof.item.as_deref() != Some(BYTES) {
        return Cow::Owned(STANDARD.encode(&proof.data));
    }
    // Also what the relay carries through the client for others, which is base64 of either alphabet.
    standard_base64(&proof.data)
}

/// Two pieces of one `redactedContent`, each in base64 of its own.
pub(in crate::bedrock) fn joined(first: &str, second: &str) -> String {
    match (STANDARD.decode(first), STANDARD.decode(second)) {
        (Ok(first), Ok(second)) => STANDARD.encode([first, second].concat()),
        _ => [first, second].concat(),
    }
}

/// In the place of an item's name, of which there are none here.
const BYTES: &str = "bytes";

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anthropic_gave_is_read_as_its_text() {
        let proof = read("RXU4RkNpZz0=");
        assert_eq!((proof.data.as_str(), proof.item.as_deref()), ("Eu8FCig=", None));
        assert_eq!(write(&proof), "RXU4RkNpZz0=");
        assert_eq!(write(&Proof::of(Dialect::AnthropicMessages, "Eu8FCig=")), "RXU4RkNpZz0=");
    }

    #[test]
    fn pieces_join_as_the_bytes_that_they_are() {
        assert_eq!(joined("RQ==", "dTg="), "RXU4");
        assert_eq!(joined("RXU4", "no base64"), "RXU4no base64");
    }

    #[test]
    fn other_bytes_stay_as_they_are() {
        for base64 in ["AAEC", "", "not base64"] {
            let proof = read(base64);
            assert_eq!(proof.data, base64);
            assert_eq!(write(&proof), base64);
        }
    }

    #[test]
    fn what_is_carried_for_others_gets_the_standard_alphabet() {
        assert_eq!(write(&Proof::of(Dialect::GeminiGenerate, "ab-_")), "ab+/");
    }
}
