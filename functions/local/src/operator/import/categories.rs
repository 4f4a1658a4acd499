//! Lines that say what customers carry.

use shared::{
    clock::Clock,
    domain::{Author, Customer, CustomerId, ImportLine, ImportedCategory, OrgId},
    store::{Import, Store, Unless},
};

use super::Kind;
use crate::options::ImportOptions;

/// Categories of an organisation's customers.
pub(super) struct Categories {
    org: OrgId,
    /// Who made what has no author of its own.
    author: Author,
    unless: Unless,
    clock: Clock,
}

impl Categories {
    pub(super) fn new(options: &ImportOptions) -> Self {
        Self {
            org: options.lines.org.clone(),
            author: options.lines.changed_by.clone().into(),
            unless: if options.allow_erased { Unless::BeingErased } else { Unless::Erased },
            clock: Clock::default(),
        }
    }
}

impl Kind for Categories {
    type Said = ImportedCategory;
    type Subject = CustomerId;

    const COMMAND: &'static str = "import";

    fn read(&self, line: &[u8], number: u64) -> shared::Result<Option<ImportedCategory>> {
        Ok(match ImportLine::parse(line, number, &self.org, self.clock.timestamp())? {
            ImportLine::Category(imported) => Some(imported),
            ImportLine::Other => None,
        })
    }

    /// A customer's transactions all check the same note.
    fn subject(&self, said: &ImportedCategory) -> CustomerId {
        said.customer
    }

    async fn take_over(&self, store: &Store, said: &ImportedCategory) -> shared::Result<Import> {
        let customer = Customer { org: self.org.clone(), id: said.customer };
        let author = said.changed_by.as_ref().unwrap_or(&self.author);
        store.import(&customer, said, author, self.unless).await
    }
}
