//! What waits on a connection for what came before it.

use std::{collections::VecDeque, time::Duration};

use posthaste_core::{Fault, FaultKind, Origin};

/// A short queue, bounded in number and in bytes.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    items: VecDeque<(T, usize)>,
    bytes: usize,
    at_most: usize,
}

impl<T> Waiting<T> {
    /// An empty queue of at most so many bytes.
    pub(crate) const fn new(at_most: usize) -> Self {
        Self { items: VecDeque::new(), bytes: 0, at_most }
    }

    /// Puts something of this size at the end.
    pub(crate) fn push(&mut self, item: T, bytes: usize) -> Result<(), Fault> {
        if self.items.len() >= MOST_WAITING || self.bytes + bytes > self.at_most {
            let text =
                "too many requests wait on this connection: wait for their answers, or open another one";
            let fault = Fault::new(FaultKind::RateLimited, Origin::Client, text);
            return Err(fault.retry_after(Duration::from_secs(1)));
        }
        self.bytes += bytes;
        self.items.push_back((item, bytes));
        Ok(())
    }

    /// Takes the first.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let (item, bytes) = self.items.pop_front()?;
        self.bytes -= bytes;
        Some(item)
    }

    /// Takes the first that is meant, wherever it stands.
    pub(crate) fn take(&mut self, is_meant: impl Fn(&T) -> bool) -> Option<T> {
        let place = self.items.iter().position(|(item, _)| is_meant(item))?;
        let (item, bytes) = self.items.remove(place)?;
        self.bytes -= bytes;
        Some(item)
    }

    /// Whether any of them is meant.
    pub(crate) fn holds(&self, is_meant: impl Fn(&T) -> bool) -> bool {
        self.items.iter().any(|(item, _)| is_meant(item))
    }
}

const MOST_WAITING: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_bounded_in_number_and_in_bytes() {
        let mut waiting = Waiting::new(10);
        for number in 0..MOST_WAITING {
            waiting.push(number, 1).unwrap();
        }
        assert_eq!(waiting.push(8, 0).unwrap_err().kind, FaultKind::RateLimited);
        assert_eq!(waiting.pop(), Some(0));
        assert!(waiting.push(8, 4).is_err(), "eleven bytes");
        waiting.push(8, 3).unwrap();
    }

    #[test]
    fn what_is_taken_back_makes_room() {
        let mut waiting = Waiting::new(10);
        for number in 0..3 {
            waiting.push(number, 3).unwrap();
        }
        assert!(waiting.push(3, 3).is_err());
        assert_eq!(waiting.take(|number| *number == 1), Some(1));
        assert_eq!(waiting.take(|number| *number == 1), None);
        waiting.push(3, 3).unwrap();
        assert!(waiting.holds(|number| *number == 3) && !waiting.holds(|number| *number == 1));
        assert_eq!(
            [waiting.pop(), waiting.pop(), waiting.pop(), waiting.pop()],
            [Some(0), Some(2), Some(3), None]
        );
    }
}
