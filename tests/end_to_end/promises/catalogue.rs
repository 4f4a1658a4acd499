//! What the catalogue says is checked where a value is given, and nowhere else.

use std::time::Duration;

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::json;
use shared::{
    domain::{Author, Customer, CustomerId, ImportedCategory, KeyName, NewDefinition, OrgId, Policy, Text},
    store::{Import, Unless},
};

use crate::{
    promises::erasure::{ID, customer},
    support::{
        api::{Api, CATEGORIES, HISTORY, category, definition, key_of, send},
        proxy::{Fault, Proxy},
    },
};

const BAD_REQUEST: &str = "MCUS.999.998";
const NOT_FOUND: &str = "MCUS.999.997";

/// How long what was looked up counts.
const LOOK_UP_TTL: Duration = Duration::from_secs(30);

fn telco() -> OrgId {
    OrgId::parse("telco").unwrap()
}

#[tokio::test]
async fn a_value_has_to_be_valid_where_it_is_given() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier", "valid_values": ["silver", "gold"] })).await;
    let details = api.post(json!({ "id": 7, "value": "lead" })).await.refused(400, BAD_REQUEST);
    assert_eq!(details, ["`value` is not valid for category 7, which has \"silver\", \"gold\""]);
    let details = api.post(json!({ "id": 7, "value": " Gold" })).await.refused(400, BAD_REQUEST);
    assert_eq!(details, ["`value` is not valid for category 7; \"gold\" is"]);
    assert_eq!(api.post(json!({ "id": 7, "value": null })).await.status, 201);
    api.patch(&category(7), json!({ "value": "lead" })).await.refused(400, BAD_REQUEST);
    assert_eq!(api.patch(&category(7), json!({ "value": "gold" })).await.status, 204);
    let history = api.get(HISTORY).await.json();
    assert_eq!(history["history"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_carried_already_stays_and_can_be_changed_otherwise() {
    let api = Api::start().await;
    api.create(7, "lead").await;
    api.define(json!({ "id": 7, "name": "Tier", "valid_values": ["gold"], "archived": true })).await;
    assert_eq!(api.get(&category(7)).await.json()["value"], "lead");
    for patch in [
        json!({ "reason": "Kept" }),
        json!({ "value": "lead", "description": "Old" }),
        json!({ "value": null }),
    ] {
        assert_eq!(api.patch(&category(7), patch).await.status, 204);
    }
    api.patch(&category(7), json!({ "value": "gold" })).await.refused(404, NOT_FOUND);
    assert_eq!(api.delete(&category(7)).await.status, 204);
}

#[tokio::test]
async fn nobody_is_given_an_archived_category() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier", "archived": true })).await;
    for value in [json!(null), json!("gold")] {
        let details = api.post(json!({ "id": 7, "value": value })).await.refused(404, NOT_FOUND);
        assert_eq!(details, ["this category is archived in the organisation's catalogue"]);
    }
}

#[tokio::test]
async fn undefined_categories_are_accepted_or_not_as_the_organisation_says() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.store.set_policy(&telco(), Policy::Reject).await.unwrap();
    let details = api.post(json!({ "id": 8, "value": "gold" })).await.refused(404, NOT_FOUND);
    assert_eq!(details, ["the organisation's catalogue does not define this category"]);
    // Another organisation has a policy of its own.
    let elsewhere = CATEGORIES.replace("telco", "rival");
    let body = json!({ "id": 8, "value": "gold" });
    assert_eq!(send(api.request(Method::POST, &elsewhere).json(&body)).await.status, 201);
    api.define(json!({ "id": 9, "name": "Tier" })).await;
    api.create(9, "gold").await;
    api.store.set_policy(&telco(), Policy::Accept).await.unwrap();
    api.clock.advance(LOOK_UP_TTL);
    api.create(8, "gold").await;
}

