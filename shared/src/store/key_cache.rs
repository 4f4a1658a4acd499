//! API keys that were looked up lately.

use std::{sync::Arc, time::Duration};

use super::{Store, rules::Given};
use crate::{
    Result,
    domain::{ApiKey, KeyHash},
    log,
};

/// How long a key that was found counts, and so the longest time that a revocation takes to hold.
const KNOWN_KEY_TTL: Duration = Duration::from_secs(30);

/// How long a key that was not found counts as unknown.
const UNKNOWN_KEY_TTL: Duration = Duration::from_secs(5);

impl Store {
    /// The API key with this hash, as it was read at most 30 s ago; that there is none, at most 5 s ago.
    /// A look-up that failed is not remembered.
    ///
    /// Where it has to be looked up, what the catalogue says of a category that is `given` is looked up by the same
    /// call. This takes a key that was there before, or an environment that has looked up none yet: made-up keys are
    /// not to cost the catalogue a read each.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn cached_api_key(
        &self,
        hash: KeyHash,
        given: impl FnOnce() -> Option<Given>,
    ) -> Result<Option<Arc<ApiKey>>> {
        // Taken before the look-up, so that the time that it takes counts.
        let now = self.clock.now();
        if let Some(key) = self.key_cache.fresh(&hash, now) {
            return Ok(key);
        }
        log::key_looked_up();
        let is_trusted = self.key_cache.is_empty() || self.key_cache.was_found(&hash);
        let key = match is_trusted.then(given).flatten() {
            Some(given) => Box::pin(self.api_key_and_rule(&hash, given)).await?,
            None => self.api_key(&hash).await?,
        };
        let key = key.map(Arc::new);
        let counts_for = if key.is_some() { KNOWN_KEY_TTL } else { UNKNOWN_KEY_TTL };
        self.key_cache.insert(hash, key.clone(), key.is_some(), now, counts_for);
        Ok(key)
    }
}
