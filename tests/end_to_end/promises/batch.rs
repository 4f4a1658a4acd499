//! What holds of one change holds of those of a batch: all of a customer's or none, once, whatever fails, and in one
//! moment.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use lambda_http::Context;
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    domain::{Customer, CustomerId, OrgId},
    store::Store,
};

use super::erasure::UNTIL_THE_GATE_IS_OPEN;
use crate::support::{
    api::{Answer, Api, BATCH, send},
    logs::line,
    proxy::{Fault, Proxy},
};

const TRANSACTION: &str = "TransactWriteItems";

/// More often than a call is sent.
const ALWAYS: usize = 1000;

const IDS: [i32; 3] = [1, 2, 3];

fn customer(n: usize) -> String {
    format!("{n:08}-e89b-12d3-a456-556642440000")
}

fn categories(n: usize) -> String {
    format!("/v4/orgs/telco/customers/{}/categories", customer(n))
}

/// Changes of so many customers, each of three categories.
fn changes(customers: usize, value: &str) -> Value {
    let of = |n| IDS.map(|id| json!({ "op": "set", "customer_id": customer(n), "id": id, "value": value }));
    (0..customers).flat_map(of).collect()
}

fn outcomes(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["outcome"].as_str().unwrap().to_owned())
        .collect()
}

fn codes(answer: &Answer) -> BTreeSet<String> {
    let body = answer.json();
    let results = body["results"].as_array().unwrap().iter();
    results.filter_map(|one| one["error"]["code"].as_str().map(ToOwned::to_owned)).collect()
}

/// What the customer carries, which has to be alike in all three categories and the last of their histories; and how
/// many changes there were of each.
async fn carried(api: &Api, n: usize) -> (Option<String>, usize) {
    let list = api.get(&categories(n)).await;
    if list.status == 404 {
        return (None, 0);
    }
    let list = list.json();
    let values: Vec<_> =
        list["categories"].as_array().unwrap().iter().map(|one| one["value"].clone()).collect();
    assert!(values.len() == 3 && values.iter().all(|value| *value == values[0]), "{list}");
    let history = api.pages(&format!("{}/historical", categories(n)), "history").await.concat();
    assert_eq!(history.len() % 3, 0, "{history:?}");
    for moment in history.chunks(3) {
        assert!(moment.iter().all(|entry| entry["changed_at"] == moment[0]["changed_at"]), "{moment:?}");
        assert!(moment.iter().all(|entry| entry["value"] == moment[0]["value"]), "{moment:?}");
    }
    assert_eq!(history[0]["value"], values[0]);
    (values[0].as_str().map(ToOwned::to_owned), history.len() / 3)
}

async fn start() -> (Api, Proxy) {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    assert_eq!(outcomes(&api.batch(changes(2, "start")).await), ["created"; 6]);
    (api, proxy)
}

#[tokio::test]
async fn a_passing_fault_goes_unnoticed() {
    let (api, proxy) = start().await;
    let faults = [
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::CutAmid,
        Fault::Garbage,
        Fault::Error("ThrottlingException"),
        Fault::Error("TransactionInProgressException"),
        Fault::Error("InternalServerError"),
        Fault::Late(Duration::from_millis(300)),
    ];
    for (round, (action, fault)) in [TRANSACTION, "BatchGetItem"]
        .into_iter()
        .flat_map(|action| faults.map(|fault| (action, fault)))
        .enumerate()
    {
        if action == "BatchGetItem"
            && matches!(fault, Fault::Garbage | Fault::Error("TransactionInProgressException"))
        {
            continue;
        }
        proxy.break_next(1, action, fault);
        let value = round.to_string();
        let answer = api.batch(changes(2, &value)).await;
        proxy.mend();
        assert_eq!(outcomes(&answer), ["updated"; 6], "{action} {fault:?}: {}", answer.body);
        for n in 0..2 {
            assert_eq!(carried(&api, n).await.0.as_deref(), Some(value.as_str()), "{action} {fault:?}");
        }
    }
}

#[tokio::test]
async fn a_lasting_fault_fails_whole_customers_which_are_then_as_they_were() {
    let (api, proxy) = start().await;
    for (fault, code) in [
        (Fault::CutBefore, "MCUS.001.005"),
        (Fault::Error("ThrottlingException"), "MCUS.001.005"),
        (Fault::Cancelled("ThrottlingError"), "MCUS.001.005"),
        (Fault::Error("AccessDeniedException"), "MCUS.999.999"),
    ] {
        proxy.break_next(ALWAYS, TRANSACTION, fault);
        let answer = api.batch(changes(2, "failed")).await;
        proxy.mend();
        assert_eq!(outcomes(&answer), ["failed"; 6]);
        assert_eq!(codes(&answer), BTreeSet::from([code.to_owned()]), "{fault:?}");
        assert!(!answer.body.contains("planted"), "{}", answer.body);
        let line = line(&answer);
        assert_eq!(json!([line["status"], line["changes_failed"]]), json!([200, 6]));
        assert!(line["fault"].as_str().unwrap().starts_with(TRANSACTION), "{line}");
        for n in 0..2 {
            assert_eq!(carried(&api, n).await, (Some("start".into()), 1), "{fault:?}");
        }
    }
    // Where nothing could be read, nothing was written, and the batch fails as a whole.
    proxy.break_next(ALWAYS, "BatchGetItem", Fault::CutBefore);
    api.batch(changes(2, "failed")).await.refused(503, "MCUS.001.005");
}

