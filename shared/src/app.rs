//! What every function has at hand.

use crate::{clock::Clock, http::KeyCache, store::Store};

/// Built once per execution environment.
#[derive(Debug)]
pub struct App {
    pub store: Store,
    pub clock: Clock,
    pub keys: KeyCache,
    /// Where errors are documented; `#` and the code lead to each.
    pub docs_url: String,
}

impl App {
    #[must_use]
    pub fn new(store: Store, clock: Clock, docs_url: String) -> Self {
        Self { store, clock, keys: KeyCache::default(), docs_url }
    }
}
