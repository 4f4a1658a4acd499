use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::json;

use crate::support::{
    api::{Api, CATEGORIES, carriers, category, definition, send},
    carriers::{categories, id, listed},
};

const BAD_REQUEST: &str = "MCUS.999.998";
const NOT_FOUND: &str = "MCUS.999.997";

#[tokio::test]
async fn it_says_who_carries_which_value_since_when() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let created = api.get(&category(7)).await.json()["created_at"].clone();
    api.clock.advance(std::time::Duration::from_millis(2));
    api.patch(&category(7), json!({ "value": "silver", "reason": "Less" })).await;
    // Nobody else's, and no other category.
    api.create(8, "gold").await;
    let elsewhere = CATEGORIES.replace("telco", "rival");
    send(api.request(Method::POST, &elsewhere).json(&json!({ "id": 7, "value": "gold" }))).await;
    let expected = json!({ "customers": [{
        "customer_id": "123e4567-e89b-12d3-a456-556642440000", "value": "silver", "since": created,
    }] });
    assert_eq!(api.get(&carriers(7)).await.json(), expected);
    api.patch(&category(7), json!({ "value": null })).await;
    assert_eq!(api.get(&carriers(7)).await.json()["customers"][0]["value"], json!(null));
    api.delete(&category(7)).await;
    api.get(&carriers(7)).await.refused(404, NOT_FOUND);
    api.create(7, "iron").await;
    assert_eq!(api.get(&carriers(7)).await.json()["customers"][0]["value"], "iron");
}

#[tokio::test]
async fn filters_are_exact() {
    let api = Api::start().await;
    for (number, value) in [
        (1, Some("gold")),
        (2, Some("Gold")),
        (3, None),
        (4, Some("gold ")),
        (5, Some("")),
        (6, Some("gold")),
    ] {
        api.give(number, value).await;
    }
    let found = async |filter: &str| api.everybody(1000, filter).await;
    let ids = |numbers: &[u128]| numbers.iter().map(|number| id(*number)).collect::<BTreeSet<_>>();
    assert_eq!(found("").await, ids(&[1, 2, 3, 4, 5, 6]));
    assert_eq!(found("&value=gold").await, ids(&[1, 6]));
    assert_eq!(found("&value=gold+").await, ids(&[4]));
    assert_eq!(found("&value=").await, ids(&[5]));
    assert_eq!(found("&has_value=false").await, ids(&[3]));
    assert_eq!(found("&has_value=true").await, ids(&[1, 2, 4, 5, 6]));
    // Nobody, but the category is carried.
    assert_eq!(found("&value=silver").await, ids(&[]));
}

#[tokio::test]
async fn a_category_that_is_neither_carried_nor_defined_is_not_found() {
    let api = Api::start().await;
    let unknown = "nobody carries this category, and the catalogue does not define it";
    for path in [carriers(7), format!("{}?value=gold", carriers(7)), format!("{}/count", carriers(7))] {
        assert_eq!(api.get(&path).await.refused(404, NOT_FOUND), [unknown], "{path}");
    }
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    for path in [carriers(7), format!("{}?value=gold", carriers(7))] {
        assert_eq!(api.get(&path).await.json(), json!({ "customers": [] }), "{path}");
    }
    api.delete(&definition(7)).await;
    api.get(&carriers(7)).await.refused(404, NOT_FOUND);
}

#[tokio::test]
async fn pages_have_everybody_once_whatever_their_size() {
    let api = Api::start().await;
    let all: BTreeSet<String> = (0..60).map(id).collect();
    for number in 0..60 {
        api.give(number, ["gold", "silver"].get(usize::try_from(number % 3).unwrap()).copied()).await;
    }
    for limit in [1, 2, 7, 8, 20, 59, 60, 1000] {
        assert_eq!(api.everybody(limit, "").await, all, "{limit}");
        let with = |rest| (0..60).filter(|number| number % 3 == rest).map(id).collect::<BTreeSet<_>>();
        assert_eq!(api.everybody(limit, "&value=silver").await, with(1), "{limit}");
        assert_eq!(api.everybody(limit, "&has_value=false").await, with(2), "{limit}");
    }
    let whole = api.get(&carriers(7)).await.json();
    assert_eq!((listed(&whole).len(), whole.get("next_cursor")), (60, None));
}

