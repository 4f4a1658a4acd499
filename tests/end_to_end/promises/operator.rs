//! What the operator's commands do to the store, as callers of the API see it meanwhile.

use aws_sdk_dynamodb::types::AttributeValue;
use std::time::Duration;

use customers_categories::server;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use shared::{
    domain::{Author, Customer, ImportedCategory, KeyName, OrgId},
    store::{Held, Import, ImportTask, ImportTerms, OnConflict, Probe, Store, Unless},
};

use crate::{
    promises::erasure::{ID, customer, furnish},
    support::{
        api::{Api, CATEGORIES, HISTORY, category},
        proxy::{Fault, Proxy},
    },
};

pub async fn import(store: &Store, line: Value) -> Import {
    import_unless(store, line, Unless::Erased).await
}

pub async fn import_unless(store: &Store, mut line: Value, unless: Unless) -> Import {
    line["customer_id"] = ID.into();
    let now = shared::clock::Clock::default().timestamp();
    let imported = ImportedCategory::parse(line.to_string().as_bytes(), now).unwrap();
    let author = Author::from(KeyName::parse("old-crm").unwrap());
    store.import(&customer(ID), &imported, &author, unless).await.unwrap()
}

pub fn conflict(outcome: Import) -> String {
    let Import::Conflict(problem) = outcome else { panic!("{outcome:?}") };
    problem
}

