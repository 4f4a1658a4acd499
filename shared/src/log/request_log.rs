//! What is known of the request under way. It lies with the task that serves it: the local server
//! serves many at once in one process, and the SDK works in the caller's task.

use std::{
    cell::{Cell, OnceCell},
    time::Instant,
};

use lambda_http::{
    RequestExt,
    http::{HeaderName, HeaderValue, StatusCode},
    request::RequestContext,
};
use tracing::Level;

use crate::{
    Error,
    domain::{KeyName, OrgId},
    http::{ErrorCode, Request, Response},
};

/// Where the line of a request comes from, as filters name it.
pub const TARGET: &str = "request";

/// By which a caller names a request. What doesn't look like an identifier is not taken up.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const MAX_REQUEST_ID: usize = 128;

tokio::task_local! {
    static CURRENT: RequestLog;
}

/// One request, from when it came in.
#[derive(Debug)]
pub struct RequestLog {
    /// The caller's, or else the gateway's.
    request_id: String,
    gateway_request_id: String,
    trace_id: Option<String>,
    function: &'static str,
    cold_start: bool,
    started: Instant,
    org: OnceCell<String>,
    key_name: OnceCell<String>,
    key_lookup: Cell<bool>,
    calls: Cell<u32>,
    attempts: Cell<u32>,
    read_units: Cell<f64>,
    write_units: Cell<f64>,
    conflicts: Cell<u32>,
    outcomes_resolved: Cell<u32>,
    panicked_at: OnceCell<String>,
}

impl RequestLog {
    /// Of a request that has just come in for the function of this name; `cold_start`, if it is its
    /// environment's first.
    #[must_use]
    pub fn new(function: &'static str, cold_start: bool, request: &Request) -> Self {
        let context = request.lambda_context_ref();
        let gateways = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(gateway)) => gateway.request_id.clone(),
            _ => None,
        };
        let gateway_request_id =
            gateways.or_else(|| context.map(|context| context.request_id.clone())).unwrap_or_default();
        Self {
            request_id: callers_id(request).unwrap_or(&gateway_request_id).to_owned(),
            gateway_request_id,
            trace_id: context.and_then(|context| root(context.xray_trace_id.as_deref()?)),
            function,
            cold_start,
            started: Instant::now(),
            org: OnceCell::new(),
            key_name: OnceCell::new(),
            key_lookup: Cell::default(),
            calls: Cell::default(),
            attempts: Cell::default(),
            read_units: Cell::default(),
            write_units: Cell::default(),
            conflicts: Cell::default(),
            outcomes_resolved: Cell::default(),
            panicked_at: OnceCell::new(),
        }
    }

    /// Serves the request: whatever `serving` does is noted here.
    pub async fn scope<F: Future>(self, serving: F) -> F::Output {
        CURRENT.scope(self, serving).await
    }

    /// Writes the request's line, and its id into the answer.
    pub(crate) fn finish(answer: &mut Response, error: Option<&Error>) {
        let _outside_any_request = CURRENT.try_with(|record| {
            record.write(answer.status(), error);
            let id = HeaderValue::from_str(&record.request_id).ok();
            answer.headers_mut().extend(id.map(|id| (REQUEST_ID, id)));
        });
    }

    fn write(&self, status: StatusCode, error: Option<&Error>) {
        macro_rules! line {
            ($level:expr) => {
                tracing::event!(
                    target: TARGET,
                    $level,
                    request_id = self.request_id,
                    gateway_request_id = self.gateway_request_id,
                    trace_id = self.trace_id,
                    operation = self.function,
                    org = self.org.get(),
                    key_name = self.key_name.get(),
                    status = status.as_u16(),
                    status_class = class(status),
                    code = error.map(|error| ErrorCode::of(error).code()),
                    fault = error.and_then(Error::fault).map(|fault| fault.0.as_str()),
                    duration_ms = self.milliseconds(),
                    cold_start = self.cold_start,
                    key_lookup = self.key_lookup.get(),
                    dynamodb_calls = self.calls.get(),
                    retries = self.attempts.get().saturating_sub(self.calls.get()),
                    read_units = self.read_units.get(),
                    write_units = self.write_units.get(),
                    conflicts = above_zero(&self.conflicts),
                    outcomes_resolved = above_zero(&self.outcomes_resolved),
                    "request"
                )
            };
        }
        match status.as_u16() {
            ..500 => line!(Level::INFO),
            500 => line!(Level::ERROR),
            501.. => line!(Level::WARN),
        }
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
    note(|record| drop(record.key_name.set(name.to_string())));
}

/// The organisation that the request is about.
pub fn org(org: &OrgId) {
    note(|record| drop(record.org.set(org.to_string())));
}

/// The key was not at hand and had to be looked up.
pub fn key_looked_up() {
    note(|record| record.key_lookup.set(true));
}

/// Another writer was faster.
pub fn conflict() {
    note(|record| count(&record.conflicts));
}

/// The answer to a write was lost, and it has been found committed.
pub fn outcome_resolved() {
    note(|record| count(&record.outcomes_resolved));
}

pub fn panicked_at(place: String) {
    note(|record| drop(record.panicked_at.set(place)));
}

/// Where the request under way has panicked.
pub fn panic_place() -> String {
    CURRENT.try_with(|record| record.panicked_at.get().cloned()).ok().flatten().unwrap_or_default()
}

/// The id of the request under way.
pub fn request_id() -> Option<String> {
    CURRENT.try_with(|record| record.request_id.clone()).ok()
}

/// A call to DynamoDB begins; returns whether a request makes it.
pub fn call() -> bool {
    note(|record| count(&record.calls))
}

/// A call to DynamoDB is sent, for the first time or again.
pub fn attempt() {
    note(|record| count(&record.attempts));
}

/// What a call has consumed, by DynamoDB's account.
pub fn consumed(read_units: f64, write_units: f64) {
    note(|record| {
        record.read_units.set(record.read_units.get() + read_units);
        record.write_units.set(record.write_units.get() + write_units);
    });
}

fn callers_id(request: &Request) -> Option<&str> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
    let is_sane = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/+=@-".contains(&byte);
    ((1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(is_sane)).then_some(id)
}

/// The trace's id out of an X-Ray header such as `Root=1-…;Parent=…;Sampled=1`.
fn root(header: &str) -> Option<String> {
    header.split(';').find_map(|part| part.trim().strip_prefix("Root=")).map(ToOwned::to_owned)
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

/// What seldom happens is left out where it did not.
fn above_zero(counter: &Cell<u32>) -> Option<u32> {
    Some(counter.get()).filter(|count| *count > 0)
}
