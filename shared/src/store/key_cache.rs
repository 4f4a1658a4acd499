//! API keys that were looked up lately.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::Store;
use crate::{
    Result,
    clock::Moment,
    domain::{ApiKey, KeyHash},
    log,
};

/// How long a key that was found counts, and so the longest time that a revocation takes to hold.
const KNOWN_KEY_TTL: Duration = Duration::from_secs(30);

/// How long a key that was not found counts as unknown.
const UNKNOWN_KEY_TTL: Duration = Duration::from_secs(5);

const CAPACITY: usize = 1000;

impl Store {
    /// The API key with this hash, as it was read at most 30 s ago; that there is none, at most 5 s ago.
    /// A look-up that failed is not remembered.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn cached_api_key(&self, hash: KeyHash) -> Result<Option<Arc<ApiKey>>> {
        // Taken before the look-up, so that the time that it takes counts.
        let now = self.clock.now();
        if let Some(entry) = self.key_cache.fresh(&hash, now) {
            return Ok(entry.key);
        }
        log::key_looked_up();
        let key = self.api_key(&hash).await?.map(Arc::new);
        self.key_cache.insert(hash, Entry { key: key.clone(), read: now });
        Ok(key)
    }
}

/// Keys looked up lately, and hashes that turned out to be no key's. A revocation takes hold when
/// the entry is 30 s old. Failed look-ups are not kept.
#[derive(Clone, Debug, Default)]
pub struct KeyCache(Arc<Mutex<HashMap<KeyHash, Entry>>>);

#[derive(Clone, Debug)]
struct Entry {
    key: Option<Arc<ApiKey>>,
    read: Moment,
}

impl Entry {
    fn is_fresh(&self, now: Moment) -> bool {
        self.read.is_within(if self.key.is_some() { KNOWN_KEY_TTL } else { UNKNOWN_KEY_TTL }, now)
    }
}

impl KeyCache {
    /// What is known of the hash, if it was read lately enough.
    fn fresh(&self, hash: &KeyHash, now: Moment) -> Option<Entry> {
        self.entries().get(hash).filter(|entry| entry.is_fresh(now)).cloned()
    }

    fn insert(&self, hash: KeyHash, entry: Entry) {
        let mut entries = self.entries();
        if entries.len() >= CAPACITY {
            let now = entry.read;
            entries.retain(|_, entry| entry.is_fresh(now));
        }
        if entries.len() >= CAPACITY {
            // A flood of made-up keys pushes out the made-up ones first.
            entries.retain(|_, entry| entry.key.is_some());
        }
        if entries.len() >= CAPACITY {
            entries.clear();
        }
        entries.insert(hash, entry);
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<KeyHash, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
