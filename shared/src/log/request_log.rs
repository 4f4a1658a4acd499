//! What is known of the request under way. It lies with the task that serves it: the local server
//! serves many at once in one process, and the SDK works in the caller's task.

use std::{
    cell::{Cell, OnceCell},
    time::Instant,
};

use tracing::Level;

use crate::{
    domain::{Customer, KeyName, OrgId, Outcome, Owner},
    error::{self, Fault},
};

/// What a change can come to.
const CHANGES: usize = 5;

/// Where the line of a request comes from, as filters name it.
pub const TARGET: &str = "request";

/// Where the line of a read of customers comes from, where the request has no other.
pub const AUDIT_TARGET: &str = "audit";

/// What a request goes by.
#[derive(Clone, Debug)]
pub struct RequestIds {
    /// The caller's name for the request, or else the gateway's.
    pub request_id: String,
    /// The gateway's name for it.
    pub gateway_request_id: String,
    /// X-Ray's trace, where it is recorded.
    pub trace_id: Option<String>,
}

impl RequestIds {
    /// The gateway's name, where the caller chose another.
    fn other_of_gateway(&self) -> Option<&str> {
        Some(self.gateway_request_id.as_str()).filter(|id| *id != self.request_id)
    }
}

/// Why a request was not answered as it asked.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The code in the error envelope.
    pub code: &'static str,
    /// What happened, where the service or the database failed.
    pub fault: Option<String>,
}

/// Of the SHA-256 in hex. These 128 bits are enough that no two customers have the same.
const CUSTOMER_HASH_DIGITS: usize = 32;

tokio::task_local! {
    static CURRENT: RequestLog;
}

/// One request, from when it came in.
#[derive(Debug)]
pub struct RequestLog {
    ids: RequestIds,
    function: &'static str,
    cold_start: bool,
    started: Instant,
    org: OnceCell<String>,
    key_name: OnceCell<String>,
    customer_hash: OnceCell<String>,
    reads_customers: Cell<bool>,
    key_lookup: Cell<bool>,
    calls: Cell<u32>,
    attempts: Cell<u32>,
    read_units: Cell<f64>,
    write_units: Cell<f64>,
    conflicts: Cell<u32>,
    outcomes_resolved: Cell<u32>,
    changes: [Cell<u32>; CHANGES],
    changes_failed: Cell<u32>,
    fault: OnceCell<String>,
    panicked_at: OnceCell<String>,
}

impl RequestLog {
    /// Of a request that has just come in for the function of this name; `cold_start`, if it is its
    /// environment's first.
    #[must_use]
    pub fn new(function: &'static str, cold_start: bool, ids: RequestIds) -> Self {
        Self {
            ids,
            function,
            cold_start,
            started: Instant::now(),
            org: OnceCell::new(),
            key_name: OnceCell::new(),
            customer_hash: OnceCell::new(),
            reads_customers: Cell::default(),
            key_lookup: Cell::default(),
            calls: Cell::default(),
            attempts: Cell::default(),
            read_units: Cell::default(),
            write_units: Cell::default(),
            conflicts: Cell::default(),
            outcomes_resolved: Cell::default(),
            changes: Default::default(),
            changes_failed: Cell::default(),
            fault: OnceCell::new(),
            panicked_at: OnceCell::new(),
        }
    }

    /// Serves the request: whatever `serving` does is noted here.
    pub async fn scope<F: Future>(self, serving: F) -> F::Output {
        CURRENT.scope(self, serving).await
    }

    /// Writes the line of the request under way, which was answered with this status; returns the id that
    /// the answer is to carry.
    pub(crate) fn finish(status: u16, failure: Option<&Failure>) -> Option<String> {
        let finished = CURRENT.try_with(|log| {
            log.write(status, failure);
            log.ids.request_id.clone()
        });
        finished.ok()
    }

