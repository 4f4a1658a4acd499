//! What `docs/edge.yaml` puts in front of the API lets through what the API takes.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};
use shared::http::ErrorCode;

use crate::support::{
    api::{Api, CATEGORIES, key_of, send},
    documentation::read,
};

static EDGE: LazyLock<Value> = LazyLock::new(|| serde_saphyr::from_str(&read("docs/edge.yaml")).unwrap());

fn rule(name: &str) -> &'static Value {
    let rules = EDGE["Resources"]["WebAcl"]["Properties"]["Rules"].as_array().unwrap();
    rules.iter().find(|rule| rule["Name"] == name).unwrap()
}

#[test]
fn the_edge_refuses_what_cannot_be_a_key_and_no_key() {
    let pattern = &rule("WhatCannotBeAKey")["Statement"]["NotStatement"]["Statement"]["RegexMatchStatement"];
    assert_eq!(pattern["FieldToMatch"]["SingleHeader"]["Name"], "x-auth-roles");
    let pattern = Regex::new(pattern["RegexString"].as_str().unwrap()).unwrap();
    for caller in ["crm-backend", "billing", "campaigns"] {
        let key = key_of(caller);
        assert!(pattern.is_match(&key) && pattern.is_match(&key[..48]), "{key}");
        assert!(!pattern.is_match(&key[..53]) && !pattern.is_match(&format!("{key},{key}")), "{key}");
    }
    for none in ["", "API_KEY", "READ_ONLY", "categories:write", "mcus_unknown"] {
        assert!(!pattern.is_match(none), "{none}");
    }
}

#[tokio::test]
async fn the_edge_refuses_in_the_words_of_the_api() {
    let api = Api::start().await;
    let answer = send(api.anonymous(reqwest::Method::GET, CATEGORIES)).await;
    let body = &EDGE["Resources"]["WebAcl"]["Properties"]["CustomResponseBodies"]["Unauthorized"]["Content"];
    let mut expected = answer.json();
    expected["errors"][0]["error"]["ref"] = json!(format!("/docs#{}", ErrorCode::Unauthorized.code()));
    assert_eq!(serde_json::from_str::<Value>(body.as_str().unwrap()).unwrap(), expected);
    let refusal = &rule("WhatCannotBeAKey")["Action"]["Block"]["CustomResponse"];
    assert_eq!(refusal["ResponseCode"], answer.status);
}

/// The environments of a function don't know of each other, so no limit inside one can hold a caller to a share.
#[test]
fn the_edge_limits_each_key_and_each_address() {
    let statement = |name: &str| &rule(name)["Statement"]["RateBasedStatement"];
    let header = &statement("EachKey")["CustomKeys"][0]["Header"];
    assert_eq!(header["Name"], "x-auth-roles");
    assert_eq!(header["TextTransformations"][0]["Type"], "NONE");
    assert_eq!(statement("EachKey")["AggregateKeyType"], "CUSTOM_KEYS");
    assert_eq!(statement("EachAddress")["AggregateKeyType"], "IP");
    for name in ["EachKey", "EachAddress"] {
        assert_eq!(rule(name)["Action"]["Block"]["CustomResponse"]["ResponseCode"], 429, "{name}");
    }
}
