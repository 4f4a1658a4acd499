use std::time::Duration;

use serde_json::json;

use crate::support::{
    api::{Api, carriers},
    carriers::shard,
    proxy::Proxy,
};

async fn count(api: &Api, filter: &str) -> serde_json::Value {
    api.get(&format!("{}/count?{filter}", carriers(7))).await.json()
}

#[tokio::test]
async fn everybody_is_counted_once() {
    let api = Api::start().await;
    for number in 0..30 {
        api.give(number, ["gold", "silver"].get(usize::try_from(number % 3).unwrap()).copied()).await;
    }
    for (filter, expected) in
        [("", 30), ("value=gold", 10), ("value=Gold", 0), ("has_value=true", 20), ("has_value=false", 10)]
    {
        let counted = count(&api, filter).await;
        assert_eq!(
            (&counted["count"], &counted["precision"]),
            (&json!(expected), &json!("exact")),
            "{filter}"
        );
    }
}

#[tokio::test]
async fn what_is_defined_and_not_carried_is_counted_as_none() {
    let api = Api::start().await;
    api.define(json!({ "id": 7, "name": "Tier" })).await;
    let counted = count(&api, "").await;
    let now = api.clock.timestamp().to_string();
    assert_eq!((&counted["count"], &counted["precision"]), (&json!(0), &json!("exact")));
    assert!(counted["counted_at"].as_str().unwrap() <= now.as_str());
}

/// More than one Query reads, in one shard.
#[tokio::test]
async fn a_shard_is_counted_to_its_end() {
    let api = Api::start().await;
    let value = "ü".repeat(255);
    let numbers: Vec<u128> = (0..).filter(|number| shard(*number) == shard(0)).take(3000).collect();
    api.put_carriers(numbers, &value).await;
    api.recorder.take();
    assert_eq!(count(&api, "").await["count"], 3000);
    let queries = api.recorder.take().iter().filter(|call| call.action == "Query").count();
    assert!(queries > 8, "{queries}");
}

#[tokio::test]
async fn when_the_time_is_up_the_count_is_of_those_met_until_then() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    let value = "ü".repeat(255);
    let numbers: Vec<u128> = (0..).filter(|number| shard(*number) == shard(0)).take(3000).collect();
    api.put_carriers(numbers, &value).await;
    proxy.hold("COUNT");
    let clock = api.clock.clone();
    let hurry = async {
        proxy.holds_one().await;
        clock.advance(Duration::from_secs(5));
        proxy.release();
    };
    let (counted, ()) = futures_util::future::join(count(&api, ""), hurry).await;
    assert_eq!(counted["precision"], "at_least");
    let met = counted["count"].as_u64().unwrap();
    assert!((1..3000).contains(&met), "{met}");
}
