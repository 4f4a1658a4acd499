//! A model of how a change is written, explored whole: every order in which two callers' requests, copies of
//! their transactions and faults can come. See `tests/README.md`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod database;
mod model;
mod promises;
mod writer;

use stateright::{Checker, HasDiscoveries, Model, Property};

use model::{Protocol, ProtocolModel, WITH_ALL_MENDS, World};

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
fn without_a_gate_a_copy_that_was_lost_before_an_erasure_is_committed_after_it() {
    let protocol = Protocol { has_a_gate: false, ..WITH_ALL_MENDS };
    breaks(promises::ERASED, protocol.clone(), ERASURE);
    breaks(promises::REFUSED, protocol, ERASURE);
}
