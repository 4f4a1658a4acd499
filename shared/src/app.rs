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
}

impl App {
    /// An app over a store that has the same clock.
    #[must_use]
    pub fn new(store: Store, clock: Clock, docs_url: String) -> Self {
        Self { store, clock, docs_url }
    }

    /// An app by the environment's configuration.
    ///
    /// # Errors
    /// Where the file of root certificates that the environment names is of no use.
    pub fn from_config(config: Config) -> Result<Self, String> {
        let (client, clock) = (client::from_config(&config)?, Clock::default());
        let tables = Tables { categories: config.categories_table, keys: config.keys_table };
        Ok(Self::new(Store::new(client, tables, clock.clone()), clock, config.docs_url))
    }
}
