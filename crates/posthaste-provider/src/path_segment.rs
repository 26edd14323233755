//! A model's name as a segment of a path.

use std::fmt::Write as _;

/// Appends a name with everything percent-encoded but what RFC 3986 calls unreserved: Bedrock's names hold `:` and `/`, which
/// would be read as something else.
pub(crate) fn push_segment(path: &mut String, name: &str) {
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                path.push(char::from(byte))
            }
            _ => write!(path, "%{byte:02X}").expect("a String takes every text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_characters_are_encoded() {
        let mut path = String::new();
        push_segment(&mut path, "us.anthropic.claude-x-v1:0/ä ..");
        assert_eq!(path, "us.anthropic.claude-x-v1%3A0%2F%C3%A4%20..");
    }
}
