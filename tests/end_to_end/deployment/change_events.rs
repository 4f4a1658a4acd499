//! What the pipe in `template.yaml` makes of the records of the table's stream. EventBridge isn't
//! here, so its patterns and templates are evaluated as far as the template uses them.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
use customers_categories::server::template::TEXT;
use serde_json::{Map, Value, json};
use shared::{
    domain::{Author, Customer, CustomerId, ImportedCategory, KeyName, OrgId},
    store::Unless,
};

use crate::support::{
    api::{Api, HISTORY, category},
    documentation::section,
};

static TEMPLATE: LazyLock<Value> = LazyLock::new(|| serde_saphyr::from_str(TEXT).unwrap());

/// Everything that JSON escapes, and what a template could take for its own.
const AWKWARD: &str = "\"quoted\", \\ and \u{7},\nnext line <$.eventID> {} \u{1f3c6}";

/// An API whose table has a stream as the template switches it on.
struct Streaming {
    api: Api,
    endpoint: String,
    stream: String,
}

impl Streaming {
    async fn start() -> Self {
        let mut endpoint = String::new();
        let api = Api::start_with(|url| {
            endpoint.clone_from(&url);
            url
        })
        .await;
        let switched = &TEMPLATE["Resources"]["CategoriesTable"]["Properties"]["StreamSpecification"];
        let [condition, on, off] = switched.as_array().unwrap().as_slice() else { panic!("{switched}") };
        assert_eq!((condition, off), (&json!("PublishesChanges"), &json!("AWS::NoValue")));
        let view = StreamViewType::from(on["StreamViewType"].as_str().unwrap());
        let specification = StreamSpecification::builder().stream_enabled(true).stream_view_type(view);
        let updated = api
            .client
            .update_table()
            .table_name(&api.tables.categories)
            .stream_specification(specification.build().unwrap())
            .send()
            .await
            .unwrap();
        let stream = updated.table_description.unwrap().latest_stream_arn.unwrap();
        Self { api, endpoint, stream }
    }

    /// A call to the API of DynamoDB Streams, whose answers have the form in which a pipe gets them.
    async fn call(&self, action: &str, body: Value) -> Value {
        let signed = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, \
                      SignedHeaders=host;x-amz-date, Signature=none";
        let request = reqwest::Client::new()
            .post(&self.endpoint)
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDBStreams_20120810.{action}"))
            .header("x-amz-date", "20260101T000000Z")
            .header("authorization", signed)
            .body(body.to_string());
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{action}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    async fn records(&self) -> Vec<Value> {
        let described = self.call("DescribeStream", json!({ "StreamArn": self.stream })).await;
        let mut records = Vec::new();
        for shard in described["StreamDescription"]["Shards"].as_array().unwrap() {
            let from_start = json!({
                "StreamArn": self.stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON",
            });
            let mut iterator = self.call("GetShardIterator", from_start).await["ShardIterator"].clone();
            loop {
                let page = self.call("GetRecords", json!({ "ShardIterator": iterator })).await;
                let found = page["Records"].as_array().unwrap();
                if found.is_empty() {
                    break;
                }
                records.extend(found.iter().cloned());
                iterator = page["NextShardIterator"].clone();
            }
        }
        records
    }

    /// What arrives on the bus.
    async fn events(&self) -> Vec<Value> {
        let pipe = &TEMPLATE["Resources"]["ChangeEventsPipe"]["Properties"];
        let filters = pipe["SourceParameters"]["FilterCriteria"]["Filters"].as_array().unwrap();
        let patterns: Vec<Value> = filters
            .iter()
            .map(|filter| serde_json::from_str(filter["Pattern"].as_str().unwrap()).unwrap())
            .collect();
        let target = &pipe["TargetParameters"];
        let bus = &target["EventBridgeEventBusParameters"];
        let mut events = Vec::new();
        for record in self.records().await {
            if patterns.iter().any(|pattern| matches(pattern, &record)) {
                let detail = fill(target["InputTemplate"].as_str().unwrap(), &record);
                events.push(json!({
                    "source": bus["Source"],
                    "detail-type": at(bus["DetailType"].as_str().unwrap(), &record),
                    "detail": detail,
                }));
            }
        }
        events
    }
}

/// Whether an event pattern matches: every leaf is a list of alternatives, values or prefixes.
fn matches(pattern: &Value, value: &Value) -> bool {
    match pattern {
        Value::Object(members) => members.iter().all(|(name, pattern)| matches(pattern, &value[name])),
        Value::Array(alternatives) => alternatives.iter().any(|alternative| match alternative {
            Value::Object(matcher) => {
                assert_eq!(matcher.len(), 1);
                let prefix = matcher["prefix"].as_str().unwrap();
                value.as_str().is_some_and(|text| text.starts_with(prefix))
            }
            exact => exact == value,
        }),
        other => panic!("no pattern: {other}"),
    }
}

/// What a path leads to, which has to be there.
fn at<'a>(path: &str, record: &'a Value) -> &'a Value {
    let names = path.strip_prefix("$.").unwrap().split('.');
    names.fold(record, |value, name| value.get(name).unwrap_or_else(|| panic!("no {path} in {record}")))
}

