//! The service and its callers: what becomes of a request, step by step, as in `shared/src/store/writing.rs`
//! and `shared/src/store/commit.rs`.

use crate::{
    database::{Failed, Operation, Record, RequestId, Revision, Transaction},
    model::{Erasure, Protocol, State},
};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    pub caller: usize,
    pub operation: Operation,
    pub keyed: bool,
    /// One for each time that it was sent, the one that is being carried out aside.
    pub answers: Vec<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// 2xx with this revision.
    Done(Revision),
    /// 2xx: it is as asked for already.
    Unchanged,
    /// 4xx.
    Refused,
    /// 5xx.
    Unknown {
        /// The change was there to be found.
        was_there: bool,
    },
}

/// What the service does for a caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Step {
    #[default]
    Idle,
    /// A copy of the transaction is under way, and its answer is waited for.
    Commit {
        transaction: Transaction,
        /// Copies sent so far, this one included.
        copies: u8,
    },
    /// The outcome is unknown: looks for the history entry.
    Settle(Transaction),
    /// Looks whether the request was carried out before, and else gives this answer.
    LookForRepetition(Answer),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Caller {
    pub step: Step,
    /// What is being carried out.
    pub current: RequestId,
}

/// What a cancelled transaction is told about: every condition that failed, or the record's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    All,
    RecordAlone,
}

impl Answer {
    pub(crate) fn is_done(self) -> bool {
        matches!(self, Self::Done(_))
    }
}

impl State {
    pub fn begin(&mut self, caller: usize, request: RequestId, protocol: &Protocol) {
        self.callers[caller].current = request;
        match self.requests[usize::from(request)].operation {
            Operation::Post => self.send(caller, None),
            Operation::Patch | Operation::Delete => self.decide(caller, self.table.record, protocol),
        }
    }

    fn decide(&mut self, caller: usize, record: Option<Record>, protocol: &Protocol) {
        let id = self.callers[caller].current;
        match (record, self.requests[usize::from(id)].operation) {
            (Some(Record::Live { value, .. }), Operation::Patch) if value == id => {
                self.answer_unless_repeated(caller, Answer::Unchanged, protocol);
            }
            (Some(Record::Live { revision, .. }), _) => self.send(caller, Some(revision)),
            (None | Some(Record::Deleted { .. }), _) => {
                self.answer_unless_repeated(caller, Answer::Refused, protocol);
            }
        }
    }

    /// Mints a revision for a change that replaces this one, and sends the transaction.
    fn send(&mut self, caller: usize, replaces: Option<Revision>) {
        let revision = self.mint(caller, replaces);
        let id = self.callers[caller].current;
        let request = &self.requests[usize::from(id)];
        let transaction = Transaction {
            revision,
            request: id,
            instance: u8::try_from(request.answers.len()).unwrap(),
            keyed: request.keyed,
            operation: request.operation,
            replaces,
            is_early: self.erasure == Erasure::NotBegun,
        };
        self.callers[caller].step = Step::Commit { transaction, copies: 1 };
    }

    /// Time passes with every change, so no two writers with the same clock mint the same time.
    fn mint(&mut self, caller: usize, after: Option<Revision>) -> Revision {
        self.minted += 1;
        let fresh = Revision { time: self.time_of(caller), serial: self.minted };
        match after {
            Some(after) if fresh <= after => Revision { time: after.time + 1, ..fresh },
            _ => fresh,
        }
    }

    /// What the clock of the function that serves this caller says.
    pub(crate) fn time_of(&self, caller: usize) -> i8 {
        i8::try_from(self.minted).unwrap() + self.clocks[caller]
    }

    /// The answer to a copy has arrived.
    pub fn committed(
        &mut self,
        caller: usize,
        transaction: &Transaction,
        outcome: Result<(), Failed>,
        told: Told,
        protocol: &Protocol,
    ) {
        let Err(failed) = outcome else {
            return self.answer(caller, Answer::Done(transaction.revision));
        };
        let is_told = |failed: bool| failed && told == Told::All;
        let remembered = self.table.remembered_of(transaction.request);
        if is_told(failed.fence) {
            self.answer(caller, Answer::Refused);
        } else if is_told(failed.entry) {
            self.answer(caller, Answer::Done(transaction.revision));
        } else if let Some(remembered) = remembered.filter(|_| is_told(failed.remembered)) {
            self.answer(caller, Answer::Done(remembered));
        } else {
            self.lost(caller, transaction, protocol);
        }
    }

    /// The record is not what the change was decided on.
    fn lost(&mut self, caller: usize, transaction: &Transaction, protocol: &Protocol) {
        let record = self.table.record;
        let is_own = record.is_some_and(|record| record.revision() == transaction.revision);
        if is_own && protocol.knows_its_own_revision {
            return self.answer(caller, Answer::Done(transaction.revision));
        }
        match (transaction.operation, record) {
            (Operation::Patch | Operation::Delete, _) => self.decide(caller, record, protocol),
            (Operation::Post, Some(Record::Live { .. })) if protocol.looks_before_it_refuses => {
                self.answer_unless_repeated(caller, Answer::Refused, protocol);
            }
            (Operation::Post, Some(Record::Live { .. })) => self.answer(caller, Answer::Refused),
            (Operation::Post, record) => self.send(caller, record.map(Record::revision)),
        }
    }

    /// The transaction was cancelled for another one on the same items.
    pub fn contended(&mut self, caller: usize, protocol: &Protocol) {
        let Step::Commit { transaction, copies, .. } = &mut self.callers[caller].step else { return };
        if protocol.sends_the_same_change_again {
            *copies = 1;
            return;
        }
        match transaction.operation {
            Operation::Post => {
                let replaces = transaction.replaces;
                self.send(caller, replaces);
            }
            Operation::Patch | Operation::Delete => self.decide(caller, self.table.record, protocol),
        }
    }

    /// No copy is sent any more, and what became of the transaction is not known.
    pub fn give_up(&mut self, caller: usize, transaction: Transaction, protocol: &Protocol) {
        if protocol.settles_all_that_is_unproven {
            self.callers[caller].step = Step::Settle(transaction);
        } else {
            let was_there = self.table.has_entry(transaction.revision);
            self.answer(caller, Answer::Unknown { was_there });
        }
    }

    /// What is looked for has been read.
    pub fn looked(&mut self, caller: usize) {
        let request = self.callers[caller].current;
        let answer = match &self.callers[caller].step {
            Step::Settle(of) if self.table.has_entry(of.revision) => Answer::Done(of.revision),
            Step::Settle(_) => Answer::Unknown { was_there: false },
            Step::LookForRepetition(else_) => self.table.remembered_of(request).map_or(*else_, Answer::Done),
            Step::Idle | Step::Commit { .. } => return,
        };
        self.answer(caller, answer);
    }

    fn answer_unless_repeated(&mut self, caller: usize, answer: Answer, protocol: &Protocol) {
        let request = self.callers[caller].current;
        if self.requests[usize::from(request)].keyed && protocol.remembers {
            self.callers[caller].step = Step::LookForRepetition(answer);
        } else {
            self.answer(caller, answer);
        }
    }

    pub fn answer(&mut self, caller: usize, answer: Answer) {
        let Caller { step, current } = &mut self.callers[caller];
        *step = Step::Idle;
        self.requests[usize::from(*current)].answers.push(answer);
        *current = RequestId::default();
    }
}
