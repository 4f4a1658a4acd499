//! What holds of who carries a category: whatever is written meanwhile, however far the index is behind, and
//! whether it throttles or not.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use proptest::{prelude::*, test_runner::TestRunner};
use reqwest::Method;
use serde_json::{Value, json};
use shared::domain::Shard;

use crate::support::{
    api::{Api, HISTORY, carriers, category, definition, key_of, send},
    carriers::{categories, id, listed, shard},
    proxy::{Fault, Proxy},
};

const CONNECTION_LOST: &str = "MCUS.001.005";

/// More often than the SDK sends a call again.
const ALWAYS: usize = 1000;

async fn start() -> (Api, Proxy) {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    (api, proxy)
}

fn queries(api: &Api) -> usize {
    api.recorder.take().iter().filter(|call| call.action == "Query").count()
}

#[derive(Clone, Debug)]
enum Edit {
    Give(u128, Option<&'static str>),
    Change(u128, Option<&'static str>),
    Explain(u128),
    Take(u128),
}

const CUSTOMERS: u128 = 24;

/// The edits before the first page, and those after each page.
fn edits() -> impl Strategy<Value = (Vec<Edit>, Vec<Vec<Edit>>)> {
    let (customer, value) =
        (0..CUSTOMERS, proptest::sample::select(vec![None, Some("gold"), Some("silver")]));
    let edit = prop_oneof![
        (customer.clone(), value.clone()).prop_map(|(customer, value)| Edit::Give(customer, value)),
        (customer.clone(), value).prop_map(|(customer, value)| Edit::Change(customer, value)),
        customer.clone().prop_map(Edit::Explain),
        customer.prop_map(Edit::Take),
    ];
    (
        proptest::collection::vec(edit.clone(), 20..60),
        proptest::collection::vec(proptest::collection::vec(edit, 0..4), 1..30),
    )
}

/// Makes an edit, where it can be made; notes what is carried then.
async fn make(api: &Api, edit: &Edit, carried: &mut BTreeMap<u128, Option<&'static str>>) {
    let (method, customer, rest, body) = match edit {
        Edit::Give(customer, value) => (Method::POST, customer, "", json!({ "id": 7, "value": value })),
        Edit::Change(customer, value) => (Method::PATCH, customer, "/7", json!({ "value": value })),
        Edit::Explain(customer) => (Method::PATCH, customer, "/7", json!({ "reason": "Campaign" })),
        Edit::Take(customer) => (Method::DELETE, customer, "/7", Value::Null),
    };
    let request = api.request(method, &format!("{}{rest}", categories(*customer)));
    let request = if body.is_null() { request } else { request.json(&body) };
    if send(request).await.status >= 300 {
        return;
    }
    match edit {
        Edit::Give(customer, value) | Edit::Change(customer, value) => {
            carried.insert(*customer, *value);
        }
        Edit::Take(customer) => {
            carried.remove(customer);
        }
        Edit::Explain(_) => {}
    }
}

async fn hold_paging(before: Vec<Edit>, meanwhile: Vec<Vec<Edit>>, limit: usize, filter: &str) {
    let api = Api::start().await;
    let mut carried = BTreeMap::new();
    for edit in &before {
        make(&api, edit, &mut carried).await;
    }
    api.give(CUSTOMERS, Some("gold")).await;
    // Whoever carries something else for a moment does not carry the same from the first page to the last.
    let mut throughout: BTreeMap<String, Option<&str>> =
        carried.iter().map(|(customer, value)| (id(*customer), *value)).collect();
    let mut met: Vec<(String, Value)> = Vec::new();
    let mut edits = meanwhile.iter();
    let mut path = format!("{}?limit={limit}{filter}", carriers(7));
    loop {
        let page = api.get(&path).await.json();
        let carriers_met = page["customers"].as_array().unwrap().iter();
        met.extend(
            carriers_met.map(|carrier| {
                (carrier["customer_id"].as_str().unwrap().to_owned(), carrier["value"].clone())
            }),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{}?limit={limit}{filter}&cursor={cursor}", carriers(7));
        for edit in edits.next().into_iter().flatten() {
            make(&api, edit, &mut carried).await;
            throughout.retain(|customer, value| {
                carried.iter().any(|(number, now)| id(*number) == *customer && now == value)
            });
        }
    }
    let distinct: BTreeSet<String> = met.iter().map(|pair| format!("{pair:?}")).collect();
    assert_eq!(distinct.len(), met.len(), "somebody appears twice with the same value: {met:?}");
    let wanted = |value: Option<&str>| match filter {
        "" => true,
        "&has_value=false" => value.is_none(),
        _ => value == Some("gold"),
    };
    for (customer, value) in throughout.iter().filter(|(_, value)| wanted(**value)) {
        let times = met.iter().filter(|(met, with)| met == customer && *with == json!(value)).count();
        assert_eq!(times, 1, "{customer} {value:?} in {met:?}");
    }
}

#[test]
fn who_carries_the_same_from_the_first_page_to_the_last_appears_once_whatever_is_written_meanwhile() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    let filter = proptest::sample::select(vec!["", "&value=gold", "&has_value=false"]);
    TestRunner::new(config)
        .run(&(edits(), 1_usize..12, filter), |((before, meanwhile), limit, filter)| {
            runtime.block_on(hold_paging(before, meanwhile, limit, filter));
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_rare_category_takes_two_steps_and_a_common_one_a_query_per_page() {
    let api = Api::start().await;
    for number in 0..4 {
        api.give(number, Some("gold")).await;
    }
    api.recorder.take();
    assert_eq!(listed(&api.get(&carriers(7)).await.json()).len(), 4);
    assert_eq!(queries(&api), 8);

    api.put_carriers(100..1700, "silver").await;
    let (mut pages, mut found) = (0, 0);
    let mut path = format!("{}?limit=50", carriers(7));
    loop {
        let page = api.get(&path).await.json();
        (pages, found) = (pages + 1, found + listed(&page).len());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{}?limit=50&cursor={cursor}", carriers(7));
    }
    assert_eq!(found, 1604);
    assert_eq!(pages, 33);
    // A page across the border of two shards takes one more.
    assert!(queries(&api) <= pages + 8);
}

#[tokio::test]
async fn only_what_is_carried_is_in_the_index() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    for id in [7, 8] {
        api.create(id, "gold").await;
    }
    api.delete(&category(8)).await;
    let indexed = api.items().await.into_iter().filter(|item| item.contains_key("carriers_pk"));
    let keys: Vec<_> = indexed.map(|item| item["sk"].as_s().unwrap().clone()).collect();
    assert_eq!(keys, ["CATEGORY#2147483655"]);
}

/// Whoever reads a moment behind sees what was so then, and in the end what is so.
#[tokio::test]
async fn an_index_that_is_behind_tells_of_the_moment_before() {
    let (api, proxy) = start().await;
    for number in 0..3 {
        api.give(number, Some("gold")).await;
    }
    proxy.read_index_of(Some((&api.tables.categories, &api.earlier_moment().await)));
    api.delete(&format!("{}/7", categories(0))).await;
    let patch = json!({ "value": "silver" });
    send(api.request(Method::PATCH, &format!("{}/7", categories(1))).json(&patch)).await;
    api.give(3, Some("gold")).await;
    let gold = async || api.everybody(2, "&value=gold").await;
    let ids = |numbers: &[u128]| numbers.iter().map(|number| id(*number)).collect::<BTreeSet<_>>();
    assert_eq!(gold().await, ids(&[0, 1, 2]));
    // A caller's own writes are in what is read of the customer at once.
    api.get(&format!("{}/7", categories(0))).await.refused(404, "MCUS.999.997");
    proxy.read_index_of(None);
    assert_eq!(gold().await, ids(&[2, 3]));
}

#[tokio::test]
async fn a_page_goes_on_where_it_was_although_the_index_moves_in_between() {
    let (api, proxy) = start().await;
    for number in 0..30 {
        api.give(number, Some("gold")).await;
    }
    let earlier = api.earlier_moment().await;
    for number in (0..30).step_by(2) {
        api.delete(&format!("{}/7", categories(number))).await;
    }
    let mut met = Vec::new();
    let mut path = format!("{}?limit=4", carriers(7));
    for page in 0.. {
        // Replicas of an index are not equally far behind.
        let table = (api.tables.categories.as_str(), earlier.as_str());
        proxy.read_index_of(Some(table).filter(|_| page % 2 == 0));
        let page = api.get(&path).await.json();
        met.extend(listed(&page).into_iter().map(ToOwned::to_owned));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{}?limit=4&cursor={cursor}", carriers(7));
    }
    for number in (1..30).step_by(2) {
        assert_eq!(met.iter().filter(|customer| **customer == id(number)).count(), 1, "{met:?}");
    }
}

/// The catalogue's side of the race: who is given the category in the index's last moment carries it without a
/// definition, as any category that is not defined.
#[tokio::test]
async fn a_definition_that_is_deleted_while_the_index_is_behind_leaves_what_is_carried_working() {
    let (api, proxy) = start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    proxy.read_index_of(Some((&api.tables.categories, &api.earlier_moment().await)));
    api.create(7, "gold").await;
    assert_eq!(api.delete(&definition(7)).await.status, 204);
    proxy.read_index_of(None);
    assert_eq!(api.get(&category(7)).await.json()["value"], "gold");
    assert_eq!(listed(&api.get(&carriers(7)).await.json()).len(), 1);
    assert_eq!(api.patch(&category(7), json!({ "value": "silver" })).await.status, 204);
}

#[tokio::test]
async fn a_throttled_index_is_unavailable_and_its_page_can_be_asked_for_again() {
    let (api, proxy) = start().await;
    for number in 0..20 {
        api.give(number, Some("gold")).await;
    }
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    let count = format!("{}/count", carriers(7));
    api.get(&carriers(7)).await;
    for path in [carriers(7), count.clone()] {
        // In the first step, and amid the second, whose Queries are sent side by side.
        for before in if path == count { 0..1 } else { 0..4 } {
            proxy.break_after(before, ALWAYS, "Query", Fault::IndexThrottled);
            let answer = api.get(&path).await;
            let details = answer.refused(503, CONNECTION_LOST);
            assert!(!details.concat().contains("index"), "{details:?}");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
        proxy.break_after(2, 2, "Query", Fault::IndexThrottled);
        assert_eq!(api.get(&path).await.status, 200, "{path}");
        proxy.mend();
    }
    assert_eq!(api.everybody(3, "").await.len(), 20);
    proxy.break_next(ALWAYS, "Query", Fault::IndexThrottled);
    api.delete(&definition(7)).await.refused(503, CONNECTION_LOST);
    proxy.mend();
    assert_eq!(api.get(&definition(7)).await.status, 200);
}

/// A count of many reads more in a second than a shard serves.
#[tokio::test]
async fn a_count_that_is_throttled_midway_goes_on() {
    let (api, proxy) = start().await;
    let numbers: Vec<u128> = (0..).filter(|number| shard(*number) == Shard::ALL[0]).take(2000).collect();
    api.put_carriers(numbers, &"ü".repeat(255)).await;
    // The ninth is the shard's second, and more are refused than the SDK sends again.
    proxy.break_after(8, 8, "Query", Fault::IndexThrottled);
    let counted = api.get(&format!("{}/count", carriers(7))).await.json();
    assert_eq!((&counted["count"], &counted["precision"]), (&json!(2000), &json!("exact")));
}

/// An index that can't keep up throttles the table's writes.
#[tokio::test]
async fn a_write_that_the_index_throttles_is_whole_or_not_there() {
    let (api, proxy) = start().await;
    api.create(7, "gold").await;
    let writes: [(Method, String, Value); 3] = [
        (Method::POST, category(0).replace("/0", ""), json!({ "id": 8, "value": "gold" })),
        (Method::PATCH, category(7), json!({ "value": "silver" })),
        (Method::DELETE, category(7), Value::Null),
    ];
    for (method, path, body) in writes {
        let request = || {
            let request = api.request(method.clone(), &path);
            if body.is_null() { request } else { request.json(&body) }
        };
        let before = api.items().await;
        proxy.break_next(ALWAYS, "TransactWriteItems", Fault::IndexThrottled);
        let answer = send(request()).await;
        answer.refused(503, CONNECTION_LOST);
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(api.items().await, before, "{method}");
        // It passes: the attempt in the middle of the write is repeated.
        proxy.break_next(2, "TransactWriteItems", Fault::IndexThrottled);
        let entries = async || api.get(HISTORY).await.json()["history"].as_array().unwrap().len();
        let written = entries().await;
        assert!(send(request()).await.status < 300, "{method}");
        assert_eq!(entries().await, written + 1, "{method}");
        proxy.mend();
    }
    api.get(&carriers(7)).await.refused(404, "MCUS.999.997");
    assert_eq!(listed(&api.get(&carriers(8)).await.json()).len(), 1);
}

#[tokio::test]
async fn searching_takes_a_role_of_its_own() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    api.add_key_with("reader", &["categories:read", "categories:write", "catalogue:write"]).await;
    api.add_key_with("campaign", &["categories:search"]).await;
    for path in [carriers(7), format!("{}/count", carriers(7))] {
        let with = |key: &str| send(api.anonymous(Method::GET, &path).header("x-auth-roles", key));
        let details = with(&key_of("reader")).await.refused(403, "MCUS.999.995");
        assert_eq!(details, ["the API key lacks the role `categories:search`"]);
        assert_eq!(with(&key_of("campaign")).await.status, 200);
        assert_eq!(with("READ_ONLY").await.status, 200);
        let elsewhere = api.anonymous(Method::GET, &category(7)).header("x-auth-roles", key_of("campaign"));
        send(elsewhere).await.refused(403, "MCUS.999.995");
    }
}

/// Has items lack what the index is by, as those did that were written before there was one.
async fn forget_the_index(api: &Api) {
    for mut item in api.items().await {
        if item.remove("carriers_pk").is_some() && item.remove("carriers_sk").is_some() {
            let put = api.client.put_item().table_name(&api.tables.categories).set_item(Some(item));
            put.send().await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_carried_before_there_was_an_index_gets_its_place_and_nothing_else_changes() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    for number in 0..40 {
        api.give(number, Some("gold").filter(|_| number % 4 > 0)).await;
    }
    api.create(7, "gold").await;
    api.delete(&category(7)).await;
    let before = api.items().await;
    forget_the_index(&api).await;
    assert_eq!(listed(&api.get(&carriers(7)).await.json()).len(), 0);
    // One is changed by a function of today's in between.
    let patch = json!({ "value": "silver" });
    send(api.request(Method::PATCH, &format!("{}/7", categories(1))).json(&patch)).await;
    assert_eq!(api.everybody(1000, "").await.len(), 1);
    let done = api.store.reindex(None).await.unwrap();
    assert_eq!((done.found.len(), done.next.is_none()), (39, true));
    assert_eq!(api.everybody(1000, "").await.len(), 40);
    assert_eq!(api.everybody(1000, "&has_value=false").await.len(), 10);
    // Of the one that was changed, there is an entry more.
    let changed = |item: &std::collections::HashMap<String, AttributeValue>| {
        item["pk"].as_s().unwrap().ends_with(&id(1))
    };
    let others = |items: Vec<_>| -> BTreeSet<String> {
        let sorted = |item: std::collections::HashMap<_, _>| item.into_iter().collect::<BTreeMap<_, _>>();
        items.into_iter().filter(|item| !changed(item)).map(|item| format!("{:?}", sorted(item))).collect()
    };
    assert_eq!(others(api.items().await), others(before));
    assert_eq!(api.store.reindex(None).await.unwrap().found.len(), 0);
}

/// What was read has been changed when it is written: the change has given it its place.
#[tokio::test]
async fn a_change_amid_the_reindexing_wins() {
    let (api, proxy) = start().await;
    api.give(1, Some("gold")).await;
    forget_the_index(&api).await;
    let store = proxy.store_through(&api);
    proxy.hold("#carriers_pk");
    let reindexing = store.reindex(None);
    let change = async {
        proxy.holds_one().await;
        let patch = json!({ "value": "silver" });
        send(api.request(Method::PATCH, &format!("{}/7", categories(1))).json(&patch)).await;
        proxy.release();
    };
    let (done, ()) = futures_util::future::join(reindexing, change).await;
    assert_eq!(done.unwrap().found.len(), 0);
    assert_eq!(api.everybody(1000, "&value=silver").await.len(), 1);
    assert_eq!(api.everybody(1000, "&value=gold").await.len(), 0);
}