/// Fills an input template with what AWS documents and nothing else: strings get quotes, but are not
/// escaped; objects are passed on whole.
fn fill(template: &str, record: &Value) -> Value {
    let mut parts = template.split('<');
    let mut filled = parts.next().unwrap().to_owned();
    for part in parts {
        let (path, rest) = part.split_once('>').unwrap();
        match at(path, record) {
            Value::String(text) => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "#._-".contains(c);
                assert!(text.chars().all(plain), "{path} would need escaping: {text}");
                filled.extend(["\"", text, "\""]);
            }
            object => {
                assert!(object.is_object(), "{path}");
                filled.push_str(&object.to_string());
            }
        }
        filled.push_str(rest);
    }
    serde_json::from_str(&filled).unwrap()
}

/// What a consumer's SDK makes of an item.
fn unmarshall(item: &Value) -> Map<String, Value> {
    let value = |typed: &Value| {
        let (kind, value) = typed.as_object().unwrap().iter().next().unwrap();
        match kind.as_str() {
            "S" => value.clone(),
            "N" => serde_json::from_str(value.as_str().unwrap()).unwrap(),
            "M" => Value::Object(unmarshall(value)),
            other => panic!("{other} in {item}"),
        }
    };
    item.as_object().unwrap().iter().map(|(name, typed)| (name.clone(), value(typed))).collect()
}

#[tokio::test]
async fn every_change_becomes_one_event_with_its_entry_in_order() {
    let streaming = Streaming::start().await;
    let api = &streaming.api;
    let body = json!({ "id": -7, "value": AWKWARD, "description": AWKWARD, "reason": AWKWARD });
    assert_eq!(api.post(body).await.status, 201);
    api.post(json!({ "id": -7, "value": "refused" })).await.refused(409, "MCUS.999.994");
    api.patch(&category(-7), json!({ "value": "silver", "reason": null })).await;
    api.patch(&category(-7), json!({ "value": "silver" })).await;
    api.create(8, "risk").await;
    api.delete(&category(-7)).await;
    api.create(-7, "again").await;

    let events = streaming.events().await;
    let types: Vec<_> = events.iter().map(|event| event["detail-type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        ["Created", "Updated", "Created", "Deleted", "Created"].map(|kind| format!("CustomerCategory{kind}"))
    );
    let history = api.pages(HISTORY, "history").await.concat();
    assert_eq!(history.len(), events.len());
    for (event, entry) in events.iter().zip(history.iter().rev()) {
        assert_eq!(event["source"], "customers-categories");
        let detail = &event["detail"];
        assert_eq!(detail["customer"], "telco#123e4567-e89b-12d3-a456-556642440000");
        assert_eq!(detail["category_id"], entry["id"].to_string());
        assert_eq!((&detail["change"], &detail["revision"]), (&entry["change"], &entry["revision"]));
        let held = unmarshall(&detail["entry"]);
        for name in ["id", "change", "value", "description", "reason", "changed_by", "revision"] {
            assert_eq!(held.get(name).unwrap_or(&Value::Null), &entry[name], "{name}");
        }
        let before = held.get("previous").cloned().unwrap_or_default();
        for name in ["value", "description", "reason"] {
            assert_eq!(before[name], entry["previous"][name], "{name}");
        }
        // `changed_at` is in the revision.
        let digits = detail["revision"].as_str().unwrap().replace('-', "");
        let millis = i128::from_str_radix(&digits[..12], 16).unwrap();
        let moment = time::OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000).unwrap();
        let changed_at = entry["changed_at"].as_str().unwrap();
        let format = &time::format_description::well_known::Rfc3339;
        assert_eq!(moment, time::OffsetDateTime::parse(changed_at, format).unwrap());
    }
}

#[tokio::test]
async fn an_import_is_published_and_an_erasure_is_not() {
    let streaming = Streaming::start().await;
    let store = &streaming.api.store;
    let id = "123e4567-e89b-12d3-a456-556642440000";
    let customer = Customer { org: OrgId::parse("telco").unwrap(), id: CustomerId::parse(id).unwrap() };
    let line = json!({ "customer_id": id, "id": 7, "value": "gold", "changed_at": "2019-05-01T10:00:00Z" });
    let imported =
        ImportedCategory::parse(line.to_string().as_bytes(), streaming.api.clock.timestamp()).unwrap();
    let author = Author::from(KeyName::parse("a \"quoted\" name").unwrap());
    for _ in 0..2 {
        store.import(&customer, &imported, &author, Unless::Erased).await.unwrap();
    }
    let (erasure, _) = store.begin_erasure(&customer).await.unwrap();
    while store.erase_some(&erasure).await.unwrap().total() > 0 {}
    store.end_erasure(&erasure).await.unwrap();
    let events = streaming.events().await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["detail-type"], "CustomerCategoryCreated");
    assert_eq!(unmarshall(&events[0]["detail"]["entry"])["changed_by"], "a \"quoted\" name");
}

