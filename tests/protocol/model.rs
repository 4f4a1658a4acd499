//! Callers, database and erasure together, and what each can do next.

use stateright::{Model, Property};

use crate::{
    database::{Entry, Operation, Record, RequestId, Revision, Table, Transaction},
    writer::{Answer, Caller, Request, Step, Told},
};

/// What the protocol does so that the promises hold. Each can be left out.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is left out by a test of its own")]
pub struct Protocol {
    /// What was done under an `Idempotency-Key` is remembered in the change's own transaction.
    pub remembers: bool,
    /// After every answer that proves nothing the history entry is looked for, not after some of them.
    pub settles_all_that_is_unproven: bool,
    /// A transaction that is said to fail on its own revision has succeeded.
    pub knows_its_own_revision: bool,
    /// A reader takes a moment that lies ahead of its clock for the present.
    pub tolerates_clocks_ahead: bool,
    /// A creation is conditional on the very record, or absence of one, that it was decided on. Else it is on
    /// there being none, or a tombstone with an earlier revision.
    pub creates_on_what_it_decided_on: bool,
    /// A transaction that was cancelled for another one is sent again as it was. Else it is decided anew.
    pub sends_the_same_change_again: bool,
    /// A POST looks for what is remembered before it is refused, as other requests do.
    pub looks_before_it_refuses: bool,
    /// An erasure keeps creations away until it is finished.
    pub fences: bool,
    /// Its gate stays closed afterwards to what was minted before the end, by any clock.
    pub has_a_gate: bool,
}

pub const WITH_ALL_MENDS: Protocol = Protocol {
    remembers: true,
    settles_all_that_is_unproven: true,
    knows_its_own_revision: true,
    tolerates_clocks_ahead: true,
    creates_on_what_it_decided_on: true,
    sends_the_same_change_again: true,
    looks_before_it_refuses: true,
    fences: true,
    has_a_gate: true,
};

/// What can happen at most.
#[derive(Clone, Debug)]
pub struct World {
    pub callers: usize,
    /// Requests, repetitions aside.
    pub requests: u8,
    pub repetitions: u8,
    /// Copies and answers that are lost or late, cancelled transactions, look-ups that fail.
    pub faults: u8,
    /// An erasure can come.
    pub erases: bool,
    /// The database can forget that a transaction has succeeded while it is being sent again.
    pub forgets_tokens: bool,
}

/// Copies of a transaction that the SDK sends at most.
pub const COPIES: u8 = 2;

/// How far clocks are apart, in changes that could be made meanwhile: more than there are.
pub const SKEW: i8 = 20;

/// How far ahead of its own clock a reader knows the present.
pub const TOLERANCE: i8 = 30;

/// What was there before the first request came is nobody's.
pub const NOBODY: RequestId = RequestId::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Erasure {
    NotBegun,
    RecordsErased,
    HistoryErased,
    Finished,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub table: Table,
    /// Copies that nobody waits for any more, and that have not arrived yet.
    pub astray: Vec<Transaction>,
    pub callers: Vec<Caller>,
    pub requests: Vec<Request>,
    pub erasure: Erasure,
    /// How far the clock of the function that serves a caller is ahead.
    pub clocks: [i8; 2],
    /// Revisions minted so far: the time.
    pub minted: u8,
    pub faults: u8,
    pub repetitions: u8,
}

/// What a caller's copy that is lost is followed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    SendAgain,
    GiveUp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Ask(usize, Operation, bool),
    /// The caller's last request, which has a key, is sent again.
    Repeat(usize),
    /// The copy arrives, and so does its answer.
    Arrive(usize, Told),
    /// The copy arrives, but its answer does not, or proves nothing.
    LoseAnswer(usize, Then),
    /// The copy has not arrived in time, and may come late.
    LoseCopy(usize, Then),
    /// The copy is cancelled for another transaction.
    Contend(usize),
    /// A copy arrives that nobody waits for.
    ArriveLate(usize),
    ForgetToken(Revision),
    Look(usize),
    FailToLook(usize),
    EraseOn,
}

pub struct ProtocolModel {
    pub protocol: Protocol,
    pub world: World,
    pub promises: fn() -> Vec<Property<Self>>,
}

impl Model for ProtocolModel {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut states = Vec::new();
        for before in [None, Some(Operation::Post), Some(Operation::Delete)] {
            for clocks in [[0, 0], [SKEW, 0], [0, SKEW]] {
                states.push(State {
                    table: before.map_or_else(Table::default, table_after),
                    astray: Vec::new(),
                    callers: vec![Caller::default(); self.world.callers],
                    requests: Vec::new(),
                    erasure: Erasure::NotBegun,
                    clocks,
                    minted: 1,
                    faults: self.world.faults,
                    repetitions: self.world.repetitions,
                });
            }
        }
        states
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for caller in 0..state.callers.len() {
            self.actions_of(state, caller, actions);
        }
        actions.extend((0..state.astray.len()).map(Action::ArriveLate));
        if self.world.forgets_tokens && state.faults > 0 {
            actions.extend(state.table.tokens.iter().copied().map(Action::ForgetToken));
        }
        if self.world.erases && state.erasure != Erasure::Finished {
            actions.push(Action::EraseOn);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        state.act(action, &self.protocol);
        state.forget_what_changes_nothing(self.world.forgets_tokens);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        (self.promises)()
    }
}

fn table_after(operation: Operation) -> Table {
    let revision = Revision { time: 1, serial: 1 };
    let change = Transaction {
        revision,
        request: NOBODY,
        instance: 0,
        keyed: false,
        operation,
        replaces: None,
        is_early: true,
    };
    Table {
        record: Some(match operation {
            Operation::Delete => Record::Deleted { revision },
            Operation::Post | Operation::Patch => Record::Live { revision, value: NOBODY },
        }),
        entries: vec![Entry { of: change, is_doomed: false }],
        ..Table::default()
    }
}

