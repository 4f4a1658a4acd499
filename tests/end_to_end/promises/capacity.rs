//! What each operation costs in DynamoDB calls and capacity units. The table in `docs/api.md` is made
//! of these figures.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    api::{Api, CATEGORIES, DEFINITION_HISTORY, DEFINITIONS, HISTORY, carriers, category, definition, send},
    carriers::listed,
    documentation::section,
    recorder::Call,
};

/// What the catalogue says is looked up once in 30 s, which is counted apart.
const LOOK_UP: &str = "BatchGetItem";

fn row(operation: &str, mut calls: Vec<Call>) -> String {
    calls.retain(|call| call.action != LOOK_UP);
    let runs = calls.chunk_by(|call, next| call.action == next.action);
    let actions: Vec<String> = runs
        .map(|run| match run.len() {
            1..=2 => vec![run[0].action.as_str(); run.len()].join(", "),
            times => format!("{times} × {}", run[0].action),
        })
        .collect();
    let (writes, reads): (Vec<&Call>, Vec<&Call>) =
        calls.iter().partition(|call| call.action == "TransactWriteItems");
    let units = |calls: Vec<&Call>| match calls.iter().map(|call| call.units).sum::<f64>() {
        0.0 => "–".to_owned(),
        units => format!("{units:.0}"),
    };
    format!("| {operation} | {} | {} | {} |", actions.join(", "), units(reads), units(writes))
}

/// Each function looks the key up once in 30 s, and what the catalogue says of a category; a creation both at once.
async fn create_and_look_up(api: &Api) {
    let other = CATEGORIES.replace("123e4567", "323e4567");
    for (path, id, seconds_later, units) in
        [(other.as_str(), 3, 0, 3.0), (&other, 4, 0, 2.0), (CATEGORIES, 1, 30, 3.0)]
    {
        api.clock.advance(Duration::from_secs(seconds_later));
        let body = json!({ "id": id, "value": "gold" });
        assert_eq!(send(api.request(Method::POST, path).json(&body)).await.status, 201);
        let calls = api.recorder.take();
        let made: Vec<_> = calls.iter().map(|call| (call.action.as_str(), call.units)).collect();
        assert_eq!(made, [(LOOK_UP, units), ("TransactWriteItems", 7.0)]);
    }
}

/// Has every function look up what it needs. Returns a moment before most changes, and the paths of further pages of
/// the list and of the history.
async fn prepare(api: &Api) -> (String, String, String) {
    create_and_look_up(api).await;
    let moment = api.get(&category(1)).await.json()["updated_at"].as_str().unwrap().to_owned();
    api.create(2, "risk").await;
    api.get(CATEGORIES).await;
    api.get(HISTORY).await;
    api.patch(&category(8), json!({})).await.refused(404, "MCUS.999.997");
    api.delete(&category(8)).await.refused(404, "MCUS.999.997");
    assert_eq!(api.put(&category(2), json!({ "value": "risk" })).await.status, 204);
    let further = async |path: String| {
        let first = api.get(&path).await.json();
        format!("{path}&cursor={}", first["next_cursor"].as_str().unwrap())
    };
    let next_page = further(format!("{CATEGORIES}?limit=1")).await;
    let older_page = further(format!("{HISTORY}?limit=1")).await;
    api.create(5, "gold").await;
    api.delete(&category(5)).await;
    api.recorder.take();
    (moment, next_page, older_page)
}

#[tokio::test]
async fn the_documented_table_is_true() {
    let api = Api::start().await;
    let (moment, next_page, older_page) = prepare(&api).await;
    let mut rows = Vec::new();
    let mut note = |operation: &str| rows.push(row(operation, api.recorder.take()));
    api.get(&category(1)).await;
    note("getCategory");
    api.get(CATEGORIES).await;
    note("listCategories");
    api.get(HISTORY).await;
    note("listCategoryHistory");
    api.create(7, "gold").await;
    note("createCategory");
    let body = json!({ "id": 9, "value": "gold" });
    send(api.request(Method::POST, CATEGORIES).header("idempotency-key", "a").json(&body)).await;
    note("createCategory with an `Idempotency-Key`");
    send(api.request(Method::POST, CATEGORIES).header("idempotency-key", "a").json(&body)).await;
    note("… its repetition");
    api.create(5, "gold").await;
    note("createCategory in place of a deleted one");
    api.patch(&category(7), json!({ "reason": "Campaign" })).await;
    note("updateCategory");
    api.patch(&category(7), json!({ "value": "silver" })).await;
    note("updateCategory with another value");
    api.patch(&category(7), json!({})).await;
    note("updateCategory that changes nothing");
    api.put(&category(11), json!({ "value": "gold" })).await;
    note("setCategory of one that is not there");
    api.put(&category(11), json!({ "value": "silver" })).await;
    note("setCategory of one that is, with another value");
    api.put(&category(11), json!({ "value": "silver" })).await;
    note("setCategory that changes nothing");
    api.delete(&category(11)).await;
    api.recorder.take();
    api.get(&format!("{}?as_of={moment}", category(1))).await;
    note("getCategory, `as_of`, unchanged since");
    api.get(&format!("{}?as_of={moment}", category(7))).await;
    note("getCategory, `as_of`, changed since");
    api.get(&format!("{CATEGORIES}?as_of={moment}")).await;
    note("listCategories, `as_of`");
    api.get(&format!("{HISTORY}?category_id=7")).await;
    note("listCategoryHistory of one category");
    api.get(&next_page).await;
    note("listCategories, a further page");
    api.get(&older_page).await;
    note("listCategoryHistory, a further page or `to`");
    api.delete(&category(7)).await;
    note("deleteCategory");
    for id in [1, 2] {
        api.delete(&category(id)).await;
    }
    api.recorder.take();
    api.get(CATEGORIES).await;
    note("listCategories, none left");
    api.get(&CATEGORIES.replace("123e4567", "223e4567")).await.refused(404, "MCUS.999.997");
    note("listCategories, customer unknown");
    api.get(&HISTORY.replace("123e4567", "223e4567")).await.refused(404, "MCUS.999.997");
    note("listCategoryHistory, customer unknown");

    let table = rows.join("\n");
    let documented = section("docs/api.md", "What an operation costs");
    assert!(documented.contains(&table), "docs/api.md should have\n{table}");
}

