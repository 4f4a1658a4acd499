//! What is logged. Every request of the suite is held against the line that it left ([`check`]);
//! here is what single requests leave, and what nothing may.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, Write},
    panic,
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use jsonschema::Validator;
use lambda_http::{Context, LambdaEvent, Service};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    domain::{ApiKey, KeyHash, KeyName, Orgs, Permission},
    http::{ErrorCode, Operation},
    log::{self, JsonLines},
};
use tracing::level_filters::LevelFilter;
use uuid::Uuid;

use crate::support::{
    api::{Answer, Api, CATEGORIES, CUSTOMER, HISTORY, category, send},
    proxy::{Fault, Proxy},
};

pub const NAMESPACE: &str = "the-suite";

const README: &str = include_str!("../../../README.md");

/// Every line that this process has logged, by the request it belongs to.
static LOG: LazyLock<Lines> = LazyLock::new(|| {
    let lines = Lines::default();
    let writer = lines.clone();
    // The local gateway's own lines name paths, which the functions' must not.
    let targets = log::targets(LevelFilter::INFO).with_target("customers_categories", LevelFilter::OFF);
    let tests_own = panic::take_hook();
    log::to(JsonLines::new(move || writer.clone(), NAMESPACE.to_owned()), targets);
    let functions = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        functions(panic);
        tests_own(panic);
    }));
    lines
});

