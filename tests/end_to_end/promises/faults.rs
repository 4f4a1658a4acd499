//! What the service promises when the database or the way to it misbehaves: what it acknowledged
//! is there exactly once, what it did not is there whole or not at all, and the next request works.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use lambda_http::{Context, LambdaEvent, Service, aws_lambda_events::apigw::ApiGatewayV2httpResponse};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    api::{Answer, Api, CATEGORIES, HISTORY, category, send},
    proxy::{Fault, Proxy},
};

const TRANSACTION: &str = "TransactWriteItems";

/// More often than the SDK sends a call again.
const ALWAYS: usize = 1000;

async fn start() -> (Api, Proxy) {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    (api, proxy)
}

/// The operations on category 7, which exists but for the POST; what each calls to do its work,
/// and its status when all is well.
const OPERATIONS: [(&str, &str, &str, u16); 7] = [
    ("POST", "", TRANSACTION, 201),
    ("GET", "", "Query", 200),
    ("GET", "/7", "GetItem", 200),
    ("PUT", "/7", TRANSACTION, 204),
    ("PATCH", "/7", TRANSACTION, 204),
    ("DELETE", "/7", TRANSACTION, 204),
    ("GET", "/historical", "Query", 200),
];

async fn call(api: &Api, method: &str, rest: &str, value: &str) -> Answer {
    let request = api.request(method.parse().unwrap(), &format!("{CATEGORIES}{rest}"));
    let request = match method {
        "POST" => request.json(&json!({ "id": 7, "value": value })),
        "PUT" | "PATCH" => request.json(&json!({ "value": value })),
        _ => request,
    };
    send(request).await
}

/// Every function has looked the key up, and category 7 is there, but for a POST to come.
async fn prepare(api: &Api, proxy: &Proxy, method: &str) {
    proxy.mend();
    if api.get(&category(7)).await.status == 404 {
        api.create(7, "start").await;
    }
    api.patch(&category(7), json!({})).await;
    let held = api.get(&category(7)).await.json();
    api.put(&category(7), json!({ "value": held["value"] })).await;
    api.get(CATEGORIES).await;
    api.get(HISTORY).await;
    api.delete(&category(99)).await;
    if method == "POST" {
        assert_eq!(api.delete(&category(7)).await.status, 204);
    }
}

/// Reads the whole table: each category must be the fold of its history, which must be one chain.
/// Returns how many entries there are.
async fn scrub(api: &Api) -> usize {
    let mut chains: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    let history = api.pages(HISTORY, "history").await.concat();
    let state = |entry: &Value| json!({ "value": entry["value"], "description": entry["description"], "reason": entry["reason"] });
    for entry in history.iter().rev() {
        chains.entry(entry["id"].as_i64().unwrap()).or_default().push(entry.clone());
    }
    let mut carried = Vec::new();
    for chain in chains.values() {
        let mut before = Value::Null;
        for entry in chain {
            assert_eq!(entry["previous"], before, "{chain:#?}");
            assert_eq!(entry["change"] == "created", before.is_null());
            before = if entry["change"] == "deleted" { Value::Null } else { state(entry) };
        }
        let last = chain.last().unwrap();
        if last["change"] != "deleted" {
            carried.push((last["id"].clone(), before, last["changed_at"].clone()));
        }
    }
    let list = api.pages(CATEGORIES, "categories").await.concat();
    let listed: Vec<_> =
        list.iter().map(|one| (one["id"].clone(), state(one), one["updated_at"].clone())).collect();
    assert_eq!(listed, carried);

    let items = api.items().await;
    let kind =
        |prefix: &str| items.iter().filter(|item| item["sk"].as_s().unwrap().starts_with(prefix)).count();
    assert_eq!((kind("CATEGORY#"), kind("HISTORY#")), (chains.len(), history.len()));
    history.len()
}

/// One operation under a fault; returns the answer and how many entries it left.
async fn under(
    api: &Api,
    proxy: &Proxy,
    operation: (&str, &str),
    times: usize,
    action: &'static str,
    fault: Fault,
) -> (Answer, usize) {
    let (method, rest) = operation;
    prepare(api, proxy, method).await;
    let before = scrub(api).await;
    proxy.break_next(times, action, fault);
    let answer = call(api, method, rest, &format!("{fault:?} {before}")).await;
    proxy.mend();
    let left = scrub(api).await - before;
    // The next request works.
    assert!([200, 404].contains(&api.get(&category(7)).await.status));
    (answer, left)
}