#[tokio::test]
async fn a_change_of_the_catalogue_holds_within_30_seconds() {
    let api = Api::start().await;
    api.create(7, "lead").await;
    api.delete(&category(7)).await;
    api.define(json!({ "id": 7, "name": "Tier", "valid_values": ["gold"] })).await;
    // That nothing was defined is known for as long.
    api.create(7, "lead").await;
    api.delete(&category(7)).await;
    api.clock.advance(LOOK_UP_TTL);
    api.post(json!({ "id": 7, "value": "lead" })).await.refused(400, BAD_REQUEST);
    api.patch(&definition(7), json!({ "valid_values": null })).await;
    api.clock.advance(LOOK_UP_TTL);
    api.create(7, "lead").await;
}

#[tokio::test]
async fn a_repetition_is_not_checked_again() {
    let api = Api::start().await;
    let post = || {
        let body = json!({ "id": 7, "value": "lead" });
        send(api.request(Method::POST, CATEGORIES).header("idempotency-key", "once").json(&body))
    };
    let first = post().await;
    api.define(json!({ "id": 7, "name": "Tier", "valid_values": ["gold"] })).await;
    api.clock.advance(LOOK_UP_TTL);
    let repeated = post().await;
    assert_eq!((repeated.status, repeated.etag()), (201, first.etag()));
}

#[tokio::test]
async fn where_the_catalogue_can_not_be_read_nothing_is_accepted() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(1, "gold").await;
    proxy.break_next(1000, "BatchGetItem", Fault::CutBefore);
    for (method, path, body) in [
        (Method::POST, CATEGORIES.to_owned(), json!({ "id": 7, "value": "lead" })),
        (Method::PATCH, category(1), json!({ "value": "lead" })),
    ] {
        let answer = send(api.request(method, &path).json(&body)).await;
        answer.refused(503, "MCUS.001.005");
    }
    // Whoever gives no value does not need it.
    assert_eq!(api.patch(&category(1), json!({ "reason": "Campaign" })).await.status, 204);
    assert_eq!(api.delete(&category(1)).await.status, 204);
    proxy.mend();
    api.create(7, "lead").await;
}

/// Made-up keys can have the form and the checksum of real ones.
#[tokio::test]
async fn callers_without_a_key_cost_the_catalogue_nothing() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.clock.advance(LOOK_UP_TTL);
    api.recorder.take();
    let made_up = api.anonymous(Method::POST, CATEGORIES).header("x-auth-roles", key_of("nobody"));
    send(made_up.json(&json!({ "id": 8, "value": "gold" }))).await.refused(401, "MCUS.999.996");
    let actions: Vec<_> = api.recorder.take().into_iter().map(|call| call.action).collect();
    assert_eq!(actions, ["GetItem"]);
}

#[tokio::test]
async fn an_import_is_checked_too() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier", "valid_values": ["gold"] })).await;
    let author = Author::from(KeyName::parse("import").unwrap());
    let id = "123e4567-e89b-12d3-a456-556642440000";
    let customer = Customer { org: telco(), id: CustomerId::parse(id).unwrap() };
    for (value, taken) in [("lead", false), ("gold", true)] {
        let line = json!({ "customer_id": id, "id": 7, "value": value }).to_string();
        let line = ImportedCategory::parse(line.as_bytes(), api.clock.timestamp()).unwrap();
        let import = api.store.import(&customer, &line, &author, Unless::Erased).await.unwrap();
        assert_eq!(matches!(import, Import::Created), taken, "{import:?}");
    }
}

#[tokio::test]
async fn what_an_operator_sets_as_the_policy_holds_within_30_seconds() {
    let api = Api::start().await;
    let other = CATEGORIES.replace("123e4567", "223e4567");
    let post = async |path: &str| {
        let body = json!({ "id": 7, "value": "gold" });
        let answer = send(api.request(Method::POST, path).json(&body)).await;
        assert_eq!(
            api.delete(&format!("{path}/7")).await.status,
            if answer.status == 201 { 204 } else { 404 }
        );
        answer.status
    };
    assert_eq!(post(CATEGORIES).await, 201);
    for (policy, before, after) in [(Policy::Reject, 201, 404), (Policy::Accept, 404, 201)] {
        api.store.set_policy(&telco(), policy).await.unwrap();
        assert_eq!(api.store.policy(&telco()).await.unwrap(), policy);
        // Whoever looked it up before may know what held then.
        assert_eq!(post(&other).await, before);
        api.clock.advance(LOOK_UP_TTL);
        assert_eq!(post(&other).await, after);
    }
}

