//! Lines of an organisation's export, taken back with their history.

use shared::{
    domain::{MovedLine, OrgId, Owner},
    store::{Import, Store, Unless},
};

use super::super::import::Kind;
use crate::options::ImportOptions;

/// What an organisation had in another table.
pub(in crate::operator) struct Histories {
    org: OrgId,
    unless: Unless,
}

impl Histories {
    pub(in crate::operator) fn new(options: &ImportOptions) -> Self {
        let unless = if options.allow_erased { Unless::BeingErased } else { Unless::Erased };
        Self { org: options.lines.org.clone(), unless }
    }
}

impl Kind for Histories {
    type Said = MovedLine;
    type Subject = String;

    const COMMAND: &'static str = "import --with-history";

    fn read(&self, line: &[u8], number: u64) -> shared::Result<Option<MovedLine>> {
        Ok(match MovedLine::parse(line, number, &self.org)? {
            MovedLine::Derived => None,
            said => Some(said),
        })
    }

    /// The changes of one customer, or of the catalogue, follow each other. The note of an erasure is about nobody.
    fn subject(&self, said: &MovedLine) -> String {
        match said {
            MovedLine::Category(moved) => moved.owner.digest(),
            MovedLine::Erased { digest, .. } => digest.clone(),
            MovedLine::Definition(_) | MovedLine::Policy(_) | MovedLine::Derived => self.org.to_string(),
        }
    }

    async fn take_over(&self, store: &Store, said: &MovedLine) -> shared::Result<Import> {
        match said {
            MovedLine::Category(moved) => store.take_back(moved, self.unless).await,
            MovedLine::Definition(moved) => store.take_back(moved, self.unless).await,
            MovedLine::Policy(policy) => store.take_back_policy(&self.org, *policy).await,
            MovedLine::Erased { digest, erased_at } => {
                store.take_back_erasure(&self.org, digest, *erased_at).await
            }
            MovedLine::Derived => Ok(Import::Present),
        }
    }
}
