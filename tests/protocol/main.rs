//! A model of how a change is written, explored whole: every order in which two callers' requests, copies of
//! their transactions and faults can come. See `tests/README.md`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod database;
mod promises;
mod writer;

use stateright::{Checker, HasDiscoveries, Model, Property};

use database::{Entry, Operation, Record, RequestId, Revision, Table, Transaction};
use writer::{Answer, Caller, Request, Step, Told};

/// What the protocol does so that the promises hold. Each can be left out.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is left out by a test of its own")]
pub struct Protocol {
    /// What was done under an `Idempotency-Key` is remembered in the change's own transaction.
    remembers: bool,
    /// After every answer that proves nothing the history entry is looked for, not after some of them.
    settles_all_that_is_unproven: bool,
    /// A transaction that is said to fail on its own revision has succeeded.
    knows_its_own_revision: bool,
    /// A reader takes a moment that lies ahead of its clock for the present.
    tolerates_clocks_ahead: bool,
    /// A creation is conditional on the very record, or absence of one, that it was decided on. Else it is on
    /// there being none, or a tombstone with an earlier revision.
    creates_on_what_it_decided_on: bool,
    /// A transaction that was cancelled for another one is sent again as it was. Else it is decided anew.
    sends_the_same_change_again: bool,
    /// A POST looks for what is remembered before it is refused, as other requests do.
    looks_before_it_refuses: bool,
    /// An erasure keeps creations away until it is finished.
    fences: bool,
    /// The fence stays until no copy of what was decided before it is under way.
    fence_outlasts_what_was_sent_before: bool,
    /// In its place: the fence is not removed, but opened for what is minted after its end, by any clock.
    fence_stays_for_what_was_minted_before: bool,
    /// A refusal at the fence is none where the outcome of an earlier copy is unknown.
    proves_refusals_at_the_fence: bool,
}

const WITH_ALL_MENDS: Protocol = Protocol {
    remembers: true,
    settles_all_that_is_unproven: true,
    knows_its_own_revision: true,
    tolerates_clocks_ahead: true,
    creates_on_what_it_decided_on: true,
    sends_the_same_change_again: true,
    looks_before_it_refuses: true,
    fences: true,
    fence_outlasts_what_was_sent_before: true,
    fence_stays_for_what_was_minted_before: false,
    proves_refusals_at_the_fence: true,
};

/// What can happen at most.
#[derive(Clone, Debug)]
pub struct World {
    callers: usize,
    /// Requests, repetitions aside.
    requests: u8,
    repetitions: u8,
    /// Copies and answers that are lost or late, cancelled transactions, look-ups that fail.
    faults: u8,
    /// An erasure can come.
    erases: bool,
    /// The database can forget that a transaction has succeeded while it is being sent again.
    forgets_tokens: bool,
}

/// Copies of a transaction that the SDK sends at most.
const COPIES: u8 = 2;

/// How far clocks are apart, in changes that could be made meanwhile: more than there are.
const SKEW: i8 = 20;

/// How far ahead of its own clock a reader knows the present.
const TOLERANCE: i8 = 30;

