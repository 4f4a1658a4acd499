//! Nothing of a customer is answered while an erasure is under way, wherever it stops, and nothing comes back.

mod answers;
mod asks;
mod races;

use std::time::Duration;

use customers_categories::server;
use serde_json::json;
use shared::{
    domain::{Customer, CustomerId, OrgId},
    store::{Erasure, ItemCounts, Store},
};

use crate::support::{
    api::{Api, category},
    proxy::Proxy,
};

pub const ID: &str = "123e4567-e89b-12d3-a456-556642440000";

pub fn customer(id: &str) -> Customer {
    Customer { org: OrgId::parse("telco").unwrap(), id: CustomerId::parse(id).unwrap() }
}

/// How long creations are refused after the end, and a moment.
pub const UNTIL_THE_GATE_IS_OPEN: Duration = Duration::from_millis(5001);

/// Thirty categories that were created, the odd ones changed, every third deleted.
pub async fn furnish(api: &Api) {
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

async fn begin(store: &Store) -> (Erasure, ItemCounts) {
    store.begin_erasure(&customer(ID)).await.unwrap()
}

/// Erases all, but leaves the fence.
async fn erase_rest(store: &Store, erasure: &Erasure) -> ItemCounts {
    let mut done = ItemCounts::default();
    loop {
        let erased = store.erase_some(erasure).await.unwrap();
        if erased.total() == 0 {
            return done;
        }
        done += erased;
    }
}

async fn erase(store: &Store) -> ItemCounts {
    let (erasure, mut done) = begin(store).await;
    done += erase_rest(store, &erasure).await;
    store.end_erasure(&erasure).await.unwrap();
    done
}

/// What is left once an erasure is done: a note that does not say whom it is about, and for an hour the gate.
async fn only_the_note_is_left(api: &Api) {
    let (gates, items): (Vec<_>, Vec<_>) =
        api.items().await.into_iter().partition(|item| item["sk"].as_s().unwrap() == "ERASURE");
    assert_eq!(gates.len(), 1, "{gates:?}");
    let number = |name: &str| gates[0][name].as_n().unwrap().parse::<u64>().unwrap();
    assert_eq!(number("expires") - number("ended") / 1000, 3600, "{gates:?}");
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!(items[0].len(), 3, "{items:?}");
    assert_eq!(items[0]["sk"].as_s().unwrap(), "ERASED");
    assert!(items[0].contains_key("erased_at"));
    assert!(!format!("{items:?}").contains(&ID[..8]), "{items:?}");
}