/// A cursor says after whom to go on; whether that one is still there does not matter.
#[tokio::test]
async fn a_cursor_outlives_whom_it_names() {
    let api = Api::start().await;
    let mut all: BTreeSet<String> = (0..20).map(id).collect();
    for number in 0..20 {
        api.give(number, Some("gold")).await;
    }
    let mut path = format!("{}?limit=3", carriers(7));
    loop {
        let page = api.get(&path).await.json();
        for customer in listed(&page) {
            assert!(all.remove(customer), "{customer} appears twice");
            let carried = format!("/v4/orgs/telco/customers/{customer}/categories/7");
            assert_eq!(api.delete(&carried).await.status, 204);
        }
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{}?limit=3&cursor={cursor}", carriers(7));
    }
    assert!(all.is_empty(), "{all:?}");
}

#[tokio::test]
async fn a_cursor_fits_only_the_list_it_was_given_for() {
    let api = Api::start().await;
    for number in 0..9 {
        api.give(number, Some("gold")).await;
    }
    api.create(8, "gold").await;
    let cursor = async |filter: &str| {
        let page = api.get(&format!("{}?limit=1{filter}", carriers(7))).await.json();
        page["next_cursor"].as_str().unwrap().to_owned()
    };
    let (of_all, of_gold) = (cursor("").await, cursor("&value=gold").await);
    assert_eq!(api.get(&format!("{}?limit=5&cursor={of_all}", carriers(7))).await.status, 200);
    let rival = carriers(7).replace("telco", "rival");
    for path in [
        format!("{}?cursor={of_all}", carriers(8)),
        format!("{rival}?cursor={of_all}"),
        format!("{}?value=gold&cursor={of_all}", carriers(7)),
        format!("{}?has_value=true&cursor={of_all}", carriers(7)),
        format!("{}?cursor={of_gold}", carriers(7)),
        format!("{}?value=silver&cursor={of_gold}", carriers(7)),
        format!("{}?cursor={of_all}A", carriers(7)),
        format!("{}?cursor=", carriers(7)),
        format!("{}?cursor={of_all}", categories(1)),
        format!("/v4/orgs/telco/categories?cursor={of_all}"),
    ] {
        let details = api.get(&path).await.refused(400, BAD_REQUEST);
        assert_eq!(
            details,
            ["`cursor` must be the next_cursor of the same list with the same filters"],
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_can_not_be_asked_for_is_refused_by_name() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let long = "x".repeat(256);
    let as_of = "`as_of` must not be sent: who carried a category at a moment can't be looked up by category; \
                 listCategories and listCategoryHistory tell it of a customer";
    for (query, details) in [
        (format!("value={long}"), vec!["`value` must have at most 255 characters, but has 256"]),
        ("value=%00".into(), vec!["`value` must not contain NUL (U+0000)"]),
        ("value=%FF".into(), vec!["`value` must be percent-encoded UTF-8"]),
        ("value=a&value=b".into(), vec!["`value` appears more than once"]),
        ("value=a&has_value=false".into(), vec!["`has_value` must not be sent together with `value`"]),
        ("has_value=no".into(), vec!["`has_value` must be true or false"]),
        ("has_value=true&has_value=true".into(), vec!["`has_value` appears more than once"]),
        ("as_of=2026-01-01T00:00:00Z".into(), vec![as_of]),
        ("Value=a".into(), vec!["`Value` is not known"]),
    ] {
        for path in [carriers(7), format!("{}/count", carriers(7))] {
            assert_eq!(
                api.get(&format!("{path}?{query}")).await.refused(400, BAD_REQUEST),
                details,
                "{query}"
            );
        }
    }
    for (query, details) in [
        ("limit=0", "`limit` must be an integer from 1 to 1000"),
        ("limit=1001", "`limit` must be an integer from 1 to 1000"),
        ("limit=1&limit=1", "`limit` appears more than once"),
    ] {
        let list = api.get(&format!("{}?{query}", carriers(7))).await;
        assert_eq!(list.refused(400, BAD_REQUEST), [details]);
    }
    let count = api.get(&format!("{}/count?limit=1&cursor=a", carriers(7))).await;
    assert_eq!(count.refused(400, BAD_REQUEST), ["`limit` is not known", "`cursor` is not known"]);
    let historical = carriers(7).replace("/7/", "/historical/");
    api.get(&historical).await.refused(400, BAD_REQUEST);
}