#[tokio::test]
async fn what_is_imported_counts_as_created_when_and_by_whom_the_line_says() {
    let api = Api::start().await;
    api.create(8, "here before").await;
    let line =
        json!({ "id": 7, "value": "gold", "reason": "Old", "changed_at": "2019-05-01T12:00:00.5+02:00" });
    assert_eq!(import(&api.store, line).await, Import::Created);
    insta::assert_json_snapshot!(api.get(&category(7)).await.json(), @r#"
    {
      "created_at": "2019-05-01T10:00:00.500Z",
      "description": null,
      "id": 7,
      "reason": "Old",
      "updated_at": "2019-05-01T10:00:00.500Z",
      "value": "gold"
    }
    "#);
    let history = api.get(HISTORY).await.json();
    let entries = history["history"].as_array().unwrap();
    assert_eq!(entries.iter().map(|entry| entry["id"].clone()).collect::<Vec<_>>(), [8, 7]);
    assert_eq!(entries[1]["changed_by"], "old-crm");
    assert_eq!(entries[1]["changed_at"], "2019-05-01T10:00:00.500Z");

    let at = |moment: &str| format!("{}?as_of={moment}", category(7));
    assert_eq!(api.get(&at("2019-05-01T10:00:00.500Z")).await.json()["value"], "gold");
    api.get(&at("2019-05-01T10:00:00.499Z")).await.refused(404, "MCUS.999.997");

    api.post(json!({ "id": 7, "value": "gold" })).await.refused(409, "MCUS.999.994");
    assert_eq!(api.patch(&category(7), json!({ "value": "silver" })).await.status, 204);
    let history = api.get(&format!("{HISTORY}?category_id=7")).await.json();
    assert_eq!(history["history"][0]["previous"]["value"], "gold");
}

#[tokio::test]
async fn importing_again_changes_nothing_whatever_happened_meanwhile() {
    let api = Api::start().await;
    let timed = json!({ "id": 7, "value": "gold", "changed_at": "2019-05-01T10:00:00Z" });
    let untimed = json!({ "id": 8, "value": "risk", "description": "x" });
    let both = async || {
        let mut outcomes = Vec::new();
        for line in [&timed, &untimed] {
            outcomes.push(import(&api.store, line.clone()).await);
        }
        let history = api.pages(HISTORY, "history").await.concat();
        (outcomes, history)
    };
    assert_eq!(both().await.0, [Import::Created, Import::Created]);
    let (outcomes, history) = both().await;
    assert_eq!((outcomes, history.len()), (vec![Import::Present, Import::Present], 2));

    for id in [7, 8] {
        assert_eq!(api.patch(&category(id), json!({ "value": "changed since" })).await.status, 204);
    }
    let (outcomes, history) = both().await;
    assert_eq!((outcomes, history.len()), (vec![Import::Present, Import::Present], 4));
    assert_eq!(api.get(&category(7)).await.json()["value"], "changed since");

    for id in [7, 8] {
        assert_eq!(api.delete(&category(id)).await.status, 204);
    }
    let (outcomes, history) = both().await;
    assert_eq!((outcomes, history.len()), (vec![Import::Present, Import::Present], 6));
    assert_eq!(api.get(CATEGORIES).await.json(), json!({ "categories": [] }));
}

#[tokio::test]
async fn a_line_taken_over_before_is_known_by_history_whatever_took_its_place() {
    let api = Api::start().await;
    let timed = json!({ "id": 7, "value": "gold", "changed_at": "2019-05-01T10:00:00Z" });
    let untimed = json!({ "id": 8, "value": "gold" });
    for line in [&timed, &untimed] {
        assert_eq!(import(&api.store, line.clone()).await, Import::Created);
    }
    for id in [7, 8] {
        assert_eq!(api.delete(&category(id)).await.status, 204);
        api.create(id, "another").await;
        for _ in 0..2 {
            for line in [&timed, &untimed] {
                assert_eq!(import(&api.store, line.clone()).await, Import::Present, "{line}");
            }
            api.delete(&category(id)).await;
        }
    }
    assert_eq!(api.get(CATEGORIES).await.json(), json!({ "categories": [] }));
    assert_eq!(api.pages(HISTORY, "history").await.concat().len(), 8);

    // What differs in anything is no repetition.
    for (member, other) in [("value", json!("silver")), ("changed_at", json!("2019-05-01T10:00:00.001Z"))] {
        let mut line = timed.clone();
        line[member] = other;
        conflict(import(&api.store, line).await);
    }
}

#[tokio::test]
async fn what_an_earlier_version_took_over_is_known_too() {
    let api = Api::start().await;
    let line = json!({ "id": 7, "value": "gold", "changed_at": "2019-05-01T10:00:00Z" });
    assert_eq!(import(&api.store, line.clone()).await, Import::Created);
    // Revisions of imports were random below their time.
    let revision = api.get(HISTORY).await.json()["history"][0]["revision"].as_str().unwrap().to_owned();
    let random = format!("{}-71c0-8a3f-0123456789ab", &revision[..13]);
    for item in api.items().await {
        let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
        let table = &api.tables.categories;
        let delete = api.client.delete_item().table_name(table).set_key(Some(key.into())).send();
        delete.await.unwrap();
        let renamed = item.into_iter().map(|(name, value)| match value.as_s() {
            Ok(text) => (name, AttributeValue::S(text.replace(&revision, &random))),
            Err(_) => (name, value),
        });
        let put = api.client.put_item().table_name(table).set_item(Some(renamed.collect())).send();
        put.await.unwrap();
    }
    assert_eq!(api.get(HISTORY).await.json()["history"][0]["revision"], random);
    assert_eq!(api.delete(&category(7)).await.status, 204);
    api.create(7, "another").await;
    assert_eq!(import(&api.store, line).await, Import::Present);
}

#[tokio::test]
async fn of_two_lines_about_one_category_at_one_millisecond_the_second_is_a_conflict() {
    let api = Api::start().await;
    let line =
        |id: i32, value: &str| json!({ "id": id, "value": value, "changed_at": "2019-05-01T10:00:00Z" });
    assert_eq!(import(&api.store, line(7, "gold")).await, Import::Created);
    assert_eq!(import(&api.store, line(8, "gold")).await, Import::Created);
    assert_eq!(
        conflict(import(&api.store, line(7, "silver")).await),
        "the customer has this category with other content"
    );
    assert_eq!(api.pages(HISTORY, "history").await.concat().len(), 2);
}

#[tokio::test]
async fn a_line_is_taken_over_again_after_an_erasure() {
    let api = Api::start().await;
    let line = json!({ "id": 7, "value": "gold", "changed_at": "2019-05-01T10:00:00Z" });
    for _ in 0..2 {
        // With the same revision, and soon after the first time, when the database still knows that request.
        let imported = import_unless(&api.store, line.clone(), Unless::BeingErased).await;
        assert_eq!(imported, Import::Created);
        assert_eq!(api.get(&category(7)).await.json()["value"], "gold");
        let (erasure, _) = api.store.begin_erasure(&customer(ID)).await.unwrap();
        while api.store.erase_some(&erasure).await.unwrap().total() > 0 {}
        api.store.end_erasure(&erasure).await.unwrap();
        api.clock.advance(Duration::from_millis(5001));
        assert_eq!(api.store.count_items(&customer(ID)).await.unwrap().total(), 0);
    }
}

#[tokio::test]
async fn what_callers_have_made_is_never_overwritten() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.create(8, "risk").await;
    api.delete(&category(8)).await;
    let before = api.pages(HISTORY, "history").await.concat();
    for changed_at in ["2019-05-01T10:00:00Z", "2020-05-01T10:00:00Z"] {
        let line = |id: i32, value: &str| json!({ "id": id, "value": value, "changed_at": changed_at });
        assert_eq!(import(&api.store, line(7, "gold")).await, Import::Present);
        assert_eq!(
            conflict(import(&api.store, line(7, "silver")).await),
            "the customer has this category with other content"
        );
        let problem = conflict(import(&api.store, line(8, "risk")).await);
        assert!(problem.starts_with("the category was deleted at 2"), "{problem}");
    }
    assert_eq!(api.pages(HISTORY, "history").await.concat(), before);
}

