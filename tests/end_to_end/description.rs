//! `openapi.yaml` against the service: every answer that the suite receives passes through
//! [`check`], and what the file has is what there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
    time::Duration,
};

use futures_util::future::join_all;
use jsonschema::Validator;
use local::docs;
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::{Value, json};
use shared::{
    domain::{ApiKey, KeyHash, KeyName, Orgs, Permission},
    http::{ErrorCode, Operation},
};

use crate::{
    api::{Answer, Api, CATEGORIES, HISTORY, category, send},
    proxy::{Fault, Proxy},
};

/// What HTTP itself and the gateway add to every answer.
const TRANSPORT: [&str; 5] = ["apigw-requestid", "connection", "content-length", "content-type", "date"];

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_saphyr::from_str(docs::DESCRIPTION).unwrap());

static DESCRIPTION: LazyLock<Description> = LazyLock::new(Description::read);

struct Description {
    operations: Vec<Described>,
    error: Validator,
}

struct Described {
    id: String,
    method: Method,
    path: String,
    responses: BTreeMap<u16, Expected>,
}

struct Expected {
    headers: BTreeMap<String, Validator>,
    body: Option<Validator>,
}

/// Follows `$ref`.
fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => resolve(DOCUMENT.pointer(pointer.trim_start_matches('#')).unwrap()),
        None => value,
    }
}

fn object(value: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

/// The file leaves room for fields to come; the suite does not: a field that the service has and
/// the file has not is a mistake.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("properties").is_some_and(Value::is_object) {
                members.insert("additionalProperties".into(), false.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn validator(schema: &Value) -> Validator {
    static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
        let mut schemas = DOCUMENT["components"]["schemas"].clone();
        close(&mut schemas);
        schemas
    });
    let root = json!({ "allOf": [schema], "components": { "schemas": *SCHEMAS } });
    jsonschema::draft202012::options().should_validate_formats(true).build(&root).unwrap()
}

/// Path, method and operation, as the file has them.
fn operations() -> impl Iterator<Item = (&'static str, Method, &'static Value)> {
    let methods = object(&DOCUMENT["paths"]).flat_map(|(path, item)| {
        object(item).filter(|(name, _)| *name != "parameters").map(move |(name, value)| (path, name, value))
    });
    methods.map(|(path, method, operation)| (path, method.to_uppercase().parse().unwrap(), operation))
}

fn responses(operation: &'static Value) -> impl Iterator<Item = (u16, &'static Value)> {
    object(&operation["responses"]).map(|(status, response)| (status.parse().unwrap(), resolve(response)))
}

impl Description {
    fn read() -> Self {
        let described = |(path, method, operation): (&str, Method, &'static Value)| Described {
            id: operation["operationId"].as_str().unwrap().to_owned(),
            method,
            path: path.to_owned(),
            responses: responses(operation)
                .map(|(status, response)| (status, Expected::read(response)))
                .collect(),
        };
        Self {
            operations: operations().map(described).collect(),
            error: validator(&json!({ "$ref": "#/components/schemas/ErrorResponse" })),
        }
    }

    /// The operation that a request is; a literal segment wins over a parameter.
    fn operation(&self, method: &Method, path: &str) -> Option<&Described> {
        let fits = |operation: &&Described| operation.method == method && matches(&operation.path, path);
        self.operations.iter().filter(fits).min_by_key(|operation| operation.path.matches('{').count())
    }
}

