//! One running API per test, over a database of its own.

use std::{collections::BTreeSet, env, sync::Arc};

use crate::support::{
    description,
    limit::Limit,
    logs,
    recorder::{Enforcer, Recorder},
};
use aws_sdk_dynamodb::Client;
use customers_categories::{
    Data, Engine,
    server::{
        self,
        engine::{self, ANY_LOCAL_PORT},
        guard::Guard,
    },
};
use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;
use shared::{
    App,
    clock::Clock,
    domain::{ApiKey, KeyHash, KeyName, LOCAL_KEYS, Orgs, Permission, Secret},
    store::{Store, Tables},
};
use tokio::{sync::oneshot, task::JoinHandle};
use uuid::Uuid;

/// Points the suite at a DynamoDB endpoint other than the embedded engine. Each test has tables of
/// its own there, which stay behind.
const ENDPOINT: &str = "TEST_DYNAMODB_ENDPOINT";

pub const CUSTOMER: &str = "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000";

pub const CATEGORIES: &str = "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000/categories";

pub const HISTORY: &str =
    "/v4/orgs/telco/customers/123e4567-e89b-12d3-a456-556642440000/categories/historical";

pub const BATCH: &str = "/v4/orgs/telco/customers/categories/batch";

pub const DEFINITIONS: &str = "/v4/orgs/telco/categories";

pub const DEFINITION_HISTORY: &str = "/v4/orgs/telco/categories/historical";

/// The path of a definition of the organisation that [`CUSTOMER`] is of.
pub fn definition(id: i32) -> String {
    format!("{DEFINITIONS}/{id}")
}

/// The path of those who carry a category of that organisation.
pub fn carriers(id: i32) -> String {
    format!("{DEFINITIONS}/{id}/customers")
}

/// The path of a category of [`CUSTOMER`].
pub fn category(id: i32) -> String {
    format!("{CATEGORIES}/{id}")
}

/// The key of the caller with this name: of the form that keys have, and always the same. The local server's have
/// their names for keys.
pub fn key_of(name: &str) -> String {
    if LOCAL_KEYS.contains(&name) {
        return name.to_owned();
    }
    let mut random = [0; 32];
    random.copy_from_slice(&KeyHash::of(name.as_bytes()).as_str().as_bytes()[..32]);
    Secret::new(random).reveal().to_owned()
}

pub struct Api {
    pub url: String,
    pub clock: Clock,
    pub store: Store,
    pub client: Client,
    pub tables: Tables,
    pub recorder: Recorder,
    apps: Apps,
    http: reqwest::Client,
    /// Dropped with the test, which ends the server and the engine.
    _gateway: (oneshot::Sender<()>, JoinHandle<()>),
    _engine: Option<Engine>,
    _limit: Limit,
}

/// Makes each function its app. Its client may do what the template's policies for the function
/// allow, and nothing else.
struct Apps {
    endpoint: String,
    tables: Tables,
    clock: Clock,
    recorder: Recorder,
}

impl Apps {
    fn app(&self, function: &str) -> Arc<App> {
        let policy = Enforcer::new(function, &self.tables, self.recorder.clone());
        let config = server::client_config(self.endpoint.clone()).interceptor(policy);
        let store = Store::new(Client::from_conf(config.build()), self.tables.clone(), self.clock.clone());
        Arc::new(App::over_local_database(store, self.clock.clone(), "https://docs.example/errors".into()))
    }
}

impl Api {
    pub async fn start() -> Self {
        Self::start_with(|endpoint| endpoint).await
    }

    /// With functions that reach the database where `route` says; the test itself reaches it
    /// directly.
    pub async fn start_with(route: impl FnOnce(String) -> String) -> Self {
        logs::start();
        let limit = Limit::start();
        let engine = match env::var(ENDPOINT) {
            Ok(_) => None,
            Err(_) => Some(Engine::start(&Data::Memory, ANY_LOCAL_PORT, &[]).unwrap()),
        };
        let endpoint = engine.as_ref().map_or_else(|| env::var(ENDPOINT).unwrap(), Engine::url);
        let run = Uuid::new_v4();
        let tables = Tables { categories: format!("categories-{run}"), keys: format!("keys-{run}") };
        let clock = Clock::default();
        let client = server::client(endpoint.clone());
        let store = Store::new(client.clone(), tables.clone(), clock.clone());
        server::prepare(&store, &clock).await.unwrap();

        let recorder = Recorder::default();
        let apps = Apps {
            endpoint: route(endpoint),
            tables: tables.clone(),
            clock: clock.clone(),
            recorder: recorder.clone(),
        };
        let (listener, address) = engine::bind(ANY_LOCAL_PORT).unwrap();
        let url = format!("http://{address}");
        let gateway = server::serve(|function| apps.app(function), listener, Guard::of_api(&[])).unwrap();
        let http = reqwest::Client::new();
        Self {
            url,
            clock,
            store,
            client,
            tables,
            recorder,
            apps,
            http,
            _gateway: gateway,
            _engine: engine,
            _limit: limit,
        }
    }

