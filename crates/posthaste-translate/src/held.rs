//! Blocks that wait for their turn.

use std::collections::{HashMap, VecDeque};

use crate::ir::Event;

/// Events of blocks that began while another was open, for clients that take blocks to follow each other.
///
/// Each block has a list of its own: an upstream may open thousands at once, and to go through the events of all of them at
/// the end of each would cost the square of the stream.
#[derive(Debug, Default)]
pub(crate) struct Held {
    blocks: VecDeque<Vec<Event>>,
    /// How many blocks have had their turn.
    gone: usize,
    /// The block that last began with a number: its place, counted from the first that was ever held.
    newest: HashMap<usize, usize>,
}

impl Held {
    /// Holds an event back. One of a block that does not wait is dropped: nobody began it, or it was left out.
    pub(crate) fn push(&mut self, event: &Event) {
        let index = match event {
            Event::BlockStart { index, .. } => {
                self.newest.insert(*index, self.gone + self.blocks.len());
                self.blocks.push_back(Vec::new());
                index
            }
            Event::Delta { index, .. } | Event::BlockEnd { index } => index,
            _ => return,
        };
        let place = self.newest.get(index).and_then(|place| place.checked_sub(self.gone));
        if let Some(block) = place.and_then(|place| self.blocks.get_mut(place)) {
            block.push(event.clone());
        }
    }

    /// The events of the block whose turn it is, the first of which begins it.
    pub(crate) fn next(&mut self) -> Option<Vec<Event>> {
        let block = self.blocks.pop_front()?;
        self.gone += 1;
        if self.blocks.is_empty() {
            self.newest.clear();
        }
        Some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::Block;

    #[test]
    fn each_block_keeps_its_own_events_in_the_order_of_the_beginnings() {
        let start = |index| Event::BlockStart { index, block: Block::Text };
        let end = |index| Event::BlockEnd { index };
        let mut held = Held::default();
        for event in [start(7), start(3), end(3), end(9), start(3), end(7), end(3)] {
            held.push(&event);
        }
        assert_eq!(held.next(), Some(vec![start(7), end(7)]));
        held.push(&end(7));
        assert_eq!(held.next(), Some(vec![start(3), end(3)]));
        assert_eq!(held.next(), Some(vec![start(3), end(3)]));
        assert_eq!(held.next(), None);
    }
}
