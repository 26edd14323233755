//! How deep a JSON text nests.

use memchr::memchr2;

/// Whether arrays and objects nest deeper than `limit`. Meaningful for valid JSON; bounded and harmless for any bytes.
///
/// `serde_json` skips values without recursion, so depth cannot hurt this crate; it would hurt who parses the body
/// afterwards. Most bodies hold no more than `limit` openers at all and are done after one vectorised count.
pub(super) fn exceeds(json: &[u8], limit: usize) -> bool {
    let openers = memchr::memchr2_iter(b'{', b'[', json);
    openers.take(limit + 1).count() > limit && walk_exceeds(json, limit)
}

fn walk_exceeds(json: &[u8], limit: usize) -> bool {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        at += 1;
        match byte {
            b'"' => at = after_string(json, at),
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// The offset just past the quote that ends the string whose text begins at `at`.
fn after_string(json: &[u8], mut at: usize) -> usize {
    while let Some(found) = json.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if json[at - 1] == b'"' {
            return at;
        }
        // The escaped byte cannot end the string, whatever it is.
        at += 1;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_is_taken_and_one_more_is_not() {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let nested = |levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels));
            assert!(!exceeds(nested(128).as_bytes(), 128));
            assert!(exceeds(nested(129).as_bytes(), 128));
        }
    }

    #[test]
    fn brackets_in_strings_and_siblings_do_not_count() {
        let quoted = format!(r#"{{"a":"{}\"{}\\"}}"#, "[".repeat(200), "{".repeat(200));
        assert!(!exceeds(quoted.as_bytes(), 128));
        let siblings = format!("[{}[]]", "[],".repeat(500));
        assert!(!exceeds(siblings.as_bytes(), 128));
    }

    #[test]
    fn broken_texts_end_quietly() {
        let open_string = format!("{}\"abc\\", "[]".repeat(200));
        assert!(!exceeds(open_string.as_bytes(), 128));
        let closers_first = format!("{}{}", "]".repeat(300), "[".repeat(129));
        assert!(exceeds(closers_first.as_bytes(), 128));
    }
}