    fn write(&self, status: u16, failure: Option<&Failure>) {
        let [created, updated, unchanged, deleted, absent] = &self.changes;
        let fault = self.fault.get().map(String::as_str);
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: TARGET,
                    $level,
                    request_id = self.ids.request_id,
                    gateway_request_id = self.ids.other_of_gateway(),
                    trace_id = self.ids.trace_id,
                    operation = self.function,
                    org = self.org.get(),
                    key_name = self.key_name.get(),
                    customer_hash = self.customer_hash.get(),
                    status,
                    status_class = class(status),
                    code = failure.map(|failure| failure.code),
                    fault = failure.and_then(|failure| failure.fault.as_deref()).or(fault),
                    duration_ms = self.milliseconds(),
                    cold_start = if_so(self.cold_start),
                    key_lookup = if_so(self.key_lookup.get()),
                    calls = self.calls.get(),
                    retries = above_zero(self.attempts.get().saturating_sub(self.calls.get())),
                    read_units = above_zero(self.read_units.get()),
                    write_units = above_zero(self.write_units.get()),
                    conflicts = above_zero(self.conflicts.get()),
                    outcomes_resolved = above_zero(self.outcomes_resolved.get()),
                    changes_created = above_zero(created.get()),
                    changes_updated = above_zero(updated.get()),
                    changes_unchanged = above_zero(unchanged.get()),
                    changes_deleted = above_zero(deleted.get()),
                    changes_absent = above_zero(absent.get()),
                    changes_failed = above_zero(self.changes_failed.get()),
                )
            };
        }
        match status {
            ..500 if tracing::enabled!(target: TARGET, Level::INFO) => line!(Level::INFO),
            500 if tracing::enabled!(target: TARGET, Level::ERROR) => line!(Level::ERROR),
            501.. if tracing::enabled!(target: TARGET, Level::WARN) => line!(Level::WARN),
            _ if self.reads_customers.get() => self.write_audit(status),
            _ => {}
        }
    }

    /// Who read what is held of which customer, or of which organisation's customers. It has the fields of the
    /// request's line that say so, and stands in for it where the level leaves it out.
    fn write_audit(&self, status: u16) {
        tracing::info!(
            target: AUDIT_TARGET,
            request_id = self.ids.request_id,
            gateway_request_id = self.ids.other_of_gateway(),
            operation = self.function,
            org = self.org.get(),
            key_name = self.key_name.get(),
            customer_hash = self.customer_hash.get(),
            status,
            "read of customers"
        );
    }

    /// Since the request came in, in whole microseconds.
    fn milliseconds(&self) -> f64 {
        let micros = u32::try_from(self.started.elapsed().as_micros()).unwrap_or(u32::MAX);
        f64::from(micros) / 1000.0
    }
}

/// Notes something on the request under way, if there is one; returns whether there is.
fn note(on: impl FnOnce(&RequestLog)) -> bool {
    CURRENT.try_with(on).is_ok()
}

fn count(counter: &Cell<u32>) {
    counter.set(counter.get().saturating_add(1));
}

/// The key that was sent is this one's, valid or not.
pub fn used_key(name: &KeyName) {
    note(|log| drop(log.key_name.set(name.to_string())));
}

/// The organisation that the request is about.
pub fn org(org: &OrgId) {
    note(|log| drop(log.org.set(org.to_string())));
}

/// The customer that the request is about, who is read (rather than changed) if `is_read`.
pub fn customer(customer: &Customer, is_read: bool) {
    note(|log| {
        let mut hash = customer.digest();
        hash.truncate(CUSTOMER_HASH_DIGITS);
        drop(log.customer_hash.set(hash));
        log.reads_customers.set(is_read);
    });
}

/// The request reads what customers carry, of whichever customer.
pub fn reads_customers() {
    note(|log| log.reads_customers.set(true));
}

/// The key was not at hand and had to be looked up.
pub fn key_looked_up() {
    note(|log| log.key_lookup.set(true));
}

/// Another writer was faster.
pub fn conflict() {
    note(|log| count(&log.conflicts));
}

/// The answer to a write was lost, and it has been found committed.
pub fn outcome_resolved() {
    note(|log| count(&log.outcomes_resolved));
}

/// A change of a batch came to this.
pub fn changed(outcome: Outcome) {
    let place = match outcome {
        Outcome::Created(_) => 0,
        Outcome::Updated(_) => 1,
        Outcome::Unchanged(_) => 2,
        Outcome::Deleted(_) => 3,
        Outcome::Absent => 4,
    };
    note(|log| log.changes.get(place).into_iter().for_each(count));
}

/// A change of a batch was not made, for this fault if it is the database's or ours. The first one is kept.
pub fn not_changed(fault: Option<&Fault>) {
    note(|log| {
        count(&log.changes_failed);
        if let Some(fault) = fault {
            log.fault.get_or_init(|| error::chain(fault));
        }
    });
}

pub fn panicked_at(place: String) {
    note(|log| drop(log.panicked_at.set(place)));
}

/// Where the request under way has panicked.
pub fn panic_place() -> String {
    CURRENT.try_with(|log| log.panicked_at.get().cloned()).ok().flatten().unwrap_or_default()
}

/// The id of the request under way.
pub fn request_id() -> Option<String> {
    CURRENT.try_with(|log| log.ids.request_id.clone()).ok()
}

/// A call to DynamoDB begins; returns whether a request makes it.
pub fn call() -> bool {
    note(|log| count(&log.calls))
}

/// A call to DynamoDB is sent, for the first time or again.
pub fn attempt() {
    note(|log| count(&log.attempts));
}

/// What a call has consumed, by DynamoDB's account.
pub fn consumed(read_units: f64, write_units: f64) {
    note(|log| {
        log.read_units.set(log.read_units.get() + read_units);
        log.write_units.set(log.write_units.get() + write_units);
    });
}

fn class(status: u16) -> &'static str {
    match status {
        ..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

/// What is not so is left out: every byte of a line has its price.
fn if_so(flag: bool) -> Option<bool> {
    flag.then_some(true)
}

/// What there was none of is left out.
fn above_zero<N: Default + PartialOrd>(number: N) -> Option<N> {
    Some(number).filter(|number| *number > N::default())
}
