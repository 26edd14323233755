//! The requests that wait for the one before them.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use posthaste_core::{Fault, FaultKind, Origin};

/// A short queue, bounded in number and in bytes.
#[derive(Debug)]
pub(super) struct Waiting {
    messages: VecDeque<Bytes>,
    bytes: usize,
    at_most: usize,
}

impl Waiting {
    /// An empty queue of at most so many bytes.
    pub(super) const fn new(at_most: usize) -> Self {
        Self { messages: VecDeque::new(), bytes: 0, at_most }
    }

    /// Puts a message at the end.
    pub(super) fn push(&mut self, message: Bytes) -> Result<(), Fault> {
        if self.messages.len() >= MOST_WAITING || self.bytes + message.len() > self.at_most {
            let text =
                "too many requests wait on this connection: wait for their answers, or open another one";
            let fault = Fault::new(FaultKind::RateLimited, Origin::Client, text);
            return Err(fault.retry_after(Duration::from_secs(1)));
        }
        self.bytes += message.len();
        self.messages.push_back(message);
        Ok(())
    }

    /// Takes the first message.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.len();
        Some(message)
    }
}

const MOST_WAITING: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_bounded_in_number_and_in_bytes() {
        let mut waiting = Waiting::new(10);
        for _ in 0..MOST_WAITING {
            waiting.push(Bytes::from_static(b"x")).unwrap();
        }
        assert_eq!(waiting.push(Bytes::new()).unwrap_err().kind, FaultKind::RateLimited);
        assert_eq!(waiting.pop().unwrap(), "x");
        assert!(waiting.push(Bytes::from_static(b"four")).is_err(), "eleven bytes");
        waiting.push(Bytes::from_static(b"two")).unwrap();
    }
}
