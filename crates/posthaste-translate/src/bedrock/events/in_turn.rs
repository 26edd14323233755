//! Blocks one after another, whatever the order of their events.

use crate::{held::Held, ir::Event};

/// Holds back the events of blocks that began while another was open: clients take blocks to follow each other.
#[derive(Debug, Default)]
pub(super) struct InTurn {
    /// The block whose turn it is.
    open: Option<usize>,
    held: Held,
}

impl InTurn {
    /// Takes an event of a block and gives those whose turn it is now.
    pub(super) fn push(&mut self, event: &Event, mut write: impl FnMut(&Event)) {
        if self.take(event, &mut write) {
            if self.open.is_none() {
                self.release(&mut write);
            }
        } else if self.open.is_some() {
            self.held.push(event);
        }
        // Else of a block that nobody began.
    }

    /// The answer ended: the open block ends, and those that are held with it.
    pub(super) fn finish(&mut self, mut write: impl FnMut(&Event)) {
        while let Some(index) = self.open {
            self.take(&Event::BlockEnd { index }, &mut write);
            self.release(&mut write);
        }
    }

    fn take(&mut self, event: &Event, write: &mut impl FnMut(&Event)) -> bool {
        let now = match (event, self.open) {
            (Event::BlockStart { index, .. }, None) => Some(*index),
            (Event::Delta { index, .. }, Some(open)) if *index == open => Some(open),
            (Event::BlockEnd { index }, Some(open)) if *index == open => None,
            _ => return false,
        };
        self.open = now;
        write(event);
        true
    }

    /// Gives the blocks that were held back, as far as they have come.
    fn release(&mut self, write: &mut impl FnMut(&Event)) {
        while self.open.is_none()
            && let Some(events) = self.held.next()
        {
            for event in events {
                self.take(&event, write);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Block, Delta};

    fn start(index: usize) -> Event {
        Event::BlockStart { index, block: Block::Text }
    }

    fn delta(index: usize) -> Event {
        Event::Delta { index, delta: Delta::Text(index.to_string()) }
    }

    fn end(index: usize) -> Event {
        Event::BlockEnd { index }
    }

    #[test]
    fn blocks_follow_each_other() {
        let mut in_turn = InTurn::default();
        let mut written = Vec::new();
        let events =
            [start(0), start(1), delta(1), start(2), delta(2), end(1), delta(0), end(0), delta(9), delta(2)];
        for event in &events {
            in_turn.push(event, |event| written.push(event.clone()));
        }
        in_turn.finish(|event| written.push(event.clone()));
        let expected =
            [start(0), delta(0), end(0), start(1), delta(1), end(1), start(2), delta(2), delta(2), end(2)];
        assert_eq!(written, expected);
    }
}
