//! What must hold of every answer, whatever was asked.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest},
};
use customers_categories::server::gateway::{self, Function};
use lambda_http::{
    Context,
    http::{HeaderMap, Method},
    request::LambdaRequest,
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};
use shared::{
    App,
    clock::Clock,
    domain::{ApiKey, KeyHash, KeyName, OrgId, Orgs, Permission, Timestamp},
    http::Operation,
    store::{Store, Tables},
};

use crate::support::description;

/// What a key of the local server is replaced with in a header, so that the answers can be searched
/// for a key that nobody guesses.
const SECRET: &str = "mcus_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I";

/// A key of another organisation, which inputs call `elsewhere`.
const ELSEWHERE: &str = "mcus_ZWxzZXdoZXJlLWVsc2V3aGVyZS1lbHNld2hlcmUtZWw";

/// Lambda refuses larger answers.
const MAX_ANSWER_BYTES: usize = 6 * 1024 * 1024;

/// When the customers' categories were created.
const BEGINNING: &str = "2026-01-01T00:00:00Z";

/// The customers that there are; the third has the id of the first, in another organisation.
const CUSTOMERS: [(&str, &str, &str); 3] = [
    ("a", "telco", "123e4567-e89b-12d3-a456-556642440000"),
    ("b", "telco", "123e4567-e89b-12d3-a456-556642440001"),
    ("c", "other", "123e4567-e89b-12d3-a456-556642440000"),
];

type Item = HashMap<String, AttributeValue>;

/// The functions over a database with a few customers, which every input finds alike.
pub struct Subject {
    functions: HashMap<&'static str, Function>,
    client: Client,
    tables: Tables,
    items: Vec<Item>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

/// A list as an input names it: `a/categories?limit=1`, parameters not percent-encoded.
#[derive(Clone, Debug)]
struct List<'a> {
    org: &'a str,
    customer: String,
    operation: Operation,
    parameters: Vec<(&'a str, &'a str)>,
}

impl Subject {
    /// Takes over the tables, which must be empty but for the local server's keys.
    pub async fn new(
        app: impl Fn(&str) -> Arc<App>,
        client: Client,
        tables: Tables,
        store: &Store,
        clock: &Clock,
    ) -> Self {
        for (key, name, orgs) in [
            (SECRET, "crm", Orgs::All),
            (ELSEWHERE, "abroad", Orgs::Named([OrgId::parse("abroad").unwrap()].into())),
        ] {
            let key = ApiKey {
                hash: KeyHash::of(key.as_bytes()),
                name: KeyName::parse(name).unwrap(),
                orgs,
                roles: Permission::ALL.into(),
                created_at: clock.timestamp(),
                expires_at: None,
                revoked_at: None,
            };
            store.put_api_key(&key).await.unwrap();
        }
        let mut subject = Self { functions: gateway::functions(app), client, tables, items: Vec::new() };
        let now = i64::try_from(clock.timestamp().as_millis()).unwrap();
        let then = i64::try_from(Timestamp::parse_floor(BEGINNING).unwrap().as_millis()).unwrap();
        clock.shift_wall(then - now);
        for (name, org, customer) in CUSTOMERS {
            subject.populate(name, org, customer).await;
        }
        clock.shift_wall(now - then);
        subject.items = subject.scan().await;
        subject
    }

    /// Five categories, one of them changed and one deleted.
    async fn populate(&self, name: &str, org: &str, customer: &str) {
        let marked = |id: i32| json!({ "id": id, "value": mark(name) }).to_string();
        for id in [i32::MIN, 6, 7, 8, 214_748_364] {
            self.set_up(Operation::CreateCategory, org, customer, None, &marked(id)).await;
        }
        let patch = json!({ "description": mark(name) }).to_string();
        self.set_up(Operation::UpdateCategory, org, customer, Some("7"), &patch).await;
        self.set_up(Operation::DeleteCategory, org, customer, Some("8"), "").await;
    }

    async fn set_up(&self, operation: Operation, org: &str, customer: &str, id: Option<&str>, body: &str) {
        let mut event = event(operation, org, customer, "");
        event["body"] = body.into();
        if let Some(id) = id {
            event["pathParameters"]["category_id"] = id.into();
        }
        let answer = self.ask(operation.function(), &event).await.unwrap();
        assert!(answer.status < 300, "{answer:?}");
    }

