//! What only an operator does: take categories and definitions over from elsewhere. No function calls any of this.

use std::collections::HashMap;

use super::{
    Store,
    cancellation::Commit,
    commit::ChangeSet,
    erasure::Unless,
    items, keys,
    writing::{MAX_ATTEMPTS, back_off, contended},
};
use crate::{
    Error, Result,
    domain::{
        After, Attributes, Author, CategoryAttributes, CategoryPath, Change, ChangeKind, Customer,
        DefinitionAttributes, DefinitionPath, HistoryEntry, ImportedCategory, New, NewDefinition, OrgId,
        Precondition, Record, Revision, RevisionRange, Terms,
    },
};

/// What became of a record that was to be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Import {
    /// It has been taken over by this call.
    Created,
    /// It has been taken over before, whatever happened to it since, or it says the same.
    Present,
    /// Why it is not taken over.
    Conflict(String),
}

/// A category that is to be taken over.
#[derive(Clone, Debug)]
pub struct ImportTask<'a> {
    /// Who is to carry it.
    pub customer: Customer,
    /// What was kept elsewhere.
    pub imported: &'a ImportedCategory,
    /// Who made it so.
    pub author: &'a Author,
}

/// How categories are taken over.
#[derive(Clone, Copy, Debug)]
pub struct ImportTerms {
    /// What rules out that a category is created.
    pub unless: Unless,
    /// What becomes of a category that is here and says something else.
    pub on_conflict: OnConflict,
}

/// What becomes of a category that is here, or was, and says something else than what is to be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// It is left alone.
    Reject,
    /// It says what is taken over, from then on.
    Update,
}

impl From<Unless> for ImportTerms {
    fn from(unless: Unless) -> Self {
        Self { unless, on_conflict: OnConflict::Reject }
    }
}

/// What it takes to take a category over.
enum Plan {
    /// This has to be committed.
    Change(Box<Change<CategoryAttributes>>),
    /// Nothing, for this is what becomes of it.
    Told(Import),
}

impl ImportTask<'_> {
    fn path(&self) -> CategoryPath {
        CategoryPath { owner: self.customer.clone(), id: self.imported.category.id }
    }
}

