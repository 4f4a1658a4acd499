//! `openapi.yaml` against the service: every answer that the suite receives passes through
//! [`check`], and what the file has is what there is.

use std::{collections::BTreeMap, sync::LazyLock};

use customers_categories::server::docs;
use jsonschema::Validator;
use lambda_http::http::{HeaderMap, Method};
use serde_json::{Value, json};
use shared::http::ErrorCode;

/// What HTTP itself and the gateway add to every answer.
const TRANSPORT: [&str; 5] = ["apigw-requestid", "connection", "content-length", "content-type", "date"];

pub static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_saphyr::from_str(docs::DESCRIPTION).unwrap());

pub static DESCRIPTION: LazyLock<Description> = LazyLock::new(Description::read);

pub struct Description {
    pub operations: Vec<Described>,
    pub error: Validator,
}

pub struct Described {
    pub id: String,
    pub method: Method,
    pub path: String,
    pub responses: BTreeMap<u16, Expected>,
}

pub struct Expected {
    headers: BTreeMap<String, Validator>,
    body: Option<Validator>,
}

/// Follows `$ref`.
pub fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => resolve(DOCUMENT.pointer(pointer.trim_start_matches('#')).unwrap()),
        None => value,
    }
}

pub fn object(value: &'static Value) -> impl Iterator<Item = (&'static str, &'static Value)> {
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

pub fn validator(schema: &Value) -> Validator {
    static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
        let mut schemas = DOCUMENT["components"]["schemas"].clone();
        close(&mut schemas);
        schemas
    });
    let root = json!({ "allOf": [schema], "components": { "schemas": *SCHEMAS } });
    jsonschema::draft202012::options().should_validate_formats(true).build(&root).unwrap()
}

/// Path, method and operation, as the file has them.
pub fn operations() -> impl Iterator<Item = (&'static str, Method, &'static Value)> {
    let methods = object(&DOCUMENT["paths"]).flat_map(|(path, item)| {
        object(item).filter(|(name, _)| *name != "parameters").map(move |(name, value)| (path, name, value))
    });
    methods.map(|(path, method, operation)| (path, method.to_uppercase().parse().unwrap(), operation))
}

pub fn responses(operation: &'static Value) -> impl Iterator<Item = (u16, &'static Value)> {
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
            // The functions send every header, but API Gateway may rename this one.
            let renamed = name == "WWW-Authenticate";
            assert_eq!(header["required"] == true, !renamed, "{name}");
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
    for error in body["errors"].as_array().unwrap() {
        let error = &error["error"];
        let code = ErrorCode::ALL.into_iter().find(|code| error["code"] == code.code()).unwrap();
        assert_eq!(code.status(), status, "{}", context());
        assert_is(error, code);
    }
}

pub fn assert_is(error: &Value, code: ErrorCode) {
    let fixed = json!([code.code(), code.title(), code.message()]);
    assert_eq!(json!([error["code"], error["title"], error["message"]]), fixed);
    assert!(error["ref"].as_str().unwrap().ends_with(&format!("#{}", code.code())), "{error}");
}