#[tokio::test]
async fn changes_whose_every_answer_is_lost_are_found_to_be_made() {
    let (api, proxy) = start().await;
    for fault in [
        Fault::CutAfter,
        Fault::CutAmid,
        Fault::Garbage,
        Fault::ErrorAfter("InternalFailure", 500),
        Fault::CancelledByItself(0),
        Fault::CancelledByItself(3),
    ] {
        let value = format!("{fault:?}");
        proxy.break_next(ALWAYS, TRANSACTION, fault);
        let answer = api.batch(changes(2, &value)).await;
        proxy.mend();
        assert_eq!(outcomes(&answer), ["updated"; 6], "{fault:?}: {}", answer.body);
        for n in 0..2 {
            assert_eq!(carried(&api, n).await.0, Some(value.clone()));
        }
    }
}

/// One of two writers loses a race for one of the categories, and decides again on all of them.
#[tokio::test]
async fn at_any_moment_a_customer_carries_what_one_batch_said() {
    let api = Api::start().await;
    let rounds = (0..12).map(|n| {
        let api = &api;
        async move {
            // A clock that is now ahead and now behind.
            api.clock.shift_wall(if n % 2 == 0 { 40 } else { -40 });
            outcomes(&api.batch(changes(2, &n.to_string())).await)
        }
    });
    for made in join_all(rounds).await {
        assert!(made.iter().all(|one| one == "created" || one == "updated"), "{made:?}");
    }
    for n in 0..2 {
        assert_eq!(carried(&api, n).await.1, 12);
        let history = api.pages(&format!("{}/historical", categories(n)), "history").await.concat();
        let moments: BTreeSet<_> =
            history.iter().map(|entry| entry["changed_at"].as_str().unwrap()).collect();
        assert_eq!(moments.len(), 12, "each batch has a moment of its own");
        for moment in moments {
            let list = api.get(&format!("{}?as_of={moment}", categories(n))).await.json();
            let list = list["categories"].as_array().unwrap();
            let entry = history.iter().find(|entry| entry["changed_at"] == moment).unwrap();
            assert_eq!(list.len(), 3);
            assert!(list.iter().all(|one| one["value"] == entry["value"]), "{moment}: {list:?}");
        }
    }
}

#[tokio::test]
async fn a_repetition_tells_what_the_first_told_of_each_customer() {
    let api = Api::start().await;
    let keyed = async |changes: &Value| {
        let request = api.request(Method::POST, BATCH).header("idempotency-key", "scores-1");
        send(request.json(&json!({ "changes": changes }))).await
    };
    let mut asked = changes(2, "gold");
    asked[1] = json!({ "op": "delete", "customer_id": customer(0), "id": 2 });
    asked[4] = json!({ "op": "set", "customer_id": customer(1), "id": 2, "value": null, "reason": "r" });
    let first = keyed(&asked).await;
    assert_eq!(outcomes(&first), ["created", "absent", "created", "created", "created", "created"]);
    // Whatever others do in between.
    api.delete(&format!("{}/1", categories(0))).await;
    api.put(&format!("{}/2", categories(1)), json!({ "value": "silver" })).await;
    let before = api.items().await;
    assert_eq!(keyed(&asked).await.json(), first.json());
    // One customer's part alone is the same request about that customer, another is another.
    let part = json!(asked.as_array().unwrap()[..3]);
    assert_eq!(keyed(&part).await.json()["results"], json!(first.json()["results"].as_array().unwrap()[..3]));
    let mut other = asked.clone();
    other[0]["value"] = json!("iron");
    let answer = keyed(&other).await;
    assert_eq!(outcomes(&answer)[..3], ["failed"; 3]);
    assert_eq!(codes(&answer), BTreeSet::from(["MCUS.999.994".to_owned()]));
    assert_eq!(
        answer.json()["results"].as_array().unwrap()[3..],
        first.json()["results"].as_array().unwrap()[3..]
    );
    assert_eq!(api.items().await.len(), before.len());
    api.clock.advance(Duration::from_hours(24));
    assert_eq!(outcomes(&keyed(&asked).await)[0], "created");
}

