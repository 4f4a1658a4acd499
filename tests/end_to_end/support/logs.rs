//! What the functions log: captured for the whole suite, and held against what a line has to be. Every request
//! of the suite passes through [`check`].

use std::{
    collections::HashMap,
    io::{self, Write},
    mem, panic,
    sync::{Arc, LazyLock, Mutex},
};

use jsonschema::Validator;
use serde_json::{Value, json};
use shared::{
    http::ErrorCode,
    log::{self, JsonLines},
};
use tracing::{level_filters::LevelFilter, subscriber::DefaultGuard};

use crate::support::{
    api::{Answer, CUSTOMER},
    template::{TEMPLATE, metric_filters},
};

/// Every line that this process has logged, by the request it belongs to.
static LOG: LazyLock<Lines> = LazyLock::new(|| {
    let lines = Lines::default();
    let writer = lines.clone();
    // The local gateway's own lines name paths, which the functions' must not.
    let targets = log::targets(LevelFilter::INFO).with_target("customers_categories", LevelFilter::OFF);
    let tests_own = panic::take_hook();
    log::to(JsonLines::new(move || writer.clone()), targets);
    let functions = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        functions(panic);
        tests_own(panic);
    }));
    lines
});

#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Mutex<HashMap<String, Vec<String>>>>);

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

/// Lines of this thread from `level` on, which go nowhere else until the guard is dropped.
pub fn from_level(level: LevelFilter) -> (Lines, DefaultGuard) {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = log::filtered(JsonLines::new(move || writer.clone()), log::targets(level));
    (lines, tracing::subscriber::set_default(subscriber))
}

impl Lines {
    /// Takes what has been written so far.
    pub fn take(&self) -> Vec<Value> {
        let lines = mem::take(&mut *self.0.lock().unwrap());
        lines.into_values().flatten().map(|line| serde_json::from_str(&line).unwrap()).collect()
    }
}

/// Logs the functions' lines from now on.
pub fn start() {
    LazyLock::force(&LOG);
}

/// The lines of a request, each of which must be one JSON object.
pub fn lines(request_id: &str) -> Vec<Value> {
    let lines = LOG.0.lock().unwrap().get(request_id).cloned().unwrap_or_default();
    let parse = |line: String| {
        assert_eq!(line.find('\n'), Some(line.len() - 1), "{line}");
        serde_json::from_str(&line).unwrap()
    };
    lines.into_iter().map(parse).collect()
}

/// All that has been logged so far.
pub fn written() -> Vec<String> {
    LOG.0.lock().unwrap().values().flatten().cloned().collect()
}

/// The one line that says how the answer's request went.
pub fn line(answer: &Answer) -> Value {
    let id = answer.header("x-request-id").unwrap();
    let (mut requests, others): (Vec<_>, Vec<_>) =
        lines(id).into_iter().partition(|line| line.get("duration_ms").is_some());
    assert_eq!(requests.len(), 1, "{id}: {requests:?} {others:?}");
    requests.remove(0)
}

/// The fields of a request's line.
pub static FIELDS: LazyLock<Value> = LazyLock::new(|| {
    let id = json!({ "type": "string", "pattern": "^[A-Za-z0-9._:/+=@-]{1,128}$" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let counted = json!({ "type": "integer", "minimum": 1 });
    let amount = json!({ "type": "number", "minimum": 0 });
    let consumed = json!({ "type": "number", "exclusiveMinimum": 0 });
    let functions: Vec<_> = TEMPLATE.functions().into_keys().collect();
    json!({
        "timestamp": { "type": "string", "format": "date-time", "pattern": r"^.{19}\.\d{3}Z$" },
        "level": { "enum": ["INFO", "WARN", "ERROR"] },
        "request_id": id,
        "gateway_request_id": id,
        "trace_id": { "type": "string", "pattern": "^1-[0-9a-f]{8}-[0-9a-f]{24}$" },
        "operation": { "enum": functions },
        "org": { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" },
        "key_name": { "type": "string", "maxLength": 100 },
        "customer_hash": { "type": "string", "pattern": "^[0-9a-f]{32}$" },
        "status": { "type": "integer" },
        "status_class": { "enum": ["2xx", "3xx", "4xx", "5xx"] },
        "code": { "enum": ErrorCode::ALL.map(ErrorCode::code) },
        "fault": { "type": "string", "minLength": 1 },
        "duration_ms": amount,
        "cold_start": { "const": true },
        "key_lookup": { "const": true },
        "calls": count,
        "retries": counted,
        "read_units": consumed,
        "write_units": consumed,
        "conflicts": counted,
        "outcomes_resolved": counted,
        "changes_created": counted,
        "changes_updated": counted,
        "changes_unchanged": counted,
        "changes_deleted": counted,
        "changes_absent": counted,
        "changes_failed": counted,
    })
});

/// What a request's line may be without.
const OPTIONAL: [&str; 20] = [
    "gateway_request_id",
    "trace_id",
    "org",
    "key_name",
    "customer_hash",
    "code",
    "fault",
    "cold_start",
    "key_lookup",
    "retries",
    "read_units",
    "write_units",
    "conflicts",
    "outcomes_resolved",
    "changes_created",
    "changes_updated",
    "changes_unchanged",
    "changes_deleted",
    "changes_absent",
    "changes_failed",
];

pub fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap()
}

/// A metric: name, dimensions.
pub type Metric = (String, Vec<String>);

/// The metrics that the template's filters make of a line, with their units: all that a filter refers to must be in
/// the line.
pub fn metrics(line: &Value) -> Vec<(Metric, String)> {
    let mut found = Vec::new();
    for filter in metric_filters("FunctionLogs") {
        let field = filter["FilterPattern"].as_str().unwrap();
        let field = field.strip_prefix("{ $.").and_then(|rest| rest.strip_suffix(" = * }")).unwrap();
        if line.get(field).is_none() {
            continue;
        }
        let [metric] = filter["MetricTransformations"].as_array().unwrap().as_slice() else {
            panic!("{filter}")
        };
        let value = metric["MetricValue"].as_str().unwrap().strip_prefix("$.").unwrap();
        assert!(line[value].is_number(), "{value}: {line}");
        let dimensions = metric["Dimensions"].as_array().unwrap().iter().map(|dimension| {
            let name = dimension["Key"].as_str().unwrap();
            assert_eq!(dimension["Value"], format!("$.{name}"));
            assert!(!line[name].as_str().unwrap().is_empty(), "{name}: {line}");
            name.to_owned()
        });
        let name = metric["MetricName"].as_str().unwrap().to_owned();
        found.push(((name, dimensions.collect()), metric["Unit"].as_str().unwrap().to_owned()));
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
    // A batch can be answered with 200 although some of its changes were not made.
    let is_batch = line.get("changes_failed").is_some();
    assert!(line.get("fault").is_some() == (status >= 500) || is_batch, "{line}");
    for line in lines(answer.header("x-request-id").unwrap()) {
        assert!(!line.to_string().contains(CUSTOMER.rsplit('/').next().unwrap()), "{line}");
    }
}

/// What varies from run to run becomes its kind.
pub fn redact(mut line: Value) -> Value {
    for name in ["timestamp", "request_id", "duration_ms"] {
        line[name] = if line[name].is_number() { json!("a number") } else { json!("a text") };
    }
    line
}
