//! Writers, imports, faults and another erasure at the same time.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::json;
use shared::{
    Error,
    store::{Import, ItemCounts, Unless},
};

use super::{
    ID, UNTIL_THE_GATE_IS_OPEN, asks::Ask, begin, customer, erase, erase_rest, furnish,
    only_the_note_is_left, start_behind_proxy,
};
use crate::promises::operator::{conflict, import, import_unless};
use crate::support::{
    api::{Api, CATEGORIES, HISTORY, category},
    proxy::Fault,
};

#[tokio::test]
async fn a_change_that_is_committed_late_brings_nothing_back() {
    let (api, proxy, _) = start_behind_proxy().await;
    api.create(7, "gold").await;
    let asks = [
        Ask::new(Method::POST, CATEGORIES).body(json!({ "id": 8, "value": "late" })),
        Ask::new(Method::PATCH, category(7)).body(json!({ "value": "late" })),
        Ask::new(Method::DELETE, category(7)),
        Ask::new(Method::DELETE, category(7)).with("idempotency-key", "late"),
    ];
    for ask in asks {
        proxy.break_next(1, "TransactWriteItems", Fault::Late(Duration::from_millis(600)));
        let erasing = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let (erasure, _) = begin(&api.store).await;
            erase_rest(&api.store, &erasure).await;
            erasure
        };
        let ((), erasure) = join(ask.is_404(&api), erasing).await;
        assert_eq!(api.store.erase_some(&erasure).await.unwrap(), ItemCounts::default());
        api.store.end_erasure(&erasure).await.unwrap();
        api.clock.advance(UNTIL_THE_GATE_IS_OPEN);
        only_the_note_is_left(&api).await;
        api.create(7, "gold").await;
    }
}

/// The copy was lost before the erasure, or at its fence, and arrives once the customer can come back.
#[tokio::test]
async fn a_creation_that_was_lost_before_the_end_is_not_made_after_it() {
    let (api, proxy, _) = start_behind_proxy().await;
    api.create(7, "gold").await;
    let (erasure, _) = begin(&api.store).await;
    proxy.break_next(1, "TransactWriteItems", Fault::Astray);
    api.post(json!({ "id": 8, "value": "late" })).await.refused(404, "MCUS.999.997");
    erase_rest(&api.store, &erasure).await;
    api.store.end_erasure(&erasure).await.unwrap();
    api.clock.advance(UNTIL_THE_GATE_IS_OPEN);

    assert_eq!(proxy.deliver().await, 1);
    only_the_note_is_left(&api).await;
    api.create(8, "new").await;
}

#[tokio::test]
async fn writers_at_work_when_an_erasure_begins_leave_nothing_behind() {
    let api = Api::start().await;
    furnish(&api).await;
    let writing = join_all((0..4).map(|writer| {
        let api = &api;
        async move {
            for n in 0..10 {
                let id = writer * 7 + n;
                api.post(json!({ "id": id, "value": "again" })).await;
                api.patch(&category(id), json!({ "value": n.to_string() })).await;
                api.delete(&category(id + 1)).await;
            }
        }
    }));
    let erasing = async {
        let (erasure, _) = begin(&api.store).await;
        erase_rest(&api.store, &erasure).await;
        erasure
    };
    let (_, erasure) = join(writing, erasing).await;
    assert_eq!(api.store.erase_some(&erasure).await.unwrap(), ItemCounts::default());
    api.store.end_erasure(&erasure).await.unwrap();
    api.clock.advance(UNTIL_THE_GATE_IS_OPEN);
    only_the_note_is_left(&api).await;
}

#[tokio::test]
async fn two_erasures_at_once_do_no_harm_to_who_comes_back_after_the_first() {
    let api = Api::start().await;
    furnish(&api).await;
    let ((first, erased), (second, other)) = Box::pin(join(begin(&api.store), begin(&api.store))).await;
    assert_eq!(erased.total() + other.total(), 30);
    let (mut rest, more) =
        Box::pin(join(erase_rest(&api.store, &first), erase_rest(&api.store, &second))).await;
    rest += more;
    assert!(rest.changes >= 55, "{rest:?}");
    api.store.end_erasure(&first).await.unwrap();
    api.clock.advance(UNTIL_THE_GATE_IS_OPEN);

    api.create(7, "new").await;
    assert_eq!(api.store.erase_some(&second).await.unwrap(), ItemCounts::default());
    api.store.end_erasure(&second).await.unwrap();
    api.clock.advance(UNTIL_THE_GATE_IS_OPEN);
    assert_eq!(api.get(&category(7)).await.json()["value"], "new");

    // Nor does the end of an earlier one end a later one.
    let (later, _) = begin(&api.store).await;
    api.store.end_erasure(&first).await.unwrap();
    api.clock.advance(UNTIL_THE_GATE_IS_OPEN);
    api.get(CATEGORIES).await.refused(404, "MCUS.999.997");
    api.post(json!({ "id": 8, "value": "x" })).await.refused(404, "MCUS.999.997");
    erase_rest(&api.store, &later).await;
    api.store.end_erasure(&later).await.unwrap();
    api.clock.advance(UNTIL_THE_GATE_IS_OPEN);
    only_the_note_is_left(&api).await;
}