#[tokio::test]
async fn a_repetition_of_what_was_committed_and_not_answered_changes_nothing() {
    let (api, proxy) = start().await;
    let keyed = async || {
        let request = api.request(Method::POST, BATCH).header("idempotency-key", "k");
        send(request.json(&json!({ "changes": changes(2, "gold") }))).await
    };
    // Every answer is lost, those to the copies that the SDK sends again included.
    proxy.break_next(12, TRANSACTION, Fault::CutAfter);
    let first = keyed().await;
    proxy.mend();
    let again = keyed().await;
    assert_eq!(outcomes(&first), outcomes(&again));
    assert_eq!(first.json(), again.json());
    assert_eq!(carried(&api, 0).await, (Some("gold".into()), 2));
}

#[tokio::test]
async fn a_customer_being_erased_is_left_alone_and_others_are_not() {
    let (api, _proxy) = start().await;
    let erased =
        Customer { org: OrgId::parse("telco").unwrap(), id: CustomerId::parse(&customer(0)).unwrap() };
    let store: &Store = &api.store;
    let (erasure, _) = store.begin_erasure(&erased).await.unwrap();
    let answer = api.batch(changes(2, "gold")).await;
    assert_eq!(outcomes(&answer), ["failed", "failed", "failed", "updated", "updated", "updated"]);
    assert_eq!(codes(&answer), BTreeSet::from(["MCUS.999.997".to_owned()]));
    while store.erase_some(&erasure).await.unwrap().total() > 0 {}
    assert_eq!(store.count_items(&erased).await.unwrap().total(), 0);
    store.end_erasure(&erasure).await.unwrap();
    api.clock.advance(UNTIL_THE_GATE_IS_OPEN);
    assert_eq!(outcomes(&api.batch(changes(1, "new")).await), ["created"; 3]);
}

#[tokio::test]
async fn keys_that_are_left_unprocessed_are_asked_for_again() {
    let (api, proxy) = start().await;
    proxy.break_next(2, "BatchGetItem", Fault::Unprocessed);
    assert_eq!(outcomes(&api.batch(changes(2, "gold")).await), ["updated"; 6]);
    proxy.break_next(ALWAYS, "BatchGetItem", Fault::Unprocessed);
    api.batch(changes(2, "silver")).await.refused(503, "MCUS.001.005");
}

/// Lambda would end it in so many milliseconds.
async fn within(api: &Api, millis: u64, changes: &Value) -> Value {
    let functions = customers_categories::server::gateway::functions(|function| api.app(function));
    let mut event: Value =
        serde_json::from_str(include_str!("../../../events/change-categories.json")).unwrap();
    event["body"] = json!(json!({ "changes": changes }).to_string());
    let mut context = Context::default();
    context.deadline = api.clock.timestamp().as_millis() + millis;
    let answer = functions["change-categories"](event.to_string(), context).await.unwrap();
    assert_eq!(answer.status_code, 200);
    serde_json::from_slice(&answer.body.unwrap()).unwrap()
}

#[tokio::test]
async fn the_answer_comes_in_time_with_every_change_in_it() {
    let (api, proxy) = start().await;
    let customers = 12;
    // Each function has looked the key up.
    api.batch(changes(1, "start")).await;
    proxy.break_next(ALWAYS, TRANSACTION, Fault::Silence);
    let asked = changes(customers, "late");
    let body = within(&api, 3000, &asked).await;
    proxy.mend();
    let results = body["results"].as_array().unwrap();
    assert_eq!((results.len(), &body["failed"]), (3 * customers, &json!(3 * customers)));
    for result in results {
        assert_eq!(result["error"]["code"], "MCUS.001.009", "{result}");
    }
    // It can be sent again.
    let answer = api.batch(asked).await;
    assert!(outcomes(&answer).iter().all(|one| one != "failed"), "{}", answer.body);
    for n in 0..customers {
        assert_eq!(carried(&api, n).await.0.as_deref(), Some("late"));
    }
}

#[tokio::test]
async fn the_log_counts_changes_by_outcome_and_says_nothing_of_them() {
    let api = Api::start().await;
    let (id, value) = (customer(7), "a value that nobody else has");
    let changes = json!([
        { "op": "set", "customer_id": id, "id": 1, "value": value },
        { "op": "delete", "customer_id": id, "id": 2 },
    ]);
    let answer = api.batch(changes.clone()).await;
    let line_of = line(&answer);
    let counted = ["created", "updated", "unchanged", "deleted", "absent", "failed"]
        .map(|outcome| line_of[format!("changes_{outcome}")].clone());
    assert_eq!(json!(counted), json!([1, null, null, null, 1, null]));
    let line_of = line(&api.batch(changes).await);
    assert_eq!(json!([line_of["changes_unchanged"], line_of["changes_absent"]]), json!([1, 1]));
    assert!(!line_of.to_string().contains(value) && !line_of.to_string().contains(&id), "{line_of}");
}
