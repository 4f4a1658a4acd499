//! Copies of a transaction that reach the embedded engine.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, TransactWriteItem, Update},
};
use customers_categories::server::{
    self,
    engine::{ANY_LOCAL_PORT, Data, Engine},
};
use tokio::task::JoinSet;

const TABLE: &str = "customers-categories-server";

/// A transaction that counts one more under the name, if the condition holds.
async fn count_up(client: Client, name: String, condition: Option<&str>, token: &str) -> Result<(), String> {
    let update = Update::builder()
        .table_name(TABLE)
        .key("name", AttributeValue::S(name))
        .update_expression("ADD counted :one")
        .set_condition_expression(condition.map(ToOwned::to_owned))
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    let item = TransactWriteItem::builder().update(update.build().unwrap()).build();
    let request = client.transact_write_items().transact_items(item).client_request_token(token);
    request.send().await.map(drop).map_err(|error| error.into_service_error().to_string())
}

async fn counted(client: &Client, name: &str) -> u32 {
    let asked = client.get_item().table_name(TABLE).key("name", AttributeValue::S(name.to_owned()));
    let item = asked.send().await.unwrap().item;
    item.map_or(0, |item| item["counted"].as_n().unwrap().parse().unwrap())
}

async fn engine() -> (Engine, Client) {
    let engine = Engine::start(&Data::Memory, ANY_LOCAL_PORT, &[]).unwrap();
    engine.announce().await.unwrap();
    let client = server::client(engine.url());
    (engine, client)
}

#[tokio::test]
async fn copies_are_carried_out_once_by_whichever_way_they_come() {
    let (engine, outside) = engine().await;
    let mut sending = JoinSet::new();
    for client in [&outside, &engine.client()].into_iter().cycle().take(16) {
        sending.spawn(count_up(client.clone(), "copies".into(), None, "one"));
    }
    sending.join_all().await.into_iter().collect::<Result<(), _>>().unwrap();
    count_up(outside.clone(), "copies".into(), None, "one").await.unwrap();
    assert_eq!(counted(&outside, "copies").await, 1);

    count_up(outside.clone(), "copies".into(), None, "two").await.unwrap();
    assert_eq!(counted(&outside, "copies").await, 2);
}

#[tokio::test]
async fn the_token_of_another_transaction_is_refused() {
    let (_engine, client) = engine().await;
    count_up(client.clone(), "one".into(), None, "token").await.unwrap();
    let refused = count_up(client.clone(), "other".into(), None, "token").await.unwrap_err();
    assert!(refused.contains("IdempotentParameterMismatchException"), "{refused}");
    assert_eq!(counted(&client, "other").await, 0);
}

#[tokio::test]
async fn a_transaction_that_was_refused_may_succeed_under_its_token() {
    let (_engine, client) = engine().await;
    let second = async || {
        let condition = Some("attribute_exists(counted)");
        count_up(client.clone(), "refused".into(), condition, "second").await
    };
    second().await.unwrap_err();
    count_up(client.clone(), "refused".into(), None, "first").await.unwrap();
    second().await.unwrap();
    assert_eq!(counted(&client, "refused").await, 2);
}

#[tokio::test]
async fn a_transaction_whose_caller_has_gone_is_not_carried_out_again() {
    let (engine, outside) = engine().await;
    for (n, client) in (1..=100).zip([&outside, &engine.client()].into_iter().cycle()) {
        let token = format!("token {n}");
        let send = async || count_up(client.clone(), "gone".into(), None, &token).await;
        let patience = Duration::from_micros(20 * u64::from(n));
        let _answer = tokio::time::timeout(patience, send()).await;
        send().await.unwrap();
        assert_eq!(counted(&outside, "gone").await, n);
    }
}
