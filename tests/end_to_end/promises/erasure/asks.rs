//! Requests that know their customer.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::api::{Answer, Api, CATEGORIES, HISTORY, category, send};

/// A request that knows its customer.
pub struct Ask {
    pub method: Method,
    pub path: String,
    header: Option<(&'static str, String)>,
    body: Option<Value>,
}

impl Ask {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), header: None, body: None }
    }

    pub fn with(self, name: &'static str, value: &str) -> Self {
        Self { header: Some((name, value.to_owned())), ..self }
    }

    pub fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    pub async fn send(&self, api: &Api) -> Answer {
        let mut request = api.request(self.method.clone(), &self.path);
        if let Some((name, value)) = &self.header {
            request = request.header(*name, value);
        }
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        send(request).await
    }

    pub async fn is_404(&self, api: &Api) {
        let answer = self.send(api).await;
        assert_eq!(answer.status, 404, "{} {} {:?}: {}", self.method, self.path, self.header, answer.body);
        answer.refused(404, "MCUS.999.997");
    }
}

/// Every way to read what is held on the customer, none of which is refused now. The categories 1 and 2 are there.
pub async fn reads(api: &Api) -> Vec<Ask> {
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
pub async fn writes(api: &Api) -> Vec<Ask> {
    let tag = api.get(&category(1)).await.etag();
    let new = |id: i32| Ask::new(Method::POST, CATEGORIES).body(json!({ "id": id, "value": "again" }));
    let patch = || Ask::new(Method::PATCH, category(1)).body(json!({ "value": "again" }));
    let put = |id: i32| Ask::new(Method::PUT, category(id)).body(json!({ "value": "again" }));
    let done_before = [
        new(500).with("idempotency-key", "post"),
        Ask::new(Method::PATCH, category(2)).body(json!({ "value": "x" })).with("idempotency-key", "patch"),
        Ask::new(Method::DELETE, category(500)).with("idempotency-key", "delete"),
        put(503).with("idempotency-key", "put"),
    ];
    for (ask, status) in done_before.iter().zip([201, 204, 204, 201]) {
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
        put(1),
        put(501),
        put(501).with("if-none-match", "*"),
        put(501).with("idempotency-key", "unused"),
        Ask::new(Method::DELETE, category(1)),
        Ask::new(Method::DELETE, category(1)).with("if-match", &tag),
        Ask::new(Method::DELETE, category(2)).with("idempotency-key", "unused"),
    ];
    asks.extend(done_before);
    asks
}
