//! How many WebSockets are open, and whose.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use posthaste_core::{Fault, FaultKind, Origin};
use uuid::Uuid;

/// Whose a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SeatOwner {
    /// Somebody's who has not said who it is.
    Stranger,
    /// Of a client key, a person or a token.
    Known(Uuid),
}

/// How many connections there may be at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatLimits {
    /// Of one client key, one person or one token.
    pub of_one: usize,
    /// Of those who have not said yet who they are, together.
    pub of_strangers: usize,
    /// Of all.
    pub of_all: usize,
}

impl Default for SeatLimits {
    fn default() -> Self {
        Self { of_one: 64, of_strangers: 256, of_all: 4_096 }
    }
}

/// The connections that are open. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seats {
    taken: Arc<Mutex<Taken>>,
    limits: SeatLimits,
}

#[derive(Debug, Default)]
struct Taken {
    by_owner: HashMap<SeatOwner, usize>,
    all: usize,
}

/// One connection's place; it is free when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    taken: Arc<Mutex<Taken>>,
    owner: SeatOwner,
}

impl Seats {
    pub(crate) fn new(limits: SeatLimits) -> Self {
        Self { taken: Arc::default(), limits }
    }

    /// A place, where there is one.
    pub(crate) fn take(&self, owner: SeatOwner) -> Result<Seat, Fault> {
        let mut taken = self.taken.lock();
        if taken.all >= self.limits.of_all {
            return Err(full("too many WebSockets are open at this relay: try again in a while"));
        }
        let (most, why) = match owner {
            SeatOwner::Stranger => (
                self.limits.of_strangers,
                "too many WebSockets wait for their log-in: log in by header or sub-protocol, or try again in a while",
            ),
            SeatOwner::Known(_) => (
                self.limits.of_one,
                "too many WebSockets are open for this key or log-in: close some of them",
            ),
        };
        let mine = taken.by_owner.entry(owner).or_default();
        if *mine >= most {
            return Err(full(why));
        }
        *mine += 1;
        taken.all += 1;
        Ok(Seat { taken: Arc::clone(&self.taken), owner })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        taken.all -= 1;
        if let Some(mine) = taken.by_owner.get_mut(&self.owner) {
            *mine -= 1;
            if *mine == 0 {
                taken.by_owner.remove(&self.owner);
            }
        }
    }
}

fn full(why: &'static str) -> Fault {
    Fault::new(FaultKind::RateLimited, Origin::Relay, why).retry_after(std::time::Duration::from_secs(30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_by_owner_and_in_all() {
        let seats = Seats::new(SeatLimits { of_one: 2, of_strangers: 1, of_all: 4 });
        let [ada, bob] = [1, 2].map(|number| SeatOwner::Known(Uuid::from_u128(number)));
        let mut held: Vec<_> = [ada, ada, bob].map(|owner| seats.take(owner).unwrap()).into();
        assert!(seats.take(ada).unwrap_err().message.contains("close some"));
        held.push(seats.take(SeatOwner::Stranger).unwrap());
        assert!(seats.take(bob).unwrap_err().message.contains("at this relay"), "four in all");
        held.remove(0);
        assert!(seats.take(SeatOwner::Stranger).unwrap_err().message.contains("wait for their log-in"));
        assert!(seats.take(ada).is_ok());
        held.clear();
        let taken = seats.taken.lock();
        assert_eq!((taken.all, taken.by_owner.len()), (0, 0), "an owner without a place is forgotten");
    }
}