#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<HashMap<String, Vec<String>>>>);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(line).map_err(io::Error::other)?;
        let request = serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|line| line["request_id"].as_str().map(ToOwned::to_owned));
        self.0.lock().unwrap().entry(request.unwrap_or_default()).or_default().push(text.to_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Logs the functions' lines from now on.
pub fn start() {
    LazyLock::force(&LOG);
}

/// The lines of a request, each of which must be one JSON object.
fn lines(request_id: &str) -> Vec<Value> {
    let lines = LOG.0.lock().unwrap().get(request_id).cloned().unwrap_or_default();
    let parse = |line: String| {
        assert_eq!(line.find('\n'), Some(line.len() - 1), "{line}");
        serde_json::from_str(&line).unwrap()
    };
    lines.into_iter().map(parse).collect()
}

/// The one line that says how the answer's request went.
pub fn line(answer: &Answer) -> Value {
    let id = answer.header("x-request-id").unwrap();
    let (mut requests, others): (Vec<_>, Vec<_>) =
        lines(id).into_iter().partition(|line| line["message"] == "request");
    assert_eq!(requests.len(), 1, "{id}: {requests:?} {others:?}");
    requests.remove(0)
}

/// The fields of a request's line.
static FIELDS: LazyLock<Value> = LazyLock::new(|| {
    let id = json!({ "type": "string", "pattern": "^[A-Za-z0-9._:/+=@-]{1,128}$" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let counted = json!({ "type": "integer", "minimum": 1 });
    let amount = json!({ "type": "number", "minimum": 0 });
    let functions: Vec<_> = crate::support::template::TEMPLATE.functions().into_keys().collect();
    json!({
        "timestamp": { "type": "string", "format": "date-time", "pattern": r"^.{19}\.\d{3}Z$" },
        "level": { "enum": ["INFO", "WARN", "ERROR"] },
        "message": { "const": "request" },
        "request_id": id,
        "gateway_request_id": id,
        "trace_id": { "type": "string", "pattern": "^1-[0-9a-f]{8}-[0-9a-f]{24}$" },
        "operation": { "enum": functions },
        "org": { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" },
        "key_name": { "type": "string", "maxLength": 100 },
        "status": { "type": "integer" },
        "status_class": { "enum": ["2xx", "3xx", "4xx", "5xx"] },
        "code": { "enum": ErrorCode::ALL.map(ErrorCode::code) },
        "fault": { "type": "string", "minLength": 1 },
        "duration_ms": amount,
        "cold_start": { "type": "boolean" },
        "key_lookup": { "type": "boolean" },
        "dynamodb_calls": count,
        "retries": count,
        "read_units": amount,
        "write_units": amount,
        "conflicts": counted,
        "outcomes_resolved": counted,
        "_aws": EMF["properties"]["_aws"],
    })
});

/// What a request's line may be without.
const OPTIONAL: [&str; 7] =
    ["trace_id", "org", "key_name", "code", "fault", "conflicts", "outcomes_resolved"];

/// CloudWatch's embedded metric format, by its specification.
static EMF: LazyLock<Value> = LazyLock::new(|| {
    let name = |most: u32| json!({ "type": "string", "minLength": 1, "maxLength": most });
    let units =
        ["Seconds", "Microseconds", "Milliseconds", "Bytes", "Count", "Count/Second", "Percent", "None"];
    json!({
        "type": "object",
        "required": ["_aws"],
        "properties": {
            "_aws": {
                "type": "object",
                "required": ["Timestamp", "CloudWatchMetrics"],
                "additionalProperties": false,
                "properties": {
                    "Timestamp": { "type": "integer", "minimum": 1_600_000_000_000_u64 },
                    "CloudWatchMetrics": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["Namespace", "Dimensions", "Metrics"],
                            "additionalProperties": false,
                            "properties": {
                                "Namespace": name(1024),
                                "Dimensions": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": { "type": "array", "maxItems": 30, "items": name(250) },
                                },
                                "Metrics": {
                                    "type": "array",
                                    "minItems": 1,
                                    "maxItems": 100,
                                    "items": {
                                        "type": "object",
                                        "required": ["Name"],
                                        "additionalProperties": false,
                                        "properties": {
                                            "Name": name(1024),
                                            "Unit": { "enum": units },
                                            "StorageResolution": { "enum": [1, 60] },
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    })
});

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap()
}

/// A metric as a line defines it: name, dimensions.
type Metric = (String, Vec<String>);

/// The metrics that CloudWatch makes of a line: all that it refers to must be in the line.
fn metrics(line: &Value) -> Vec<(Metric, String)> {
    static VALID: LazyLock<Validator> = LazyLock::new(|| validator(&EMF));
    let problems: Vec<_> = VALID.iter_errors(line).map(|problem| problem.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?} {line}");
    let mut found = Vec::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        assert_eq!(directive["Namespace"], NAMESPACE);
        for dimensions in directive["Dimensions"].as_array().unwrap() {
            let dimensions: Vec<String> =
                dimensions.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
            for name in &dimensions {
                assert!(!line[name].as_str().unwrap().is_empty(), "{name}: {line}");
            }
            for metric in directive["Metrics"].as_array().unwrap() {
                let name = metric["Name"].as_str().unwrap();
                assert!(line[name].is_number(), "{name}: {line}");
                let unit = metric["Unit"].as_str().unwrap().to_owned();
                found.push(((name.to_owned(), dimensions.clone()), unit));
            }
        }
    }
    found
}

/// Asserts that an answer's request left one line as it should, and nothing of the customer.
pub fn check(answer: &Answer) {
    static VALID: LazyLock<Validator> = LazyLock::new(|| {
        let required = FIELDS.as_object().unwrap().keys().filter(|name| !OPTIONAL.contains(&name.as_str()));
        let required: Vec<_> = required.collect();
        validator(&json!({ "properties": *FIELDS, "required": required, "additionalProperties": false }))
    });
    let line = line(answer);
    let problems: Vec<_> = VALID.iter_errors(&line).map(|problem| problem.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?} {line}");
    metrics(&line);
    let status = answer.status;
    let level = match status {
        500 => "ERROR",
        501.. => "WARN",
        _ => "INFO",
    };
    assert_eq!((&line["status"], &line["level"]), (&json!(status), &json!(level)), "{line}");
    assert_eq!(line["status_class"], format!("{}xx", status / 100));
    assert_eq!(line.get("code").is_some(), status >= 400, "{line}");
    assert_eq!(line.get("fault").is_some(), status >= 500, "{line}");
    for line in lines(answer.header("x-request-id").unwrap()) {
        assert!(!line.to_string().contains(CUSTOMER.rsplit('/').next().unwrap()), "{line}");
    }
}

/// What varies from run to run becomes its kind.
fn redact(mut line: Value) -> Value {
    for name in ["timestamp", "request_id", "gateway_request_id", "duration_ms"] {
        line[name] = if line[name].is_number() { json!("a number") } else { json!("a text") };
    }
    line["_aws"]["Timestamp"] = json!("a number");
    line
}

#[tokio::test]
async fn a_line_says_what_the_request_did() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let line = line(&api.patch(&category(7), json!({ "value": "silver" })).await);
    let expected = json!({
        "timestamp": "a text",
        "level": "INFO",
        "message": "request",
        "request_id": "a text",
        "gateway_request_id": "a text",
        "operation": "update-category",
        "org": "telco",
        "key_name": "API_KEY",
        "status": 204,
        "status_class": "2xx",
        "duration_ms": "a number",
        "cold_start": true,
        "key_lookup": true,
        "dynamodb_calls": 3,
        "retries": 0,
        "read_units": 2.0,
        "write_units": 4.0,
        "_aws": {
            "Timestamp": "a number",
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["operation", "status_class"]],
                "Metrics": [{ "Name": "duration_ms", "Unit": "Milliseconds" }],
            }],
        },
    });
    assert_eq!(redact(line), expected);
    let line = super::logs::line(&api.patch(&category(7), json!({})).await);
    assert_eq!(
        json!([
            line["cold_start"],
            line["key_lookup"],
            line["dynamodb_calls"],
            line["read_units"],
            line["write_units"]
        ]),
        json!([false, false, 1, 1.0, 0.0])
    );
}

#[tokio::test]
async fn a_line_says_who_was_refused() {
    let api = Api::start().await;
    let line = line(&send(api.anonymous(Method::GET, CATEGORIES)).await);
    assert_eq!(
        json!([line["code"], line["org"], line["key_name"], line["dynamodb_calls"]]),
        json!(["MCUS.999.996", null, null, 0])
    );
    let revoked = ApiKey {
        hash: KeyHash::of(b"revoked"),
        name: KeyName::parse("billing").unwrap(),
        orgs: Orgs::All,
        roles: Permission::ALL.into(),
        created_at: api.clock.timestamp(),
        expires_at: None,
        revoked_at: Some(api.clock.timestamp()),
    };
    api.store.put_api_key(&revoked).await.unwrap();
    let line = super::logs::line(
        &send(api.anonymous(Method::GET, CATEGORIES).header("x-auth-roles", "revoked")).await,
    );
    assert_eq!(json!([line["code"], line["key_name"]]), json!(["MCUS.999.996", "billing"]));
    let line = super::logs::line(
        &send(api.anonymous(Method::DELETE, &category(7)).header("x-auth-roles", "READ_ONLY")).await,
    );
    assert_eq!(
        json!([line["code"], line["org"], line["key_name"]]),
        json!(["MCUS.999.995", "telco", "READ_ONLY"])
    );
    let line = super::logs::line(&send(api.request(Method::PUT, CATEGORIES)).await);
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
    let line = line(&answer);
    assert_eq!(json!([line["dynamodb_calls"], line["retries"], line["write_units"]]), json!([2, 2, 4.0]));

    proxy.break_next(2, "TransactWriteItems", Fault::Cancelled("ThrottlingError"));
    let line = super::logs::line(&patch("throttled, by the item").await);
    assert_eq!(json!([line["status"], line["retries"], line["conflicts"]]), json!([204, 2, null]));

    proxy.break_next(3, "TransactWriteItems", Fault::Cancelled("TransactionConflict"));
    let line = super::logs::line(&patch("in the way").await);
    assert_eq!(json!([line["status"], line["conflicts"]]), json!([204, 3]));
    let metric = ("conflicts".to_owned(), vec!["operation".to_owned()]);
    assert!(metrics(&line).contains(&(metric, "Count".to_owned())));

    proxy.break_next(6, "TransactWriteItems", Fault::CutAfter);
    let answer = patch("lost").await;
    let line = super::logs::line(&answer);
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
        let line = line(&api.get(&category(7)).await);
        assert!(line["fault"].as_str().unwrap().starts_with(cause), "{line}");
    }
    proxy.mend();
    for item in api.items().await {
        let broken = api.client.put_item().table_name(&api.tables.categories).set_item(Some(item));
        broken.item("revision", AttributeValue::S("not a revision".into())).send().await.unwrap();
    }
    let line = line(&api.get(&category(7)).await);
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
            assert_eq!(line(&answer)["gateway_request_id"], answer.header("apigw-requestid").unwrap());
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
    assert!(place.starts_with("panicked at tests/end_to_end/support/logs.rs:"), "{place}");
    assert_eq!(panic["level"], "ERROR");
    assert_eq!(request["fault"], format!("the handler {place}"));
    assert_eq!(request["trace_id"], "1-6922ac18-1f2e3d4c5b6a798801234567");
    assert_eq!(request["gateway_request_id"], id);
}

/// Every operation, well, malformed, refused and under every fault, with secrets planted wherever
/// a caller can put one.
#[tokio::test]
async fn nothing_that_a_caller_sends_is_logged() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    let secret = |name: &str| format!("{name}-{}", Uuid::new_v4().simple());
    let (key, value, description, reason, repeat) =
        (secret("key"), secret("value"), secret("description"), secret("reason"), secret("repeat"));
    let customer = Uuid::new_v4().to_string();
    let holder = ApiKey {
        hash: KeyHash::of(key.as_bytes()),
        name: KeyName::parse("crm-backend").unwrap(),
        orgs: Orgs::All,
        roles: Permission::ALL.into(),
        created_at: api.clock.timestamp(),
        expires_at: None,
        revoked_at: None,
    };
    api.store.put_api_key(&holder).await.unwrap();
    let base = format!("/v4/orgs/telco/customers/{customer}/categories");
    let call = async |method: &str, rest: &str, body: &str| {
        let request = api.anonymous(method.parse().unwrap(), &format!("{base}{rest}"));
        let request = request.header("x-auth-roles", &key).header("Idempotency-Key", &repeat);
        send(request.header("If-None-Match", format!("\"{repeat}\"")).body(body.to_owned())).await.status
    };
    let new = json!({ "id": 7, "value": value, "description": description, "reason": reason }).to_string();
    let patch = json!({ "value": format!("{value}!"), "description": description }).to_string();
    let delete = format!("/7?reason={reason}");
    let mut statuses = BTreeSet::new();
    for (times, action, fault) in [
        (0, "", Fault::Silence),
        (1000, "GetItem", Fault::CutAmid),
        (1000, "Query", Fault::Garbage),
        (1000, "Query", Fault::Error("ValidationException")),
        (1000, "GetItem", Fault::Error("ThrottlingException")),
        (3, "TransactWriteItems", Fault::Cancelled("TransactionConflict")),
        (1000, "TransactWriteItems", Fault::CutAfter),
        (1000, "TransactWriteItems", Fault::Garbage),
        (1000, "TransactWriteItems", Fault::Error("ValidationException")),
    ] {
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

    let logged: Vec<String> = LOG.0.lock().unwrap().values().flatten().cloned().collect();
    let mut named = 0;
    for line in logged {
        for secret in [&key, &value, &description, &reason, &repeat, &customer] {
            assert!(!line.contains(secret.as_str()), "{line}");
        }
        assert!(!line.contains(KeyHash::of(key.as_bytes()).as_str()), "{line}");
        named += usize::from(line.contains("\"key_name\":\"crm-backend\""));
    }
    assert!(named > 50, "{named}");
}

/// The README's part under this heading of the second level.
fn section(heading: &str) -> &'static str {
    let found = README.split(&format!("\n## {heading}\n")).nth(1).unwrap();
    found.split("\n## ").next().unwrap()
}

/// The fenced blocks of a text in this language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let fenced = text.split("```").skip(1).step_by(2);
    fenced.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n')).collect()
}

/// What stands in backticks in each row of the table under this heading of the third level, cell by
/// cell.
fn table(heading: &str) -> Vec<Vec<Vec<String>>> {
    let text = section("Operation").split(&format!("\n### {heading}\n")).nth(1).unwrap();
    let text = text.split("\n### ").next().unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect();
    rows.map(|row| row.trim_matches('|').split(" | ").map(names).collect()).collect()
}

#[tokio::test]
async fn the_readmes_line_and_its_size_are_true() {
    let api = Api::start().await;
    api.create(214_748_364, "gold").await;
    let mut event: Value = serde_json::from_str(include_str!("../../../events/get-category.json")).unwrap();
    let id = format!("crm-{}", Uuid::new_v4());
    event["headers"]["x-request-id"] = json!(id);
    let mut context = Context::default();
    context.xray_trace_id = Some("Root=1-6922ac18-1f2e3d4c5b6a798801234567".into());
    let functions = customers_categories::server::gateway::functions(|function| api.app(function));
    functions["get-category"](event.to_string(), context).await.unwrap();
    let lines = lines(&id);
    let [line] = lines.as_slice() else { panic!("{lines:#?}") };

    let shown: Value = serde_json::from_str(blocks(section("Operation"), "json")[0]).unwrap();
    let mut sent = redact(line.clone());
    sent["_aws"]["CloudWatchMetrics"][0]["Namespace"] = json!("customers-categories");
    assert_eq!(sent, redact(shown.clone()));
    let tenths = shown.to_string().len().div_ceil(100);
    let row = format!("| Request's line | {}.{} KB × 10⁶ ×", tenths / 10, tenths % 10);
    assert!(README.contains(&row), "{row}");
}

#[test]
fn the_readme_explains_every_field() {
    let explained: BTreeSet<String> = table("Logs").into_iter().flat_map(|mut row| row.remove(0)).collect();
    assert_eq!(explained, FIELDS.as_object().unwrap().keys().cloned().collect());
}

/// All metrics that there are: those of a line in which everything happens.
async fn all_metrics() -> BTreeSet<(Metric, String)> {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    let mut all = BTreeSet::new();
    for (times, fault) in [(1, Fault::Cancelled("TransactionConflict")), (6, Fault::CutAfter)] {
        proxy.break_next(times, "TransactWriteItems", fault);
        all.extend(metrics(&line(&api.patch(&category(7), json!({ "value": format!("{fault:?}") })).await)));
    }
    all
}

#[tokio::test]
async fn the_readme_lists_the_metrics() {
    let listed = table("Metrics").into_iter().map(|row| {
        let [name, _, dimensions] = row.as_slice() else { panic!("{row:?}") };
        (name[0].clone(), dimensions.clone())
    });
    let emitted = all_metrics().await.into_iter().map(|(metric, _)| metric);
    assert_eq!(listed.collect::<BTreeSet<_>>(), emitted.collect());
}

fn template() -> Value {
    serde_saphyr::from_str(customers_categories::server::template::TEXT).unwrap()
}

fn resources(kind: &str) -> Vec<(String, Value)> {
    let template = template();
    let resources = template["Resources"].as_object().unwrap();
    let found = resources.iter().filter(|(_, resource)| resource["Type"] == kind);
    found.map(|(name, resource)| (name.clone(), resource["Properties"].clone())).collect()
}

/// The dashboard's widgets, with the names of what the template refers to.
fn widgets() -> Vec<Value> {
    let dashboards = resources("AWS::CloudWatch::Dashboard");
    let [(_, dashboard)] = dashboards.as_slice() else { panic!("{dashboards:?}") };
    let [body, variables] = dashboard["DashboardBody"].as_array().unwrap().as_slice() else {
        panic!("{dashboard}")
    };
    // What is there only under a condition: `!If [condition, text, ""]`.
    let mut body = body.as_str().unwrap().to_owned();
    for (name, text) in variables.as_object().unwrap() {
        assert_eq!(text[2], "");
        body = body.replace(&format!("${{{name}}}"), text[1].as_str().unwrap());
    }
    let body: Value = serde_json::from_str(&body).unwrap();
    body["widgets"].as_array().unwrap().clone()
}

/// What the dashboard may show of AWS's own metrics: namespace, name, dimensions.
const AWS_METRICS: [(&str, &str, &[&str]); 8] = [
    ("AWS/ApiGateway", "Latency", &["ApiId"]),
    ("AWS/DynamoDB", "ConsumedReadCapacityUnits", &["TableName"]),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", &["TableName"]),
    ("AWS/DynamoDB", "ReadThrottleEvents", &["TableName"]),
    ("AWS/DynamoDB", "SystemErrors", &["TableName", "Operation"]),
    ("AWS/DynamoDB", "WriteThrottleEvents", &["TableName"]),
    ("AWS/Lambda", "Errors", &["FunctionName"]),
    ("AWS/Lambda", "Throttles", &["FunctionName"]),
];

/// Reads `SEARCH('{"namespace",dimension,…} MetricName="name" dimension="value"…', …)`.
fn search(expression: &str) -> (Metric, Vec<(String, String)>) {
    let quoted = expression.strip_prefix("SEARCH('{\"${AWS::StackName}\",").unwrap();
    let (dimensions, rest) = quoted.split_once("} ").unwrap();
    let terms = rest.split('\'').next().unwrap().split(' ').map(|term| {
        let (name, value) = term.split_once('=').unwrap();
        (name.to_owned(), value.trim_matches('"').to_owned())
    });
    let (mut names, values): (Vec<_>, Vec<_>) = terms.partition(|(name, _)| name == "MetricName");
    assert_eq!(names.len(), 1, "{expression}");
    ((names.remove(0).1, dimensions.split(',').map(ToOwned::to_owned).collect()), values)
}

#[tokio::test]
async fn the_dashboard_shows_metrics_that_there_are() {
    let emitted: BTreeSet<Metric> = all_metrics().await.into_iter().map(|(metric, _)| metric).collect();
    let filters = resources("AWS::Logs::MetricFilter");
    let counted: BTreeSet<&str> = filters
        .iter()
        .map(|(_, filter)| filter["MetricTransformations"][0]["MetricName"].as_str().unwrap())
        .collect();
    let template = template();
    let mut shown = BTreeSet::new();
    let widgets = widgets();
    let of_metrics = widgets.iter().filter(|widget| widget["type"] == "metric");
    for metric in of_metrics.flat_map(|widget| widget["properties"]["metrics"].as_array().unwrap()) {
        let metric = metric.as_array().unwrap();
        if let Some(expression) = metric[0]["expression"].as_str() {
            let (found, values) = search(expression);
            assert!(emitted.contains(&found), "{expression}");
            for (dimension, value) in values {
                let schema = validator(&FIELDS[&dimension]);
                assert!(found.1.contains(&dimension) && schema.is_valid(&json!(value)), "{expression}");
            }
            shown.insert(found.0);
            continue;
        }
        let texts: Vec<&str> = metric.iter().map_while(Value::as_str).collect();
        let [namespace, name, dimensions @ ..] = texts.as_slice() else { panic!("{metric:?}") };
        if *namespace == "${AWS::StackName}" {
            assert!(dimensions.is_empty() && counted.contains(name), "{metric:?}");
            shown.insert((*name).to_owned());
            continue;
        }
        let names: Vec<&str> = dimensions.iter().step_by(2).copied().collect();
        assert!(AWS_METRICS.contains(&(*namespace, *name, names.as_slice())), "{metric:?}");
        for value in dimensions.iter().skip(1).step_by(2).filter(|value| value.starts_with("${")) {
            let resource = value.trim_start_matches("${").trim_end_matches('}');
            assert!(template["Resources"].get(resource).is_some(), "{metric:?}");
        }
    }
    let ours = emitted.iter().map(|(name, _)| name.clone()).chain(counted.iter().map(ToString::to_string));
    assert_eq!(shown, ours.collect());
    for (_, filter) in filters {
        assert_eq!(filter["MetricTransformations"][0]["MetricNamespace"], "AWS::StackName");
    }
    let namespace = &template["Globals"]["Function"]["Environment"]["Variables"]["METRICS_NAMESPACE"];
    assert_eq!(namespace, "AWS::StackName");
}

#[test]
fn the_dashboard_shows_every_alarm() {
    let alarms: BTreeSet<_> =
        resources("AWS::CloudWatch::Alarm").into_iter().map(|(name, _)| format!("${{{name}.Arn}}")).collect();
    let widgets = widgets();
    let shown = widgets.iter().find(|widget| widget["type"] == "alarm").unwrap();
    let shown = shown["properties"]["alarms"].as_array().unwrap().iter();
    assert_eq!(shown.map(|alarm| alarm.as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(), alarms);
}

#[test]
fn every_alarm_has_its_entry_in_the_runbook() {
    let alarms: BTreeSet<String> =
        resources("AWS::CloudWatch::Alarm").into_iter().map(|(name, _)| name).collect();
    let runbook = section("Operation").split("\n### Alarms\n").nth(1).unwrap();
    let mut described = BTreeSet::new();
    for entry in runbook.split("\n#### ").skip(1) {
        let (name, entry) = entry.split_once('\n').unwrap();
        assert_eq!(blocks(entry, "logs-insights").len(), 1, "{name}");
        let [means, _, to_do] = entry.split("```").collect::<Vec<_>>()[..] else { panic!("{name}") };
        assert!(means.trim().len() > 40 && to_do.trim().len() > 40, "{name}");
        described.insert(name.to_owned());
    }
    assert_eq!(described, alarms);
}

/// The fields that a Logs Insights query asks for.
fn asked_for(query: &str) -> BTreeSet<String> {
    const LANGUAGE: [&str; 21] = [
        "and",
        "as",
        "asc",
        "avg",
        "bin",
        "by",
        "count",
        "desc",
        "display",
        "fields",
        "filter",
        "in",
        "ispresent",
        "like",
        "limit",
        "not",
        "or",
        "pct",
        "sort",
        "stats",
        "sum",
    ];
    let without_texts = query.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let words = without_texts.split(|c: char| !(c.is_ascii_alphanumeric() || "@_.".contains(c)));
    let words: Vec<&str> =
        words.filter(|word| !word.is_empty() && !word.starts_with(|c: char| c.is_ascii_digit())).collect();
    let aliases: BTreeSet<&str> =
        words.windows(2).filter(|pair| pair[0] == "as").map(|pair| pair[1]).collect();
    let fields = words.iter().filter(|word| !LANGUAGE.contains(word) && !aliases.contains(*word));
    fields.map(ToString::to_string).collect()
}

#[test]
fn queries_ask_for_fields_that_there_are() {
    // Insights' own, and those of Lambda's events.
    let others =
        ["@log", "@message", "@timestamp", "type", "record.requestId", "record.status", "record.errorType"];
    let template = template();
    let format = &template["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"];
    let access: Value = serde_json::from_str(format.as_str().unwrap()).unwrap();
    let known: BTreeSet<String> = FIELDS
        .as_object()
        .unwrap()
        .keys()
        .chain(access.as_object().unwrap().keys())
        .cloned()
        .chain(others.map(ToOwned::to_owned))
        .collect();
    let mut queries: Vec<String> =
        blocks(section("Operation"), "logs-insights").into_iter().map(ToOwned::to_owned).collect();
    let of_dashboard = widgets().into_iter().filter(|widget| widget["type"] == "log");
    queries.extend(of_dashboard.map(|widget| {
        let query = widget["properties"]["query"].as_str().unwrap().to_owned();
        query.strip_prefix("SOURCE '${FunctionLogs}' | ").unwrap().to_owned()
    }));
    assert!(queries.len() >= 9, "{queries:#?}");
    for query in queries {
        let unknown: Vec<_> = asked_for(&query).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{unknown:?}: {query}");
    }
    assert!(asked_for("filter no_such_field > 1").contains("no_such_field"));
}
