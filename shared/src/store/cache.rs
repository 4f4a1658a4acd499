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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const MINUTE: Duration = Duration::from_mins(1);

    /// A full cache: what has an even number was found, and counts for so long; the rest was not found.
    fn full(read: Moment, found_counts_for: Duration) -> Cache<usize, ()> {
        let cache = Cache::default();
        for number in 0..CAPACITY {
            let is_found = number % 2 == 0;
            cache.insert(number, (), is_found, read, if is_found { found_counts_for } else { MINUTE });
        }
        cache
    }

    fn counting(cache: &Cache<usize, ()>, now: Moment) -> Vec<usize> {
        (0..=CAPACITY).filter(|number| cache.fresh(number, now).is_some()).collect()
    }

    #[test]
    fn where_it_is_full_what_was_not_found_goes_first_and_then_all() {
        let now = Clock::default().now();
        let cache = full(now, MINUTE);
        assert_eq!(counting(&cache, now), (0..CAPACITY).collect::<Vec<_>>());
        cache.insert(CAPACITY, (), true, now, MINUTE);
        assert_eq!(counting(&cache, now), (0..=CAPACITY).step_by(2).collect::<Vec<_>>());

        let cache = Cache::default();
        (0..=CAPACITY).for_each(|number| cache.insert(number, (), true, now, MINUTE));
        assert_eq!(counting(&cache, now), [CAPACITY]);
    }

    #[test]
    fn what_no_longer_counts_goes_before_what_does() {
        let clock = Clock::default();
        let cache = full(clock.now(), Duration::from_secs(1));
        clock.advance(Duration::from_secs(1));
        let now = clock.now();
        cache.insert(CAPACITY, (), true, now, MINUTE);
        let of_odd_numbers = (1..CAPACITY).step_by(2).chain([CAPACITY]);
        assert_eq!(counting(&cache, now), of_odd_numbers.collect::<Vec<_>>());
    }
}