/// What was there before the first request came is nobody's.
const NOBODY: RequestId = RequestId::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Erasure {
    NotBegun,
    RecordsErased,
    HistoryErased,
    Finished,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    table: Table,
    /// Copies that nobody waits for any more, and that have not arrived yet.
    astray: Vec<Transaction>,
    callers: Vec<Caller>,
    requests: Vec<Request>,
    erasure: Erasure,
    /// How far the clock of the function that serves a caller is ahead.
    clocks: [i8; 2],
    /// Revisions minted so far: the time.
    minted: u8,
    faults: u8,
    repetitions: u8,
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
    protocol: Protocol,
    world: World,
    promises: fn() -> Vec<Property<Self>>,
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
        if self.world.erases && self.can_erase_on(state) {
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

    fn can_erase_on(&self, state: &State) -> bool {
        let is_sent_early = |caller: &Caller| matches!(&caller.step, Step::Commit { transaction, .. } if transaction.is_early);
        let sent_before =
            state.callers.iter().any(is_sent_early) || state.astray.iter().any(|copy| copy.is_early);
        match state.erasure {
            Erasure::NotBegun | Erasure::RecordsErased => true,
            Erasure::HistoryErased => !(sent_before && self.protocol.fence_outlasts_what_was_sent_before),
            Erasure::Finished => false,
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
        let Step::Commit { transaction, copies, has_lost } = &mut self.callers[caller].step else { return };
        match then {
            Then::SendAgain => (*copies, *has_lost) = (*copies + 1, true),
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
                if protocol.fence_stays_for_what_was_minted_before {
                    let latest = (0..self.callers.len()).map(|caller| self.time_of(caller)).max();
                    self.table.fenced_until = latest;
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

/// Two callers, each order of their requests and copies, and two faults.
const TWO_CHANGES: World =
    World { callers: 2, requests: 2, repetitions: 1, faults: 2, erases: false, forgets_tokens: false };

const THREE_CHANGES: World = World { requests: 3, faults: 1, ..TWO_CHANGES };

const ERASURE: World = World { faults: 1, erases: true, ..TWO_CHANGES };

const FORGETFUL: World = World { callers: 1, forgets_tokens: true, ..TWO_CHANGES };

/// Explores all that can happen in this world, or up to the first failure.
fn explore(protocol: Protocol, world: World, promises: fn() -> Vec<Property<ProtocolModel>>) {
    let model = ProtocolModel { protocol, world, promises };
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    println!("{} states, at most {} steps", checker.unique_state_count(), checker.max_depth());
    for (name, path) in checker.discoveries() {
        println!("{name}: {:#?}", path.into_actions());
    }
    checker.assert_properties();
}

/// Asserts that this promise does not hold; prints how it is broken.
fn breaks(promise: &'static str, protocol: Protocol, world: World) {
    let model = ProtocolModel { protocol, world, promises: promises::all };
    let checker = model.checker().finish_when(HasDiscoveries::AnyOf([promise].into())).spawn_bfs().join();
    let path = checker.discovery(promise).unwrap_or_else(|| panic!("nothing breaks the promise: {promise}"));
    println!("{promise}: {:#?}", path.into_actions());
}

#[test]
fn every_promise_holds_in_every_order_of_two_changes_and_two_faults() {
    explore(WITH_ALL_MENDS, TWO_CHANGES, promises::all);
}

#[test]
fn every_promise_holds_in_every_order_of_three_changes_and_a_fault() {
    explore(WITH_ALL_MENDS, THREE_CHANGES, promises::all);
}

#[test]
fn every_promise_holds_amid_an_erasure() {
    explore(WITH_ALL_MENDS, ERASURE, promises::all);
}

#[test]
fn a_caller_of_its_own_is_not_misled_by_a_database_that_forgets_what_it_has_done() {
    explore(WITH_ALL_MENDS, FORGETFUL, promises::all);
}

#[test]
fn what_matters_is_reached() {
    explore(WITH_ALL_MENDS, World { faults: 1, ..TWO_CHANGES }, promises::reached);
}

#[test]
fn without_what_is_remembered_a_repetition_changes_again() {
    let protocol = Protocol { remembers: false, ..WITH_ALL_MENDS };
    breaks(promises::ONCE, protocol.clone(), TWO_CHANGES);
    breaks(promises::REPEATED, protocol, TWO_CHANGES);
}

#[test]
fn unless_all_that_is_unproven_is_settled_a_committed_change_is_answered_with_an_error() {
    let protocol = Protocol { settles_all_that_is_unproven: false, ..WITH_ALL_MENDS };
    breaks(promises::LOOKED, protocol, TWO_CHANGES);
}

#[test]
fn unless_a_writer_knows_its_own_revision_it_refuses_what_it_has_done() {
    let protocol = Protocol { knows_its_own_revision: false, ..WITH_ALL_MENDS };
    breaks(promises::REFUSED, protocol, FORGETFUL);
}

/// DynamoDB knows a token for ten minutes, far longer than a write is sent again. Without that, another's change
/// in between could hide one's own from its writer.
#[test]
fn the_protocol_rests_on_the_database_knowing_what_it_has_done() {
    breaks(promises::REFUSED, WITH_ALL_MENDS, World { callers: 2, ..FORGETFUL });
}

#[test]
fn without_tolerance_for_clocks_ahead_an_acknowledged_moment_is_the_future() {
    let protocol = Protocol { tolerates_clocks_ahead: false, ..WITH_ALL_MENDS };
    breaks(promises::MOMENT, protocol, TWO_CHANGES);
}

/// A lost copy waits until another's deletion has left a tombstone by a clock that is behind.
#[test]
fn a_creation_on_any_earlier_tombstone_comes_after_its_refusal() {
    let protocol = Protocol { creates_on_what_it_decided_on: false, ..WITH_ALL_MENDS };
    breaks(promises::REFUSED, protocol, TWO_CHANGES);
}

#[test]
fn a_change_decided_anew_after_contention_is_refused_for_its_own_sake_or_made_twice() {
    let protocol = Protocol { sends_the_same_change_again: false, ..WITH_ALL_MENDS };
    breaks(promises::REFUSED, protocol.clone(), TWO_CHANGES);
    breaks(promises::ONCE, protocol, TWO_CHANGES);
}

#[test]
fn a_repetition_that_does_not_look_before_it_is_refused_is_refused_after_its_success() {
    let protocol = Protocol { looks_before_it_refuses: false, ..WITH_ALL_MENDS };
    breaks(promises::REPEATED, protocol, TWO_CHANGES);
}

#[test]
fn without_a_fence_a_late_creation_brings_an_erased_customer_back() {
    let protocol = Protocol { fences: false, ..WITH_ALL_MENDS };
    breaks(promises::ERASED, protocol, ERASURE);
}

#[test]
fn a_fence_that_is_removed_early_lets_a_late_creation_through() {
    let protocol = Protocol { fence_outlasts_what_was_sent_before: false, ..WITH_ALL_MENDS };
    breaks(promises::ERASED, protocol, ERASURE);
}

#[test]
fn a_fence_that_stays_for_what_was_minted_before_need_not_wait() {
    let protocol = Protocol {
        fence_outlasts_what_was_sent_before: false,
        proves_refusals_at_the_fence: false,
        fence_stays_for_what_was_minted_before: true,
        ..WITH_ALL_MENDS
    };
    explore(protocol, ERASURE, promises::all);
}

#[test]
fn a_refusal_at_the_fence_proves_nothing_of_an_earlier_copy() {
    let protocol = Protocol { proves_refusals_at_the_fence: false, ..WITH_ALL_MENDS };
    breaks(promises::REFUSED, protocol, ERASURE);
}
