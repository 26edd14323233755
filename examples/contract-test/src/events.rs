//! The events of a streamed answer.

use serde::Deserialize;

/// What the service reads of a stream; the rest is passed over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Text(String),
    OutputTokens(u64),
    End,
    Error(String),
}

/// Puts events together, wherever their bytes were cut.
#[derive(Debug, Default)]
pub(crate) struct Events {
    held: Vec<u8>,
}

impl Events {
    /// The events that are whole with these bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.held.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.held.drain(..=end).collect();
            // `event:` repeats what the data says, and an answer's data is always one line.
            events.extend(line.strip_prefix(b"data: ").and_then(read));
        }
        events
    }
}

fn read(data: &[u8]) -> Option<Event> {
    match serde_json::from_slice(data).ok()? {
        Data::ContentBlockDelta { delta } => delta.text.map(Event::Text),
        Data::MessageDelta { usage } => Some(Event::OutputTokens(usage.output_tokens)),
        Data::MessageStop => Some(Event::End),
        Data::Error { error } => Some(Event::Error(error.message)),
        Data::Other => None,
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Data {
    ContentBlockDelta {
        delta: Delta,
    },
    MessageDelta {
        usage: super::Usage,
    },
    MessageStop,
    Error {
        error: super::Reason,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
}
