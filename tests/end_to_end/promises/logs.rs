//! What single requests leave in the log, and what nothing may.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::{Context, LambdaEvent, Service};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    domain::{ApiKey, KeyHash},
    http::Operation,
};
use tracing::level_filters::LevelFilter;
use uuid::Uuid;

use crate::support::{
    api::{Api, BATCH, CATEGORIES, HISTORY, category, key_of, send},
    logs::{from_level, line as line_of, lines, metrics, redact, written},
    proxy::{Fault, Proxy},
};

/// The first 32 digits of the SHA-256 of `telco#123e4567-e89b-12d3-a456-556642440000`.
const OF_CUSTOMER: &str = "691f02372d31db1cb106fbdabab1c4ed";

/// Whoever protects personal data asks who has read a customer, which the level of the log must not decide.
#[tokio::test]
async fn who_read_which_customer_is_logged_at_every_level() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let functions = customers_categories::server::gateway::functions(|function| api.app(function));
    let call = async |function: &str, key: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");
        let event = std::fs::read_to_string(format!("{folder}/{function}.json")).unwrap();
        let mut event: Value = serde_json::from_str(&event).unwrap();
        event["headers"]["x-auth-roles"] = json!(key);
        functions[function](event.to_string(), Context::default()).await.unwrap().status_code
    };
    for level in [LevelFilter::INFO, LevelFilter::WARN, LevelFilter::ERROR] {
        let (log, _guard) = from_level(level);
        for (function, key, status) in [
            ("list-categories", "API_KEY", 200),
            ("get-category", "READ_ONLY", 404),
            ("list-category-history", "READ_ONLY", 200),
        ] {
            assert_eq!(call(function, key).await, status);
            let lines = log.take();
            let [line] = lines.as_slice() else { panic!("{level}: {lines:#?}") };
            let said = json!([
                line["operation"],
                line["org"],
                line["key_name"],
                line["customer_hash"],
                line["status"],
                line["level"]
            ]);
            assert_eq!(said, json!([function, "telco", key, OF_CUSTOMER, status, "INFO"]));
            assert!(line["request_id"].is_string(), "{line}");
            // Short where it stands in for the request's line.
            assert_eq!(line.get("duration_ms").is_some(), level == LevelFilter::INFO, "{line}");
            assert_eq!(line["target"] == "audit", level != LevelFilter::INFO, "{line}");
        }
        // Of whichever customers.
        for function in ["list-carriers", "count-carriers"] {
            assert_eq!(call(function, "READ_ONLY").await, 200);
            let lines = log.take();
            let [line] = lines.as_slice() else { panic!("{level}: {lines:#?}") };
            let said = ["operation", "org", "key_name", "customer_hash", "level"].map(|field| &line[field]);
            assert_eq!(json!(said), json!([function, "telco", "READ_ONLY", null, "INFO"]));
            assert_eq!(line["target"] == "audit", level != LevelFilter::INFO, "{line}");
        }
        for (function, key, status) in [
            ("list-definitions", "API_KEY", 404),
            ("update-category", "API_KEY", 404),
            ("get-category", "none", 401),
        ] {
            assert_eq!(call(function, key).await, status);
            let lines = log.take();
            assert_eq!(lines.len(), usize::from(level == LevelFilter::INFO), "{level}: {lines:#?}");
        }
    }
}

#[tokio::test]
async fn a_line_says_what_the_request_did() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let line = line_of(&api.patch(&category(7), json!({ "value": "silver" })).await);
    let expected = json!({
        "timestamp": "a text",
        "level": "INFO",
        "request_id": "a text",
        "operation": "update-category",
        "org": "telco",
        "key_name": "API_KEY",
        "customer_hash": OF_CUSTOMER,
        "status": 204,
        "status_class": "2xx",
        "duration_ms": "a number",
        "cold_start": true,
        "key_lookup": true,
        "dynamodb_calls": 4,
        "read_units": 4.0,
        "write_units": 6.0,
    });
    assert_eq!(redact(line), expected);
    let line = line_of(&api.patch(&category(7), json!({})).await);
    assert_eq!(
        json!([
            line["cold_start"],
            line["key_lookup"],
            line["dynamodb_calls"],
            line["read_units"],
            line["write_units"]
        ]),
        json!([null, null, 1, 1.0, null])
    );
}

