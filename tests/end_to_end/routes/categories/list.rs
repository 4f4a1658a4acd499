use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use crate::support::{
    api::{Api, CATEGORIES, category},
    logs,
};

#[tokio::test]
async fn categories_come_in_the_order_of_their_ids() {
    let api = Api::start().await;
    for id in [10, 9, -1, i32::MAX, 0, i32::MIN, -10] {
        api.create(id, "x").await;
    }
    let list = api.get(CATEGORIES).await;
    assert_eq!(list.status, 200);
    let ids: Vec<_> =
        list.json()["categories"].as_array().unwrap().iter().map(|c| c["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [i64::from(i32::MIN), -10, -1, 0, 9, 10, i64::from(i32::MAX)]);
}

#[tokio::test]
async fn many_deleted_categories_in_a_row_are_passed_in_few_reads() {
    let api = Api::start().await;
    for id in 0..60 {
        api.create(id, "x").await;
        api.delete(&category(id)).await;
    }
    api.create(60, "x").await;
    for query in ["limit=1".to_owned(), format!("limit=1&as_of={}", api.clock.timestamp())] {
        let list = api.get(&format!("{CATEGORIES}?{query}")).await;
        assert_eq!(list.json()["categories"][0]["id"], 60);
        assert!(logs::line(&list)["calls"].as_u64().unwrap() <= 5, "{}", logs::line(&list));
    }
}

#[tokio::test]
async fn every_key_is_always_there() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    insta::assert_json_snapshot!(
        api.get(CATEGORIES).await.json(),
        { ".categories[].created_at" => "[time]", ".categories[].updated_at" => "[time]" },
        @r#"
    {
      "categories": [
        {
          "created_at": "[time]",
          "description": null,
          "id": 7,
          "reason": null,
          "updated_at": "[time]",
          "value": "gold"
        }
      ]
    }
    "#
    );
}

#[tokio::test]
async fn a_customer_never_seen_is_not_found() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let stranger = CATEGORIES.replace("123e4567", "223e4567");
    let answer = api.get(&stranger).await;
    insta::assert_json_snapshot!(answer.refused(404, "MCUS.999.997"), @r#"
    [
      "nothing is known of this customer"
    ]
    "#);
}

#[tokio::test]
async fn a_customer_without_categories_left_has_an_empty_list() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.delete(&category(7)).await;
    let answer = api.get(CATEGORIES).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "categories": [] })));
}

