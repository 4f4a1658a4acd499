//! What only an operator does: take categories and definitions over from elsewhere, hand out all that is held
//! on a customer. No function calls any of this.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Store,
    commit::Commit,
    erasure::Unless,
    items::{self, Item},
    keys,
    range_query::RangeQuery,
    writing::{MAX_ATTEMPTS, back_off, contended},
};
use crate::{
    Error, Result,
    domain::{
        After, Attributes, Author, CategoryAttributes, CategoryPath, ChangeKind, Customer,
        DefinitionAttributes, DefinitionPath, HistoryEntry, ImportedCategory, New, NewDefinition, OrgId,
        Owner, Record, Remembered, Revision, RevisionRange, Revisions, Terms,
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

/// How much is held on a customer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemCounts {
    /// Categories that the customer carries.
    pub categories: usize,
    /// What deleted categories have left behind.
    pub tombstones: usize,
    /// Entries of the history.
    pub changes: usize,
    /// Requests that are remembered by their `Idempotency-Key`.
    pub remembered: usize,
}

/// One thing that is held on a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// A category, or the tombstone of one.
    Record(Record<CategoryAttributes>),
    /// An entry of the history.
    Change(HistoryEntry<CategoryAttributes>),
    /// A request that is remembered by its `Idempotency-Key`.
    Remembered(Remembered),
}

/// All that is held on a customer, page by page: first the categories in the order of their ids,
/// then the changes, oldest first.
pub struct CustomerItems {
    scan: RangeQuery,
}

impl Store {
    /// Creates a category as it was in another system, at the time when it became so there; `unless` rules
    /// it out. What is here already is left alone.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn import(
        &self,
        customer: &Customer,
        imported: &ImportedCategory,
        author: &Author,
        unless: Unless,
    ) -> Result<Import> {
        let path = CategoryPath { owner: customer.clone(), id: imported.category.id };
        let mut record = self.read(&path).await?;
        for attempt in 0..MAX_ATTEMPTS {
            if let Some(record) = record {
                return self.compare(customer, imported, author, record).await;
            }
            let revision = imported.revision(&customer.org, author);
            let revision = revision.unwrap_or_else(|| Revision::mint(self.clock.timestamp(), None));
            let change = imported.category.clone().create(author, revision);
            match self.admit(change.assignment(customer)).await {
                Ok(()) => {}
                Err(refusal @ (Error::Invalid(_) | Error::NotFound(_))) => {
                    return Ok(Import::Conflict(refusal.to_string()));
                }
                Err(failure) => return Err(failure),
            }
            record = match self.commit(customer, &change, None, Some(unless)).await? {
                Commit::Done(_) | Commit::Repeated(_) => return Ok(Import::Created),
                Commit::Lost(Some(current)) => Some(current),
                Commit::Erased(erased) => return Ok(Import::Conflict(erased.to_string())),
                Commit::Lost(None) | Commit::NameTaken(_) => {
                    back_off(attempt).await;
                    self.read(&path).await?
                }
            };
        }
        Err(contended())
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
        let terms = Terms { author: author.clone(), expected: Revisions::Any, idempotency: None };
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

    /// All that is held on a customer.
    #[must_use]
    pub fn customer_items(&self, customer: &Customer) -> CustomerItems {
        CustomerItems { scan: self.scan_partition(customer) }
    }

    /// How much is held on a customer. It is all read for that, page by page.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn count_items(&self, customer: &Customer) -> Result<ItemCounts> {
        let mut scan = self.scan_keys(customer);
        let mut count_items = ItemCounts::default();
        while !scan.done {
            scan.next(None, Ok).await?.iter().for_each(|item| count_items.count(item));
        }
        Ok(count_items)
    }

    pub(super) fn scan_partition(&self, owner: &impl Owner) -> RangeQuery {
        let query = self
            .client
            .query()
            .table_name(&self.tables.categories)
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", keys::PARTITION_KEY)
            .expression_attribute_values(":pk", AttributeValue::S(keys::partition(owner)))
            .consistent_read(true);
        RangeQuery::new(query)
    }

    /// The keys and what it takes to count, so that an unreadable item is no obstacle.
    fn scan_keys(&self, customer: &Customer) -> RangeQuery {
        let scan = self.scan_partition(customer);
        let query = scan
            .query
            .projection_expression("#pk, #sk, #created")
            .expression_attribute_names("#sk", keys::SORT_KEY)
            .expression_attribute_names("#created", "created");
        RangeQuery { query, ..scan }
    }
}

impl CustomerItems {
    /// The next page, at most 1 MB; `None` at the end.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn next(&mut self) -> Result<Option<Vec<Held>>> {
        if self.scan.done {
            return Ok(None);
        }
        let read = |item: Item| match kind(&item) {
            Kind::Change => items::into_entry(item).map(Held::Change).map(Some),
            Kind::Remembered => items::into_request(item).map(Held::Remembered).map(Some),
            Kind::Category | Kind::Tombstone => items::into_record(item).map(Held::Record).map(Some),
            Kind::Fence => Ok(None),
        };
        let page = self.scan.next(None, read).await?;
        Ok(Some(page.into_iter().flatten().collect()))
    }
}

impl ItemCounts {
    /// All of them together.
    #[must_use]
    pub fn total(self) -> usize {
        self.categories + self.tombstones + self.changes + self.remembered
    }

    pub(super) fn count(&mut self, item: &Item) {
        match kind(item) {
            Kind::Category => self.categories += 1,
            Kind::Tombstone => self.tombstones += 1,
            Kind::Change => self.changes += 1,
            Kind::Remembered => self.remembered += 1,
            Kind::Fence => {}
        }
    }
}

impl std::ops::AddAssign for ItemCounts {
    fn add_assign(&mut self, other: Self) {
        self.categories += other.categories;
        self.tombstones += other.tombstones;
        self.changes += other.changes;
        self.remembered += other.remembered;
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

/// The kinds of item that a customer's partition has.
pub(super) enum Kind {
    Category,
    Tombstone,
    Change,
    Remembered,
    /// Of an erasure that is under way.
    Fence,
}

pub(super) fn kind(item: &Item) -> Kind {
    let key = keys::sort_key(item).unwrap_or_default();
    match () {
        () if keys::is_fence(item) => Kind::Fence,
        () if key.starts_with(keys::HISTORY) => Kind::Change,
        () if key.starts_with(keys::IDEMPOTENCY) => Kind::Remembered,
        () if item.contains_key("created") => Kind::Category,
        () => Kind::Tombstone,
    }
}