/// A consumer by the documented rule: the newest change of each category, and what is not newer is ignored.
#[derive(Default)]
struct Consumer(BTreeMap<String, String>);

impl Consumer {
    /// Whether the event tells something new.
    fn take(&mut self, event: &Value) -> bool {
        let text = |name: &str| event["detail"][name].as_str().unwrap().to_owned();
        let last = self.0.entry(text("customer") + "/" + &text("category_id")).or_default();
        let is_newer = text("revision") > *last;
        if is_newer {
            *last = text("revision");
        }
        is_newer
    }

    fn forget(&mut self, customer: &str) {
        self.0.retain(|category, _| !category.starts_with(customer));
    }
}

#[tokio::test]
async fn a_consumer_that_was_told_of_an_erasure_takes_what_is_imported_again() {
    let streaming = Streaming::start().await;
    let (api, store) = (&streaming.api, &streaming.api.store);
    let id = "123e4567-e89b-12d3-a456-556642440000";
    let customer = Customer { org: OrgId::parse("telco").unwrap(), id: CustomerId::parse(id).unwrap() };
    let line = json!({ "customer_id": id, "id": 7, "value": "gold", "changed_at": "2019-05-01T10:00:00Z" });
    let imported = ImportedCategory::parse(line.to_string().as_bytes(), api.clock.timestamp()).unwrap();
    let author = Author::from(KeyName::parse("crm").unwrap());
    store.import(&customer, &imported, &author, Unless::BeingErased).await.unwrap();
    api.patch(&category(7), json!({ "value": "silver" })).await;
    let (erasure, _) = store.begin_erasure(&customer).await.unwrap();
    while store.erase_some(&erasure).await.unwrap().total() > 0 {}
    store.end_erasure(&erasure).await.unwrap();
    api.clock.advance(Duration::from_millis(5001));
    store.import(&customer, &imported, &author, Unless::BeingErased).await.unwrap();

    let [created, updated, again] = <[Value; 3]>::try_from(streaming.events().await).unwrap();
    let mut consumer = Consumer::default();
    assert!(consumer.take(&created) && consumer.take(&updated));
    assert!(!consumer.take(&again), "consumers need not be told, but the documentation says so");
    consumer.forget(created["detail"]["customer"].as_str().unwrap());
    assert!(consumer.take(&again));
}

/// Revisions differ from run to run, and so does what has them in it.
fn forget_revisions(value: &mut Value) {
    if let Value::Object(members) = value {
        for (name, member) in members {
            match name.as_str() {
                "revision" | "replaces" | "created" | "sk" => *member = Value::Null,
                _ => forget_revisions(member),
            }
        }
    }
}

#[tokio::test]
async fn the_documented_event_and_rule_are_right() {
    let section = section("docs/change-events.md", "Change events");
    let mut blocks = section.split("```json\n").skip(1).map(|block| block.split("```").next().unwrap());
    let shown: Value = serde_json::from_str(blocks.next().unwrap()).unwrap();
    let rule: Value = serde_json::from_str(blocks.next().unwrap()).unwrap();

    let streaming = Streaming::start().await;
    let api = &streaming.api;
    let body = json!({ "id": 214_748_364, "value": "influencer", "description": "Bill discount", "reason": "Sponsored videos" });
    assert_eq!(api.post(body).await.status, 201);
    api.patch(&category(214_748_364), json!({ "description": null, "reason": "Loyalty campaign" })).await;
    let [created, updated] = <[Value; 2]>::try_from(streaming.events().await).unwrap();
    assert!(!matches(&rule, &created));
    assert!(matches(&rule, &updated), "{rule} {updated}");

    let [mut shown, mut updated] = [shown, updated];
    forget_revisions(&mut shown);
    forget_revisions(&mut updated);
    assert_eq!(updated, shown);
}

#[test]
fn nothing_of_it_is_deployed_unless_asked_for() {
    assert_eq!(TEMPLATE["Parameters"]["ChangeEvents"]["Default"], "Disabled");
    assert_eq!(TEMPLATE["Conditions"]["PublishesChanges"][0], json!(["ChangeEvents", "Enabled"]));
    let resources = TEMPLATE["Resources"].as_object().unwrap();
    let ours: Vec<_> = resources.iter().filter(|(name, _)| name.starts_with("ChangeEvents")).collect();
    assert_eq!(ours.len(), 5);
    for (name, resource) in ours {
        assert_eq!(resource["Condition"], "PublishesChanges", "{name}");
    }
}
