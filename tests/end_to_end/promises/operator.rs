//! What the operator's commands do to the store, as callers of the API see it meanwhile.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use customers_categories::server;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use shared::{
    Error,
    domain::{Author, Customer, CustomerId, ImportedCategory, KeyName, OrgId},
    store::{Held, Import, ItemCounts, Store},
};

use crate::support::{
    api::{Api, CATEGORIES, HISTORY, category},
    proxy::{Fault, Proxy},
};

const ID: &str = "123e4567-e89b-12d3-a456-556642440000";

fn customer(id: &str) -> Customer {
    Customer { org: OrgId::parse("telco").unwrap(), id: CustomerId::parse(id).unwrap() }
}

async fn import(store: &Store, line: Value) -> Import {
    let mut line = line;
    line["customer_id"] = ID.into();
    let now = shared::clock::Clock::default().timestamp();
    let imported = ImportedCategory::parse(line.to_string().as_bytes(), now).unwrap();
    let author = Author::from(KeyName::parse("old-crm").unwrap());
    store.import(&customer(ID), &imported, &author).await.unwrap()
}

fn conflict(outcome: Import) -> String {
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
        assert_eq!(import(&api.store, line.clone()).await, Import::Created);
        assert_eq!(api.get(&category(7)).await.json()["value"], "gold");
        while api.store.erase_some(&customer(ID)).await.unwrap().total() > 0 {}
        assert_eq!(api.items().await, []);
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

/// An API, a way to break the store's connection to its database, and that store.
async fn start_behind_proxy() -> (Api, Proxy, Store) {
    let proxy = Proxy::default();
    let mut url = String::new();
    let api = Api::start_with(|endpoint| {
        url = proxy.serve(endpoint);
        url.clone()
    })
    .await;
    let store = Store::new(server::client(url), api.tables.clone(), api.clock.clone());
    (api, proxy, store)
}

#[tokio::test]
async fn an_import_or_erasure_whose_answer_is_lost_is_done_once() {
    let (api, proxy, store) = start_behind_proxy().await;
    proxy.break_next(6, "TransactWriteItems", Fault::CutAfter);
    let line = json!({ "id": 7, "value": "gold", "changed_at": "2019-05-01T10:00:00Z" });
    assert_eq!(import(&store, line).await, Import::Created);
    assert_eq!(api.pages(HISTORY, "history").await.concat().len(), 1);

    proxy.break_next(6, "TransactWriteItems", Fault::CutAfter);
    assert!(matches!(store.erase_some(&customer(ID)).await, Err(Error::Unavailable(_))));
    assert_eq!(store.erase_some(&customer(ID)).await.unwrap(), ItemCounts::default());
    assert_eq!(api.items().await, []);
}

#[tokio::test]
async fn a_throttled_erasure_has_erased_nothing() {
    let (api, proxy, store) = start_behind_proxy().await;
    api.create(7, "gold").await;
    proxy.break_next(6, "TransactWriteItems", Fault::Error("ProvisionedThroughputExceededException"));
    assert!(matches!(store.erase_some(&customer(ID)).await, Err(Error::Unavailable(_))));
    assert_eq!(api.items().await.len(), 2);
}

/// Thirty categories that were created, the odd ones changed, every third deleted.
async fn furnish(api: &Api) {
    for id in 0..30 {
        api.create(id, "0").await;
    }
    for id in 0..30 {
        if id % 2 == 1 {
            api.patch(&category(id), json!({ "value": "1" })).await;
        }
        if id % 3 == 0 {
            api.delete(&category(id)).await;
        }
    }
}

#[tokio::test]
async fn amid_an_erasure_nothing_that_can_be_read_is_wrong() {
    let api = Api::start().await;
    furnish(&api).await;
    let bystander = CATEGORIES.replace("123e4567", "223e4567");
    let body = json!({ "id": 7, "value": "bystander" });
    let created = api.request(reqwest::Method::POST, &bystander).json(&body).send().await.unwrap();
    assert_eq!(created.status(), 201);

    let history = api.pages(HISTORY, "history").await.concat();
    let list = api.get(CATEGORIES).await.json()["categories"].as_array().unwrap().clone();
    let moment = history[20]["changed_at"].as_str().unwrap();
    let past = async || {
        let mut states = Vec::new();
        for id in 0..30 {
            let answer = api.get(&format!("{}?as_of={moment}", category(id))).await;
            states.push((answer.status == 200).then(|| answer.json()));
        }
        states
    };
    let then = past().await;
    let there = api.store.count_items(&customer(ID)).await.unwrap();
    assert_eq!(there, ItemCounts { categories: 20, tombstones: 10, changes: 55, remembered: 0 });

    let mut done = ItemCounts::default();
    loop {
        let erased = api.store.erase_some(&customer(ID)).await.unwrap();
        if erased.total() == 0 {
            break;
        }
        done += erased;
        let answer = api.get(CATEGORIES).await;
        let left = if answer.status == 404 {
            Vec::new()
        } else {
            answer.json()["categories"].as_array().unwrap().clone()
        };
        assert!(list.ends_with(&left), "{left:?}");
        let answer = api.get(HISTORY).await;
        let left = if answer.status == 404 {
            Vec::new()
        } else {
            answer.json()["history"].as_array().unwrap().clone()
        };
        assert!(history.starts_with(&left));
        for (now, then) in past().await.iter().zip(&then) {
            assert!(now.is_none() || now == then, "{now:?} {then:?}");
        }
    }
    assert_eq!(done, there);
    let owners: BTreeSet<_> =
        api.items().await.iter().map(|item| item["pk"].as_s().unwrap().clone()).collect();
    assert_eq!(owners, BTreeSet::from(["telco#223e4567-e89b-12d3-a456-556642440000".to_owned()]));
    api.get(HISTORY).await.refused(404, "MCUS.999.997");
    assert_eq!(api.get(&bystander).await.json()["categories"][0]["value"], "bystander");
}

#[tokio::test]
async fn an_erasure_goes_on_until_writers_have_nothing_left_behind() {
    let api = Api::start().await;
    furnish(&api).await;
    let writing = join_all((0..4).map(|writer| {
        let api = &api;
        async move {
            for n in 0..10 {
                let id = writer * 7 + n;
                api.post(json!({ "id": id, "value": "again" })).await;
                api.patch(&category(id), json!({ "value": n.to_string() })).await;
                api.delete(&category(id + 1)).await;
            }
        }
    }));
    let erasing = async {
        for _ in 0..10 {
            api.store.erase_some(&customer(ID)).await.unwrap();
        }
    };
    join(writing, erasing).await;
    while api.store.erase_some(&customer(ID)).await.unwrap().total() > 0 {}
    assert_eq!(api.items().await, []);
    // A customer who comes back is a new one.
    api.create(7, "new").await;
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 1);
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
