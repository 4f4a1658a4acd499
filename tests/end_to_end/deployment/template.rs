//! The parts of the deployment agree: template, functions, gateway, router, tables, policies.

use std::collections::{BTreeMap, BTreeSet};

use customers_categories::server::template::{AttributeDefinition, KeyElement, TEXT};
use reqwest::Method;
use serde_json::{Value, json};
use shared::http::Operation;

use crate::support::{
    api::{
        Api, CATEGORIES, DEFINITION_HISTORY, DEFINITIONS, HISTORY, carriers, category, definition, key_of,
        send,
    },
    proxy::{Fault, Proxy},
    recorder::Call,
    template::{Permit, TEMPLATE, YAML, permits},
};

type Route = (String, String, String);

fn operations() -> BTreeSet<Route> {
    let route = |operation: Operation| {
        (operation.function().to_owned(), operation.method().to_string(), operation.path().to_owned())
    };
    Operation::ALL.into_iter().map(route).collect()
}

fn manifest() -> toml::Table {
    include_str!("../../../Cargo.toml").parse().unwrap()
}

#[test]
fn the_template_routes_every_operation_and_the_rest_to_not_found() {
    let (routed, default): (Vec<_>, Vec<_>) =
        TEMPLATE.routes().into_iter().partition(|route| route.matches.is_some());
    let routed: BTreeSet<Route> = routed
        .into_iter()
        .map(|route| {
            let (method, path) = route.matches.unwrap();
            (route.function, method, path)
        })
        .collect();
    assert_eq!(routed, operations());
    assert_eq!(default.iter().map(|route| route.function.as_str()).collect::<Vec<_>>(), ["not-found"]);
}

#[test]
fn cargo_lambda_watch_routes_every_operation() {
    let manifest = manifest();
    let router = manifest["workspace"]["metadata"]["lambda"]["watch"]["router"].as_table().unwrap();
    let routes = router.iter().flat_map(|(path, routes)| {
        routes.as_array().unwrap().iter().map(move |route| {
            let text = |name: &str| route[name].as_str().unwrap().to_owned();
            (text("function"), text("method"), path.clone())
        })
    });
    assert_eq!(routes.collect::<BTreeSet<Route>>(), operations());
}

#[test]
fn every_function_in_the_tree_is_in_the_template() {
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions")).unwrap();
    let folders = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    let deployed: BTreeSet<String> = folders.filter(|name| name != "local").collect();
    assert_eq!(TEMPLATE.functions().into_keys().map(ToOwned::to_owned).collect::<BTreeSet<_>>(), deployed);
}

/// The API needs the functions' aliases, these their deployment groups, and those the alarms that
/// roll a deployment back: one that refers to the API closes a circle, which only AWS would find.
#[test]
fn alarms_that_roll_back_a_deployment_do_not_need_the_api() {
    fn mentions_api(value: &Value) -> bool {
        match value {
            Value::String(text) => text == "Api" || text.starts_with("Api."),
            Value::Array(items) => items.iter().any(mentions_api),
            Value::Object(members) => members.values().any(mentions_api),
            _ => false,
        }
    }
    // `!If [IgnoresAlarms, none, alarms]`.
    let alarms = YAML["Globals"]["Function"]["DeploymentPreference"]["Alarms"][2].as_array().unwrap();
    assert_eq!(alarms.len(), 3);
    for alarm in alarms {
        let alarm = &YAML["Resources"][alarm.as_str().unwrap()];
        assert_eq!(alarm["Type"], "AWS::CloudWatch::Alarm");
        assert!(!mentions_api(alarm), "{alarm}");
    }
    assert!(mentions_api(&YAML["Resources"]["LatencyAlarm"]));
}

#[test]
fn panics_unwind_in_what_is_deployed() {
    assert_eq!(manifest()["profile"]["release"]["panic"].as_str(), Some("unwind"));
}

#[tokio::test]
async fn the_templates_tables_are_those_the_service_makes_for_itself() {
    let api = Api::start().await;
    for (name, table) in [(&api.tables.categories, "CategoriesTable"), (&api.tables.keys, "KeysTable")] {
        let made = api.client.describe_table().table_name(name).send().await.unwrap().table.unwrap();
        let attributes = made.attribute_definitions().iter().map(|attribute| AttributeDefinition {
            attribute_name: attribute.attribute_name.clone(),
            attribute_type: attribute.attribute_type.to_string(),
        });
        let keys = made.key_schema().iter().map(|key| KeyElement {
            attribute_name: key.attribute_name.clone(),
            key_type: key.key_type.to_string(),
        });
        let mut attributes: Vec<_> = attributes.collect();
        attributes.sort();
        let described = &TEMPLATE.resources[table].properties;
        assert_eq!(attributes, described.attribute_definitions);
        assert_eq!(keys.collect::<Vec<_>>(), described.key_schema);
        assert_eq!(described.billing_mode, "PAY_PER_REQUEST");
        let indexes = made.global_secondary_indexes().iter().map(|index| {
            let key = index
                .key_schema()
                .iter()
                .map(|key| json!({ "AttributeName": key.attribute_name, "KeyType": key.key_type.as_str() }));
            let projection = index.projection().unwrap();
            json!({
                "IndexName": index.index_name,
                "KeySchema": key.collect::<Vec<_>>(),
                "Projection": {
                    "ProjectionType": projection.projection_type().unwrap().as_str(),
                    "NonKeyAttributes": projection.non_key_attributes(),
                },
            })
        });
        let mut described = YAML["Resources"][table]["Properties"]["GlobalSecondaryIndexes"].clone();
        for index in described.as_array_mut().into_iter().flatten() {
            // The caps of the table are those of its index.
            let throughput = index.as_object_mut().unwrap().remove("OnDemandThroughput").unwrap();
            assert_eq!(throughput, YAML["Resources"][table]["Properties"]["OnDemandThroughput"]);
        }
        let indexes: Vec<_> = indexes.collect();
        assert_eq!(described, if indexes.is_empty() { Value::Null } else { json!(indexes) });
        let ttl = api.client.describe_time_to_live().table_name(name).send().await.unwrap();
        let made = ttl.time_to_live_description.and_then(|ttl| ttl.attribute_name);
        let described = &YAML["Resources"][table]["Properties"]["TimeToLiveSpecification"];
        assert_eq!(made.as_deref(), described["AttributeName"].as_str());
    }
}