#[tokio::test]
async fn of_imports_and_posts_at_the_same_time_one_creates() {
    let api = Api::start().await;
    for id in 0..8 {
        let posts = join_all((0..4).map(|n| {
            let api = &api;
            async move { api.post(json!({ "id": id, "value": format!("post {n}") })).await.status }
        }));
        let imports = join_all((0..4).map(|n| {
            let line =
                json!({ "id": id, "value": format!("line {n}"), "changed_at": "2019-05-01T10:00:00Z" });
            import(&api.store, line)
        }));
        let (posts, imports) = join(posts, imports).await;
        let created = posts.iter().filter(|status| **status == 201).count()
            + imports.iter().filter(|outcome| **outcome == Import::Created).count();
        assert_eq!(created, 1, "{posts:?} {imports:?}");
    }
    assert_eq!(api.pages(HISTORY, "history").await.concat().len(), 8);
}

#[tokio::test]
async fn all_that_is_held_comes_page_by_page() {
    let api = Api::start().await;
    furnish(&api).await;
    let long = "\u{fc}".repeat(1000);
    for n in 0..160 {
        let patch = json!({ "description": long, "reason": format!("{n}{}", &long[..1900]) });
        assert_eq!(api.patch(&category(1), patch).await.status, 204);
    }
    let mut items = api.store.customer_items(&customer(ID));
    let (mut records, mut changes, mut pages) = (Vec::new(), Vec::new(), 0);
    while let Some(page) = items.next().await.unwrap() {
        pages += 1;
        for held in page {
            match held {
                Held::Record(record) => {
                    assert!(changes.is_empty(), "categories come first");
                    records.push(record.id());
                }
                Held::Change(entry) => changes.push(entry.revision),
                Held::Remembered(remembered) => panic!("{remembered:?}"),
            }
        }
    }
    assert!(pages > 1);
    assert_eq!((records.len(), changes.len()), (30, 215));
    assert!(records.is_sorted() && changes.is_sorted());
}

/// A line of one of the customers whose ids differ in their last digit.
fn line_of(n: u32, id: i32, value: &str) -> ImportedCategory {
    let customer_id = format!("123e4567-e89b-12d3-a456-55664244000{n}");
    let line =
        json!({ "customer_id": customer_id, "id": id, "value": value, "changed_at": "2019-05-01T10:00:00Z" });
    ImportedCategory::parse(line.to_string().as_bytes(), shared::clock::Clock::default().timestamp()).unwrap()
}

async fn together(store: &Store, lines: &[ImportedCategory], on_conflict: OnConflict) -> Option<Vec<Import>> {
    let author = Author::from(KeyName::parse("old-crm").unwrap());
    let tasks = lines.iter().map(|line| ImportTask {
        customer: Customer { org: OrgId::parse("telco").unwrap(), id: line.customer },
        imported: line,
        author: &author,
    });
    let tasks: Vec<_> = tasks.collect();
    store.import_together(&tasks, ImportTerms { unless: Unless::Erased, on_conflict }).await.unwrap()
}

