//! A proxy between the functions and the database that breaks things on request.

use std::{
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use customers_categories::server::{
    self,
    engine::{self, ANY_LOCAL_PORT},
};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Bytes, Frame, Incoming},
    header::CONTENT_LENGTH,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use shared::store::Store;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::support::api::Api;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The connection ends before the database sees the call.
    CutBefore,
    /// The database does what it is asked, then the connection ends without an answer.
    CutAfter,
    /// The same, in the middle of the answer.
    CutAmid,
    /// The database does what it is asked; what arrives is HTTP, but not its answer.
    Garbage,
    /// The answer never comes, and the database never sees the call.
    Silence,
    /// The database does what it is asked; this error comes with this status in place of its answer.
    ErrorAfter(&'static str, u16),
    /// The database does what it is asked; a transaction is then said to be cancelled because the condition on
    /// this one of its items fails, which is as the transaction itself has just written it.
    CancelledByItself(usize),
    /// The database is not asked; this error comes instead.
    Error(&'static str),
    /// The database is not asked; the transaction is said to be cancelled for this reason.
    Cancelled(&'static str),
    /// The database is not asked; all keys that were asked for are said to be unprocessed.
    Unprocessed,
    /// Nothing, but late.
    Late(Duration),
    /// The connection ends without an answer; the database sees the call when it is delivered.
    Astray,
    /// The database is not asked; the index of carriers is said to have no throughput left, of a transaction too.
    IndexThrottled,
    /// The database does what it is asked; the transaction is then said to be cancelled for this reason.
    CancelledAfter(&'static str),
}

#[derive(Clone, Copy, Debug)]
struct Rule {
    /// `None`: whatever the call.
    action: Option<&'static str>,
    fault: Fault,
    /// Calls that pass before it applies.
    passing: usize,
    /// How often it still applies.
    left: usize,
}

#[derive(Clone, Debug, Default)]
pub struct Proxy {
    rule: Arc<Mutex<Option<Rule>>>,
    accepting: Arc<Mutex<Option<JoinHandle<()>>>>,
    astray: Arc<Mutex<Vec<reqwest::RequestBuilder>>>,
    held: watch::Sender<Held>,
    /// The table whose index is read, and the one whose index is read instead.
    index_of: Arc<Mutex<Option<(String, String)>>>,
    url: Arc<Mutex<String>>,
}

/// Calls that wait.
#[derive(Clone, Debug, Default)]
struct Held {
    /// What is in their bodies.
    containing: Option<String>,
    count: usize,
}

type Body = BoxBody<Bytes, io::Error>;

impl Proxy {
    /// From now on, `fault` happens to the next `times` calls of `action`.
    pub fn break_next(&self, times: usize, action: &'static str, fault: Fault) {
        self.break_after(0, times, action, fault);
    }

    /// Once so many calls of `action` have passed, `fault` happens to the next `times`.
    pub fn break_after(&self, passing: usize, times: usize, action: &'static str, fault: Fault) {
        *self.rule.lock().unwrap() = Some(Rule { action: Some(action), fault, passing, left: times });
    }

    /// From now on, what is asked of the index of one table is answered by that of another, which may hold what the
    /// first one did a moment ago.
    pub fn read_index_of(&self, tables: Option<(&str, &str)>) {
        *self.index_of.lock().unwrap() = tables.map(|(table, other)| (table.to_owned(), other.to_owned()));
    }

    /// A store over the API's tables that comes by here, as an operator's command would.
    pub fn store_through(&self, api: &Api) -> Store {
        let client = server::client(self.url.lock().unwrap().clone());
        Store::new(client, api.tables.clone(), api.clock.clone())
    }

    /// From now on, `fault` happens to every call.
    pub fn break_all(&self, fault: Fault) {
        *self.rule.lock().unwrap() = Some(Rule { action: None, fault, passing: 0, left: usize::MAX });
    }

    /// From now on, no fault happens.
    pub fn mend(&self) {
        *self.rule.lock().unwrap() = None;
    }

    /// Calls with this text in them wait from now on, however often they are repeated.
    pub fn hold(&self, containing: &str) {
        self.held.send_modify(|held| held.containing = Some(containing.to_owned()));
    }

    /// Waits for a call that waits.
    pub async fn holds_one(&self) {
        self.held.subscribe().wait_for(|held| held.count > 0).await.unwrap();
    }

    /// What waits goes on.
    pub fn release(&self) {
        self.held.send_modify(|held| held.containing = None);
    }

    /// Has the database see the calls that went astray; returns how many these were.
    pub async fn deliver(&self) -> usize {
        let astray = std::mem::take(&mut *self.astray.lock().unwrap());
        let count = astray.len();
        for call in astray {
            call.send().await.unwrap();
        }
        count
    }

    /// The database goes away: open connections end, new ones are refused.
    pub fn close(&self) {
        self.break_all(Fault::CutBefore);
        if let Some(accepting) = self.accepting.lock().unwrap().take() {
            accepting.abort();
        }
    }

    /// Starts in front of `endpoint`; returns where.
    pub fn serve(&self, endpoint: String) -> String {
        let (listener, address) = engine::bind(ANY_LOCAL_PORT).unwrap();
        let url = format!("http://{address}");
        self.url.lock().unwrap().clone_from(&url);
        let listener = TcpListener::from_std(listener).unwrap();
        let (proxy, http) = (self.clone(), reqwest::Client::new());
        let accepting = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (proxy, http, endpoint) = (proxy.clone(), http.clone(), endpoint.clone());
                let service = service_fn(move |request| {
                    let (proxy, http, endpoint) = (proxy.clone(), http.clone(), endpoint.clone());
                    async move { proxy.pass(&http, &endpoint, request).await }
                });
                tokio::spawn(async move {
                    // Faults end connections with an error, as they should.
                    let _faulty = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(connection), service)
                        .await;
                });
            }
        });
        *self.accepting.lock().unwrap() = Some(accepting);
        url
    }

    fn fault(&self, action: &str) -> Option<Fault> {
        let mut rule = self.rule.lock().unwrap();
        let rule = rule
            .as_mut()
            .filter(|rule| rule.left > 0 && rule.action.is_none_or(|broken| broken == action))?;
        if rule.passing > 0 {
            rule.passing -= 1;
            return None;
        }
        rule.left -= 1;
        Some(rule.fault)
    }

    /// The call, of the other table's index if another one is to be read.
    fn of_earlier_index(&self, body: Bytes) -> Bytes {
        let Some((table, other)) = self.index_of.lock().unwrap().clone() else { return body };
        let mut call: Value = serde_json::from_slice(&body).unwrap();
        if call.get("IndexName").is_none() || call["TableName"] != table.as_str() {
            return body;
        }
        call["TableName"] = other.into();
        Bytes::from(call.to_string())
    }

    async fn wait_while_held(&self, body: &[u8]) {
        let body = String::from_utf8_lossy(body);
        let is_held = |held: &Held| held.containing.as_ref().is_some_and(|text| body.contains(text.as_str()));
        if is_held(&self.held.borrow()) {
            self.held.send_modify(|held| held.count += 1);
            let mut held = self.held.subscribe();
            held.wait_for(|held| !is_held(held)).await.unwrap();
        }
    }

    /// An error here ends the connection without an answer.
    async fn pass(
        &self,
        http: &reqwest::Client,
        endpoint: &str,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, io::Error> {
        let (mut parts, body) = request.into_parts();
        // The body may be another one when it is passed on.
        parts.headers.remove(CONTENT_LENGTH);
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let target =
            parts.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let fault = self.fault(target.rsplit('.').next().unwrap_or_default());
        match fault {
            Some(Fault::CutBefore) => return Err(io::Error::other("cut before")),
            Some(Fault::Silence) => {
                tokio::time::sleep(Duration::from_mins(1)).await;
                return Err(io::Error::other("never"));
            }
            Some(Fault::Error(code)) => {
                let status = if code == "InternalServerError" { 500 } else { 400 };
                return Ok(error(status, code));
            }
            Some(Fault::Cancelled(code)) => {
                return Ok(cancelled(code));
            }
            Some(Fault::IndexThrottled) => return Ok(index_throttled(target)),
            Some(Fault::Unprocessed) => return Ok(unprocessed(&body)),
            Some(Fault::Late(delay)) => tokio::time::sleep(delay).await,
            _ => {}
        }
        let body = self.of_earlier_index(body);
        let written = body.clone();
        self.wait_while_held(&written).await;
        let call = http.post(endpoint).headers(parts.headers).body(body);
        if fault == Some(Fault::Astray) {
            self.astray.lock().unwrap().push(call);
            return Err(io::Error::other("astray"));
        }
        let forwarded = call.send().await.map_err(io::Error::other)?;
        let status = forwarded.status().as_u16();
        let body = forwarded.bytes().await.map_err(io::Error::other)?;
        match fault {
            Some(Fault::ErrorAfter(code, status)) => Ok(error(status, code)),
            Some(Fault::CancelledByItself(item)) => Ok(cancelled_by_itself(&written, item)),
            Some(Fault::CancelledAfter(code)) => Ok(cancelled(code)),
            Some(Fault::CutAfter) => Err(io::Error::other("cut after")),
            Some(Fault::CutAmid) => Ok(cut_amid(status, &body)),
            Some(Fault::Garbage) => {
                Ok(answer(200, Bytes::from_static(b"<html>Welcome to the hotel's network")))
            }
            _ => Ok(answer(status, body)),
        }
    }
}

