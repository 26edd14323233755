//! What is on its way to the client, whole events apart from the beginning of the next one.

use std::collections::VecDeque;

use bytes::Bytes;

/// Ready pieces, and the tail of an event that has not come whole.
///
/// The tail waits: no client can use it before its blank line comes, and if the upstream breaks off, the client gets the
/// dialect's error event instead of half an event that no parser takes. Nothing is copied for it.
#[derive(Default)]
pub(super) struct Outbox {
    ready: VecDeque<Bytes>,
    ready_bytes: usize,
    tail: Vec<Bytes>,
    tail_bytes: usize,
    /// Whether a long event may be passed on before it is whole.
    parts_may_leave: bool,
    /// Whether the client has a part of an event.
    mid_event: bool,
    /// Whether all that was made ready so far ends with a CR.
    ends_with_cr: bool,
}

impl Outbox {
    /// From here on long events may leave in parts. Before anything was promised to the client they may not.
    pub(super) fn let_parts_leave(&mut self) {
        self.parts_may_leave = true;
    }

    /// Takes a piece in which the last whole event ends at `boundary`, if one ends in it.
    pub(super) fn push(&mut self, piece: Bytes, boundary: Option<usize>) {
        let tail = match boundary.map(|boundary| boundary.min(piece.len())) {
            Some(boundary) => {
                self.release();
                self.mid_event = false;
                let mut whole = piece;
                let tail = whole.split_off(boundary);
                self.make_ready(whole);
                tail
            }
            None => piece,
        };
        if !tail.is_empty() {
            self.tail_bytes += tail.len();
            self.tail.push(tail);
        }
        if self.parts_may_leave && self.tail_bytes > LONGEST_TAIL_BYTES {
            self.release();
            self.mid_event = true;
        }
    }

    /// Takes whole events.
    pub(super) fn push_whole(&mut self, events: Bytes) {
        self.make_ready(events);
    }

    /// Lets the tail go as it is.
    pub(super) fn release(&mut self) {
        for piece in std::mem::take(&mut self.tail) {
            self.make_ready(piece);
        }
        self.tail_bytes = 0;
    }

    /// Drops the tail; an event of which the client has a part is ended, so that the next one is not taken for more of it.
    pub(super) fn abandon_partial(&mut self) {
        self.tail.clear();
        self.tail_bytes = 0;
        if std::mem::take(&mut self.mid_event) {
            self.make_ready(Bytes::from_static(b"\n\n"));
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.ready.clear();
        self.ready_bytes = 0;
        self.abandon_partial();
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let piece = self.ready.pop_front()?;
        self.ready_bytes -= piece.len();
        Some(piece)
    }

    /// Whether nothing is ready; a tail may wait.
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub(super) fn ready_bytes(&self) -> usize {
        self.ready_bytes
    }

    /// Whether the client has whole events only, so that something may be put in between.
    pub(super) fn at_boundary(&self) -> bool {
        !self.mid_event
    }

    /// Whether what the client has, and is about to get, ends with a CR, to which an LF may belong.
    pub(super) fn ends_with_cr(&self) -> bool {
        self.ends_with_cr
    }

    fn make_ready(&mut self, piece: Bytes) {
        if let Some(last) = piece.last() {
            self.ends_with_cr = *last == b'\r';
            self.ready_bytes += piece.len();
            self.ready.push_back(piece);
        }
    }
}

/// An event longer than this is passed on in parts, so that a stream's memory stays bounded.
const LONGEST_TAIL_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &mut Outbox) -> String {
        std::iter::from_fn(|| outbox.pop()).map(|piece| String::from_utf8(piece.to_vec()).unwrap()).collect()
    }

    #[test]
    fn the_tail_waits_for_its_end() {
        let mut outbox = Outbox::default();
        outbox.push("a\n\nb".into(), Some(3));
        assert_eq!(drain(&mut outbox), "a\n\n");
        outbox.push("b".into(), None);
        assert!(outbox.is_empty() && outbox.at_boundary());
        outbox.push("\n\n".into(), Some(2));
        assert_eq!(drain(&mut outbox), "bb\n\n");
    }

    #[test]
    fn a_tail_without_its_end_is_never_sent() {
        let mut outbox = Outbox::default();
        outbox.push("a\n\nhalf".into(), Some(3));
        outbox.abandon_partial();
        outbox.push_whole("error\n\n".into());
        assert_eq!(drain(&mut outbox), "a\n\nerror\n\n");
    }

    #[test]
    fn a_long_event_is_passed_on_in_parts_and_ended_when_it_breaks() {
        let mut outbox = Outbox::default();
        outbox.let_parts_leave();
        outbox.push("x".repeat(LONGEST_TAIL_BYTES + 1).into(), None);
        assert!(!outbox.at_boundary());
        assert_eq!(drain(&mut outbox).len(), LONGEST_TAIL_BYTES + 1);
        outbox.abandon_partial();
        assert_eq!(drain(&mut outbox), "\n\n");
        assert!(outbox.at_boundary());
    }
}
