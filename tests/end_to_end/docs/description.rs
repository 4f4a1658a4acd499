//! What `openapi.yaml` has is what there is. (`support::description` holds every answer against it.)

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use shared::{
    domain::{ApiKey, OrgId, Orgs, Policy},
    http::{ErrorCode, Operation},
};

use crate::support::{
    api::{Answer, Api, CATEGORIES, key_of, send},
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
    let listed = &DOCUMENT["components"]["schemas"]["ErrorBody"]["properties"]["code"]["enum"];
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
            let codes = ErrorCode::ALL.into_iter().filter(|code| code.status() == status);
            let codes: BTreeSet<_> = codes.map(ErrorCode::code).collect();
            let shown: BTreeSet<_> = shown.map(|(code, _)| code).collect();
            // Nothing but a deletion is refused because of who carries a category.
            let refused = operation["operationId"] != "deleteDefinition";
            let others: Vec<_> = codes.difference(&shown).copied().collect();
            let expected: &[_] = if status == 409 && refused { &[ErrorCode::InUse.code()] } else { &[] };
            assert!(shown.is_subset(&codes) && others == expected, "{operation}");
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

/// A well-formed request for the category or definition with the id 7, or for what it is part of.
fn request(api: &Api, operation: Operation, key: &str) -> RequestBuilder {
    let path = operation.path().replace("{org_id}", "telco").replace("{category_id}", "7");
    request_to(api, operation, key, &path.replace("{customer_id}", "123e4567-e89b-12d3-a456-556642440000"))
}

fn request_to(api: &Api, operation: Operation, key: &str, path: &str) -> RequestBuilder {
    let request = api.anonymous(operation.method(), path).header("x-auth-roles", key);
    match operation {
        Operation::CreateCategory => request.json(&json!({ "id": 7, "value": "gold" })),
        Operation::SetCategory => request.json(&json!({ "value": "bronze" })),
        Operation::ChangeCategories => request.json(&json!({
            "changes": [{
                "op": "set", "customer_id": "123e4567-e89b-12d3-a456-556642440000", "id": 7, "value": "gold",
            }],
        })),
        Operation::UpdateCategory => request.json(&json!({ "value": "silver" })),
        Operation::DefineCategory => request.json(&json!({ "id": 7, "name": "Tier" })),
        Operation::UpdateDefinition => request.json(&json!({ "name": "Level" })),
        _ => request,
    }
}

/// The operations on one kind of record.
struct Operations {
    create: Operation,
    lists: [Operation; 2],
    get: Operation,
    update: Operation,
    delete: Operation,
}

const KINDS: [Operations; 2] = [
    Operations {
        create: Operation::CreateCategory,
        lists: [Operation::ListCategories, Operation::ListCategoryHistory],
        get: Operation::GetCategory,
        update: Operation::UpdateCategory,
        delete: Operation::DeleteCategory,
    },
    Operations {
        create: Operation::DefineCategory,
        lists: [Operation::ListDefinitions, Operation::ListDefinitionHistory],
        get: Operation::GetDefinition,
        update: Operation::UpdateDefinition,
        delete: Operation::DeleteDefinition,
    },
];

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
    let abroad = ApiKey { orgs: Orgs::parse(["elsewhere"]).unwrap(), ..api.key("elsewhere") };
    api.store.put_api_key(&abroad).await.unwrap();

    for operation in Operation::ALL {
        receive(operation, 401, send(request(&api, operation, "unknown")).await);
        receive(operation, 403, send(request(&api, operation, &key_of("elsewhere"))).await);
        let malformed = operation.path().replace("{org_id}", "a%20b").replace(['{', '}'], "");
        receive(operation, 400, send(request_to(&api, operation, "API_KEY", &malformed)).await);
        if ![Method::POST, Method::PUT].contains(&operation.method()) {
            receive(operation, 404, send(request(&api, operation, "API_KEY")).await);
        }
    }
    for Operations { create, lists, get, update, delete } in KINDS {
        let first =
            [(create, 201), (create, 409), (lists[0], 200), (lists[1], 200), (get, 200), (update, 204)];
        for (operation, expected) in first {
            receive(operation, expected, send(request(&api, operation, "API_KEY")).await);
        }
        receive(get, 304, send(request(&api, get, "API_KEY").header("If-None-Match", "*")).await);
        for operation in [update, delete] {
            let stale = request(&api, operation, "API_KEY").header("If-Match", "\"stale\"");
            receive(operation, 412, send(stale).await);
        }
        let keyed = |operation| request(&api, operation, "API_KEY").header("Idempotency-Key", "once");
        receive(update, 204, send(keyed(update).json(&json!({ "description": "iron" }))).await);
        for operation in [update, delete] {
            receive(operation, 409, send(keyed(operation)).await);
        }
        if create == Operation::DefineCategory {
            for operation in [Operation::ListCarriers, Operation::CountCarriers] {
                receive(operation, 200, send(request(&api, operation, "API_KEY")).await);
            }
        }
        receive(delete, 204, send(request(&api, delete, "API_KEY")).await);
    }
    for operation in [Operation::ChangeCategories, Operation::SetCategory] {
        let status = if operation == Operation::SetCategory { 204 } else { 200 };
        receive(operation, status, send(request(&api, operation, "API_KEY")).await);
    }
    let set = Operation::SetCategory;
    receive(set, 412, send(request(&api, set, "API_KEY").header("If-None-Match", "*")).await);
    let keyed = || request(&api, set, "API_KEY").header("Idempotency-Key", "once-more");
    receive(set, 204, send(keyed().json(&json!({ "value": "steel" }))).await);
    receive(set, 409, send(keyed()).await);
    let delete = Operation::DeleteCategory;
    receive(delete, 204, send(request(&api, delete, "API_KEY")).await);
    receive(set, 201, send(request(&api, set, "API_KEY")).await);
    receive(delete, 204, send(request(&api, delete, "API_KEY")).await);
    // What the catalogue says is looked up again by then.
    api.store.set_policy(&OrgId::parse("telco").unwrap(), Policy::Reject).await.unwrap();
    api.clock.advance(Duration::from_secs(30));
    for operation in [Operation::CreateCategory, Operation::SetCategory] {
        receive(operation, 404, send(request(&api, operation, "API_KEY")).await);
    }

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
