//! Lines that say what customers carry.

use std::collections::HashSet;

use shared::{
    clock::Clock,
    domain::{Author, Customer, CustomerId, ImportLine, ImportedCategory, OrgId},
    store::{Import, ImportTask, ImportTerms, OnConflict, Store, Unless},
};

use super::Kind;
use crate::options::{ImportOptions, OnConflictOption};

/// Actions that a transaction has room for.
const MAX_ACTIONS: usize = 100;

/// Categories of an organisation's customers.
pub(super) struct Categories {
    org: OrgId,
    /// Who made what has no author of its own.
    author: Author,
    terms: ImportTerms,
    clock: Clock,
}

impl Categories {
    pub(super) fn new(options: &ImportOptions) -> Self {
        Self {
            org: options.lines.org.clone(),
            author: options.lines.changed_by.clone().into(),
            terms: ImportTerms {
                unless: if options.allow_erased { Unless::BeingErased } else { Unless::Erased },
                on_conflict: match options.on_conflict {
                    OnConflictOption::Reject => OnConflict::Reject,
                    OnConflictOption::Update => OnConflict::Update,
                },
            },
            clock: Clock::default(),
        }
    }

    fn task<'a>(&'a self, said: &'a ImportedCategory) -> ImportTask<'a> {
        ImportTask {
            customer: Customer { org: self.org.clone(), id: said.customer },
            imported: said,
            author: said.changed_by.as_ref().unwrap_or(&self.author),
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

    /// As many as a transaction has room for, each with two actions, and each customer with another; up to the second
    /// line about one category, which is worked on behind the first.
    fn group<'a>(&self, said: impl Iterator<Item = &'a ImportedCategory>) -> usize {
        let (mut categories, mut customers) = (HashSet::new(), HashSet::new());
        let fits = |said: &&ImportedCategory| {
            customers.insert(said.customer);
            let is_first = categories.insert((said.customer, said.category.id));
            is_first && 2 * categories.len() + customers.len() <= MAX_ACTIONS
        };
        said.take_while(fits).count()
    }

    async fn take_over(&self, store: &Store, said: &ImportedCategory) -> shared::Result<Import> {
        let ImportTask { customer, imported, author } = self.task(said);
        store.import(&customer, imported, author, self.terms).await
    }

    async fn take_over_together(
        &self,
        store: &Store,
        said: &[&ImportedCategory],
    ) -> shared::Result<Option<Vec<Import>>> {
        let tasks: Vec<_> = said.iter().map(|said| self.task(said)).collect();
        store.import_together(&tasks, self.terms).await
    }
}