#[tokio::test]
async fn lines_of_many_customers_are_taken_over_together_as_they_would_be_one_by_one() {
    let api = Api::start().await;
    api.create(1, "gold").await;
    api.create(2, "silver").await;
    api.define(json!({ "id": 4, "name": "Tier", "valid_values": ["gold"] })).await;
    let lines = [
        line_of(0, 1, "gold"),
        line_of(0, 2, "gold"),
        line_of(0, 3, "gold"),
        line_of(1, 1, "gold"),
        line_of(1, 4, "lead"),
        line_of(2, 4, "gold"),
    ];
    let first = together(&api.store, &lines, OnConflict::Reject).await.unwrap();
    assert!(matches!(&first[1], Import::Conflict(problem) if problem.contains("other content")), "{first:?}");
    assert!(matches!(&first[4], Import::Conflict(problem) if problem.contains("not valid")), "{first:?}");
    let [created, present] = [Import::Created, Import::Present];
    assert_eq!([&first[0], &first[2], &first[3], &first[5]], [&present, &created, &created, &created]);
    let entries = api.get(&format!("{HISTORY}?category_id=3")).await.json();
    assert_eq!(entries["history"][0]["changed_at"], "2019-05-01T10:00:00.000Z");
    // One by one they are known again.
    assert_eq!(
        import(&api.store, json!({ "id": 3, "value": "gold", "changed_at": "2019-05-01T10:00:00Z" })).await,
        present
    );
    let items = api.items().await;
    let again = together(&api.store, &lines, OnConflict::Reject).await.unwrap();
    assert_eq!([&again[0], &again[2], &again[3], &again[5]], [&present; 4]);
    assert_eq!(api.items().await, items);
}

#[tokio::test]
async fn of_a_group_in_whose_way_one_customer_is_nothing_is_taken_over() {
    let api = Api::start().await;
    furnish(&api).await;
    let (erasure, _) = api.store.begin_erasure(&customer(ID)).await.unwrap();
    let items = api.items().await;
    let lines = [line_of(1, 1, "gold"), line_of(0, 900, "gold")];
    assert_eq!(together(&api.store, &lines, OnConflict::Reject).await, None);
    assert_eq!(api.items().await, items);
    while api.store.erase_some(&erasure).await.unwrap().total() > 0 {}
    api.store.end_erasure(&erasure).await.unwrap();
    assert_eq!(together(&api.store, &lines, OnConflict::Reject).await, None);
    assert_eq!(together(&api.store, &lines[..1], OnConflict::Reject).await, Some(vec![Import::Created]));
}

#[tokio::test]
async fn a_line_can_replace_what_is_here_and_the_history_says_what_that_was() {
    let api = Api::start().await;
    api.create(1, "silver").await;
    api.create(2, "silver").await;
    api.delete(&category(2)).await;
    let lines = [line_of(0, 1, "gold"), line_of(0, 2, "gold"), line_of(0, 3, "gold")];
    let made = together(&api.store, &lines, OnConflict::Update).await;
    assert_eq!(made, Some(vec![Import::Created; 3]));
    let history = api.get(HISTORY).await.json();
    let told = |id: i32| {
        let entry = history["history"].as_array().unwrap().iter().find(|entry| entry["id"] == id).unwrap();
        json!([entry["change"], entry["value"], entry["previous"]["value"], entry["changed_by"]])
    };
    assert_eq!(told(1), json!(["updated", "gold", "silver", "old-crm"]));
    assert_eq!(told(2), json!(["created", "gold", null, "old-crm"]));
    // What is here is later than the line says, so it is dated by now, and else by the line.
    let later = |entry: &&Value| entry["changed_at"].as_str() > Some("2026");
    assert_eq!(history["history"].as_array().unwrap().iter().filter(later).count(), 5);
    assert_eq!(together(&api.store, &lines, OnConflict::Update).await, Some(vec![Import::Present; 3]));
}

#[tokio::test]
async fn whoever_may_not_read_or_write_single_items_is_not_refused_for_it() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    let store = proxy.store_through(&api);
    let denied = Fault::Error("AccessDeniedException");
    proxy.break_next(2, "GetItem", denied);
    assert_eq!(store.probe_categories().await.unwrap(), Probe::Hidden);
    assert_eq!(store.probe_keys().await.unwrap(), Probe::Hidden);
    assert_eq!(store.probe_categories().await.unwrap(), Probe::Ours);

    proxy.break_next(1, "PutItem", denied);
    server::check_format(&store).await.unwrap();
    assert_eq!(store.format().await.unwrap(), None);
    proxy.break_next(1, "PutItem", Fault::Error("ValidationException"));
    server::check_format(&store).await.unwrap_err();
}

#[tokio::test]
async fn tables_that_are_there_are_left_as_they_are_and_any_other_failure_is_told() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    let store = proxy.store_through(&api);
    api.create(7, "gold").await;
    store.create_tables().await.unwrap();
    assert_eq!(api.get(&category(7)).await.json()["value"], "gold");
    proxy.break_next(1, "CreateTable", Fault::Error("AccessDeniedException"));
    store.create_tables().await.unwrap_err();
}
