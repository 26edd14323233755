//! A message as a stream of events (<https://docs.anthropic.com/en/api/messages-streaming>).

use super::{
    Message,
    wire::{self, Block, Delta, EndUsage, Event, StopFields},
};
use crate::{
    brain::{Part, slices, words},
    seal,
};

/// Every event with its name.
pub(super) fn render(message: &Message) -> Vec<(&'static str, String)> {
    let mut events = vec![named(&Event::MessageStart { message: wire::Message::opening(message) })];
    for (index, part) in message.reply.parts.iter().enumerate() {
        let salt = message.salt(index);
        let content_block = Block::opening(part, &salt);
        events.push(named(&Event::ContentBlockStart { index, content_block }));
        if index == 0 {
            // The vendor pings once after the first block's start.
            events.push(named(&Event::Ping));
        }
        let deltas = deltas(part, &salt).into_iter();
        events.extend(deltas.map(|delta| named(&Event::ContentBlockDelta { index, delta })));
        events.push(named(&Event::ContentBlockStop { index }));
    }
    let usage = message.usage.as_ref().map(EndUsage::of);
    events.push(named(&Event::MessageDelta { delta: StopFields::of(&message.reply.stop), usage }));
    events.push(named(&Event::MessageStop));
    events
}

fn deltas<'a>(part: &'a Part, salt: &str) -> Vec<Delta<'a>> {
    match part {
        Part::Text(text) => words(text).into_iter().map(|text| Delta::TextDelta { text }).collect(),
        Part::Thinking { text, omitted } => {
            let shown = if *omitted { "" } else { text.as_str() };
            let signature = Delta::SignatureDelta { signature: seal::sign(shown, salt) };
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

fn named(event: &Event<'_>) -> (&'static str, String) {
    (event.name(), serde_json::to_string(event).expect("an event becomes JSON"))
}