impl ProtocolModel {
    fn actions_of(&self, state: &State, caller: usize, actions: &mut Vec<Action>) {
        let can_fail = state.faults > 0;
        match &state.callers[caller].step {
            Step::Idle => self.requests_of(state, caller, actions),
            Step::Commit { transaction, copies, .. } => {
                actions.push(Action::Arrive(caller, Told::All));
                let mut table = state.table.clone();
                let outcome = table.execute(transaction, &self.protocol);
                if outcome.is_err_and(|failed| failed.record && (failed.entry || failed.remembered)) {
                    actions.push(Action::Arrive(caller, Told::RecordAlone));
                }
                if can_fail {
                    for then in [Then::SendAgain, Then::GiveUp] {
                        if then == Then::GiveUp || *copies < COPIES {
                            actions.push(Action::LoseCopy(caller, then));
                            if outcome.is_ok() {
                                actions.push(Action::LoseAnswer(caller, then));
                            }
                        }
                    }
                    actions.push(Action::Contend(caller));
                }
            }
            Step::Settle(_) | Step::LookForRepetition(_) => {
                actions.push(Action::Look(caller));
                if can_fail {
                    actions.push(Action::FailToLook(caller));
                }
            }
        }
    }

    fn requests_of(&self, state: &State, caller: usize, actions: &mut Vec<Action>) {
        if state.requests.len() < usize::from(self.world.requests) {
            for operation in [Operation::Post, Operation::Patch, Operation::Delete] {
                actions.extend([false, true].map(|keyed| Action::Ask(caller, operation, keyed)));
            }
        }
        let last = state.requests.iter().rfind(|request| request.caller == caller);
        let is_repeatable = last.is_some_and(|last| {
            last.keyed && matches!(last.answers.last(), Some(Answer::Done(_) | Answer::Unknown { .. }))
        });
        if is_repeatable && state.repetitions > 0 {
            actions.push(Action::Repeat(caller));
        }
    }
}

impl State {
    fn act(&mut self, action: Action, protocol: &Protocol) {
        match action {
            Action::Ask(caller, operation, keyed) => {
                let id = RequestId::try_from(self.requests.len()).unwrap();
                self.requests.push(Request { caller, operation, keyed, answers: Vec::new() });
                self.begin(caller, id, protocol);
            }
            Action::Repeat(caller) => {
                self.repetitions -= 1;
                let last = self.requests.iter().rposition(|request| request.caller == caller).unwrap();
                self.begin(caller, RequestId::try_from(last).unwrap(), protocol);
            }
            Action::Arrive(caller, told) => {
                let Step::Commit { transaction, .. } = self.callers[caller].step.clone() else { return };
                let outcome = self.table.execute(&transaction, protocol);
                self.committed(caller, &transaction, outcome, told, protocol);
            }
            Action::LoseAnswer(caller, then) => {
                let Step::Commit { transaction, .. } = self.callers[caller].step.clone() else { return };
                let _nobody_hears = self.table.execute(&transaction, protocol);
                self.lose(caller, then, protocol);
            }
            Action::LoseCopy(caller, then) => {
                let Step::Commit { transaction, .. } = self.callers[caller].step.clone() else { return };
                self.astray.push(transaction);
                self.astray.sort();
                self.lose(caller, then, protocol);
            }
            Action::Contend(caller) => {
                self.faults -= 1;
                self.contended(caller, protocol);
            }
            Action::ArriveLate(at) => {
                let copy = self.astray.remove(at);
                let _nobody_waits = self.table.execute(&copy, protocol);
            }
            Action::ForgetToken(revision) => {
                self.faults -= 1;
                self.table.tokens.retain(|token| *token != revision);
            }
            Action::Look(caller) => self.looked(caller),
            Action::FailToLook(caller) => {
                self.faults -= 1;
                self.answer(caller, Answer::Unknown { was_there: false });
            }
            Action::EraseOn => self.erase_on(protocol),
        }
    }

    fn lose(&mut self, caller: usize, then: Then, protocol: &Protocol) {
        self.faults -= 1;
        let Step::Commit { transaction, copies } = &mut self.callers[caller].step else { return };
        match then {
            Then::SendAgain => *copies += 1,
            Then::GiveUp => {
                let transaction = transaction.clone();
                self.give_up(caller, transaction, protocol);
            }
        }
    }

    fn erase_on(&mut self, protocol: &Protocol) {
        self.erasure = match self.erasure {
            Erasure::NotBegun => {
                self.table.erase_records(protocol.fences);
                Erasure::RecordsErased
            }
            Erasure::RecordsErased => {
                self.table.erase_history();
                Erasure::HistoryErased
            }
            Erasure::HistoryErased | Erasure::Finished => {
                self.table.is_fenced = false;
                if protocol.has_a_gate {
                    let latest = (0..self.callers.len()).map(|caller| self.time_of(caller)).max();
                    self.table.gate_closed_until = latest;
                }
                Erasure::Finished
            }
        };
    }

    /// States that differ in nothing that still matters are one.
    fn forget_what_changes_nothing(&mut self, forgets_tokens: bool) {
        let Self { table, astray, callers, .. } = self;
        if !forgets_tokens {
            astray.retain(|copy| !table.tokens.contains(&copy.revision));
        }
        let may_come = |token: &Revision| {
            let is_sent = |caller: &Caller| matches!(&caller.step, Step::Commit { transaction, .. } if transaction.revision == *token);
            callers.iter().any(is_sent) || astray.iter().any(|copy| copy.revision == *token)
        };
        table.tokens.retain(may_come);
    }
}
