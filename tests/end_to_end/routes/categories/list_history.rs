use futures_util::future::join;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api::{Api, CATEGORIES, HISTORY, category, send};

#[tokio::test]
async fn changes_of_all_categories_come_newest_first() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.create(-8, "risk").await;
    api.patch(&category(7), json!({ "value": "silver" })).await;
    api.delete(&category(-8)).await;
    insta::assert_json_snapshot!(
        api.get(HISTORY).await.json(),
        { ".history[].changed_at" => "[time]", ".history[].revision" => "[revision]" },
        @r#"
    {
      "history": [
        {
          "change": "deleted",
          "changed_at": "[time]",
          "changed_by": "API_KEY",
          "description": null,
          "id": -8,
          "previous": {
            "description": null,
            "reason": null,
            "value": "risk"
          },
          "reason": null,
          "revision": "[revision]",
          "value": null
        },
        {
          "change": "updated",
          "changed_at": "[time]",
          "changed_by": "API_KEY",
          "description": null,
          "id": 7,
          "previous": {
            "description": null,
            "reason": null,
            "value": "gold"
          },
          "reason": null,
          "revision": "[revision]",
          "value": "silver"
        },
        {
          "change": "created",
          "changed_at": "[time]",
          "changed_by": "API_KEY",
          "description": null,
          "id": -8,
          "previous": null,
          "reason": null,
          "revision": "[revision]",
          "value": "risk"
        },
        {
          "change": "created",
          "changed_at": "[time]",
          "changed_by": "API_KEY",
          "description": null,
          "id": 7,
          "previous": null,
          "reason": null,
          "revision": "[revision]",
          "value": "gold"
        }
      ]
    }
    "#
    );
}

#[tokio::test]
async fn each_change_starts_where_the_one_before_ended() {
    let api = Api::start().await;
    api.create(7, "0").await;
    for value in 1..10 {
        api.patch(&category(7), json!({ "value": value.to_string(), "reason": format!("r{value}") })).await;
    }
    let history = api.get(HISTORY).await.json();
    let entries = history["history"].as_array().unwrap();
    assert_eq!(entries.len(), 10);
    for pair in entries.windows(2) {
        let state = json!({
            "value": pair[1]["value"], "description": pair[1]["description"], "reason": pair[1]["reason"],
        });
        assert_eq!(pair[0]["previous"], state);
        assert!(pair[0]["revision"].as_str() > pair[1]["revision"].as_str());
    }
}

#[tokio::test]
async fn a_customer_never_seen_is_not_found() {
    let api = Api::start().await;
    insta::assert_json_snapshot!(api.get(HISTORY).await.refused(404, "MCUS.999.997"), @r#"
    [
      "nothing is known of this customer"
    ]
    "#);
}

fn values(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["value"].as_str().unwrap()).collect()
}

/// Five changes of 7 and five of 8 in turn, each in a second of its own; returns when the first was.
async fn ten_changes(api: &Api) -> time::OffsetDateTime {
    for id in [7, 8] {
        api.create(id, "0").await;
        api.clock.advance(std::time::Duration::from_secs(1));
    }
    for value in 1..5 {
        for id in [7, 8] {
            api.patch(&category(id), json!({ "value": value.to_string() })).await;
            api.clock.advance(std::time::Duration::from_secs(1));
        }
    }
    let history = api.get(HISTORY).await.json();
    let first = history["history"][9]["changed_at"].as_str().unwrap();
    time::OffsetDateTime::parse(first, &time::format_description::well_known::Rfc3339).unwrap()
}

fn text(moment: time::OffsetDateTime) -> String {
    moment.format(&time::format_description::well_known::Rfc3339).unwrap()
}

#[tokio::test]
async fn from_is_inclusive_and_to_is_exclusive() {
    let api = Api::start().await;
    let first = ten_changes(&api).await;
    let history = api.get(HISTORY).await.json();
    let entries = history["history"].as_array().unwrap();
    let moment = |n: usize| entries[n]["changed_at"].as_str().unwrap();

    let between =
        async |query: String| api.get(&format!("{HISTORY}?{query}")).await.json()["history"].clone();
    assert_eq!(between(format!("from={}", moment(3))).await, json!(entries[..=3]));
    assert_eq!(between(format!("to={}", moment(3))).await, json!(entries[4..]));
    assert_eq!(between(format!("from={}&to={}", moment(6), moment(3))).await, json!(entries[4..=6]));
    assert_eq!(between(format!("from={}&to={}", moment(3), moment(3))).await, json!([]));
    assert_eq!(between(format!("from={}&to={}", moment(3), moment(6))).await, json!([]));
    assert_eq!(between(format!("to={}", text(first))).await, json!([]));
    assert_eq!(between("from=1969-01-01T00:00:00Z&to=9999-12-31T23:59:59Z".into()).await, json!(entries));
    let finer = text(first + time::Duration::nanoseconds(1));
    assert_eq!(between(format!("to={finer}")).await, json!(entries[9..]));
    assert_eq!(between(format!("from={finer}")).await, json!(entries[..9]));
}