impl Expected {
    fn read(response: &'static Value) -> Self {
        let headers = object(&response["headers"]).map(|(name, header)| {
            let header = resolve(header);
            assert_eq!(header["required"], true, "{name}");
            (name.to_lowercase(), validator(&header["schema"]))
        });
        let body = &response["content"];
        assert!(object(body).all(|(kind, _)| kind == "application/json"));
        let body = object(body).next().map(|(_, content)| validator(&content["schema"]));
        Self { headers: headers.collect(), body }
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let fits = |(expected, sent): (&&str, &&str)| {
        expected == sent || (expected.starts_with('{') && !sent.is_empty())
    };
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}

/// Asserts that an answer is as described. Where there is no such operation it must be 404 or 405.
pub fn check(method: &Method, path: &str, status: u16, headers: &HeaderMap, body: &str) {
    let path = path.split('?').next().unwrap();
    let context = || format!("{method} {path} {status} {headers:?} {body}");
    let Some(operation) = DESCRIPTION.operation(method, path) else {
        assert!([404, 405].contains(&status), "{}", context());
        assert_eq!(headers.contains_key("allow"), status == 405, "{}", context());
        // HEAD has the headers alone.
        if method != Method::HEAD {
            check_error(status, body, &context);
        }
        return;
    };
    let expected = operation.responses.get(&status);
    let expected = expected.unwrap_or_else(|| panic!("{} has no {status}: {}", operation.id, context()));
    for (name, header) in &expected.headers {
        let value = headers.get(name).unwrap_or_else(|| panic!("no {name}: {}", context())).to_str().unwrap();
        let as_number = value.parse::<i64>().map(Value::from);
        let valid = as_number.is_ok_and(|number| header.is_valid(&number)) || header.is_valid(&value.into());
        assert!(valid, "{name}: {}", context());
    }
    for name in headers.keys() {
        let known = expected.headers.contains_key(name.as_str()) || TRANSPORT.contains(&name.as_str());
        assert!(known, "{name} is not described: {}", context());
    }
    match &expected.body {
        None => assert!(body.is_empty() && !headers.contains_key("content-type"), "{}", context()),
        Some(schema) => {
            assert_eq!(headers["content-type"], "application/json", "{}", context());
            let body = serde_json::from_str(body).unwrap();
            let problems: Vec<_> = schema.iter_errors(&body).map(|problem| problem.to_string()).collect();
            assert!(problems.is_empty(), "{problems:?}: {}", context());
        }
    }
    if status >= 400 {
        check_error(status, body, &context);
    }
}

fn check_error(status: u16, body: &str, context: &dyn Fn() -> String) {
    let body: Value = serde_json::from_str(body).unwrap();
    assert!(DESCRIPTION.error.is_valid(&body), "{}", context());
    let code = ErrorCode::ALL.into_iter().find(|code| code.status() == status).unwrap();
    for error in body["errors"].as_array().unwrap() {
        assert_is(&error["error"], code);
    }
}

fn assert_is(error: &Value, code: ErrorCode) {
    let fixed = json!([code.code(), code.title(), code.message()]);
    assert_eq!(json!([error["code"], error["title"], error["message"]]), fixed);
    assert!(error["ref"].as_str().unwrap().ends_with(&format!("#{}", code.code())), "{error}");
}

#[test]
fn it_has_the_operations_of_the_service() {
    let ours = Operation::ALL.map(|operation| {
        let name = format!("{operation:?}");
        let id = name[..1].to_lowercase() + &name[1..];
        (id, operation.method().to_string(), operation.path().to_owned())
    });
    let described = DESCRIPTION.operations.iter().map(|operation| {
        let Described { id, method, path, .. } = operation;
        (id.clone(), method.to_string(), path.clone())
    });
    assert_eq!(described.collect::<BTreeSet<_>>(), BTreeSet::from(ours));
    assert_eq!(DOCUMENT["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_operation_asks_for_the_api_key() {
    assert_eq!(DOCUMENT["security"], json!([{ "apiKey": [] }]));
    assert!(operations().all(|(_, _, operation)| operation.get("security").is_none()));
    let scheme = &DOCUMENT["components"]["securitySchemes"]["apiKey"];
    assert_eq!(
        json!([scheme["type"], scheme["in"], scheme["name"]]),
        json!(["apiKey", "header", "x-auth-roles"])
    );
}

#[test]
fn it_has_an_example_of_every_error_code_and_of_no_other() {
    let examples = &DOCUMENT["components"]["examples"];
    let ours: BTreeSet<_> = ErrorCode::ALL.map(ErrorCode::code).into();
    assert_eq!(object(examples).map(|(code, _)| code).collect::<BTreeSet<_>>(), ours);
    let listed = &DOCUMENT["components"]["schemas"]["Error"]["properties"]["code"]["enum"];
    assert_eq!(listed, &json!(ErrorCode::ALL.map(ErrorCode::code)));
    for code in ErrorCode::ALL {
        let example = &examples[code.code()];
        assert!(example["description"].as_str().unwrap().len() > 20);
        let errors = example["value"]["errors"].as_array().unwrap();
        for error in errors {
            assert_is(&error["error"], code);
        }
    }
    for (_, _, operation) in operations() {
        for (status, response) in responses(operation).filter(|(status, _)| *status >= 400) {
            let shown = object(&response["content"]["application/json"]["examples"]);
            let code = ErrorCode::ALL.into_iter().find(|code| code.status() == status).unwrap();
            assert_eq!(shown.map(|(code, _)| code).collect::<Vec<_>>(), [code.code()]);
        }
    }
}

#[test]
fn its_examples_are_valid() {
    let mut seen = 0;
    let mut valid = |schema: &Value, example: &Value| {
        let problems: Vec<_> =
            validator(schema).iter_errors(example).map(|problem| problem.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?} {example}");
        seen += 1;
    };
    for (path, _, operation) in operations() {
        let bodies = responses(operation).map(|(_, response)| response).chain([&operation["requestBody"]]);
        for (_, content) in bodies.flat_map(|body| object(&body["content"])) {
            assert!(object(&content["examples"]).next().is_some(), "{content}");
            for (_, example) in object(&content["examples"]) {
                valid(&content["schema"], &resolve(example)["value"]);
            }
        }
        let parameters = [&DOCUMENT["paths"][path]["parameters"], &operation["parameters"]];
        for parameter in parameters.into_iter().filter_map(Value::as_array).flatten().map(resolve) {
            if let Some(example) = parameter.get("example") {
                valid(&parameter["schema"], example);
            }
        }
    }
    for header in object(&DOCUMENT["components"]["headers"]).map(|(_, header)| header) {
        if let Some(example) = header.get("example") {
            valid(&header["schema"], example);
        }
    }
    assert!(seen > 60, "{seen}");
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    Answer { status, headers: headers.collect(), body: body.to_owned() }
}

fn holds(answer: &Answer) -> bool {
    let Answer { status, headers, body } = answer;
    std::panic::catch_unwind(|| check(&Method::GET, CATEGORIES, *status, headers, body)).is_ok()
}

#[test]
fn what_is_not_described_is_found() {
    let json = ("content-type", "application/json");
    let cache = ("cache-control", "private, no-cache");
    let id = ("x-request-id", "crm-4711");
    assert!(holds(&answer(200, &[json, cache, id], r#"{"categories":[]}"#)));
    for other in [
        answer(202, &[json, cache, id], r#"{"categories":[]}"#),
        answer(200, &[json, cache], r#"{"categories":[]}"#),
        answer(200, &[json, cache, ("x-request-id", "two words")], r#"{"categories":[]}"#),
        answer(200, &[json, id], r#"{"categories":[]}"#),
        answer(200, &[cache, id], r#"{"categories":[]}"#),
        answer(200, &[json, id, ("cache-control", "public")], r#"{"categories":[]}"#),
        answer(200, &[json, cache, id, ("x-powered-by", "x")], r#"{"categories":[]}"#),
        answer(200, &[json, cache, id], r#"{"categories":[],"total":0}"#),
        answer(200, &[json, cache, id], r#"{"categories":[],"next_cursor":null}"#),
        answer(200, &[json, cache, id], r#"{"categories":[{"id":1}]}"#),
        answer(404, &[json, cache, id], r#"{"message":"Not Found"}"#),
    ] {
        assert!(!holds(&other), "{} {}", other.status, other.body);
    }
}

/// A well-formed request for the category with the id 7, or for what it is part of.
fn request(api: &Api, operation: Operation, key: &str) -> RequestBuilder {
    let path = match operation {
        Operation::CreateCategory | Operation::ListCategories => CATEGORIES.to_owned(),
        Operation::ListCategoryHistory => HISTORY.to_owned(),
        Operation::GetCategory | Operation::UpdateCategory | Operation::DeleteCategory => category(7),
    };
    request_to(api, operation, key, &path)
}

fn request_to(api: &Api, operation: Operation, key: &str, path: &str) -> RequestBuilder {
    let request = api.anonymous(operation.method(), path).header("x-auth-roles", key);
    match operation {
        Operation::CreateCategory => request.json(&json!({ "id": 7, "value": "gold" })),
        Operation::UpdateCategory => request.json(&json!({ "value": "silver" })),
        _ => request,
    }
}

#[tokio::test]
async fn every_described_status_is_answered_and_no_other() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    let mut received = BTreeSet::new();
    // Whatever is received here is checked in `send`, as everywhere.
    let mut receive = |operation: Operation, expected: u16, answer: Answer| {
        assert_eq!(answer.status, expected, "{operation:?}: {}", answer.body);
        received.insert((format!("{operation:?}"), expected));
    };
    let elsewhere = ApiKey {
        hash: KeyHash::of(b"elsewhere"),
        name: KeyName::parse("elsewhere").unwrap(),
        orgs: Orgs::parse(["elsewhere"]).unwrap(),
        roles: Permission::ALL.into(),
        created_at: api.clock.timestamp(),
        expires_at: None,
        revoked_at: None,
    };
    api.store.put_api_key(&elsewhere).await.unwrap();

    for operation in Operation::ALL {
        receive(operation, 401, send(request(&api, operation, "unknown")).await);
        receive(operation, 403, send(request(&api, operation, "elsewhere")).await);
        let malformed = operation.path().replace(['{', '}'], "");
        receive(operation, 400, send(request_to(&api, operation, "API_KEY", &malformed)).await);
        if operation != Operation::CreateCategory {
            receive(operation, 404, send(request(&api, operation, "API_KEY")).await);
        }
    }
    for (operation, expected) in [
        (Operation::CreateCategory, 201),
        (Operation::CreateCategory, 409),
        (Operation::ListCategories, 200),
        (Operation::ListCategoryHistory, 200),
        (Operation::GetCategory, 200),
        (Operation::UpdateCategory, 204),
    ] {
        receive(operation, expected, send(request(&api, operation, "API_KEY")).await);
    }
    let held = request(&api, Operation::GetCategory, "API_KEY").header("If-None-Match", "*");
    receive(Operation::GetCategory, 304, send(held).await);
    for operation in [Operation::UpdateCategory, Operation::DeleteCategory] {
        let stale = request(&api, operation, "API_KEY").header("If-Match", "\"stale\"");
        receive(operation, 412, send(stale).await);
    }
    receive(Operation::DeleteCategory, 204, send(request(&api, Operation::DeleteCategory, "API_KEY")).await);

    // The keys are looked up again by then, which is what times out.
    api.clock.advance(Duration::from_secs(30));
    proxy.break_all(Fault::Silence);
    let all = Operation::ALL.map(|operation| send(request(&api, operation, "API_KEY")));
    for (operation, answer) in Operation::ALL.into_iter().zip(join_all(all).await) {
        receive(operation, 504, answer);
    }
    proxy.mend();
    api.client.delete_table().table_name(&api.tables.categories).send().await.unwrap();
    for operation in Operation::ALL {
        receive(operation, 500, send(request(&api, operation, "API_KEY")).await);
    }
    proxy.close();
    for operation in Operation::ALL {
        receive(operation, 503, send(request(&api, operation, "API_KEY")).await);
    }

    let described = DESCRIPTION.operations.iter().flat_map(|operation| {
        let name = operation.id[..1].to_uppercase() + &operation.id[1..];
        operation.responses.keys().map(move |status| (name.clone(), *status))
    });
    assert_eq!(received, described.collect());
}
