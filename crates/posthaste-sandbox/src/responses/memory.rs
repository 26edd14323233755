//! What is remembered of responses, so that a later request can go on from one.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The responses that were to be stored; the oldest are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Entries>);

/// A response and all that led to it.
#[derive(Debug)]
pub(super) struct Stored {
    /// Input and output, in their order.
    pub(super) items: Vec<Value>,
    pub(super) response: Bytes,
    size: usize,
}

impl Memory {
    pub(super) fn get(&self, scope: &[u8], id: &str) -> Option<Arc<Stored>> {
        self.0.lock().by_key.get(&key(scope, id)).cloned()
    }

    pub(super) fn put(&self, scope: &[u8], id: &str, items: Vec<Value>, response: Bytes) {
        let size = items.iter().map(|item| item.to_string().len()).sum::<usize>() + response.len();
        self.0.lock().put(key(scope, id), Arc::new(Stored { items, response, size }));
    }

    /// Whether there was something to forget.
    pub(super) fn remove(&self, scope: &[u8], id: &str) -> bool {
        self.0.lock().remove(&key(scope, id))
    }

    /// An item of any response that is remembered for this scope.
    pub(super) fn item(&self, scope: &[u8], id: &str) -> Option<Value> {
        let scope: [u8; 32] = Sha256::digest(scope).into();
        let entries = self.0.lock();
        let stored = entries.by_key.iter().filter(|((owner, _), _)| *owner == scope);
        let mut items = stored.flat_map(|(_, stored)| &stored.items);
        items.find(|item| item["id"] == id).cloned()
    }
}

type Key = ([u8; 32], String);

fn key(scope: &[u8], id: &str) -> Key {
    (Sha256::digest(scope).into(), id.to_owned())
}

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<Key, Arc<Stored>>,
    by_age: VecDeque<Key>,
    size: usize,
}

impl Entries {
    fn put(&mut self, key: Key, stored: Arc<Stored>) {
        self.remove(&key);
        self.size += stored.size;
        self.by_age.push_back(key.clone());
        self.by_key.insert(key, stored);
        while self.by_key.len() > MAX_ENTRIES || self.size > MAX_BYTES {
            let Some(oldest) = self.by_age.front().cloned() else { return };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &Key) -> bool {
        let Some(stored) = self.by_key.remove(key) else { return false };
        self.size -= stored.size;
        self.by_age.retain(|other| other != key);
        true
    }
}

const MAX_ENTRIES: usize = 1_000;
/// As JSON text; what is kept takes a few times as much.
const MAX_BYTES: usize = 32 << 20;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let memory = Memory::default();
        for number in 0..=MAX_ENTRIES {
            memory.put(b"a", &number.to_string(), vec![json!({"id": number.to_string()})], Bytes::new());
        }
        assert!(memory.get(b"a", "0").is_none());
        assert!(memory.get(b"a", "1").is_some());
        assert!(memory.get(b"b", "1").is_none());
        assert!(memory.item(b"a", "7").is_some() && memory.item(b"b", "7").is_none());
        assert!(memory.remove(b"a", "1") && !memory.remove(b"a", "1"));
        assert_eq!(memory.0.lock().by_age.len(), MAX_ENTRIES - 1);
    }

    #[test]
    fn what_is_kept_is_bounded_by_its_size() {
        let memory = Memory::default();
        let half = Bytes::from(vec![0; MAX_BYTES / 2]);
        ["1", "2", "3"].into_iter().for_each(|id| memory.put(b"a", id, Vec::new(), half.clone()));
        assert!(memory.get(b"a", "1").is_none());
        assert_eq!(memory.0.lock().size, MAX_BYTES);
    }
}