/// The whole suite runs under the template's policies; here each function does all it can, so that
/// a permission that nothing needs is found too.
#[tokio::test]
async fn policies_allow_what_the_functions_do_and_no_more() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    // A write whose answer is lost is looked for.
    proxy.break_next(6, "TransactWriteItems", Fault::CutAfter);
    api.create(7, "gold").await;
    let moment = api.get(&category(7)).await.json()["updated_at"].as_str().unwrap().to_owned();
    api.patch(&category(7), json!({ "value": "silver" })).await;
    for path in [category(7), CATEGORIES.into(), HISTORY.into()] {
        api.get(&path).await;
    }
    for path in [category(7), CATEGORIES.into()] {
        api.get(&format!("{path}?as_of={moment}")).await;
    }
    api.get(&format!("{HISTORY}?category_id=8")).await;
    api.create(8, "risk").await;
    // A key that was not there before is looked up without the catalogue.
    let made_up = api.anonymous(Method::POST, CATEGORIES).header("x-auth-roles", key_of("nobody"));
    assert_eq!(send(made_up).await.status, 401);
    api.pages(&format!("{CATEGORIES}?limit=1"), "categories").await;
    api.pages(&format!("{HISTORY}?limit=1"), "history").await;
    api.delete(&category(7)).await;
    send(api.request(Method::PUT, CATEGORIES)).await;
    // Where the answer is lost, what became of it is looked for.
    proxy.break_next(6, "TransactWriteItems", Fault::CutAfter);
    assert_eq!(api.put(&category(9), json!({ "value": "gold" })).await.status, 201);
    proxy.break_next(6, "TransactWriteItems", Fault::CutAfter);
    let id = "123e4567-e89b-12d3-a456-556642440000";
    let batch = api.batch(json!([{ "op": "set", "customer_id": id, "id": 10, "value": "gold" }])).await;
    assert_eq!(batch.json()["failed"], 0);
    use_the_catalogue(&api, &proxy).await;

    let mut done: BTreeMap<String, BTreeSet<Permit>> = BTreeMap::new();
    for Call { function, permits, .. } in api.recorder.take() {
        done.entry(function).or_default().extend(permits);
    }
    for function in TEMPLATE.functions().into_keys() {
        assert_eq!(done.remove(function).unwrap_or_default(), permits(function), "{function}");
    }
}

async fn use_the_catalogue(api: &Api, proxy: &Proxy) {
    proxy.break_next(6, "TransactWriteItems", Fault::CutAfter);
    let body = json!({ "id": 7, "name": "Tier" });
    assert_eq!(send(api.request(Method::POST, DEFINITIONS).json(&body)).await.status, 201);
    let moment = api.get(&definition(7)).await.json()["updated_at"].as_str().unwrap().to_owned();
    api.patch(&definition(7), json!({ "name": "Level" })).await;
    for path in [definition(7), DEFINITIONS.into()] {
        api.get(&path).await;
        api.get(&format!("{path}?as_of={moment}")).await;
    }
    api.get(DEFINITION_HISTORY).await;
    // Category 8 is carried, and category 7 no more.
    for path in [carriers(7), carriers(8), format!("{}/count", carriers(7))] {
        assert_eq!(api.get(&path).await.status, 200);
    }
    api.delete(&definition(7)).await;
}

/// It passes on no others.
#[test]
fn sam_local_gets_the_variables_that_the_template_sets() {
    let events: Value = serde_json::from_str(include_str!("../../../events/env.local.json")).unwrap();
    let given: BTreeSet<&str> =
        events["Parameters"].as_object().unwrap().keys().map(String::as_str).collect();
    let set = TEXT
        .lines()
        .skip_while(|line| line.trim() != "Variables:")
        .skip(1)
        .take_while(|line| line.starts_with("        "))
        .map(|variable| variable.trim().split(':').next().unwrap());
    assert_eq!(given, set.collect());
}