impl Store {
    /// Takes a category over as it was in another system, at the time when it became so there.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn import(
        &self,
        customer: &Customer,
        imported: &ImportedCategory,
        author: &Author,
        terms: impl Into<ImportTerms>,
    ) -> Result<Import> {
        let (task, terms) = (ImportTask { customer: customer.clone(), imported, author }, terms.into());
        let path = task.path();
        let mut record = self.read(&path).await?;
        for attempt in 0..MAX_ATTEMPTS {
            let change = match self.plan(&task, record, terms.on_conflict).await? {
                Plan::Change(change) => *change,
                Plan::Told(import) => return Ok(import),
            };
            let changes = [change];
            let set = ChangeSet::new(customer, &changes, terms.unless);
            record = match self.commit(&set).await? {
                Commit::Done | Commit::Repeated(_) => return Ok(Import::Created),
                Commit::Erased(erased) => return Ok(Import::Conflict(erased.to_string())),
                Commit::Lost(_) | Commit::NameTaken(_) => {
                    back_off(attempt).await;
                    self.read(&path).await?
                }
            };
        }
        Err(contended())
    }

    /// As [`Self::import`], for several categories in one transaction, which has room for 100 actions: two for each
    /// category, and one for each customer. No two are one customer's category. `None` where the transaction is
    /// refused, for whatever reason: nothing has been taken over then, and each has to be on its own.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn import_together(
        &self,
        tasks: &[ImportTask<'_>],
        terms: ImportTerms,
    ) -> Result<Option<Vec<Import>>> {
        let records = self.read_all(&tasks.iter().map(ImportTask::path).collect::<Vec<_>>()).await?;
        let mut told = Vec::with_capacity(tasks.len());
        let mut changes: HashMap<&Customer, Vec<Change<CategoryAttributes>>> = HashMap::new();
        for (task, record) in tasks.iter().zip(records) {
            told.push(match self.plan(task, record, terms.on_conflict).await? {
                Plan::Told(import) => import,
                Plan::Change(change) => {
                    changes.entry(&task.customer).or_default().push(*change);
                    Import::Created
                }
            });
        }
        let sets = changes.iter().map(|(owner, changes)| ChangeSet::new(*owner, changes, terms.unless));
        let sets: Vec<_> = sets.collect();
        let is_done = sets.is_empty() || self.commit_together(&sets).await?;
        Ok(is_done.then_some(told))
    }

    async fn plan(
        &self,
        task: &ImportTask<'_>,
        record: Option<Record<CategoryAttributes>>,
        on_conflict: OnConflict,
    ) -> Result<Plan> {
        let ImportTask { customer, imported, author } = task;
        let now = self.clock.timestamp();
        let change = match record {
            None => {
                let revision = imported.revision(&customer.org, author);
                let revision = revision.unwrap_or_else(|| Revision::mint(now, None));
                imported.category.clone().create(author, revision)
            }
            Some(record) if on_conflict == OnConflict::Update => {
                match imported.replace(&record, author, now) {
                    Some(change) => change,
                    None => return Ok(Plan::Told(Import::Present)),
                }
            }
            Some(record) => return self.compare(customer, imported, author, record).await.map(Plan::Told),
        };
        match self.admit(change.assignment(customer)).await {
            Ok(()) => Ok(Plan::Change(Box::new(change))),
            Err(refusal @ (Error::Invalid(_) | Error::NotFound(_))) => {
                Ok(Plan::Told(Import::Conflict(refusal.to_string())))
            }
            Err(failure) => Err(failure),
        }
    }

    /// Makes a definition of the catalogue. What is here already is left alone.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn import_definition(
        &self,
        org: &OrgId,
        new: &NewDefinition,
        author: &Author,
    ) -> Result<Import> {
        let path = DefinitionPath { owner: org.clone(), id: new.id };
        if let Some(record) = self.read(&path).await? {
            return Ok(beside_definition(&record, new));
        }
        let terms = Terms { author: author.clone(), expected: Precondition::None, idempotency: None };
        match self.create(org, new, &terms).await {
            Ok(_) => Ok(Import::Created),
            // A name is taken, or somebody else was faster.
            Err(Error::AlreadyExists(problem)) => Ok(match self.read(&path).await? {
                Some(record) => beside_definition(&record, new),
                None => Import::Conflict(problem.into_owned()),
            }),
            Err(failure) => Err(failure),
        }
    }

    /// Whether the same has been taken over before, or says what is here.
    async fn compare(
        &self,
        customer: &Customer,
        imported: &ImportedCategory,
        author: &Author,
        record: Record<CategoryAttributes>,
    ) -> Result<Import> {
        let other = "the customer has this category with other content";
        let Some(conflict) = contradiction(&record, &imported.category, other, "the category") else {
            return Ok(Import::Present);
        };
        let before = match imported.revision(&customer.org, author) {
            Some(revision) => self.entry(customer, revision).await?.is_some(),
            None => false,
        };
        if before || self.has_created(customer, imported, author, record).await? {
            Ok(Import::Present)
        } else {
            Ok(Import::Conflict(conflict))
        }
    }

    /// Whether an entry of the history says that the same author created the same category, at the same time
    /// where the import says when. Looks at the creation of what is here, and among what one Query of the
    /// history reads (1 MB): the entries of that time, or else the latest.
    async fn has_created(
        &self,
        customer: &Customer,
        imported: &ImportedCategory,
        author: &Author,
        record: Record<CategoryAttributes>,
    ) -> Result<bool> {
        let same = |entry: &HistoryEntry<CategoryAttributes>| {
            entry.change == ChangeKind::Created
                && entry.id == imported.category.id
                && entry.after == After::State(imported.category.attributes.clone())
                && entry.changed_by == author.to_string()
                && imported.changed_at.is_none_or(|moment| moment == entry.changed_at())
        };
        let created = match record {
            Record::Live(category) => Some(category.created),
            Record::Deleted { revision, .. } => {
                self.entry(customer, revision).await?.map(|deletion| deletion.created)
            }
        };
        if let Some(created) = created
            && self.entry(customer, created).await?.as_ref().is_some_and(same)
        {
            return Ok(true);
        }
        let range = match imported.changed_at {
            Some(moment) => RevisionRange::ALL.from(moment).until(moment),
            None => RevisionRange::ALL,
        };
        let id = Some(imported.category.id);
        let mut query = self.history_range(customer, range).newest_first().of_category(id);
        Ok(query.next(None, items::into_entry).await?.iter().any(same))
    }

    async fn entry(
        &self,
        customer: &Customer,
        revision: Revision,
    ) -> Result<Option<HistoryEntry<CategoryAttributes>>> {
        let item = self.item(keys::item(customer, keys::history(revision))).await?;
        item.map(items::into_entry).transpose()
    }
}

/// What becomes of a definition under an id that the catalogue knows.
fn beside_definition(record: &Record<DefinitionAttributes>, new: &NewDefinition) -> Import {
    let other = "the catalogue defines this category with other content";
    contradiction(record, new, other, "the definition").map_or(Import::Present, Import::Conflict)
}

/// Why a record can't be taken over beside what is here, unless that says the same: it has `other` content, or
/// the record, as it is `called`, was deleted.
fn contradiction<A: Attributes>(here: &Record<A>, new: &New<A>, other: &str, called: &str) -> Option<String> {
    match here {
        Record::Live(record) if record.attributes == new.attributes => None,
        Record::Live(_) => Some(other.to_owned()),
        Record::Deleted { revision, .. } => Some(format!("{called} was deleted at {}", revision.timestamp())),
    }
}