async fn import_definition(api: &Api, body: serde_json::Value) -> Import {
    let definition = NewDefinition::parse_line(body.to_string().as_bytes(), 1).unwrap();
    let author = Author::from(KeyName::parse("migration").unwrap());
    api.store.import_definition(&telco(), &definition, &author).await.unwrap()
}

#[tokio::test]
async fn of_imports_and_posts_of_one_name_at_the_same_time_one_defines_it() {
    let api = Api::start().await;
    for round in 0..4 {
        let name = format!("Tier {round}");
        let id = |n: i32| round * 100 + n;
        let posts = join_all((0..4).map(|n| api.define(json!({ "id": id(n), "name": name }))));
        let imports = join_all(
            (4..8).map(|n| import_definition(&api, json!({ "id": id(n), "name": name.to_uppercase() }))),
        );
        let (posts, imports) = join(posts, imports).await;
        let defined = posts.iter().filter(|answer| answer.status == 201).count()
            + imports.iter().filter(|outcome| **outcome == Import::Created).count();
        assert_eq!(defined, 1, "{imports:?}");
        for outcome in imports.into_iter().filter(|outcome| *outcome != Import::Created) {
            let Import::Conflict(problem) = outcome else { panic!("{outcome:?}") };
            assert!(problem.ends_with("has this name, or one that looks the same"), "{problem}");
        }
    }
    let list = api.get("/v4/orgs/telco/categories").await.json();
    assert_eq!(list["categories"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn of_imports_of_one_definition_at_the_same_time_one_defines_it() {
    let api = Api::start().await;
    let body = json!({ "id": 7, "name": "Tier", "description": null, "valid_values": ["gold"] });
    let outcomes = join_all((0..8).map(|_| import_definition(&api, body.clone()))).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Import::Created).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Import::Present).count(), 7, "{outcomes:?}");
    let history = api.get("/v4/orgs/telco/categories/historical").await.json();
    assert_eq!(history["history"].as_array().unwrap().len(), 1);
    assert_eq!(history["history"][0]["changed_by"], "migration");
}

#[tokio::test]
async fn what_is_left_of_a_customer_who_is_being_erased_is_not_carried() {
    let api = Api::start().await;
    for id in 0..120 {
        api.create(id, "gold").await;
    }
    let other = CATEGORIES.replace("123e4567", "223e4567");
    let body = json!({ "id": 7, "value": "lead" });
    assert_eq!(send(api.request(Method::POST, &other).json(&body)).await.status, 201);
    let carried = async || {
        let (mut all, mut position) = (Vec::new(), None);
        loop {
            let page = api.store.carried(&telco(), position.as_ref()).await.unwrap();
            all.extend(page.found);
            position = page.next;
            if position.is_none() {
                return all;
            }
        }
    };
    assert_eq!(carried().await.len(), 121);
    let (erasure, _) = api.store.begin_erasure(&customer(ID)).await.unwrap();
    assert!(api.store.count_items(&customer(ID)).await.unwrap().categories > 0);
    let [left] = &carried().await[..] else { panic!() };
    assert_eq!((left.id.get(), left.value.as_ref().map(Text::as_str)), (7, Some("lead")));
    while api.store.erase_some(&erasure).await.unwrap().total() > 0 {}
    assert_eq!(carried().await.len(), 1);
}

#[tokio::test]
async fn defining_takes_a_role_of_its_own() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    api.add_key_with("writer", &["categories:read", "categories:write"]).await;
    let request =
        |method: Method, path: &str| api.anonymous(method, path).header("x-auth-roles", key_of("writer"));
    assert_eq!(send(request(Method::GET, &definition(7))).await.status, 200);
    for request in [
        request(Method::POST, "/v4/orgs/telco/categories").json(&json!({ "id": 8, "name": "Score" })),
        request(Method::PATCH, &definition(7)).json(&json!({ "name": "Level" })),
        request(Method::DELETE, &definition(7)),
    ] {
        let details = send(request).await.refused(403, "MCUS.999.995");
        assert_eq!(details, ["the API key lacks the role `catalogue:write`"]);
    }
}
