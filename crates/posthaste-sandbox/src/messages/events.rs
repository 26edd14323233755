//! An answer as a stream of events (<https://docs.anthropic.com/en/api/messages-streaming>).

use bytes::Bytes;

use super::{
    Answer, Part, thinking,
    wire::{Block, Delta, EndUsage, Event, Message, StopFields},
};
use crate::sse;

/// Every event, framed, one an element.
pub(super) fn render(answer: &Answer) -> Vec<Bytes> {
    let mut events = vec![frame(&Event::MessageStart { message: Message::opening(answer) })];
    for (index, part) in answer.parts.iter().enumerate() {
        let salt = answer.salt(index);
        let content_block = Block::opening(part, &salt);
        events.push(frame(&Event::ContentBlockStart { index, content_block }));
        if index == 0 {
            // The vendor pings once after the first block's start.
            events.push(frame(&Event::Ping));
        }
        let deltas = deltas(part, &salt).into_iter();
        events.extend(deltas.map(|delta| frame(&Event::ContentBlockDelta { index, delta })));
        events.push(frame(&Event::ContentBlockStop { index }));
    }
    let usage = answer.usage.as_ref().map(EndUsage::of);
    events.push(frame(&Event::MessageDelta { delta: StopFields::of(&answer.stop), usage }));
    events.push(frame(&Event::MessageStop));
    events
}

fn deltas<'a>(part: &'a Part, salt: &str) -> Vec<Delta<'a>> {
    match part {
        Part::Text(text) => words(text).into_iter().map(|text| Delta::TextDelta { text }).collect(),
        Part::Thinking { text, omitted } => {
            let shown = if *omitted { "" } else { text.as_str() };
            let signature = Delta::SignatureDelta { signature: thinking::sign(shown, salt) };
            words(shown)
                .into_iter()
                .map(|thinking| Delta::ThinkingDelta { thinking })
                .chain([signature])
                .collect()
        }
        Part::RedactedThinking { .. } => Vec::new(),
        // The vendor's first piece is empty.
        Part::ToolCall { input, .. } => [""]
            .into_iter()
            .chain(slices(input))
            .map(|partial_json| Delta::InputJsonDelta { partial_json })
            .collect(),
    }
}

/// Pieces of a few words, each with the blank before it.
fn words(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let blanks = rest.match_indices(' ').map(|(at, _)| at).filter(|at| *at > 0);
        let (piece, behind) =
            rest.split_at(blanks.into_iter().nth(WORDS_PER_PIECE - 1).unwrap_or(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Pieces of a few bytes, cut without regard to the JSON.
fn slices(mut text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    while !text.is_empty() {
        let (piece, rest) = text.split_at(text.floor_char_boundary(BYTES_PER_SLICE));
        pieces.push(piece);
        text = rest;
    }
    pieces
}

fn frame(event: &Event<'_>) -> Bytes {
    let data = serde_json::to_string(event).expect("an event becomes JSON");
    sse::frame(event.name(), &data)
}

const WORDS_PER_PIECE: usize = 3;
const BYTES_PER_SLICE: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_text() {
        for text in ["", "a", " a  b ", "one two three four five", "ä ö ü ß “x”", "    "] {
            assert_eq!(words(text).concat(), text);
            assert_eq!(slices(text).concat(), text);
        }
        assert_eq!(words("one two three four five"), ["one two three", " four five"]);
    }
}
