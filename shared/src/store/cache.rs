//! What was looked up lately.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::clock::Moment;

const CAPACITY: usize = 1000;

/// Answers to look-ups, each for as long as it counts; at most 1,000 of them. Whoever shares the cache shares
/// what is in it.
#[derive(Clone, Debug)]
pub struct Cache<K, V>(Arc<Mutex<HashMap<K, Entry<V>>>>);

#[derive(Clone, Debug)]
struct Entry<V> {
    value: V,
    read: Moment,
    counts_for: Duration,
    is_found: bool,
}

impl<V> Entry<V> {
    fn is_fresh(&self, now: Moment) -> bool {
        self.read.is_within(self.counts_for, now)
    }
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// What was read, if it still counts.
    pub fn fresh(&self, key: &K, now: Moment) -> Option<V> {
        self.entries().get(key).filter(|entry| entry.is_fresh(now)).map(|entry| entry.value.clone())
    }

    /// Whether nothing has been kept yet.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Whether what was kept last was there, be it still fresh or not.
    pub fn was_found(&self, key: &K) -> bool {
        self.entries().get(key).is_some_and(|entry| entry.is_found)
    }

    /// Keeps what was read at `read`, before the look-up began, so that the time that it took counts. Where the
    /// cache is full, what was not found goes first: whoever asks for what is not there can ask for a lot.
    pub fn insert(&self, key: K, value: V, is_found: bool, read: Moment, counts_for: Duration) {
        let mut entries = self.entries();
        if entries.len() >= CAPACITY {
            entries.retain(|_, entry| entry.is_fresh(read));
        }
        if entries.len() >= CAPACITY {
            entries.retain(|_, entry| entry.is_found);
        }
        if entries.len() >= CAPACITY {
            entries.clear();
        }
        entries.insert(key, Entry { value, read, counts_for, is_found });
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<K, Entry<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