#[tokio::test]
async fn a_line_says_who_was_refused() {
    let api = Api::start().await;
    let line = line_of(&send(api.anonymous(Method::GET, CATEGORIES)).await);
    assert_eq!(
        json!([line["code"], line["org"], line["key_name"], line["dynamodb_calls"]]),
        json!(["MCUS.999.996", null, null, 0])
    );
    let revoked = ApiKey { revoked_at: Some(api.clock.timestamp()), ..api.key("billing") };
    api.store.put_api_key(&revoked).await.unwrap();
    let line = line_of(
        &send(api.anonymous(Method::GET, CATEGORIES).header("x-auth-roles", key_of("billing"))).await,
    );
    assert_eq!(json!([line["code"], line["key_name"]]), json!(["MCUS.999.996", "billing"]));
    let line =
        line_of(&send(api.anonymous(Method::DELETE, &category(7)).header("x-auth-roles", "READ_ONLY")).await);
    assert_eq!(
        json!([line["code"], line["org"], line["key_name"]]),
        json!(["MCUS.999.995", "telco", "READ_ONLY"])
    );
    let line = line_of(&send(api.request(Method::PUT, CATEGORIES)).await);
    assert_eq!(json!([line["operation"], line["code"]]), json!(["not-found", "MCUS.999.992"]));
}

#[tokio::test]
async fn a_line_says_what_was_retried_and_what_resolved() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    let patch = async |value: &str| api.patch(&category(7), json!({ "value": value })).await;
    patch("known").await;

    proxy.break_next(2, "TransactWriteItems", Fault::Error("ThrottlingException"));
    let answer = patch("throttled").await;
    let line = line_of(&answer);
    assert_eq!(json!([line["dynamodb_calls"], line["retries"], line["write_units"]]), json!([2, 2, 6.0]));

    proxy.break_next(2, "TransactWriteItems", Fault::Cancelled("ThrottlingError"));
    let line = line_of(&patch("throttled, by the item").await);
    assert_eq!(json!([line["status"], line["retries"], line["conflicts"]]), json!([204, 2, null]));

    proxy.break_next(3, "TransactWriteItems", Fault::Cancelled("TransactionConflict"));
    let line = line_of(&patch("in the way").await);
    assert_eq!(json!([line["status"], line["conflicts"]]), json!([204, 3]));
    let metric = ("conflicts".to_owned(), vec!["operation".to_owned()]);
    assert!(metrics(&line).contains(&(metric, "Count".to_owned())));

    proxy.break_next(6, "TransactWriteItems", Fault::CutAfter);
    let answer = patch("lost").await;
    let line = line_of(&answer);
    assert_eq!(json!([line["status"], line["outcomes_resolved"], line["retries"]]), json!([204, 1, 5]));
    let lines = lines(answer.header("x-request-id").unwrap());
    let lost = lines.iter().find(|line| line["message"] == "the answer to a write was lost").unwrap();
    assert_eq!(
        json!([lost["level"], lost["committed"], lost["target"]]),
        json!(["WARN", true, "shared::store::commit"])
    );
}

#[tokio::test]
async fn a_failures_line_names_its_cause() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    api.get(&category(7)).await;
    for (fault, cause) in [
        (Fault::Error("AccessDeniedException"), "GetItem: AccessDeniedException: planted"),
        (Fault::Error("InternalServerError"), "GetItem: InternalServerError: planted"),
        (Fault::CutBefore, "GetItem: dispatch failure"),
        (Fault::Silence, "GetItem: no answer in time"),
    ] {
        proxy.break_next(1000, "GetItem", fault);
        let line = line_of(&api.get(&category(7)).await);
        assert!(line["fault"].as_str().unwrap().starts_with(cause), "{line}");
    }
    proxy.mend();
    for item in api.items().await {
        let broken = api.client.put_item().table_name(&api.tables.categories).set_item(Some(item));
        broken.item("revision", AttributeValue::S("not a revision".into())).send().await.unwrap();
    }
    let line = line_of(&api.get(&category(7)).await);
    assert_eq!(line["fault"], "unreadable item CATEGORY#2147483655");
}

