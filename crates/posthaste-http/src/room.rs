//! How much memory the bodies of all requests may take up together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use posthaste_core::{Fault, FaultKind, Origin};

/// Room for large bodies. Small ones are let in without a look. Clones share it.
#[derive(Clone, Debug)]
pub struct BodyRoom(Arc<Room>);

#[derive(Debug)]
struct Room {
    taken: AtomicUsize,
    most: usize,
}

impl BodyRoom {
    /// Room for so many bytes.
    pub fn of(most: usize) -> Self {
        Self(Arc::new(Room { taken: AtomicUsize::new(0), most }))
    }

    /// A place for one body, which takes up nothing yet.
    pub(crate) fn place(&self) -> Place {
        Place { room: Arc::clone(&self.0), taken: 0 }
    }
}

impl Default for BodyRoom {
    /// Without a bound.
    fn default() -> Self {
        Self::of(usize::MAX)
    }
}

/// What one body takes up. It is given back when the place, or the body that it was given to, is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    room: Arc<Room>,
    taken: usize,
}

impl Place {
    /// Takes up what a body of this length needs.
    ///
    /// # Errors
    /// `Overloaded` when the bodies of others leave no room for it.
    pub(crate) fn grow_to(&mut self, length: usize) -> Result<(), Fault> {
        if length <= SMALL || length <= self.taken {
            return Ok(());
        }
        // In steps, so that a body of many pieces does not come here for each.
        let wanted = length.next_multiple_of(STEP);
        let more = wanted - self.taken;
        let before = self.room.taken.fetch_add(more, Ordering::Relaxed);
        if before.saturating_add(more) > self.room.most {
            self.room.taken.fetch_sub(more, Ordering::Relaxed);
            let words = "the relay holds as many large requests as its memory allows: ask again in a moment";
            return Err(Fault::new(FaultKind::Overloaded, Origin::Relay, words).retry_after(WAIT));
        }
        self.taken = wanted;
        Ok(())
    }

    /// The body, which holds the place for as long as a part of it is held anywhere.
    pub(crate) fn given_to(self, body: Bytes) -> Bytes {
        if self.taken == 0 { body } else { Bytes::from_owner(Placed { body, _place: self }) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.taken > 0 {
            self.room.taken.fetch_sub(self.taken, Ordering::Relaxed);
        }
    }
}

struct Placed {
    body: Bytes,
    _place: Place,
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// A body up to this length is not counted: thousands of them are less than what else a request takes.
const SMALL: usize = 64 * 1024;
const STEP: usize = 256 * 1024;
const WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_holds_its_room_until_its_last_part_is_gone() {
        let room = BodyRoom::of(1024 * 1024);
        let mut first = room.place();
        first.grow_to(700 * 1024).unwrap();
        let body = first.given_to(Bytes::from(vec![1; 700 * 1024]));
        let part = body.slice(10..20);
        drop(body);
        let refused = room.place().grow_to(300 * 1024).unwrap_err();
        assert_eq!(refused.kind, FaultKind::Overloaded);
        drop(part);
        room.place().grow_to(1024 * 1024).unwrap();
        assert_eq!(room.0.taken.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn small_bodies_are_let_in_when_there_is_no_room() {
        let room = BodyRoom::of(0);
        let mut place = room.place();
        place.grow_to(SMALL).unwrap();
        assert_eq!(place.given_to(Bytes::from_static(b"hello")), "hello");
        assert!(room.place().grow_to(SMALL + 1).is_err());
    }
}
