//! Where an answer ends: stop sequences first, then the greatest number of tokens.

use super::{
    prompt::Prompt,
    reply::{Part, Reply, Stop},
    tokens,
};

/// Cuts a reply to what the prompt allows.
pub(super) fn cut(reply: Reply, prompt: &Prompt<'_>) -> Reply {
    let (parts, stop) = at_stop_sequence(reply.parts, reply.stop, &prompt.stops);
    let (parts, stop) = at_max_tokens(parts, stop, prompt.max_tokens);
    Reply { parts, stop }
}

/// Stop sequences are looked for in text alone. What comes after the first one is gone.
fn at_stop_sequence(parts: Vec<Part>, stop: Stop, sequences: &[&str]) -> (Vec<Part>, Stop) {
    let mut kept = Vec::with_capacity(parts.len());
    for part in parts {
        if let Part::Text(text) = &part
            && let Some((end, sequence)) = first_of(text, sequences)
        {
            if end > 0 {
                kept.push(Part::Text(text[..end].to_owned()));
            }
            return (kept, Stop::Sequence(sequence.to_owned()));
        }
        kept.push(part);
    }
    (kept, stop)
}

fn first_of<'s>(text: &str, sequences: &[&'s str]) -> Option<(usize, &'s str)> {
    sequences.iter().filter_map(|sequence| Some((text.find(sequence)?, *sequence))).min_by_key(|(at, _)| *at)
}

/// The part that does not fit is cut, in the middle of a tool's arguments too, and the rest is gone.
fn at_max_tokens(parts: Vec<Part>, stop: Stop, max_tokens: u64) -> (Vec<Part>, Stop) {
    let mut left = max_tokens;
    let mut kept = Vec::with_capacity(parts.len());
    for part in parts {
        let size = part.tokens();
        if size > left {
            kept.extend(shortened(part, left));
            return (kept, Stop::MaxTokens);
        }
        left -= size;
        kept.push(part);
    }
    if max_tokens == 0 { (kept, Stop::MaxTokens) } else { (kept, stop) }
}

fn shortened(part: Part, tokens: u64) -> Option<Part> {
    if tokens == 0 {
        return None;
    }
    let bytes = usize::try_from(tokens.saturating_mul(tokens::BYTES_PER_TOKEN)).unwrap_or(usize::MAX);
    let cut = |text: String| text[..text.floor_char_boundary(bytes)].to_owned();
    Some(match part {
        Part::Thinking { text, omitted } => Part::Thinking { text: cut(text), omitted },
        Part::RedactedThinking { text } => Part::RedactedThinking { text: cut(text) },
        Part::Text(text) => Part::Text(cut(text)),
        Part::ToolCall { id, name, input, free_text } => {
            Part::ToolCall { id, name, input: cut(input), free_text }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    #[test]
    fn the_earliest_stop_sequence_wins() {
        let (parts, stop) =
            at_stop_sequence(vec![text("one two"), text("three")], Stop::EndTurn, &["two", "e tw"]);
        assert_eq!(parts, [text("on")]);
        assert_eq!(stop, Stop::Sequence("e tw".to_owned()));
        let (parts, _) = at_stop_sequence(vec![text("one")], Stop::EndTurn, &["one"]);
        assert_eq!(parts, []);
    }

    #[test]
    fn max_tokens_cut_between_characters() {
        let (parts, stop) = at_max_tokens(vec![text("abcd"), text("abcäefg")], Stop::EndTurn, 2);
        assert_eq!(parts, [text("abcd"), text("abc")]);
        assert_eq!(stop, Stop::MaxTokens);
        assert_eq!(at_max_tokens(vec![text("abcd")], Stop::EndTurn, 1).1, Stop::EndTurn);
        assert_eq!(at_max_tokens(vec![text("abcd")], Stop::EndTurn, 0), (Vec::new(), Stop::MaxTokens));
    }
}
