//! Fills the table past the API, which would make a transaction of each change.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use uuid::{Builder, Uuid};

use crate::{compare::progress, server::Server};

/// Items that one `BatchWriteItem` puts, and how many of these are under way at once.
const PER_BATCH: usize = 25;
const AT_ONCE: usize = 8;

const TABLE: &str = "customers-categories";
const CHANGED_BY: &str = "API_KEY";

/// What a category says: the names and texts of its attributes.
pub type Attributes<'a> = [(&'a str, &'a str)];

pub async fn put(server: &Server, what: &'static str, count: usize, items: impl IntoIterator<Item = Value>) {
    let progress = progress(count);
    progress.set_message(what);
    let mut items = items.into_iter().map(|item| json!({ "PutRequest": { "Item": item } }));
    let mut under_way = JoinSet::new();
    loop {
        let batch: Vec<Value> = items.by_ref().take(PER_BATCH).collect();
        if batch.is_empty() {
            break;
        }
        if under_way.len() == AT_ONCE {
            under_way.join_next().await.unwrap().unwrap();
        }
        progress.inc(batch.len() as u64);
        let request = server.dynamodb("BatchWriteItem", &json!({ "RequestItems": { TABLE: batch } }));
        under_way.spawn(async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
        });
    }
    while let Some(done) = under_way.join_next().await {
        done.unwrap();
    }
    progress.finish_and_clear();
}

/// The revision of a change at this Unix time in milliseconds; others of the same time have other numbers.
pub fn revision(millis: u64, number: usize) -> Uuid {
    let mut below_time = [0; 10];
    below_time[2..].copy_from_slice(&number.to_be_bytes());
    Builder::from_unix_timestamp_millis(millis, &below_time).into_uuid()
}

/// A category as the service writes it.
pub fn category(
    customer: Uuid,
    id: usize,
    attributes: &Attributes<'_>,
    created: Uuid,
    revision: Uuid,
) -> Value {
    let shard = Sha256::digest(customer.as_bytes())[0] % 8;
    let (_, value) = attributes.iter().find(|(name, _)| *name == "value").unwrap();
    let hash = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(value)[..16]);
    let mut item = item(customer, id, attributes);
    item.extend(texts(&[
        ("sk", &format!("CATEGORY#{:010}", id as u64 + (1 << 31))),
        ("created", &created.to_string()),
        ("revision", &revision.to_string()),
        ("carriers_pk", &format!("telco#{id}#{shard}")),
        ("carriers_sk", &format!("VALUE#{hash}#{customer}")),
    ]));
    Value::Object(item)
}

/// The history's entry of a change as the service writes it: of a creation, unless there is something `before`, which
/// is what the category said then, and the revision of that.
pub fn entry(
    customer: Uuid,
    id: usize,
    attributes: &Attributes<'_>,
    created: Uuid,
    revision: Uuid,
    before: Option<(&Attributes<'_>, Uuid)>,
) -> Value {
    let mut item = item(customer, id, attributes);
    let (change, event) = match before {
        None => ("created", "CustomerCategoryCreated"),
        Some(_) => ("updated", "CustomerCategoryUpdated"),
    };
    item.extend(texts(&[
        ("sk", &format!("HISTORY#{revision}")),
        ("change", change),
        ("event", event),
        ("changed_by", CHANGED_BY),
        ("created", &created.to_string()),
        ("revision", &revision.to_string()),
    ]));
    if let Some((previous, replaces)) = before {
        item.insert("previous".to_owned(), json!({ "M": texts(previous) }));
        item.extend(texts(&[("replaces", &replaces.to_string())]));
    }
    Value::Object(item)
}

fn item(customer: Uuid, id: usize, attributes: &Attributes<'_>) -> Map<String, Value> {
    let mut item = texts(attributes);
    item.extend(texts(&[("pk", &format!("telco#{customer}"))]));
    item.insert("id".to_owned(), json!({ "N": id.to_string() }));
    item
}

fn texts(named: &Attributes<'_>) -> Map<String, Value> {
    named.iter().map(|(name, text)| ((*name).to_owned(), json!({ "S": text }))).collect()
}

/// Holds the form of what is put here against what the service itself writes.
pub async fn check_form(server: &Server) {
    const SAYS: [(&str, &str); 3] = [("value", "gold"), ("description", "Top tier"), ("reason", "Scored")];

    let (customer, id) = (Uuid::new_v4(), 7);
    let mut body: Map<String, Value> =
        SAYS.iter().map(|(name, text)| ((*name).to_owned(), json!(text))).collect();
    body.insert("id".to_owned(), json!(id));
    server.create(&customer.to_string(), &Value::Object(body)).await;
    let url = format!("{}/{id}", server.categories(&customer.to_string()));
    let patch = server.http.patch(url).header("x-auth-roles", "API_KEY").json(&json!({ "reason": "Bought" }));
    assert_eq!(patch.send().await.unwrap().status(), 204);

    let query = json!({
        "TableName": TABLE,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": { ":pk": { "S": format!("telco#{customer}") } },
    });
    let answer: Value = server.dynamodb("Query", &query).send().await.unwrap().json().await.unwrap();
    let written = answer["Items"].as_array().unwrap();
    let revisions = [&written[1], &written[2]].map(|entry| entry["revision"]["S"].as_str().unwrap());
    let [created, revision] = revisions.map(|revision| Uuid::parse_str(revision).unwrap());
    let now = [SAYS[0], SAYS[1], ("reason", "Bought")];
    let put = [
        category(customer, id, &now, created, revision),
        entry(customer, id, &SAYS, created, created, None),
        entry(customer, id, &now, created, revision, Some((&SAYS, created))),
    ];
    assert_eq!(*written, put, "what is filled in is not what the service writes");
}