#[tokio::test]
async fn a_batch_costs_a_read_unit_for_each_change_and_what_its_customers_transactions_do() {
    let api = Api::start().await;
    let batch = |customers: i32, value: &str| -> Value {
        let change = |n: i32| {
            let customer = format!("{:08}-e89b-12d3-a456-55664244000{}", n % customers, customers % 10);
            json!({ "op": "set", "customer_id": customer, "id": n / customers, "value": value })
        };
        (0..100).map(change).collect()
    };
    api.batch(batch(100, "first")).await;
    for (customers, value, looked_up, writes) in
        [(100, "second", 2, 600), (4, "first", 26, 508), (4, "second", 26, 600), (4, "second", 0, 0)]
    {
        // Whatever time it took so far, the key and the catalogue are looked up.
        api.clock.advance(Duration::from_secs(30));
        api.recorder.take();
        assert_eq!(api.batch(batch(customers, value)).await.json()["failed"], 0);
        let calls = api.recorder.take();
        let count = |action: &str| calls.iter().filter(|call| call.action == action).count();
        let transactions = if writes == 0 { 0 } else { customers.unsigned_abs() as usize };
        let look_ups = 1 + usize::from(looked_up > 0);
        let counted = [count("GetItem"), count(LOOK_UP), count("TransactWriteItems"), calls.len()];
        assert_eq!(counted, [1, look_ups, transactions, 1 + look_ups + transactions]);
        // Of calls that overlap only the sum is right.
        let units: f64 = calls.iter().map(|call| call.units).sum();
        assert_eq!(units.to_string(), (1 + 100 + looked_up + writes).to_string());
    }
    let documented = section("docs/api.md", "What an operation costs");
    let documented = documented.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "100 changes of as many customers are 700 write units where all are created and 600 where all are \
                replaced; of four customers, 508 and 600.";
    assert!(documented.contains(told), "{documented}");
}

#[tokio::test]
async fn the_documented_table_of_definitions_is_true() {
    let api = Api::start().await;
    api.define(json!({ "id": 1, "name": "Score" })).await;
    api.patch(&definition(8), json!({})).await.refused(404, "MCUS.999.997");
    api.delete(&definition(8)).await.refused(404, "MCUS.999.997");
    for path in [definition(1), DEFINITIONS.to_owned(), DEFINITION_HISTORY.to_owned()] {
        api.get(&path).await;
    }
    api.recorder.take();
    let mut rows = Vec::new();
    let mut note = |operation: &str| rows.push(row(operation, api.recorder.take()));
    api.get(&definition(1)).await;
    note("getDefinition");
    api.get(DEFINITIONS).await;
    note("listDefinitions");
    api.get(DEFINITION_HISTORY).await;
    note("listDefinitionHistory");
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    note("defineCategory");
    api.patch(&definition(7), json!({ "valid_values": ["gold"] })).await;
    note("updateDefinition");
    api.patch(&definition(7), json!({ "name": "Level" })).await;
    note("updateDefinition with another name");
    api.delete(&definition(7)).await;
    note("deleteDefinition");

    let table = rows.join("\n");
    let documented = section("docs/api.md", "What an operation costs");
    assert!(documented.contains(&table), "docs/api.md should have\n{table}");
}

#[tokio::test]
async fn the_documented_table_of_carriers_is_true() {
    let api = Api::start().await;
    api.put_carriers(0..1600, "influencer").await;
    let count = format!("{}/count", carriers(7));
    api.create(8, "gold").await;
    for path in [carriers(8), count.clone()] {
        api.get(&path).await;
    }
    api.recorder.take();
    let mut rows = Vec::new();
    let mut note = |operation: &str| rows.push(row(operation, api.recorder.take()));
    api.get(&carriers(8)).await;
    note("listCarriers, a few in all");
    assert_eq!(listed(&api.get(&format!("{}?limit=150", carriers(7))).await.json()).len(), 150);
    note("listCarriers, a page of 150");
    api.get(&format!("{}/count", carriers(8))).await;
    note("countCarriers, a few in all");
    assert_eq!(api.get(&count).await.json()["count"], 1600);
    note("countCarriers, 1,600");

    let table = rows.join("\n");
    let documented = section("docs/api.md", "What an operation costs");
    assert!(documented.contains(&table), "docs/api.md should have\n{table}");
}
