//! Calls of free text in the stream for a client whose dialect carries an object.
//!
//! Such a client reads a call's pieces as JSON. The text is held until it is whole, and told as the whole answer tells it.

use posthaste_core::Dialect;

use crate::ir::{Arguments, Block, Delta, Event};

/// Puts the calls of free text as objects.
#[derive(Debug)]
pub(crate) struct AsObjects {
    /// Whether the client's dialect carries texts, so that nothing has to be done.
    carries_text: bool,
    /// The open calls: their block's number and the text so far.
    held: Vec<(usize, String)>,
}

impl AsObjects {
    pub(crate) fn new(client: Dialect) -> Self {
        let carries_text = match client {
            Dialect::OpenAiChat | Dialect::OpenAiResponses => true,
            Dialect::AnthropicMessages | Dialect::GeminiGenerate | Dialect::BedrockConverse => false,
        };
        Self { carries_text, held: Vec::new() }
    }

    /// Passes an event on.
    pub(crate) fn event(&mut self, event: Event, mut pass: impl FnMut(Event)) {
        match event {
            Event::BlockStart { index, block: Block::ToolCall { free_text: true, .. } }
                if !self.carries_text =>
            {
                self.held.push((index, String::new()));
                pass(event);
            }
            Event::Delta { index, delta: Delta::Arguments(piece) } => match self.held(index) {
                Some(held) => held.push_str(&piece),
                None => pass(Event::Delta { index, delta: Delta::Arguments(piece) }),
            },
            Event::BlockEnd { index } => {
                if let Some(position) = self.held.iter().position(|(block, _)| *block == index) {
                    release(self.held.swap_remove(position), &mut pass);
                }
                pass(event);
            }
            Event::Finish(_) => {
                for call in self.held.drain(..) {
                    release(call, &mut pass);
                }
                pass(event);
            }
            other => pass(other),
        }
    }

    fn held(&mut self, index: usize) -> Option<&mut String> {
        self.held.iter_mut().find(|(block, _)| *block == index).map(|(_, held)| held)
    }
}

fn release((index, text): (usize, String), pass: &mut impl FnMut(Event)) {
    let object = Arguments::new(text).to_object().as_str().to_owned();
    pass(Event::Delta { index, delta: Delta::Arguments(object) });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(client: Dialect, pieces: &[&str]) -> Vec<String> {
        let mut pass = AsObjects::new(client);
        let mut told = Vec::new();
        let mut note = |event: Event| {
            if let Event::Delta { delta: Delta::Arguments(text), .. } = event {
                told.push(text);
            }
        };
        let block =
            Block::ToolCall { id: "c".to_owned(), name: "patch".to_owned(), free_text: true, proof: None };
        pass.event(Event::BlockStart { index: 1, block }, &mut note);
        for piece in pieces {
            let delta = Delta::Arguments((*piece).to_owned());
            pass.event(Event::Delta { index: 1, delta }, &mut note);
        }
        pass.event(Event::BlockEnd { index: 1 }, &mut note);
        told
    }

    #[test]
    fn a_text_becomes_one_object() {
        assert_eq!(through(Dialect::AnthropicMessages, &["+ \"a", "\"\n"]), [r#"{"_raw":"+ \"a\"\n"}"#]);
        assert_eq!(through(Dialect::BedrockConverse, &[]), ["{}"]);
    }

    #[test]
    fn dialects_that_carry_texts_get_the_pieces() {
        assert_eq!(through(Dialect::OpenAiChat, &["+ \"a", "\"\n"]), ["+ \"a", "\"\n"]);
    }
}