    /// An event of API Gateway's, in JSON, for the function that `routeKey` names. `None` where it
    /// is no such event; else the status of the answer, of which everything has been asserted.
    pub async fn event(&self, input: &str) -> Option<u16> {
        let mut event: Value = serde_json::from_str(input).ok()?;
        let route = event["routeKey"].as_str()?;
        let operation = Operation::ALL
            .into_iter()
            .find(|operation| route == format!("{} {}", operation.method(), operation.path()));
        if operation.is_none() && route != "$default" {
            return None;
        }
        for (name, key) in [("API_KEY", SECRET), ("elsewhere", ELSEWHERE)] {
            if event["headers"]["x-auth-roles"] == name {
                event["headers"]["x-auth-roles"] = key.into();
            }
        }
        let answer = self.ask(operation.map_or("not-found", Operation::function), &event).await?;
        let Answer { status, headers, body } = &answer;
        let (method, path) = match operation {
            Some(operation) => (operation.method(), operation.path()),
            // An event that is no HTTP request is refused alike by every function.
            None if *status == 400 => (Method::GET, Operation::GetCategory.path()),
            None => (Method::GET, "/"),
        };
        description::check(&method, path, *status, headers, body);
        let named = |name| event["pathParameters"][name].as_str().unwrap_or_default();
        let (org, id) = (named("org_id"), named("customer_id").to_lowercase());
        let searches = operation.is_some_and(|operation| operation.permission() == Permission::Search);
        let is_asked_for =
            |customer: &(&str, &str, &str)| customer.1 == org && (searches || customer.2 == id);
        // A message quotes what the request said; what is read has it from the database.
        let said = event.to_string().replace('+', " ");
        let said = percent_decode_str(&said).decode_utf8_lossy();
        let quotes = |text: &str| !(method == Method::GET && *status == 200) && said.contains(text);
        for (name, _, _) in CUSTOMERS.iter().filter(|customer| !is_asked_for(customer)) {
            let mark = mark(name);
            assert!(!body.contains(&mark) || quotes(&mark), "of another customer: {answer:?}");
        }
        if let Some(operation) = operation.filter(|operation| operation.method() != Method::GET) {
            let of_customer = format!("{org}#{id}");
            let may_write = |partition: &str| match operation {
                Operation::ChangeCategories => partition.starts_with(&of_customer),
                _ if operation.path().contains("{customer_id}") => partition == of_customer,
                _ => partition == org,
            };
            self.restore(*status, may_write).await;
        }
        Some(*status)
    }

    /// Two lists, a range such as `3..5`, and a text, one a line. The first list is asked for its
    /// `next_cursor`, that range of it is replaced with the text, and the second list is asked with
    /// the outcome. It may be accepted only if it is one that the second list itself issues, and no
    /// other customer's, and must then lead to what follows there.
    pub async fn cursor(&self, input: &str) -> Option<u16> {
        let mut lines = input.splitn(4, '\n');
        let (from, to) = (List::parse(lines.next()?)?, List::parse(lines.next()?)?);
        let (start, end) = lines.next()?.split_once("..")?;
        let (start, end): (usize, usize) = (start.parse().ok()?, end.parse().ok()?);
        let text = lines.next()?;

        let issued = self.list(&from, &[]).await.next;
        let mut cursor = issued.clone().unwrap_or_default();
        let end = end.min(cursor.len());
        cursor.replace_range(start.min(end)..end, text);

        let page = self.list(&to, &[("cursor", &cursor)]).await;
        assert!([200, 400].contains(&page.status), "{page:?}");
        if page.status == 200 {
            let (items, cursors) = self.walk(&to).await;
            let position = cursors.iter().position(|issued| *issued == cursor);
            let rest = &items[position.unwrap_or_else(|| panic!("{cursor} is accepted: {page:?}")) + 1..];
            assert!(!page.items.is_empty() && rest.starts_with(&page.items), "{page:?}");
            assert_eq!(page.next.is_none(), rest.len() == page.items.len(), "{page:?}");
        }
        let customers = (from.org, from.customer.to_lowercase()) == (to.org, to.customer.to_lowercase());
        let lists = customers && from.operation == to.operation;
        let parameters =
            from.parameters == to.parameters && to.parameters.iter().all(|(name, _)| *name != "cursor");
        if Some(cursor) == issued {
            assert!(lists || page.status == 400, "accepted from elsewhere: {page:?}");
            assert!(!(lists && parameters) || page.status == 200, "refused: {page:?}");
        }
        Some(page.status)
    }

    /// All items of a list, and the cursors that it issues on the way, one behind each but the last.
    async fn walk(&self, list: &List<'_>) -> (Vec<Value>, Vec<String>) {
        let mut list = list.clone();
        list.parameters.retain(|(name, _)| *name != "limit");
        let (mut items, mut cursors) = (Vec::new(), Vec::<String>::new());
        loop {
            let mut parameters = vec![("limit", "1")];
            parameters.extend(cursors.last().map(|cursor| ("cursor", cursor.as_str())));
            let page = self.list(&list, &parameters).await;
            assert!(page.status == 200 && page.items.len() == 1, "{page:?}");
            items.extend(page.items);
            let Some(next) = page.next else { return (items, cursors) };
            assert!(!cursors.contains(&next), "{next} leads in a circle");
            cursors.push(next);
        }
    }