#[tokio::test]
async fn an_import_takes_nobody_over_who_was_erased_unless_told_to() {
    let api = Api::start().await;
    let line = |id: i32| json!({ "id": id, "value": "gold", "changed_at": "2019-05-01T10:00:00Z" });
    assert_eq!(import(&api.store, line(7)).await, Import::Created);
    let (erasure, _) = begin(&api.store).await;
    for id in [7, 8] {
        let problem = conflict(import(&api.store, line(id)).await);
        assert!(problem.starts_with("the customer was erased at 2"), "{problem}");
        let told_to = import_unless(&api.store, line(id), Unless::BeingErased).await;
        assert_eq!(conflict(told_to), "the customer is being erased");
    }
    erase_rest(&api.store, &erasure).await;
    api.store.end_erasure(&erasure).await.unwrap();
    api.clock.advance(UNTIL_THE_GATE_IS_OPEN);

    let problem = conflict(import(&api.store, line(7)).await);
    assert!(problem.ends_with("`--allow-erased` takes the line over all the same"), "{problem}");
    only_the_note_is_left(&api).await;
    assert_eq!(import_unless(&api.store, line(7), Unless::BeingErased).await, Import::Created);
    assert_eq!(import(&api.store, line(7)).await, Import::Present);
    // What comes in by the API is a new contract. Old lines stay out.
    api.create(8, "new").await;
    conflict(import(&api.store, line(9)).await);
}

#[tokio::test]
async fn an_import_that_runs_while_its_customer_is_erased_brings_nobody_back() {
    let (api, proxy, store) = start_behind_proxy().await;
    api.create(7, "gold").await;
    proxy.break_next(1, "TransactWriteItems", Fault::Late(Duration::from_millis(600)));
    let line = json!({ "id": 8, "value": "gold", "changed_at": "2019-05-01T10:00:00Z" });
    let erasing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        erase(&api.store).await
    };
    let (imported, _) = Box::pin(join(import(&store, line), erasing)).await;
    conflict(imported);
    only_the_note_is_left(&api).await;
}

#[tokio::test]
async fn an_import_or_erasure_whose_answer_is_lost_is_done_once() {
    let (api, proxy, store) = start_behind_proxy().await;
    proxy.break_next(6, "TransactWriteItems", Fault::CutAfter);
    let line = json!({ "id": 7, "value": "gold", "changed_at": "2019-05-01T10:00:00Z" });
    assert_eq!(import(&store, line).await, Import::Created);
    assert_eq!(api.pages(HISTORY, "history").await.concat().len(), 1);

    let lost = || proxy.break_next(6, "TransactWriteItems", Fault::CutAfter);
    lost();
    assert!(matches!(store.begin_erasure(&customer(ID)).await, Err(Error::Unavailable(_))));
    let (erasure, erased) = begin(&store).await;
    assert_eq!(erased, ItemCounts::default());
    lost();
    assert!(matches!(store.erase_some(&erasure).await, Err(Error::Unavailable(_))));
    assert_eq!(store.erase_some(&erasure).await.unwrap(), ItemCounts::default());
    lost();
    assert!(matches!(store.end_erasure(&erasure).await, Err(Error::Unavailable(_))));
    store.end_erasure(&erasure).await.unwrap();
    only_the_note_is_left(&api).await;
}

#[tokio::test]
async fn a_throttled_erasure_has_erased_nothing() {
    let (api, proxy, store) = start_behind_proxy().await;
    api.create(7, "gold").await;
    proxy.break_next(6, "TransactWriteItems", Fault::Error("ProvisionedThroughputExceededException"));
    assert!(matches!(store.begin_erasure(&customer(ID)).await, Err(Error::Unavailable(_))));
    assert_eq!(api.items().await.len(), 2);
    assert_eq!(api.get(CATEGORIES).await.status, 200);

    let (erasure, _) = begin(&store).await;
    proxy.break_next(6, "TransactWriteItems", Fault::Cancelled("ThrottlingError"));
    assert!(matches!(store.erase_some(&erasure).await, Err(Error::Unavailable(_))));
    let left: BTreeSet<String> =
        api.items().await.iter().map(|item| item["sk"].as_s().unwrap().chars().take(7).collect()).collect();
    assert_eq!(left, ["CATEGOR", "ERASED", "ERASURE", "HISTORY"].map(ToOwned::to_owned).into());
}
