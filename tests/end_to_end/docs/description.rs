//! What `openapi.yaml` has is what there is. (`support::description` holds every answer against it.)

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use shared::{
    domain::{ApiKey, Customer, CustomerId, KeyHash, KeyName, OrgId, Orgs, Permission, Timestamp},
    http::{ErrorCode, Operation},
};

use crate::support::{
    api::{Answer, Api, CATEGORIES, HISTORY, category, send},
    description::{
        DESCRIPTION, DOCUMENT, Described, assert_is, check, object, operations, resolve, responses, validator,
    },
    proxy::{Fault, Proxy},
};

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

fn key_of_another_organisation(created_at: Timestamp) -> ApiKey {
    ApiKey {
        hash: KeyHash::of(b"elsewhere"),
        name: KeyName::parse("elsewhere").unwrap(),
        orgs: Orgs::parse(["elsewhere"]).unwrap(),
        roles: Permission::ALL.into(),
        created_at,
        expires_at: None,
        revoked_at: None,
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
    api.store.put_api_key(&key_of_another_organisation(api.clock.timestamp())).await.unwrap();

    for operation in Operation::ALL {
        receive(operation, 401, send(request(&api, operation, "unknown")).await);
        receive(operation, 403, send(request(&api, operation, "elsewhere")).await);
        let malformed = operation.path().replace(['{', '}'], "");
        receive(operation, 400, send(request_to(&api, operation, "API_KEY", &malformed)).await);
        if operation != Operation::CreateCategory {
            receive(operation, 404, send(request(&api, operation, "API_KEY")).await);
        }
    }
    let id = CustomerId::parse("123e4567-e89b-12d3-a456-556642440000").unwrap();
    let customer = Customer { org: OrgId::parse("telco").unwrap(), id };
    let (erasure, _) = api.store.begin_erasure(&customer).await.unwrap();
    let during = send(request(&api, Operation::CreateCategory, "API_KEY")).await;
    receive(Operation::CreateCategory, 404, during);
    api.store.end_erasure(&erasure).await.unwrap();
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
    let keyed = |operation| request(&api, operation, "API_KEY").header("Idempotency-Key", "once");
    receive(
        Operation::UpdateCategory,
        204,
        send(keyed(Operation::UpdateCategory).json(&json!({ "value": "iron" }))).await,
    );
    for operation in [Operation::UpdateCategory, Operation::DeleteCategory] {
        receive(operation, 409, send(keyed(operation)).await);
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
