//! A map that forgets what came first when it is full.

use std::collections::{HashMap, VecDeque};

#[derive(Debug)]
pub(super) struct Bounded<V, const MOST: usize> {
    by_name: HashMap<String, V>,
    by_age: VecDeque<String>,
}

impl<V, const MOST: usize> Bounded<V, MOST> {
    pub(super) fn get(&self, name: &str) -> Option<&V> {
        self.by_name.get(name)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        self.by_name.get_mut(name)
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.by_name.values_mut()
    }

    /// What stands under the name; `new` is put there if nothing does.
    pub(super) fn get_or(&mut self, name: &str, new: impl FnOnce() -> V) -> &mut V {
        if !self.by_name.contains_key(name) {
            if self.by_name.len() == MOST
                && let Some(oldest) = self.by_age.pop_front()
            {
                self.by_name.remove(&oldest);
            }
            self.by_age.push_back(name.to_owned());
        }
        self.by_name.entry(name.to_owned()).or_insert_with(new)
    }
}

impl<V, const MOST: usize> Default for Bounded<V, MOST> {
    fn default() -> Self {
        Self { by_name: HashMap::new(), by_age: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut map = Bounded::<_, 2>::default();
        assert_eq!(*map.get_or("a", || 1), 1);
        assert_eq!(*map.get_or("a", || 2), 1);
        map.get_or("b", || 2);
        map.get_or("c", || 3);
        assert_eq!((map.get("a"), map.get("b"), map.get("c")), (None, Some(&2), Some(&3)));
        assert_eq!((map.by_name.len(), map.by_age.len()), (2, 2));
    }
}
