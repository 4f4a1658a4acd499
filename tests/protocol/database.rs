//! The table, as far as one category of one customer goes, and how DynamoDB carries out a transaction on it.

use crate::model::Protocol;

/// A change's UUIDv7: the writer's time, then what tells it from others of that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    pub time: i8,
    pub serial: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    Post,
    Patch,
    Delete,
}

/// A caller's request, together with its repetitions under the same key: its place among all requests. The
/// value that it asks for is its own.
pub type RequestId = u8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    Live { revision: Revision, value: RequestId },
    Deleted { revision: Revision },
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transaction {
    /// The client request token too.
    pub revision: Revision,
    pub request: RequestId,
    /// Which of the times that the request was sent.
    pub instance: u8,
    pub keyed: bool,
    pub operation: Operation,
    /// What the change was decided on; `None`: that there is no record.
    pub replaces: Option<Revision>,
    /// Decided before an erasure began.
    pub is_early: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    pub of: Transaction,
    /// An erasure has begun that will delete it.
    pub is_doomed: bool,
}

/// The conditions that failed: those on the record, the history entry, what is remembered, and the fence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a condition of its own")]
pub struct Failed {
    pub record: bool,
    pub entry: bool,
    pub remembered: bool,
    pub fence: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Table {
    pub record: Option<Record>,
    /// In the order of their commits.
    pub entries: Vec<Entry>,
    pub remembered: Vec<(RequestId, Revision)>,
    pub is_fenced: bool,
    /// Creations minted up to this time are kept away for good.
    pub gate_closed_until: Option<i8>,
    /// Of the transactions that succeeded, those that may be sent again.
    pub tokens: Vec<Revision>,
    /// What was erased.
    pub erased: Vec<(RequestId, Revision)>,
}

impl PartialOrd for Operation {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Operation {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

impl Record {
    pub fn revision(self) -> Revision {
        match self {
            Self::Live { revision, .. } | Self::Deleted { revision } => revision,
        }
    }
}

impl Failed {
    pub fn any(self) -> bool {
        self != Self::default()
    }
}

impl Table {
    /// Carries the transaction out, unless a condition fails. One that succeeded before is not carried out
    /// again while its token is known.
    pub fn execute(&mut self, transaction: &Transaction, protocol: &Protocol) -> Result<(), Failed> {
        if self.tokens.contains(&transaction.revision) {
            return Ok(());
        }
        let failed = self.check(transaction, protocol);
        if failed.any() {
            return Err(failed);
        }
        let Transaction { revision, request, .. } = *transaction;
        self.record = Some(match transaction.operation {
            Operation::Delete => Record::Deleted { revision },
            Operation::Post | Operation::Patch => Record::Live { revision, value: request },
        });
        self.entries.push(Entry { of: transaction.clone(), is_doomed: false });
        if protocol.remembers && transaction.keyed {
            self.remembered.push((request, revision));
        }
        self.tokens.push(revision);
        Ok(())
    }

    fn check(&self, transaction: &Transaction, protocol: &Protocol) -> Failed {
        let is_creation = transaction.operation == Operation::Post;
        let current = self.record.map(Record::revision);
        let decided_on = current == transaction.replaces;
        let is_earlier_tombstone =
            matches!(self.record, Some(Record::Deleted { revision }) if revision < transaction.revision);
        let holds = if is_creation && !protocol.creates_on_what_it_decided_on {
            current.is_none() || is_earlier_tombstone
        } else {
            decided_on
        };
        Failed {
            record: !holds,
            entry: self.has_entry(transaction.revision),
            remembered: protocol.remembers
                && transaction.keyed
                && self.remembered_of(transaction.request).is_some(),
            fence: is_creation
                && (self.is_fenced
                    || self.gate_closed_until.is_some_and(|end| transaction.revision.time <= end)),
        }
    }

    pub fn has_entry(&self, revision: Revision) -> bool {
        self.entries.iter().any(|entry| entry.of.revision == revision)
    }

    pub fn remembered_of(&self, request: RequestId) -> Option<Revision> {
        self.remembered.iter().find(|(of, _)| *of == request).map(|(_, revision)| *revision)
    }

    /// The first transaction of an erasure.
    pub fn erase_records(&mut self, with_fence: bool) {
        self.is_fenced = with_fence;
        self.record = None;
        self.remembered.clear();
        self.entries.iter_mut().for_each(|entry| entry.is_doomed = true);
    }

    /// Those that follow.
    pub fn erase_history(&mut self) {
        let (doomed, left) = self.entries.drain(..).partition(|entry| entry.is_doomed);
        self.entries = left;
        let doomed: Vec<Entry> = doomed;
        self.erased.extend(doomed.into_iter().map(|Entry { of, .. }| (of.request, of.revision)));
    }
}