fn ids(page: &[Value]) -> Vec<i64> {
    page.iter().map(|category| category["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn pages_are_full_and_the_last_has_no_cursor() {
    let api = Api::start().await;
    for id in -3..6 {
        api.create(id, "x").await;
    }
    // What is deleted fills no page and follows none.
    for id in [-2, 1, 4, 5] {
        api.delete(&category(id)).await;
    }
    let paged = async |limit| {
        let pages = api.pages(&format!("{CATEGORIES}?limit={limit}"), "categories").await;
        pages.iter().map(|page| ids(page)).collect::<Vec<_>>()
    };
    assert_eq!(paged(1).await, [[-3], [-1], [0], [2], [3]]);
    assert_eq!(paged(2).await, [vec![-3, -1], vec![0, 2], vec![3]]);
    assert_eq!(paged(5).await, [[-3, -1, 0, 2, 3]]);
    assert_eq!(paged(1000).await, [[-3, -1, 0, 2, 3]]);
}

#[tokio::test]
async fn a_page_ends_at_1_mb_of_stored_data() {
    let api = Api::start().await;
    let long = "x".repeat(1000);
    for id in 0..700 {
        let body = json!({ "id": id, "value": "x".repeat(255), "description": long, "reason": long });
        assert_eq!(api.post(body).await.status, 201);
    }
    let pages = api.pages(CATEGORIES, "categories").await;
    assert_eq!(pages.len(), 2);
    assert_eq!(ids(&pages.concat()), (0..700).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cursor_fits_only_the_list_it_was_given_for() {
    let api = Api::start().await;
    for id in 0..3 {
        api.create(id, "x").await;
    }
    let other = CATEGORIES.replace("123e4567", "223e4567");
    let body = json!({ "id": 1, "value": "x" });
    crate::support::api::send(api.request(reqwest::Method::POST, &other).json(&body)).await;
    let cursor =
        api.get(&format!("{CATEGORIES}?limit=1")).await.json()["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(api.get(&format!("{CATEGORIES}?limit=2&cursor={cursor}")).await.status, 200);

    let mut flipped = cursor.clone().into_bytes();
    let last = flipped.last_mut().unwrap();
    *last = if *last == b'A' { b'Q' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let as_of = "as_of=2026-01-01T00:00:00Z";
    for path in [
        format!("{other}?cursor={cursor}"),
        format!("{CATEGORIES}/historical?cursor={cursor}"),
        format!("{CATEGORIES}?{as_of}&cursor={cursor}"),
        format!("{CATEGORIES}?cursor={flipped}"),
        format!("{CATEGORIES}?cursor={cursor}A"),
        format!("{CATEGORIES}?cursor={}", &cursor[1..]),
        format!("{CATEGORIES}?cursor="),
        format!("{CATEGORIES}?cursor=%00"),
    ] {
        let details = api.get(&path).await.refused(400, "MCUS.999.998");
        assert_eq!(
            details,
            ["`cursor` must be the next_cursor of the same list with the same filters"],
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_limit_is_from_1_to_1000() {
    let api = Api::start().await;
    for limit in ["0", "-1", "1001", "1.0", "+1", "01", "", "all"] {
        let path = format!("{CATEGORIES}?limit={limit}&order=desc");
        let details = api.get(&path).await.refused(400, "MCUS.999.998");
        assert_eq!(details, ["`limit` must be an integer from 1 to 1000", "`order` is not known"]);
    }
}

#[derive(Clone, Debug)]
enum Edit {
    Create(i32),
    Patch(i32, u8),
    Delete(i32),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let id = 0..4;
    proptest::collection::vec(
        prop_oneof![
            id.clone().prop_map(Edit::Create),
            (id.clone(), 0u8..3).prop_map(|(id, value)| Edit::Patch(id, value)),
            id.prop_map(Edit::Delete),
        ],
        1..25,
    )
}

#[test]
fn as_of_the_moment_after_a_change_is_the_list_as_it_was_read_then() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    let hold = |edits| {
        runtime.block_on(hold_as_of(edits));
        Ok(())
    };
    TestRunner::new(config).run(&edits(), hold).unwrap();
}

async fn hold_as_of(edits: Vec<Edit>) {
    let api = Api::start().await;
    let mut read = Vec::new();
    for edit in edits {
        let answer = match edit {
            Edit::Create(id) => api.post(json!({ "id": id, "value": "new" })).await,
            Edit::Patch(id, value) => api.patch(&category(id), json!({ "value": value.to_string() })).await,
            Edit::Delete(id) => api.delete(&category(id)).await,
        };
        if answer.status < 300 {
            let history = api.get(&format!("{CATEGORIES}/historical?limit=1")).await.json();
            let moment = history["history"][0]["changed_at"].as_str().unwrap().to_owned();
            read.push((moment, api.get(CATEGORIES).await.json()["categories"].clone()));
            // The next change is in another millisecond.
            api.clock.advance(std::time::Duration::from_millis(1));
        }
    }
    for (moment, categories) in read {
        for limit in [1, 1000] {
            let pages = api.pages(&format!("{CATEGORIES}?as_of={moment}&limit={limit}"), "categories").await;
            assert_eq!(json!(pages.concat()), categories);
        }
    }
}

#[tokio::test]
async fn as_of_before_the_first_change_is_an_empty_list() {
    let api = Api::start().await;
    let path = format!("{CATEGORIES}?as_of=2026-01-01T00:00:00Z");
    api.get(&path).await.refused(404, "MCUS.999.997");
    api.create(7, "gold").await;
    assert_eq!(api.get(&path).await.json(), json!({ "categories": [] }));
}
