//! The way back of a stream's calls.

use super::{Bridge, free_text_of};
use crate::ir::{Block, Delta, Event};

/// Puts the calls of a stream as the client declared its tools.
///
/// The arguments of a tool of free text are held until they are whole: a string's escapes are cut anywhere.
#[derive(Debug)]
pub(crate) struct Unbridging {
    bridge: Bridge,
    /// The open calls of free text: their block's number and the arguments so far.
    held: Vec<(usize, String)>,
}

impl Unbridging {
    pub(crate) fn new(bridge: Bridge) -> Self {
        Self { bridge, held: Vec::new() }
    }

    /// Passes an event on.
    pub(crate) fn event(&mut self, event: Event, out: &mut Vec<Event>) {
        if self.bridge.is_level() {
            return out.push(event);
        }
        match event {
            Event::BlockStart { index, block: Block::ToolCall { id, name, free_text, proof } } => {
                let name = self.bridge.client_name(&name).to_owned();
                let is_free_text = self.bridge.is_free_text(&name);
                if is_free_text {
                    self.held.push((index, String::new()));
                }
                let block = Block::ToolCall { id, name, free_text: free_text || is_free_text, proof };
                out.push(Event::BlockStart { index, block });
            }
            Event::Delta { index, delta: Delta::Arguments(piece) } => match self.held(index) {
                Some(held) => held.push_str(&piece),
                None => out.push(Event::Delta { index, delta: Delta::Arguments(piece) }),
            },
            Event::BlockEnd { index } => {
                self.release(index, out);
                out.push(Event::BlockEnd { index });
            }
            Event::Finish(stop) => {
                let open: Vec<_> = self.held.iter().map(|(index, _)| *index).collect();
                open.into_iter().for_each(|index| self.release(index, out));
                out.push(Event::Finish(stop));
            }
            other => out.push(other),
        }
    }

    fn held(&mut self, index: usize) -> Option<&mut String> {
        self.held.iter_mut().find(|(block, _)| *block == index).map(|(_, held)| held)
    }

    fn release(&mut self, index: usize, out: &mut Vec<Event>) {
        let Some(position) = self.held.iter().position(|(block, _)| *block == index) else { return };
        let (_, held) = self.held.swap_remove(position);
        let text = free_text_of(&held);
        if !text.is_empty() {
            out.push(Event::Delta { index, delta: Delta::Arguments(text) });
        }
    }
}

#[cfg(test)]
mod tests {
    use posthaste_core::Dialect;

    use super::*;
    use crate::{
        Target,
        ir::{Request, Tool},
        loss::Losses,
    };

    #[test]
    fn free_text_comes_whole_whatever_the_pieces() {
        let mut request = Request::new(Dialect::OpenAiResponses, "m");
        let (name, extra) = ("patch".to_owned(), Vec::new());
        request.tools = vec![Tool::Custom { name, description: None, format: None, extra }];
        let target = Target::of(Dialect::GeminiGenerate);
        let bridge = Bridge::cross(&mut request, &target, &mut Losses::default());
        let mut unbridging = Unbridging::new(bridge);
        let mut out = Vec::new();
        let (id, name) = ("c".to_owned(), "patch".to_owned());
        let block = Block::ToolCall { id, name, free_text: false, proof: None };
        unbridging.event(Event::BlockStart { index: 3, block }, &mut out);
        for piece in [r#"{"inp"#, r#"ut":"a\"#, r#"nb"}"#] {
            let delta = Delta::Arguments(piece.to_owned());
            unbridging.event(Event::Delta { index: 3, delta }, &mut out);
        }
        unbridging.event(Event::BlockEnd { index: 3 }, &mut out);
        assert!(matches!(&out[0], Event::BlockStart { block: Block::ToolCall { free_text: true, .. }, .. }));
        assert_eq!(out[1], Event::Delta { index: 3, delta: Delta::Arguments("a\nb".to_owned()) });
        assert_eq!(out[2], Event::BlockEnd { index: 3 });
    }
}
