//! Whatever is written meanwhile, pages have everybody once.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, test_runner::TestRunner};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    api::{Api, carriers, send},
    carriers::{categories, id, listed},
};

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
