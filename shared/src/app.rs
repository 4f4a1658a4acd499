//! What every handler is handed.

use crate::{
    clock::Clock,
    config::Config,
    store::{Store, Tables, client},
};

/// Built once per execution environment.
#[derive(Debug)]
pub struct App {
    /// Categories, their history and API keys.
    pub store: Store,
    /// The source of the time.
    pub clock: Clock,
    /// Where errors are documented; `#` and the code lead to each.
    pub docs_url: String,
    /// Whether the names of [`LOCAL_KEYS`](crate::domain::LOCAL_KEYS) are looked up like keys.
    pub takes_local_keys: bool,
}

impl App {
    /// An app over a store that has the same clock.
    #[must_use]
    pub fn new(store: Store, clock: Clock, docs_url: String) -> Self {
        Self { store, clock, docs_url, takes_local_keys: false }
    }

    /// An app whose database is a local one, and so can have the local server's keys.
    #[must_use]
    pub fn over_local_database(store: Store, clock: Clock, docs_url: String) -> Self {
        Self { takes_local_keys: true, ..Self::new(store, clock, docs_url) }
    }

    /// An app by the environment's configuration.
    ///
    /// # Errors
    /// Where the file of root certificates that the environment names is of no use.
    pub fn from_config(config: Config) -> Result<Self, String> {
        let (client, clock) = (client::from_config(&config)?, Clock::default());
        let takes_local_keys = config.endpoint.as_deref().is_some_and(client::is_local);
        let tables = Tables { categories: config.categories_table, keys: config.keys_table };
        let store = Store::new(client, tables, clock.clone());
        Ok(Self { takes_local_keys, ..Self::new(store, clock, config.docs_url) })
    }
}
