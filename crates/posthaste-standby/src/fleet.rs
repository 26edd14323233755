//! How many relays share the store.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The number of relays that live now, this one included: at least 1. Clones share it, so that whoever learns of another
/// relay tells everybody.
#[derive(Clone, Debug)]
pub struct FleetSize(Arc<AtomicUsize>);

impl FleetSize {
    /// A fleet of so many; of one, where none are told.
    pub fn new(relays: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(relays.max(1))))
    }

    /// There are so many now.
    pub fn set(&self, relays: usize) {
        self.0.store(relays.max(1), Ordering::Relaxed);
    }

    /// How many there are.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed).max(1)
    }
}

impl Default for FleetSize {
    fn default() -> Self {
        Self::new(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_is_never_empty() {
        let fleet = FleetSize::new(0);
        assert_eq!(fleet.get(), 1);
        let shared = fleet.clone();
        shared.set(3);
        assert_eq!(fleet.get(), 3);
        shared.set(0);
        assert_eq!(fleet.get(), 1);
    }
}