#[tokio::test]
async fn one_category_can_be_picked_out_in_full_pages() {
    let api = Api::start().await;
    ten_changes(&api).await;
    let pages = api.pages(&format!("{HISTORY}?category_id=8&limit=2"), "history").await;
    let shown: Vec<_> = pages.iter().map(|page| values(page)).collect();
    assert_eq!(shown, [vec!["4", "3"], vec!["2", "1"], vec!["0"]]);
    assert_eq!(api.get(&format!("{HISTORY}?category_id=9")).await.json(), json!({ "history": [] }));
    let stranger = HISTORY.replace("123e4567", "223e4567");
    api.get(&format!("{stranger}?category_id=8")).await.refused(404, "MCUS.999.997");
}

#[tokio::test]
async fn a_cursor_fits_only_the_filters_it_was_given_for() {
    let api = Api::start().await;
    ten_changes(&api).await;
    let first = api.get(&format!("{HISTORY}?category_id=8&limit=2")).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(api.get(&format!("{HISTORY}?category_id=8&limit=3&cursor={cursor}")).await.status, 200);
    for query in [
        "limit=2",
        "category_id=7",
        "category_id=8&from=2026-01-01T00:00:00Z",
        "category_id=8&to=2999-01-01T00:00:00Z",
    ] {
        let details =
            api.get(&format!("{HISTORY}?{query}&cursor={cursor}")).await.refused(400, "MCUS.999.998");
        assert_eq!(details, ["`cursor` must be the next_cursor of the same list with the same filters"]);
    }
    api.get(&format!("{CATEGORIES}?cursor={cursor}")).await.refused(400, "MCUS.999.998");
}

#[tokio::test]
async fn malformed_filters_are_all_named() {
    let api = Api::start().await;
    let path = format!("{HISTORY}?limit=0&category_id=x&from=now&to=2026&cursor=!&sort=asc");
    insta::assert_json_snapshot!(api.get(&path).await.refused(400, "MCUS.999.998"), @r#"
    [
      "`limit` must be an integer from 1 to 1000",
      "`category_id` must be an integer from -2147483648 to 2147483647",
      "`from` must be an RFC 3339 time such as 2026-11-23T06:46:00.123Z",
      "`to` must be an RFC 3339 time such as 2026-11-23T06:46:00.123Z",
      "`cursor` must be the next_cursor of the same list with the same filters",
      "`sort` is not known"
    ]
    "#);
}

#[tokio::test]
async fn ten_thousand_entries_are_paged_through_while_others_write() {
    let api = Api::start().await;
    fill(&api, 10_000).await;
    let expected: Vec<_> = api.pages(&format!("{HISTORY}?limit=1000"), "history").await.concat();
    assert_eq!(expected.len(), 10_000);

    let path = format!("{HISTORY}?limit=777");
    let reading = api.pages(&path, "history");
    let writing = async {
        for value in 0..50 {
            api.patch(&category(7), json!({ "value": format!("later {value}") })).await;
        }
    };
    let (pages, ()) = join(reading, writing).await;
    assert!(pages[..pages.len() - 1].iter().all(|page| page.len() == 777));
    let is_later = |entry: &Value| entry["value"].as_str().unwrap().starts_with("later");
    let read: Vec<_> = pages.concat().into_iter().skip_while(is_later).collect();
    assert!(read == expected, "entries were lost, doubled or reordered");
}

/// Gives category 7 a history of this length, written as the store writes it.
async fn fill(api: &Api, length: usize) {
    use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
    use shared::domain::{Revision, Timestamp};

    let created = api.create(7, "start").await.etag();
    let created = Revision::parse(created.trim_matches('"')).unwrap();
    let template =
        api.items().await.into_iter().find(|item| item["sk"].as_s().unwrap().starts_with("HISTORY#"));
    let mut template = template.unwrap();
    template.insert("change".into(), AttributeValue::S("updated".into()));
    let first = created.timestamp().as_millis() - 1_000_000_000;
    let entries: Vec<_> = (1..length as u64)
        .map(|n| {
            let revision = Revision::mint(Timestamp::from_millis(first + n), None).to_string();
            let mut item = template.clone();
            item.insert("sk".into(), AttributeValue::S(format!("HISTORY#{revision}")));
            item.insert("revision".into(), AttributeValue::S(revision));
            WriteRequest::builder()
                .put_request(PutRequest::builder().set_item(Some(item)).build().unwrap())
                .build()
        })
        .collect();
    for batch in entries.chunks(25) {
        let request = api.client.batch_write_item().request_items(&api.tables.categories, batch.to_vec());
        request.send().await.unwrap();
    }
}

#[tokio::test]
async fn answers_stay_below_what_lambda_can_carry() {
    let api = Api::start().await;
    // Every character takes seven bytes once it is escaped twice.
    let worst = "\u{1}".repeat(1000);
    let body = json!({ "id": 7, "value": "\u{1}".repeat(255), "description": worst, "reason": worst });
    assert_eq!(send(api.request(Method::POST, CATEGORIES).json(&body)).await.status, 201);
    for n in 0..400 {
        let patch = json!({ "reason": format!("{}{n:03}", "\u{1}".repeat(997)) });
        assert_eq!(api.patch(&category(7), patch).await.status, 204);
    }
    for filter in ["", "&category_id=7"] {
        let path = format!("{HISTORY}?limit=1000{filter}");
        let first = api.page(&path).await;
        let as_lambda_sends_it = serde_json::to_string(&first.body).unwrap().len();
        assert!(as_lambda_sends_it < 6 * 1024 * 1024, "{as_lambda_sends_it}");
        let entries: usize = api.pages(&path, "history").await.iter().map(Vec::len).sum();
        assert_eq!(entries, 401);
    }
}