fn unprocessed(body: &[u8]) -> Response<Body> {
    let asked: Value = serde_json::from_slice(body).unwrap();
    let left = json!({ "Responses": {}, "UnprocessedKeys": asked["RequestItems"] });
    answer(200, Bytes::from(left.to_string()))
}

fn cancelled(code: &str) -> Response<Body> {
    let problem = format!(
        r#"{{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message":"planted","CancellationReasons":[{{"Code":"{code}"}},{{"Code":"None"}}]}}"#
    );
    answer(400, Bytes::from(problem))
}

/// In DynamoDB's words.
fn index_throttled(target: &str) -> Response<Body> {
    let message = "The level of configured provisioned throughput for one or more global secondary indexes of the table \
                   was exceeded. Consider increasing your provisioning level for the under-provisioned global \
                   secondary indexes with the UpdateTable API: carriers";
    let mut problem = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": message,
    });
    if target.ends_with(".TransactWriteItems") {
        problem["__type"] = json!("com.amazonaws.dynamodb.v20120810#TransactionCanceledException");
        problem["CancellationReasons"] =
            json!([{ "Code": "ProvisionedThroughputExceeded", "Message": message }, { "Code": "None" }]);
    }
    answer(400, Bytes::from(problem.to_string()))
}

fn error(status: u16, code: &str) -> Response<Body> {
    let problem = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"planted"}}"#);
    answer(status, Bytes::from(problem))
}

/// As [`Fault::CancelledByItself`], for the transaction that this request body asks for.
fn cancelled_by_itself(body: &[u8], item: usize) -> Response<Body> {
    let asked: Value = serde_json::from_slice(body).unwrap();
    let items = asked["TransactItems"].as_array().unwrap();
    let mut reasons = vec![json!({ "Code": "None" }); items.len()];
    reasons[item] = json!({ "Code": "ConditionalCheckFailed", "Item": items[item]["Put"]["Item"] });
    let problem = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "planted",
        "CancellationReasons": reasons,
    });
    answer(400, Bytes::from(problem.to_string()))
}

fn answer(status: u16, body: Bytes) -> Response<Body> {
    let body = Full::new(body).map_err(|never: Infallible| match never {}).boxed();
    Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .body(body)
        .unwrap()
}

fn cut_amid(status: u16, body: &Bytes) -> Response<Body> {
    let length = body.len();
    let half = body.slice(..length / 2);
    let frames = [Ok(Frame::data(half)), Err(io::Error::other("cut amid"))];
    let body = BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames)));
    Response::builder().status(status).header("content-length", length).body(body).unwrap()
}
