//! What callers are answered while a customer is erased.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::json;
use shared::store::{ItemCounts, client::READ_DEADLINE};

use super::{
    ID, UNTIL_THE_GATE_IS_OPEN,
    asks::{Ask, reads, writes},
    begin, customer, erase, erase_rest, furnish, only_the_note_is_left, start_behind_proxy,
};
use crate::support::{
    api::{Api, CATEGORIES, HISTORY, category, send},
    proxy::Fault,
};

#[tokio::test]
async fn wherever_an_erasure_stops_every_operation_is_404_until_it_is_finished() {
    let api = Api::start().await;
    furnish(&api).await;
    let writes = writes(&api).await;
    for n in 0..150 {
        api.patch(&category(1), json!({ "value": n.to_string() })).await;
    }
    let reads = reads(&api).await;
    let bystander = CATEGORIES.replace("123e4567", "223e4567");
    let body = json!({ "id": 7, "value": "bystander" });
    assert_eq!(Ask::new(Method::POST, &*bystander).body(body).send(&api).await.status, 201);

    let there = api.store.count_items(&customer(ID)).await.unwrap();
    let (_, mut done) = begin(&api.store).await;
    assert_eq!(
        done,
        ItemCounts { categories: there.categories, tombstones: there.tombstones, ..ItemCounts::default() }
    );
    let mut steps = 0;
    loop {
        for ask in reads.iter().chain(&writes) {
            ask.is_404(&api).await;
        }
        // As when it is run again.
        let (erasure, taken_up) = begin(&api.store).await;
        assert_eq!(taken_up, ItemCounts::default());
        let erased = api.store.erase_some(&erasure).await.unwrap();
        done += erased;
        steps += 1;
        if erased.total() == 0 {
            assert_eq!(api.store.count_items(&customer(ID)).await.unwrap(), ItemCounts::default());
            api.store.end_erasure(&erasure).await.unwrap();
            api.clock.advance(UNTIL_THE_GATE_IS_OPEN);
            break;
        }
    }
    assert!(steps > 2, "{steps}");
    assert_eq!(done, there);
    for ask in &reads {
        // Behind a cursor, an unknown customer has an empty page.
        let answer = ask.send(&api).await;
        let nothing = [json!({ "categories": [] }), json!({ "history": [] })];
        let empty = answer.status == 200 && nothing.contains(&answer.json());
        assert!(answer.status == 404 || (empty && ask.path.contains("cursor")), "{}", answer.body);
    }
    assert_eq!(api.get(&bystander).await.json()["categories"][0]["value"], "bystander");
    // A customer who comes back is a new one.
    api.create(7, "new").await;
    assert_eq!(api.get(HISTORY).await.json()["history"].as_array().unwrap().len(), 1);
    assert_eq!(api.get(CATEGORIES).await.json()["categories"][0]["value"], "new");
}

#[tokio::test]
async fn of_more_categories_than_one_transaction_erases_no_list_shows_any_and_history_goes_last() {
    let api = Api::start().await;
    for id in 1..250 {
        api.create(id, "gold").await;
    }
    let last = api.request(Method::POST, CATEGORIES).header("idempotency-key", "crm-4711");
    assert_eq!(send(last.json(&json!({ "id": 250, "value": "gold" }))).await.status, 201);
    let reads = reads(&api).await;
    let (erasure, erased) = begin(&api.store).await;
    assert_eq!(erased, ItemCounts { categories: 96, ..ItemCounts::default() });
    let mut gone = 96;
    while gone < 250 {
        for ask in &reads {
            ask.is_404(&api).await;
        }
        api.post(json!({ "id": 1000, "value": "new" })).await.refused(404, "MCUS.999.997");
        // One that has not been reached is as it was, and its change as much a part of what is erased.
        api.get(&category(gone)).await.refused(404, "MCUS.999.997");
        assert_eq!(api.patch(&category(250), json!({ "value": gone.to_string() })).await.status, 204);
        let erased = api.store.erase_some(&erasure).await.unwrap();
        assert_eq!((erased.tombstones, erased.changes, erased.remembered), (0, 0, 0));
        gone += i32::try_from(erased.categories).unwrap();
    }
    for id in [1, 98, 250] {
        api.get(&category(id)).await.refused(404, "MCUS.999.997");
    }
    let rest = erase_rest(&api.store, &erasure).await;
    assert_eq!(rest, ItemCounts { changes: 252, remembered: 1, ..ItemCounts::default() });
    assert_eq!(rest.total(), 253);
    api.store.end_erasure(&erasure).await.unwrap();
    api.clock.advance(UNTIL_THE_GATE_IS_OPEN);
    only_the_note_is_left(&api).await;
}

