//! What must hold in every state, whatever has happened so far.

use stateright::Property;

use crate::{
    database::{Operation, Record, RequestId, Revision},
    model::{self, Erasure, ProtocolModel, State},
    writer::{Answer, Request},
};

pub const ONCE: &str = "a request makes at most one change, however often it is repeated";
pub const ACKNOWLEDGED: &str = "what was acknowledged is in the history";
pub const REFUSED: &str = "what was refused is not there, and does not come later";
pub const REPEATED: &str = "a repetition is answered as the first time";
pub const CHAIN: &str = "the changes are one chain, and the record is its end";
pub const LOOKED: &str = "nobody is left without an answer that could be read";
pub const MOMENT: &str = "the moment of an acknowledged change is not the future to any reader";
pub const ERASED: &str = "nothing that was decided before an erasure is there after it has begun";

pub fn all() -> Vec<Property<ProtocolModel>> {
    vec![
        Property::always(ONCE, once),
        Property::always(ACKNOWLEDGED, acknowledged),
        Property::always(REFUSED, refused),
        Property::always(REPEATED, repeated),
        Property::always(CHAIN, chain),
        Property::always(LOOKED, looked),
        Property::always(MOMENT, moment),
        Property::always(ERASED, erased),
    ]
}

/// What is worth exploring: a model in which this can't happen proves nothing.
pub fn reached() -> Vec<Property<ProtocolModel>> {
    vec![
        Property::sometimes("a change comes after its request was given up", |_, state| {
            requests(state).any(|(id, request)| {
                matches!(request.answers[..], [Answer::Unknown { .. }]) && changes_of(state, id).count() == 1
            })
        }),
        Property::sometimes("a repetition is answered from memory", |_, state| {
            requests(state)
                .any(|(_, request)| matches!(request.answers[..], [Answer::Done(_), Answer::Done(_)]))
        }),
        Property::sometimes("all that is asked for is done", |model, state| {
            requests(state)
                .filter(|(_, request)| request.answers.iter().any(|answer| answer.is_done()))
                .count()
                == usize::from(model.world.requests)
        }),
        Property::sometimes("somebody is refused", |_, state| {
            requests(state).any(|(_, request)| request.answers.contains(&Answer::Refused))
        }),
    ]
}

fn requests(state: &State) -> impl Iterator<Item = (RequestId, &Request)> {
    (0..).zip(&state.requests)
}

fn changes_of(state: &State, request: RequestId) -> impl Iterator<Item = Revision> + '_ {
    let there = state.table.entries.iter().map(|entry| (entry.of.request, entry.of.revision));
    let changes = there.chain(state.table.erased.iter().copied());
    changes.filter(move |(of, _)| *of == request).map(|(_, revision)| revision)
}

/// With what was erased the database has forgotten that it was asked for.
fn once(_: &ProtocolModel, state: &State) -> bool {
    let left: Vec<_> = state.table.entries.iter().filter(|entry| !entry.is_doomed).collect();
    requests(state).all(|(id, _)| left.iter().filter(|entry| entry.of.request == id).count() <= 1)
}

fn acknowledged(_: &ProtocolModel, state: &State) -> bool {
    requests(state).all(|(id, request)| {
        request.answers.iter().all(|answer| match answer {
            Answer::Done(revision) => changes_of(state, id).any(|change| change == *revision),
            Answer::Unchanged | Answer::Refused | Answer::Unknown { .. } => true,
        })
    })
}

/// With a key, that goes for all times that the request was sent, unless an erasure is or was under way: it
/// makes the database forget what was remembered.
fn refused(_: &ProtocolModel, state: &State) -> bool {
    let there = state.table.entries.iter().filter(|entry| !entry.is_doomed);
    there.map(|entry| &entry.of).all(|change| {
        let answers =
            state.requests.get(usize::from(change.request)).map_or(&[][..], |request| &request.answers);
        let counts = |at: usize| state.erasure == Erasure::NotBegun || at == usize::from(change.instance);
        answers.iter().enumerate().all(|(at, answer)| *answer != Answer::Refused || !counts(at))
    })
}

fn repeated(_: &ProtocolModel, state: &State) -> bool {
    state.erasure != Erasure::NotBegun
        || requests(state).all(|(_, request)| {
            let mut after = request.answers.iter().skip_while(|answer| !answer.is_done());
            let first = after.next();
            after.all(|answer| Some(answer) == first || matches!(answer, Answer::Unknown { .. }))
        })
}

fn chain(_: &ProtocolModel, state: &State) -> bool {
    let left: Vec<_> = state.table.entries.iter().filter(|entry| !entry.is_doomed).collect();
    let ends = state.erasure != Erasure::NotBegun && left.is_empty();
    let last = left.last().map(|entry| &entry.of);
    let is_record = match (state.table.record, last) {
        (None, None) => true,
        (Some(record), Some(last)) => {
            record.revision() == last.revision
                && matches!(record, Record::Live { .. }) == (last.operation != Operation::Delete)
        }
        (None, Some(_)) | (Some(_), None) => ends && state.table.record.is_none(),
    };
    is_record
        && left.windows(2).all(|pair| {
            let (before, after) = (&pair[0].of, &pair[1].of);
            let follows = match after.operation {
                Operation::Post => before.operation == Operation::Delete,
                Operation::Patch | Operation::Delete => {
                    before.operation != Operation::Delete && after.replaces == Some(before.revision)
                }
            };
            follows && before.revision < after.revision
        })
}

fn looked(_: &ProtocolModel, state: &State) -> bool {
    requests(state).all(|(_, request)| !request.answers.contains(&Answer::Unknown { was_there: true }))
}

fn moment(model: &ProtocolModel, state: &State) -> bool {
    let tolerance = if model.protocol.tolerates_clocks_ahead { model::TOLERANCE } else { 0 };
    let slowest = (0..state.callers.len()).map(|reader| state.time_of(reader)).min().unwrap_or_default();
    requests(state).flat_map(|(_, request)| &request.answers).all(|answer| match answer {
        Answer::Done(revision) => revision.time <= slowest + tolerance,
        Answer::Unchanged | Answer::Refused | Answer::Unknown { .. } => true,
    })
}

fn erased(_: &ProtocolModel, state: &State) -> bool {
    state.erasure == Erasure::NotBegun
        || state.table.entries.iter().all(|entry| entry.is_doomed || !entry.of.is_early)
}