    async fn list(&self, list: &List<'_>, more: &[(&str, &str)]) -> Page {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let parameters = list.parameters.iter().chain(more);
        let parameters: Vec<_> =
            parameters.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let event = event(list.operation, list.org, &list.customer, &parameters.join("&"));
        let answer = self.ask(list.operation.function(), &event).await.unwrap();
        let Answer { status, headers, body } = &answer;
        description::check(&Method::GET, list.operation.path(), *status, headers, body);
        let mut body: Value = serde_json::from_str(body).unwrap();
        let name = if list.operation == Operation::ListCategories { "categories" } else { "history" };
        let items = body[name].as_array_mut().map(std::mem::take).unwrap_or_default();
        Page { status: *status, items, next: body["next_cursor"].as_str().map(ToOwned::to_owned) }
    }

    /// What the gateway gets from a function; `None` where Lambda would not even start it.
    async fn ask(&self, function: &str, event: &Value) -> Option<Answer> {
        let event = event.to_string();
        serde_json::from_str::<LambdaRequest>(&event).ok()?;
        // Lambda always gives an invocation an id.
        let mut context = Context::default();
        context.request_id.push_str("8476a536-e9f4-11e8-9739-2dfe598c3fcd");
        let answer = self.functions[function](event, context).await;
        let answer = answer.unwrap_or_else(|| panic!("{function} crashed"));
        let whole = serde_json::to_string(&answer).unwrap();
        assert!(whole.len() < MAX_ANSWER_BYTES, "{} bytes", whole.len());
        assert!(!whole.contains(SECRET), "{whole}");
        assert!((200..500).contains(&answer.status_code), "{whole}");
        assert!(answer.headers.values().all(|value| value.to_str().is_ok()), "{whole}");
        assert!(!answer.is_base64_encoded && answer.multi_value_headers.is_empty(), "{whole}");
        let body = answer.body.as_deref().unwrap_or_default().to_vec();
        Some(Answer {
            status: answer.status_code.try_into().unwrap(),
            headers: answer.headers,
            body: String::from_utf8(body).unwrap(),
        })
    }

    /// Asserts that a request has written nothing if it was refused, and else only where it may: of the customer or
    /// the organisation in its path, by a batch of the organisation's customers; and undoes it.
    async fn restore(&self, status: u16, may_write: impl Fn(&str) -> bool) {
        let found = self.scan().await;
        if found == self.items {
            return;
        }
        assert!(status < 300, "{status}, but something was written");
        let key = |item: &Item| ["pk", "sk"].map(|name| item[name].as_s().unwrap().clone());
        let ours: HashSet<_> = self.items.iter().map(key).collect();
        let mut writes = Vec::new();
        for item in found.into_iter().filter(|item| !self.items.contains(item)) {
            let partition = item["pk"].as_s().unwrap();
            assert!(may_write(partition), "{partition}");
            if !ours.contains(&key(&item)) {
                let [pk, sk] = key(&item).map(AttributeValue::S);
                let delete = DeleteRequest::builder().key("pk", pk).key("sk", sk).build().unwrap();
                writes.push(WriteRequest::builder().delete_request(delete).build());
            }
        }
        for item in &self.items {
            let put = PutRequest::builder().set_item(Some(item.clone())).build().unwrap();
            writes.push(WriteRequest::builder().put_request(put).build());
        }
        for writes in writes.chunks(25) {
            let request =
                self.client.batch_write_item().request_items(&self.tables.categories, writes.to_vec());
            request.send().await.unwrap();
        }
    }

    async fn scan(&self) -> Vec<Item> {
        let pages =
            self.client.scan().table_name(&self.tables.categories).consistent_read(true).into_paginator();
        let mut items: Vec<Item> = pages.items().send().collect::<Result<_, _>>().await.unwrap();
        items.sort_by_key(|item| ["pk", "sk"].map(|name| item[name].as_s().unwrap().clone()));
        items
    }
}

#[derive(Debug)]
struct Page {
    status: u16,
    items: Vec<Value>,
    next: Option<String>,
}

impl<'a> List<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (path, query) = line.split_once('?').unwrap_or((line, ""));
        let (customer, list) = path.split_once('/')?;
        let (_, org, id) = CUSTOMERS.into_iter().find(|(name, ..)| name.eq_ignore_ascii_case(customer))?;
        let upper = customer.chars().all(char::is_uppercase);
        let operation = match list {
            "categories" => Operation::ListCategories,
            "historical" => Operation::ListCategoryHistory,
            _ => return None,
        };
        let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
        Some(Self {
            org,
            customer: if upper { id.to_uppercase() } else { id.to_owned() },
            operation,
            parameters: parameters
                .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
                .collect(),
        })
    }
}

/// A text that tells whose it is.
fn mark(customer: &str) -> String {
    format!("belongs to {customer}")
}

fn event(operation: Operation, org: &str, customer: &str, query: &str) -> Value {
    json!({
        "version": "2.0",
        "routeKey": format!("{} {}", operation.method(), operation.path()),
        "rawPath": operation.path(),
        "rawQueryString": query,
        "headers": { "host": "localhost", "x-auth-roles": SECRET },
        "requestContext": { "http": { "method": operation.method().as_str() }, "stage": "$default" },
        "pathParameters": { "org_id": org, "customer_id": customer },
        "isBase64Encoded": false,
    })
}