    /// What a function has at hand when it is deployed.
    pub fn app(&self, function: &str) -> Arc<App> {
        self.apps.app(function)
    }

    /// Adds a key that may do everything, of a caller with this name.
    pub async fn add_key(&self, name: &str) {
        self.put_key(name, Permission::ALL.into()).await;
    }

    /// Adds a key with these roles.
    pub async fn add_key_with(&self, name: &str, roles: &[&str]) {
        let roles = roles.iter().map(|role| Permission::parse(role).unwrap());
        self.put_key(name, roles.collect()).await;
    }

    async fn put_key(&self, name: &str, roles: BTreeSet<Permission>) {
        let key = ApiKey { roles, ..self.key(name) };
        self.store.put_api_key(&key).await.unwrap();
    }

    /// A key that may do everything everywhere, of a caller with this name. Nothing is stored.
    pub fn key(&self, name: &str) -> ApiKey {
        ApiKey {
            hash: KeyHash::of(key_of(name).as_bytes()),
            name: KeyName::parse(name).unwrap(),
            orgs: Orgs::All,
            roles: Permission::ALL.into(),
            created_at: self.clock.timestamp(),
            expires_at: None,
            revoked_at: None,
        }
    }

    /// A request with the key that may do everything.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).header("x-auth-roles", "API_KEY")
    }

    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PUT, path).json(&body)).await
    }

    /// Sends a batch of these changes.
    pub async fn batch(&self, changes: Value) -> Answer {
        send(self.request(Method::POST, BATCH).json(&serde_json::json!({ "changes": changes }))).await
    }

    pub async fn post(&self, body: Value) -> Answer {
        send(self.request(Method::POST, CATEGORIES).json(&body)).await
    }

    pub async fn define(&self, body: Value) -> Answer {
        send(self.request(Method::POST, DEFINITIONS).json(&body)).await
    }

    /// Creates a category of [`CUSTOMER`].
    pub async fn create(&self, id: i32, value: &str) -> Answer {
        let answer = self.post(serde_json::json!({ "id": id, "value": value })).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer
    }

    /// A page that may be more than a slow machine reads in time; asked for again then, as a caller
    /// would.
    pub async fn page(&self, path: &str) -> Answer {
        for _ in 0..20 {
            let answer = self.get(path).await;
            if ![503, 504].contains(&answer.status) {
                return answer;
            }
        }
        self.get(path).await
    }

    /// Follows `next_cursor` from `path` on; returns the pages' items under `name`.
    pub async fn pages(&self, path: &str, name: &str) -> Vec<Vec<Value>> {
        let mut pages = Vec::new();
        let mut next = path.to_owned();
        loop {
            let mut page = self.page(&next).await.json();
            pages.push(page[name].as_array_mut().unwrap().drain(..).collect());
            let Some(cursor) = page["next_cursor"].as_str() else { return pages };
            let separator = if path.contains('?') { '&' } else { '?' };
            next = format!("{path}{separator}cursor={cursor}");
        }
    }

    /// All items of the categories table.
    pub async fn items(
        &self,
    ) -> Vec<std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>> {
        let pages = self.client.scan().table_name(&self.tables.categories).into_paginator();
        pages.items().send().collect::<Result<_, _>>().await.unwrap()
    }
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

/// Sends a request; its answer must be as `openapi.yaml` describes it, and logged as it should be.
pub async fn send(request: RequestBuilder) -> Answer {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let response = client.execute(request).await.unwrap();
    let answer = Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.text().await.unwrap(),
    };
    description::check(&method, &path, answer.status, &answer.headers, &answer.body);
    logs::check(&answer);
    answer
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn etag(&self) -> String {
        self.header("etag").unwrap().to_owned()
    }

    /// Asserts the error envelope with this status and code; returns the `details`.
    pub fn refused(&self, status: u16, code: &str) -> Vec<String> {
        assert_eq!(self.status, status, "{}", self.body);
        let body = self.json();
        let errors = body["errors"].as_array().unwrap();
        assert!(!errors.is_empty());
        let details = |error: &Value| {
            let error = error["error"].as_object().unwrap();
            assert_eq!(error.len(), 5, "{error:?}");
            assert_eq!(error["code"], code);
            assert_eq!(error["ref"], format!("https://docs.example/errors#{code}"));
            assert!(error["title"].is_string() && error["message"].is_string());
            error["details"].as_str().unwrap().to_owned()
        };
        errors.iter().map(details).collect()
    }
}