/// A function whose handler panics, with what the caller sent in the message.
async fn panics(api: &Api, event: &Value, context: Context) -> Value {
    let handler = |_, request: shared::http::Request| async move {
        panic!("met {:?} {:?}", request.headers(), request.body());
    };
    let service = shared::lambda::service("create-category", api.app("create-category"), handler);
    let event = LambdaEvent::new(serde_json::from_value(event.clone()).unwrap(), context);
    serde_json::to_value(lambda_http::Adapter::from(service).call(event).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_request_is_found_by_its_id() {
    let api = Api::start().await;
    let with = async |operation: Operation, key: &str, id: &str| {
        let path = match operation {
            Operation::CreateCategory | Operation::ListCategories => CATEGORIES.to_owned(),
            Operation::ListCategoryHistory => HISTORY.to_owned(),
            _ => category(7),
        };
        let request = api.anonymous(operation.method(), &path).header("x-auth-roles", key);
        send(request.header("X-Request-Id", id).body(r#"{"id":7,"value":"gold"}"#)).await
    };
    for operation in Operation::ALL {
        for key in ["API_KEY", "unknown"] {
            let id = format!("{}/{key}:+=@.-_", Uuid::new_v4());
            let answer = with(operation, key, &id).await;
            assert_eq!(answer.header("x-request-id"), Some(id.as_str()));
            assert_eq!(line_of(&answer)["gateway_request_id"], answer.header("apigw-requestid").unwrap());
        }
    }
    let longest = "x".repeat(96) + &Uuid::new_v4().simple().to_string();
    assert_eq!(
        with(Operation::GetCategory, "API_KEY", &longest).await.header("x-request-id"),
        Some(longest.as_str())
    );
    for insane in ["", " ", "two words", "a,b", "\"quoted\"", "<script>", "caf\u{e9}", &"x".repeat(129)] {
        let answer = with(Operation::GetCategory, "API_KEY", insane).await;
        assert_eq!(answer.header("x-request-id"), answer.header("apigw-requestid"), "{insane}");
    }
    let answer = send(api.request(Method::PUT, "/nowhere").header("X-Request-Id", "nowhere-1")).await;
    assert_eq!((answer.status, answer.header("x-request-id")), (404, Some("nowhere-1")));

    let id = Uuid::new_v4().to_string();
    let mut event: Value =
        serde_json::from_str(include_str!("../../../events/create-category.json")).unwrap();
    event["headers"]["x-request-id"] = json!(id);
    let answer = panics(&api, &event, Context::default()).await;
    assert_eq!(json!([answer["statusCode"], answer["headers"]["x-request-id"]]), json!([500, id]));
}

#[tokio::test]
async fn an_event_whose_own_id_is_no_identifier_gets_one() {
    let api = Api::start().await;
    let functions = customers_categories::server::gateway::functions(|function| api.app(function));
    let mut event: Value =
        serde_json::from_str(include_str!("../../../events/create-category.json")).unwrap();
    for id in [json!("two words"), json!(""), Value::Null, json!("x".repeat(129))] {
        event["requestContext"]["requestId"] = id.clone();
        let answer = functions["create-category"](event.to_string(), Context::default()).await.unwrap();
        let answered = answer.headers["x-request-id"].to_str().unwrap();
        assert!(!answered.is_empty() && id.as_str() != Some(answered), "{answered}");
        assert!(Uuid::parse_str(answered).is_ok(), "{answered}");
    }
}

#[tokio::test]
async fn a_panic_leaves_its_place_and_the_trace() {
    let api = Api::start().await;
    let id = Uuid::new_v4().to_string();
    let mut event: Value =
        serde_json::from_str(include_str!("../../../events/create-category.json")).unwrap();
    event["requestContext"]["requestId"] = json!(id);
    let mut context = Context::default();
    context.xray_trace_id =
        Some("Root=1-6922ac18-1f2e3d4c5b6a798801234567;Parent=1f2e3d4c5b6a7988;Sampled=1".into());
    panics(&api, &event, context).await;
    let lines = lines(&id);
    let [panic, request] = lines.as_slice() else { panic!("{lines:#?}") };
    let place = panic["message"].as_str().unwrap();
    assert!(place.starts_with("panicked at tests/end_to_end/promises/logs.rs:"), "{place}");
    assert_eq!(panic["level"], "ERROR");
    assert_eq!(request["fault"], format!("the handler {place}"));
    assert_eq!(request["trace_id"], "1-6922ac18-1f2e3d4c5b6a798801234567");
    assert_eq!(request["request_id"], id);
}

/// Asserts that no line has any of these texts in it; returns how many name the caller.
fn lines_without(secrets: &[&str]) -> usize {
    let logged = written();
    for line in &logged {
        assert!(!secrets.iter().any(|secret| line.contains(secret)), "{line}");
    }
    logged.iter().filter(|line| line.contains("\"key_name\":\"crm-backend\"")).count()
}

/// How often, at which call, and what goes wrong.
const FAULTS: [(usize, &str, Fault); 9] = [
    (0, "", Fault::Silence),
    (1000, "GetItem", Fault::CutAmid),
    (1000, "Query", Fault::Garbage),
    (1000, "Query", Fault::Error("ValidationException")),
    (1000, "GetItem", Fault::Error("ThrottlingException")),
    (3, "TransactWriteItems", Fault::Cancelled("TransactionConflict")),
    (1000, "TransactWriteItems", Fault::CutAfter),
    (1000, "TransactWriteItems", Fault::Garbage),
    (1000, "TransactWriteItems", Fault::Error("ValidationException")),
];

/// Every operation, well, malformed, refused and under every fault, with secrets planted wherever
/// a caller can put one.
#[tokio::test]
async fn nothing_that_a_caller_sends_is_logged() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    let secret = |name: &str| format!("{name}-{}", Uuid::new_v4().simple());
    let key = key_of("crm-backend");
    let (value, description, reason, repeat) =
        (secret("value"), secret("description"), secret("reason"), secret("repeat"));
    let customer = Uuid::new_v4().to_string();
    api.add_key("crm-backend").await;
    let base = format!("/v4/orgs/telco/customers/{customer}/categories");
    let call = async |method: &str, rest: &str, body: &str| {
        let path = if rest == BATCH { BATCH.to_owned() } else { format!("{base}{rest}") };
        let request = api.anonymous(method.parse().unwrap(), &path);
        let request = request
            .header("x-auth-roles", &key)
            .header("Idempotency-Key", format!("{repeat}-{}", Uuid::new_v4()));
        let request = match (method, rest) {
            ("GET", "/7") => request.header("If-None-Match", format!("\"{repeat}\"")),
            _ => request,
        };
        send(request.body(body.to_owned())).await.status
    };
    let new = json!({ "id": 7, "value": value, "description": description, "reason": reason }).to_string();
    let patch = json!({ "value": format!("{value}!"), "description": description }).to_string();
    let batch = json!({ "changes": [
        { "op": "set", "customer_id": customer, "id": 7, "value": value, "description": description },
        { "op": "delete", "customer_id": customer, "id": 8, "reason": reason },
    ]});
    let batch = batch.to_string();
    let delete = format!("/7?reason={reason}");
    let mut statuses = BTreeSet::new();
    for (times, action, fault) in FAULTS {
        proxy.break_next(times, action, fault);
        for (method, rest, body) in [
            ("POST", "", new.as_str()),
            ("GET", "", ""),
            ("GET", "/7", ""),
            ("PATCH", "/7", &patch),
            ("GET", "/historical", ""),
            ("DELETE", &delete, ""),
            ("GET", "/7?as_of=2026-01-01T00:00:00Z", ""),
            ("POST", "", &format!("{new}{reason}")),
            ("POST", "", &new.replace("\"reason\"", &format!("\"{reason}\""))),
            ("GET", &format!("?cursor={value}"), ""),
            ("GET", &format!("/{value}"), ""),
            ("PUT", &format!("/{value}"), &new),
            ("PUT", "/7", &patch),
            ("PUT", "/7", &new),
            ("POST", "/7", &new),
            ("POST", BATCH, &batch),
            ("POST", BATCH, &batch.replace("\"op\"", &format!("\"{reason}\""))),
        ] {
            statuses.insert(call(method, rest, body).await);
        }
        proxy.mend();
        // The key is to be looked up again.
        api.clock.advance(Duration::from_secs(31));
    }
    call("POST", "", &new).await;
    for item in api.items().await {
        let broken = api.client.put_item().table_name(&api.tables.categories).set_item(Some(item));
        broken.item("created", AttributeValue::S(value.clone())).send().await.unwrap();
    }
    statuses.insert(call("GET", "/7", "").await);
    let mut event: Value =
        serde_json::from_str(include_str!("../../../events/create-category.json")).unwrap();
    event["body"] = json!(new);
    event["headers"]["x-auth-roles"] = json!(key);
    panics(&api, &event, Context::default()).await;
    assert!(statuses.is_superset(&[200, 201, 204, 400, 404, 405, 500, 503].into()), "{statuses:?}");

    let named = lines_without(&[
        &key,
        &value,
        &description,
        &reason,
        &repeat,
        &customer,
        KeyHash::of(key.as_bytes()).as_str(),
    ]);
    assert!(named > 50, "{named}");
}
