use futures_util::future::join_all;
use serde_json::json;

use crate::support::api::{Api, CATEGORIES, HISTORY, category};

#[tokio::test]
async fn patches_at_the_same_time_are_all_applied_one_after_the_other() {
    let api = Api::start().await;
    api.create(7, "start").await;
    let patches = (0..16).map(|n| {
        let api = &api;
        async move { api.patch(&category(7), json!({ "value": n.to_string() })).await.status }
    });
    assert_eq!(join_all(patches).await, [204; 16]);

    let history = api.get(HISTORY).await.json();
    let entries = history["history"].as_array().unwrap();
    assert_eq!(entries.len(), 17);
    for pair in entries.windows(2) {
        assert_eq!(pair[0]["previous"]["value"], pair[1]["value"]);
    }
    assert_eq!(entries[0]["value"], api.get(&category(7)).await.json()["value"]);
}

#[tokio::test]
async fn of_posts_at_the_same_time_one_creates() {
    let api = Api::start().await;
    let posts = (0..16).map(|n| {
        let api = &api;
        async move { api.post(json!({ "id": 7, "value": n.to_string() })).await.status }
    });
    let mut statuses = join_all(posts).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 201);
    assert_eq!(statuses[1..], [409; 15]);
    assert_eq!(api.get(CATEGORIES).await.json()["categories"].as_array().unwrap().len(), 1);
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 1);
}

const ID: &str = "123e4567-e89b-12d3-a456-556642440000";

/// What a client had acknowledged.
type Acknowledged = Vec<(i32, &'static str)>;

async fn client(api: &Api, seed: u64) -> Acknowledged {
    let mut acknowledged = Vec::new();
    // Seeded, so that every run tries the same mixture.
    let mut random = fastrand::Rng::with_seed(seed);
    for n in 0..20 {
        let id = random.i32(0..5);
        let value = format!("{seed}.{n}");
        let (answer, change, accepted) = match random.u8(0..6) {
            0 => (api.post(json!({ "id": id, "value": value })).await, "created", 201),
            1 => (api.delete(&category(id)).await, "deleted", 204),
            2 => {
                let put = api.put(&category(id), json!({ "value": value })).await;
                let change = if put.status == 201 { "created" } else { "updated" };
                (put, change, 0)
            }
            3 => {
                let change = json!({ "op": "set", "customer_id": ID, "id": id, "value": value });
                let answer = api.batch(json!([change])).await;
                let outcome = answer.json()["results"][0]["outcome"].clone();
                (answer, if outcome == "created" { "created" } else { "updated" }, 0)
            }
            _ => (api.patch(&category(id), json!({ "value": value })).await, "updated", 204),
        };
        if answer.status == accepted || (accepted == 0 && answer.status < 300) {
            acknowledged.push((id, change));
        } else {
            assert!([404, 409].contains(&answer.status), "{} {}", answer.status, answer.body);
        }
    }
    acknowledged
}

#[tokio::test]
async fn sixteen_clients_leave_one_chain_per_category() {
    let api = Api::start().await;
    let acknowledged = join_all((0..16).map(|seed| client(&api, seed))).await.concat();
    let list = api.get(CATEGORIES).await.json();
    for id in 0..5 {
        let entries = api.pages(&format!("{HISTORY}?category_id={id}"), "history").await.concat();
        let state = |entry: &serde_json::Value| json!({ "value": entry["value"], "description": entry["description"], "reason": entry["reason"] });
        // Oldest first: a creation follows nothing or a deletion, anything else the entry before.
        let mut before = None;
        for entry in entries.iter().rev() {
            assert_eq!(entry["previous"], before.clone().unwrap_or_default(), "{entries:#?}");
            assert_eq!(entry["change"] == "created", before.is_none());
            before = (entry["change"] != "deleted").then(|| state(entry));
        }
        let carried = list["categories"].as_array().unwrap().iter().find(|category| category["id"] == id);
        assert_eq!(carried.map(state), before);
        for change in ["created", "updated", "deleted"] {
            let recorded = entries.iter().filter(|entry| entry["change"] == change).count();
            assert_eq!(recorded, acknowledged.iter().filter(|done| **done == (id, change)).count());
        }
    }
}
