//! The documented way to follow changes by polling misses none, however late one is committed.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use shared::domain::Timestamp;

use crate::support::{
    api::{Api, CATEGORIES, HISTORY},
    documentation::section,
    proxy::Proxy,
};

const OVERLAP: Duration = Duration::from_secs(30);

/// Follows the recipe of `docs/api.md`.
struct Follower<'a> {
    api: &'a Api,
    last_began: Option<Timestamp>,
    seen: BTreeSet<String>,
}

impl Follower<'_> {
    /// The ids of what changed since the last poll.
    async fn poll(&mut self) -> Vec<i64> {
        let from = self.last_began.replace(self.api.clock.timestamp()).map(|began| {
            let overlap = u64::try_from(OVERLAP.as_millis()).unwrap();
            Timestamp::from_millis(began.as_millis() - overlap)
        });
        let from = from.map_or_else(String::new, |from| format!("&from={from}"));
        let pages = self.api.pages(&format!("{HISTORY}?limit=1{from}"), "history").await;
        let entries: Vec<Value> = pages.concat();
        let revision = |entry: &Value| entry["revision"].as_str().unwrap().to_owned();
        let new = entries.iter().filter(|entry| self.seen.insert(revision(entry)));
        new.map(|entry| entry["id"].as_i64().unwrap()).collect()
    }
}

#[tokio::test]
async fn a_change_that_is_committed_behind_a_later_one_is_seen_once() {
    let recipe = section("docs/api.md", "Reading at scale");
    assert!(recipe.contains("ask with `from` 30 s before that"), "the recipe has changed: {recipe}");
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    let mut follower = Follower { api: &api, last_began: None, seen: BTreeSet::new() };
    api.create(6, "gold").await;
    assert_eq!(follower.poll().await, [6]);

    // 7 is decided first, and committed last.
    proxy.hold("held up");
    let slow = api.post(json!({ "id": 7, "value": "held up" }));
    let meanwhile = async {
        proxy.holds_one().await;
        tokio::time::sleep(Duration::from_millis(2)).await;
        api.create(8, "gold").await;
        let seen = follower.poll().await;
        let newest = api.get(HISTORY).await.json()["history"][0].take();
        proxy.release();
        (seen, newest)
    };
    let (slow, (seen, newest)) = tokio::join!(slow, meanwhile);
    assert_eq!((slow.status, newest["id"].as_i64()), (201, Some(8)));

    assert_eq!(seen, [8]);
    assert_eq!(follower.poll().await, [7]);
    assert!(follower.poll().await.is_empty());
    // Whoever asks from the last moment seen on never sees 7.
    let since = format!("{HISTORY}?from={}", newest["changed_at"].as_str().unwrap());
    let since = api.get(&since).await.json();
    let ids: Vec<_> = since["history"].as_array().unwrap().iter().map(|entry| &entry["id"]).collect();
    assert_eq!(ids, [8]);
    let carried = api.get(CATEGORIES).await.json();
    assert_eq!(carried["categories"].as_array().unwrap().len(), 3);
}
