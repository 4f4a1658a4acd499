//! Lines that say what categories mean.

use shared::{
    domain::{Author, NewDefinition, OrgId},
    store::{Import, Store},
};

use super::super::import::Kind;
use crate::options::LinesOptions;

/// Definitions of an organisation's catalogue.
pub(super) struct Definitions {
    org: OrgId,
    author: Author,
}

impl Definitions {
    pub(super) fn new(options: &LinesOptions) -> Self {
        Self { org: options.org.clone(), author: options.changed_by.clone().into() }
    }
}

impl Kind for Definitions {
    type Said = NewDefinition;
    type Subject = ();

    const COMMAND: &'static str = "catalogue import";

    fn read(&self, line: &[u8], number: u64) -> shared::Result<Option<NewDefinition>> {
        NewDefinition::parse_line(line, number).map(Some)
    }

    /// One for all, so that lines follow one another: of two lines with one name, the first gets it.
    fn subject(&self, _: &NewDefinition) {}

    async fn take_over(&self, store: &Store, said: &NewDefinition) -> shared::Result<Import> {
        store.import_definition(&self.org, said, &self.author).await
    }
}