#[tokio::test]
async fn a_transaction_erases_no_more_than_a_partition_serves_in_a_second() {
    let api = Api::start().await;
    let (value, text) = ("€".repeat(255), "€".repeat(1000));
    for id in 1..=70 {
        let body = json!({ "id": id, "value": value, "description": text, "reason": text });
        assert_eq!(api.post(body).await.status, 201);
    }
    // Of 7 KB each, which is 14 write units.
    let (erasure, erased) = begin(&api.store).await;
    assert_eq!(erased, ItemCounts { categories: 67, ..ItemCounts::default() });
    let rest = erase_rest(&api.store, &erasure).await;
    assert_eq!(rest, ItemCounts { categories: 3, changes: 70, ..ItemCounts::default() });
}

#[tokio::test]
async fn a_past_that_is_erased_while_it_is_read_is_404_and_never_a_part_of_it() {
    let (api, proxy, _) = start_behind_proxy().await;
    furnish(&api).await;
    let history = api.pages(HISTORY, "history").await.concat();
    let moment = history.last().unwrap()["changed_at"].as_str().unwrap();
    // Its record has been read when the erasure begins, its history has not.
    proxy.break_next(1, "Query", Fault::Late(Duration::from_millis(600)));
    let ask = Ask::new(Method::GET, format!("{}?as_of={moment}", category(1)));
    let erasing = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (erasure, _) = begin(&api.store).await;
        erase_rest(&api.store, &erasure).await;
        api.store.end_erasure(&erasure).await.unwrap();
        api.clock.advance(UNTIL_THE_GATE_IS_OPEN);
    };
    join(ask.is_404(&api), erasing).await;

    // The same for a list.
    furnish(&api).await;
    let history = api.pages(HISTORY, "history").await.concat();
    let moment = history[40]["changed_at"].as_str().unwrap();
    proxy.break_next(2, "Query", Fault::Late(Duration::from_millis(600)));
    let ask = Ask::new(Method::GET, format!("{CATEGORIES}?as_of={moment}"));
    let erasing = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        erase(&api.store).await
    };
    join(ask.is_404(&api), erasing).await;
}

#[tokio::test]
async fn a_past_with_an_entry_that_is_not_there_yet_is_503_and_never_a_part_of_it() {
    let api = Api::start().await;
    furnish(&api).await;
    let history = api.pages(HISTORY, "history").await.concat();
    let moment = history[1]["changed_at"].as_str().unwrap();
    let path = format!("{CATEGORIES}?as_of={moment}");
    let whole = api.get(&path).await;
    assert_eq!(whole.status, 200);
    let newest = format!("HISTORY#{}", history[0]["revision"].as_str().unwrap());
    let items = api.items().await;
    let item = items.into_iter().find(|item| item["sk"].as_s().unwrap() == &newest).unwrap();
    let key = ["pk", "sk"].map(|name| (name.to_owned(), item[name].clone()));
    let delete = api.client.delete_item().table_name(&api.tables.categories).set_key(Some(key.into()));
    delete.send().await.unwrap();
    api.get(&path).await.refused(503, "MCUS.001.005");

    let put = api.client.put_item().table_name(&api.tables.categories).set_item(Some(item));
    put.send().await.unwrap();
    assert_eq!(api.get(&path).await.json(), whole.json());
}

#[tokio::test]
async fn whoever_asks_while_an_erasure_runs_is_answered_nothing_of_the_customer() {
    let api = Api::start().await;
    furnish(&api).await;
    let writes = writes(&api).await;
    for n in 0..400 {
        api.patch(&category(1), json!({ "value": n.to_string() })).await;
    }
    let reads = reads(&api).await;
    let (begun, ended) = (AtomicBool::new(false), AtomicBool::new(false));
    let asking = join_all((0..4).map(|first| {
        let (api, begun, ended) = (&api, &begun, &ended);
        let mut asks = reads.iter().chain(&writes).cycle().skip(first * 7);
        async move {
            let mut refused = 0;
            while !ended.load(Ordering::SeqCst) {
                let ask = asks.next().unwrap();
                if begun.load(Ordering::SeqCst) {
                    ask.is_404(api).await;
                    refused += 1;
                } else if ask.method == Method::GET {
                    ask.send(api).await;
                }
            }
            refused
        }
    }));
    let erasing = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let (erasure, _) = begin(&api.store).await;
        begun.store(true, Ordering::SeqCst);
        erase_rest(&api.store, &erasure).await;
        // As the command does.
        tokio::time::sleep(READ_DEADLINE).await;
        ended.store(true, Ordering::SeqCst);
        erasure
    };
    let (refused, erasure) = join(asking, erasing).await;
    assert!(refused.iter().all(|refused| *refused > 0), "{refused:?}");
    api.store.end_erasure(&erasure).await.unwrap();
    api.clock.advance(UNTIL_THE_GATE_IS_OPEN);
    only_the_note_is_left(&api).await;
}