fn entries(method: &str) -> usize {
    usize::from(method != "GET")
}

#[tokio::test]
async fn a_passing_fault_goes_unnoticed() {
    let (api, proxy) = start().await;
    for (method, rest, action, status) in OPERATIONS {
        for fault in [
            Fault::CutBefore,
            Fault::CutAfter,
            Fault::CutAmid,
            Fault::Error("ThrottlingException"),
            Fault::Error("ProvisionedThroughputExceededException"),
            Fault::Error("InternalServerError"),
            Fault::Late(Duration::from_millis(300)),
        ] {
            let (answer, left) = under(&api, &proxy, (method, rest), 1, action, fault).await;
            assert_eq!(
                (answer.status, left),
                (status, entries(method)),
                "{method} {rest} {fault:?}: {}",
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn a_lasting_fault_before_the_write_is_refused_and_writes_nothing() {
    let (api, proxy) = start().await;
    for (method, rest, action, _) in OPERATIONS {
        for (fault, status, code) in [
            (Fault::CutBefore, 503, "MCUS.001.005"),
            (Fault::Error("ThrottlingException"), 503, "MCUS.001.005"),
            (Fault::Error("RequestLimitExceeded"), 503, "MCUS.001.005"),
            (Fault::Error("InternalServerError"), 503, "MCUS.001.005"),
            (Fault::Error("AccessDeniedException"), 500, "MCUS.999.999"),
            (Fault::Error("ExpiredTokenException"), 500, "MCUS.999.999"),
            (Fault::Error("ResourceNotFoundException"), 500, "MCUS.999.999"),
            (Fault::Error("ValidationException"), 500, "MCUS.999.999"),
        ] {
            let (answer, left) = under(&api, &proxy, (method, rest), ALWAYS, action, fault).await;
            let details = answer.refused(status, code);
            assert!(!details.concat().contains("planted"), "{details:?}");
            assert_eq!(answer.header("retry-after"), (status == 503).then_some("1"));
            assert_eq!(left, 0, "{method} {rest} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_write_whose_every_answer_is_lost_is_found_to_be_committed() {
    let (api, proxy) = start().await;
    for (id, fault) in (8..).zip([Fault::CutAfter, Fault::CutAmid, Fault::Garbage]) {
        for (method, rest, action, status) in OPERATIONS.into_iter().filter(|(method, ..)| *method != "GET") {
            let (answer, left) = under(&api, &proxy, (method, rest), ALWAYS, action, fault).await;
            // In place of a deleted category one is created by a second transaction, which is not sent while
            // nobody knows what became of the first.
            let expected = if method == "POST" { (503, 0) } else { (status, 1) };
            assert_eq!((answer.status, left), expected, "{method} {fault:?}: {}", answer.body);
        }
        let before = scrub(&api).await;
        proxy.break_next(ALWAYS, TRANSACTION, fault);
        api.create(id, "gold").await;
        proxy.mend();
        assert_eq!(scrub(&api).await - before, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_read_whose_answers_are_lost_is_unavailable() {
    let (api, proxy) = start().await;
    for (method, rest, action, _) in OPERATIONS.into_iter().filter(|(method, ..)| *method == "GET") {
        for fault in [Fault::CutAfter, Fault::CutAmid, Fault::Garbage] {
            let (answer, _) = under(&api, &proxy, (method, rest), ALWAYS, action, fault).await;
            answer.refused(503, "MCUS.001.005");
        }
    }
}

#[tokio::test]
async fn silence_is_a_timeout_within_the_functions_time() {
    let (api, proxy) = start().await;
    let silenced =
        OPERATIONS.into_iter().filter(|(method, rest, ..)| ["POST", "GET"].contains(method) && *rest != "/7");
    for (method, rest, action, _) in silenced {
        let (answer, left) = under(&api, &proxy, (method, rest), ALWAYS, action, Fault::Silence).await;
        answer.refused(504, "MCUS.001.009");
        assert_eq!(left, 0);
    }
}

#[tokio::test]
async fn a_transaction_cancelled_by_throttling_is_sent_again() {
    let (api, proxy) = start().await;
    for (method, rest, action, status) in OPERATIONS.into_iter().filter(|(method, ..)| *method != "GET") {
        for reason in ["ThrottlingError", "ProvisionedThroughputExceeded"] {
            let fault = Fault::Cancelled(reason);
            let (answer, left) = under(&api, &proxy, (method, rest), 1, action, fault).await;
            assert_eq!((answer.status, left), (status, 1), "{method} {reason}: {}", answer.body);
        }
        let fault = Fault::Cancelled("ThrottlingError");
        let (answer, left) = under(&api, &proxy, (method, rest), ALWAYS, action, fault).await;
        answer.refused(503, "MCUS.001.005");
        assert_eq!((answer.header("retry-after"), left), (Some("1"), 0));
    }
}

#[tokio::test]
async fn a_transaction_in_the_way_is_waited_for() {
    let (api, proxy) = start().await;
    for (method, rest, action, status) in OPERATIONS.into_iter().filter(|(method, ..)| *method != "GET") {
        let fault = Fault::Error("TransactionInProgressException");
        let (answer, left) = under(&api, &proxy, (method, rest), 1, action, fault).await;
        assert_eq!((answer.status, left), (status, 1), "{method}: {}", answer.body);
    }
}

#[tokio::test]
async fn one_outage_does_not_starve_the_requests_after_it_of_retries() {
    let (api, proxy) = start().await;
    prepare(&api, &proxy, "GET").await;
    // Twice the retries that the SDK's common budget would allow.
    for _ in 0..100 {
        proxy.break_next(ALWAYS, "GetItem", Fault::Error("InternalServerError"));
        assert_eq!(api.get(&category(7)).await.status, 503);
    }
    proxy.break_next(2, "GetItem", Fault::Error("InternalServerError"));
    assert_eq!(api.get(&category(7)).await.status, 200);
}

#[tokio::test]
async fn a_panic_is_answered_and_the_next_request_served() {
    let api = Api::start().await;
    let service = shared::lambda::service(
        "not-found",
        api.app("not-found"),
        |_: Arc<shared::App>, request: shared::http::Request| async move {
            assert!(request.method() != Method::PUT, "a bug that a request meets");
            Err(shared::Error::NotFound("there is no such resource"))
        },
    );
    for (file, status, code) in
        [("not-found.method", 500, "MCUS.999.999"), ("not-found", 404, "MCUS.999.997")]
    {
        let path = format!("{}/../events/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let event = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let answer = lambda_http::Adapter::from(service.clone())
            .call(LambdaEvent::new(event, Context::default()))
            .await;
        let answer: ApiGatewayV2httpResponse =
            serde_json::from_value(serde_json::to_value(answer.unwrap()).unwrap()).unwrap();
        let body: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
        assert_eq!((answer.status_code, &body["errors"][0]["error"]["code"]), (status, &json!(code)));
    }
}

/// Has this handler answer an event that Lambda ends in so many milliseconds; returns the status.
async fn within<H, F>(millis: u64, handler: H) -> Value
where
    H: Fn(Arc<shared::App>, shared::http::Request) -> F + Clone + Send + 'static,
    F: Future<Output = shared::Result<shared::http::Response>> + Send + 'static,
{
    let api = Api::start().await;
    let service = shared::lambda::service("not-found", api.app("not-found"), handler);
    let event = include_str!("../../../events/not-found.json");
    let mut context = Context::default();
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    context.deadline = u64::try_from(since_epoch.as_millis()).unwrap() + millis;
    let event = LambdaEvent::new(serde_json::from_str(event).unwrap(), context);
    let answer = lambda_http::Adapter::from(service).call(event).await.unwrap();
    serde_json::to_value(answer).unwrap()["statusCode"].take()
}

#[tokio::test]
async fn a_request_ends_before_lambda_would_end_it() {
    assert_eq!(within(1200, |_, _| std::future::pending()).await, 504);
}

#[tokio::test]
async fn the_last_second_is_left_for_the_answer() {
    let handler = |_, _| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Err(shared::Error::NotFound("there is no such resource"))
    };
    assert_eq!(within(900, handler).await, 504);
    assert_eq!(within(60_000, handler).await, 404);
}
