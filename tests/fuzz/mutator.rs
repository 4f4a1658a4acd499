//! Changes an event so that it mostly stays one.

use base64::{Engine, prelude::BASE64_STANDARD};
use fastrand::Rng;
use libfuzzer_sys::fuzzer_mutate;
use serde_json::{Map, Value, json};
use shared::http::Operation;

/// Room for a text to grow in one step.
const GROWTH: usize = 64;

/// Headers that the gateway, the runtime or the service acts on.
const HEADERS: [&str; 8] = [
    "content-type",
    "cookie",
    "host",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-auth-roles",
    "x-forwarded-proto",
];

/// Replaces the input in `data` with a mutation of it, and returns its length.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Rng::with_seed(seed.into());
    let event = serde_json::from_slice::<Value>(&data[..size]).ok().filter(Value::is_object);
    // Now and then something that may be no event at all.
    let Some(mut event) = event.filter(|_| random.u8(..) > 2) else {
        return fuzzer_mutate(data, size, max_size);
    };
    for _ in 0..random.u8(1..4) {
        // The change before may have made it something else.
        if event.is_object() {
            change(&mut event, &mut random);
        }
    }
    let mutated = event.to_string();
    if mutated.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..mutated.len()].copy_from_slice(mutated.as_bytes());
    mutated.len()
}

fn change(event: &mut Value, random: &mut Rng) {
    match random.u8(..20) {
        0 => redirect(event, random),
        1 => restructure(event, random),
        2 => encode_body(event, random),
        3..=6 => change_text(&mut event["rawQueryString"], random),
        7..=10 => change_body(&mut event["body"], random),
        11..=13 => {
            let name = HEADERS[random.usize(..HEADERS.len())];
            if let Some(headers) = event["headers"].as_object_mut() {
                change_text(headers.entry(name).or_insert_with(|| "".into()), random);
            }
        }
        14 => change_text(&mut event["rawPath"], random),
        15 | 16 => change_any(&mut event["pathParameters"], random, change_text),
        17 => change_any(&mut event["headers"], random, change_text),
        18 => change_any(&mut event["requestContext"], random, change_text),
        _ => change_any(event, random, change_text),
    }
}

/// Makes it an event of another function.
fn redirect(event: &mut Value, random: &mut Rng) {
    let Some(operation) = Operation::ALL.get(random.usize(..=Operation::ALL.len())) else {
        event["routeKey"] = "$default".into();
        return;
    };
    event["routeKey"] = format!("{} {}", operation.method(), operation.path()).into();
    if operation.path().ends_with("{category_id}") && event["pathParameters"].is_object() {
        event["pathParameters"]["category_id"] = "7".into();
    }
}

/// Takes a member away, or makes it something of another type.
fn restructure(event: &mut Value, random: &mut Rng) {
    change_any(event, random, |value, random| {
        let others = [
            json!(null),
            json!(true),
            json!(0),
            json!(-1.5),
            json!(""),
            json!([]),
            json!({}),
            json!(["a", "b"]),
        ];
        *value = others[random.usize(..others.len())].clone();
    });
}

/// Turns the body from text into Base64 or back, as API Gateway does by the content type; the bytes
/// may be no UTF-8.
fn encode_body(event: &mut Value, random: &mut Rng) {
    let encoded = event["isBase64Encoded"] == true;
    let body = event["body"].as_str().unwrap_or_default();
    let body = if encoded { BASE64_STANDARD.decode(body).unwrap_or_default() } else { body.into() };
    let body = if random.bool() { mutated(&body) } else { body };
    event["body"] =
        if encoded { String::from_utf8_lossy(&body).into() } else { BASE64_STANDARD.encode(&body).into() };
    event["isBase64Encoded"] = (!encoded).into();
}

/// A body is JSON inside JSON.
fn change_body(body: &mut Value, random: &mut Rng) {
    let inner: Option<Map<_, _>> = body.as_str().and_then(|text| serde_json::from_str(text).ok());
    match inner {
        Some(inner) if random.u8(..) < 128 => {
            let mut inner = Value::Object(inner);
            match random.u8(..4) {
                0 => restructure(&mut inner, random),
                _ => change_any(&mut inner, random, change_text),
            }
            *body = inner.to_string().into();
        }
        _ => change_text(body, random),
    }
}

/// Changes one of the values inside, at whatever depth.
fn change_any(value: &mut Value, random: &mut Rng, change: impl Fn(&mut Value, &mut Rng)) {
    let mut value = value;
    loop {
        let inside = match value {
            Value::Object(members) => members.len(),
            Value::Array(items) => items.len(),
            _ => 0,
        };
        if inside == 0 || random.u8(..) < 16 {
            return change(value, random);
        }
        let chosen = random.usize(..inside);
        let next = match value {
            Value::Object(members) => members.values_mut().nth(chosen),
            Value::Array(items) => items.get_mut(chosen),
            _ => None,
        };
        let Some(next) = next else { return };
        value = next;
    }
}

fn change_text(value: &mut Value, _: &mut Rng) {
    let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    *value = String::from_utf8_lossy(&mutated(text.as_bytes())).into();
}

/// As `libFuzzer` mutates bytes, dictionary and all.
fn mutated(bytes: &[u8]) -> Vec<u8> {
    let mut buffer = bytes.to_vec();
    buffer.resize(bytes.len() + GROWTH, 0);
    let (size, room) = (bytes.len(), buffer.len());
    let size = fuzzer_mutate(&mut buffer, size, room);
    buffer.truncate(size);
    buffer
}
