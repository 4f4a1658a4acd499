//! Nothing of a customer is answered while an erasure is under way, wherever it stops, and nothing comes back.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use customers_categories::server;
use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use shared::{
    Error,
    domain::{Customer, CustomerId, OrgId},
    store::{Erasure, Import, ItemCounts, Store, Unless, client::READ_DEADLINE},
};

use super::operator::{conflict, import, import_unless};
use crate::support::{
    api::{Answer, Api, CATEGORIES, HISTORY, category, send},
    proxy::{Fault, Proxy},
};

pub const ID: &str = "123e4567-e89b-12d3-a456-556642440000";

pub fn customer(id: &str) -> Customer {
    Customer { org: OrgId::parse("telco").unwrap(), id: CustomerId::parse(id).unwrap() }
}

/// How long creations are refused after the end, and a moment.
const UNTIL_THE_GATE_IS_OPEN: Duration = Duration::from_millis(5001);

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
    assert!(gates.len() == 1 && gates[0].contains_key("expires"), "{gates:?}");
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!(items[0].len(), 3, "{items:?}");
    assert_eq!(items[0]["sk"].as_s().unwrap(), "ERASED");
    assert!(items[0].contains_key("erased_at"));
    assert!(!format!("{items:?}").contains(&ID[..8]), "{items:?}");
}

/// A request that knows its customer.
struct Ask {
    method: Method,
    path: String,
    header: Option<(&'static str, String)>,
    body: Option<Value>,
}

impl Ask {
    fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), header: None, body: None }
    }

    fn with(self, name: &'static str, value: &str) -> Self {
        Self { header: Some((name, value.to_owned())), ..self }
    }

    fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    async fn send(&self, api: &Api) -> Answer {
        let mut request = api.request(self.method.clone(), &self.path);
        if let Some((name, value)) = &self.header {
            request = request.header(*name, value);
        }
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        send(request).await
    }

    async fn is_404(&self, api: &Api) {
        let answer = self.send(api).await;
        assert_eq!(answer.status, 404, "{} {} {:?}: {}", self.method, self.path, self.header, answer.body);
        answer.refused(404, "MCUS.999.997");
    }
}

/// Every way to read what is held on the customer, none of which is refused now. The categories 1 and 2 are there.
async fn reads(api: &Api) -> Vec<Ask> {
    let history = api.pages(HISTORY, "history").await.concat();
    let moment = history[history.len() / 2]["changed_at"].as_str().unwrap().to_owned();
    let first = history.last().unwrap()["changed_at"].as_str().unwrap();
    let mut paths = Vec::new();
    for id in [1, 2] {
        paths.extend([category(id), format!("{}?as_of={moment}", category(id))]);
    }
    for query in ["", "?limit=3"] {
        paths.extend([format!("{CATEGORIES}{query}"), format!("{HISTORY}{query}")]);
    }
    paths.push(format!("{CATEGORIES}?as_of={moment}"));
    for query in [
        "category_id=1".to_owned(),
        "category_id=999".to_owned(),
        format!("from={first}"),
        format!("to={moment}"),
        format!("from={first}&to={moment}"),
        format!("from={first}&to={moment}&category_id=1"),
        "from=2900-01-01T00:00:00Z".to_owned(),
        "to=1971-01-01T00:00:00Z".to_owned(),
    ] {
        paths.push(format!("{HISTORY}?{query}"));
    }
    // Further pages.
    for path in [
        format!("{CATEGORIES}?limit=3"),
        format!("{CATEGORIES}?limit=3&as_of={moment}"),
        format!("{HISTORY}?limit=3"),
        format!("{HISTORY}?limit=3&from={first}"),
        format!("{HISTORY}?limit=3&to={moment}"),
        format!("{HISTORY}?limit=3&category_id=1"),
    ] {
        if let Some(cursor) = api.get(&path).await.json()["next_cursor"].as_str() {
            paths.push(format!("{path}&cursor={cursor}"));
        }
    }
    assert!(paths.iter().filter(|path| path.contains("cursor")).count() >= 5, "{paths:?}");
    let mut asks: Vec<_> = paths.into_iter().map(|path| Ask::new(Method::GET, path)).collect();
    asks.push(Ask::new(Method::GET, category(1)).with("if-none-match", "\"other\""));
    for ask in asks.iter().filter(|ask| !ask.path.contains("as_of")) {
        assert_eq!(ask.send(api).await.status, 200, "{}", ask.path);
    }
    asks
}

/// Every way to change what is held on the customer, repetitions of what was carried out before included.
async fn writes(api: &Api) -> Vec<Ask> {
    let tag = api.get(&category(1)).await.etag();
    let new = |id: i32| Ask::new(Method::POST, CATEGORIES).body(json!({ "id": id, "value": "again" }));
    let patch = || Ask::new(Method::PATCH, category(1)).body(json!({ "value": "again" }));
    let done_before = [
        new(500).with("idempotency-key", "post"),
        Ask::new(Method::PATCH, category(2)).body(json!({ "value": "x" })).with("idempotency-key", "patch"),
        Ask::new(Method::DELETE, category(500)).with("idempotency-key", "delete"),
    ];
    for (ask, status) in done_before.iter().zip([201, 204, 204]) {
        for _ in 0..2 {
            assert_eq!(ask.send(api).await.status, status, "{} {}", ask.method, ask.path);
        }
    }
    let mut asks = vec![
        new(1),
        new(501),
        new(501).with("idempotency-key", "post"),
        new(501).with("idempotency-key", "unused"),
        patch(),
        patch().with("if-match", &tag),
        patch().with("if-match", "\"stale\""),
        patch().with("idempotency-key", "post"),
        patch().body(json!({})),
        Ask::new(Method::DELETE, category(1)),
        Ask::new(Method::DELETE, category(1)).with("if-match", &tag),
        Ask::new(Method::DELETE, category(2)).with("idempotency-key", "unused"),
    ];
    asks.extend(done_before);
    asks
}

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
    for id in 1..=250 {
        api.create(id, "gold").await;
    }
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
    assert_eq!(rest, ItemCounts { changes: 252, ..ItemCounts::default() });
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
