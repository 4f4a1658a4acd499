//! What a request reads is bounded, however much history a customer has.

use serde_json::{Value, json};

use crate::support::api::{Api, CATEGORIES, HISTORY, category};

/// Category 1 changes once, then category 2 changes `times` with the largest texts, then category 1 again.
async fn long_history(api: &Api, times: usize) -> (String, String) {
    api.create(1, "first").await;
    api.create(2, "other").await;
    let moment = |answer: Value| answer["updated_at"].as_str().unwrap().to_owned();
    let before = moment(api.get(&category(2)).await.json());
    let long = "ü".repeat(999);
    for n in 0..times {
        let patch = json!({ "description": long, "reason": format!("{long}{}", n % 2) });
        assert_eq!(api.patch(&category(2), patch).await.status, 204);
    }
    let between = moment(api.get(&category(2)).await.json());
    api.clock.advance(std::time::Duration::from_millis(2));
    assert_eq!(api.patch(&category(1), json!({ "value": "second" })).await.status, 204);
    (before, between)
}

fn queries(api: &Api) -> usize {
    api.recorder.take().iter().filter(|call| call.action == "Query").count()
}

#[tokio::test]
async fn a_page_of_one_categorys_history_takes_one_query() {
    let api = Api::start().await;
    long_history(&api, 300).await;
    api.recorder.take();

    let first = api.get(&format!("{HISTORY}?category_id=1&limit=1")).await.json();
    assert_eq!(queries(&api), 1);
    assert_eq!(first["history"].as_array().unwrap().len(), 1);

    // Between the two entries of category 1 there are more than one Query reads: short pages lead there.
    let pages = api.pages(&format!("{HISTORY}?category_id=1&limit=1"), "history").await;
    assert!(pages.len() > 2, "{}", pages.len());
    assert!(queries(&api) <= pages.len());
    let values: Vec<_> = pages.concat().iter().map(|entry| entry["value"].clone()).collect();
    assert_eq!(values, ["second", "first"]);
}

#[tokio::test]
async fn the_state_at_a_moment_is_read_from_there_on_and_no_further_than_needed() {
    let api = Api::start().await;
    let (before, between) = long_history(&api, 300).await;
    api.recorder.take();

    // Nothing changed since: the record answers.
    let now = api.get(&category(2)).await;
    let then = api.get(&format!("{}?as_of={between}", category(2))).await;
    assert_eq!((then.json(), then.etag()), (now.json(), now.etag()));
    assert_eq!(queries(&api), 0);

    // The next change of category 2 comes right after the moment.
    let then = api.get(&format!("{}?as_of={before}", category(2))).await.json();
    assert_eq!((&then["value"], &then["description"]), (&json!("other"), &Value::Null));
    assert_eq!(queries(&api), 1);

    let list = api.get(&format!("{CATEGORIES}?as_of={before}")).await.json();
    let values: Vec<_> =
        list["categories"].as_array().unwrap().iter().map(|category| category["value"].clone()).collect();
    assert_eq!(values, ["first", "other"]);
}

#[tokio::test]
async fn history_that_does_not_name_what_it_replaced_answers_as_well() {
    let api = Api::start().await;
    let created = api.create(7, "gold").await;
    let moment = api.get(&category(7)).await.json()["updated_at"].as_str().unwrap().to_owned();
    api.clock.advance(std::time::Duration::from_millis(2));
    api.patch(&category(7), json!({ "value": "silver" })).await;
    // As entries were written before.
    for mut item in api.items().await {
        if item.remove("replaces").is_some() {
            let put = api.client.put_item().table_name(&api.tables.categories).set_item(Some(item));
            put.send().await.unwrap();
        }
    }
    let then = api.get(&format!("{}?as_of={moment}", category(7))).await;
    assert_eq!((then.json()["value"].clone(), then.etag()), (json!("gold"), created.etag()));
}

#[tokio::test]
async fn a_revision_ahead_of_the_readers_clock_is_not_the_future() {
    let api = Api::start().await;
    api.clock.shift_wall(3000);
    api.create(7, "gold").await;
    api.clock.shift_wall(-3000);
    api.patch(&category(7), json!({ "value": "silver" })).await;
    let updated = api.get(&category(7)).await.json()["updated_at"].as_str().unwrap().to_owned();
    let then = api.get(&format!("{}?as_of={updated}", category(7))).await.json();
    assert_eq!(then["value"], "silver");
}

/// DynamoDB would refuse a Query between ends that are nothing.
#[tokio::test]
async fn a_range_that_has_room_for_nothing_is_not_asked_for() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let moment = api.get(&category(7)).await.json()["updated_at"].as_str().unwrap().to_owned();
    api.recorder.take();
    let page = api.get(&format!("{HISTORY}?from={moment}&to={moment}")).await.json();
    // One asks whether anything is known of the customer.
    assert_eq!((page, queries(&api)), (json!({ "history": [] }), 1));
}
