//! Random sequences of all operations on a customer with all their parameters, against a model that keeps
//! a list of changes and nothing else.

use std::collections::BTreeMap;

use proptest::{prelude::*, sample::Index, test_runner::TestRunner};
use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};

use crate::support::api::{Answer, Api, CATEGORIES, category, send};

/// Which revisions a conditional request names.
#[derive(Clone, Copy, Debug)]
enum Tag {
    Absent,
    Any,
    Current,
    WeakCurrent,
    /// That of some change, current or not.
    Of(Index),
}

/// On what a PUT depends.
#[derive(Clone, Copy, Debug)]
enum Condition {
    IfMatch(Tag),
    IfNoneMatch,
}

#[derive(Clone, Debug)]
enum Step {
    Create { id: i32, attributes: Map<String, Value>, key: Option<u8> },
    Get { id: i32, as_of: Option<Index>, held: Tag },
    List { limit: usize, as_of: Option<Index> },
    Set { id: i32, attributes: Map<String, Value>, condition: Condition, key: Option<u8> },
    Patch { id: i32, patch: Map<String, Value>, tag: Tag, key: Option<u8> },
    Delete { id: i32, reason: Option<String>, tag: Tag, key: Option<u8> },
    History { id: Option<i32>, from: Option<Index>, to: Option<Index>, limit: usize },
}

fn id() -> impl Strategy<Value = i32> {
    prop_oneof![Just(-1), Just(0), Just(7)]
}

fn tag() -> impl Strategy<Value = Tag> {
    prop_oneof![
        4 => Just(Tag::Absent),
        1 => Just(Tag::Any),
        2 => Just(Tag::Current),
        1 => Just(Tag::WeakCurrent),
        2 => any::<Index>().prop_map(Tag::Of),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![5 => tag().prop_map(Condition::IfMatch), 1 => Just(Condition::IfNoneMatch)]
}

/// An `Idempotency-Key`, seldom enough that most changes are new requests.
fn key() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![3 => Just(None), 1 => (0u8..3).prop_map(Some)]
}

fn moment() -> impl Strategy<Value = Option<Index>> {
    proptest::option::of(any::<Index>())
}

fn members(nullable: bool) -> impl Strategy<Value = Map<String, Value>> {
    let text = move || {
        let texts = prop_oneof![Just(json!("a")), Just(json!("b"))];
        if nullable { prop_oneof![Just(Value::Null), texts].boxed() } else { texts.boxed() }
    };
    let member = move || proptest::option::of(text());
    [member(), member(), member()].prop_map(|texts| {
        let named = ["value", "description", "reason"].into_iter().zip(texts);
        named.filter_map(|(name, text)| Some((name.to_owned(), text?))).collect()
    })
}

fn step() -> impl Strategy<Value = Step> {
    let limit = || prop_oneof![Just(1usize), Just(2), Just(1000)];
    prop_oneof![
        3 => (id(), members(false), key())
            .prop_map(|(id, attributes, key)| Step::Create { id, attributes, key }),
        2 => (id(), moment(), tag()).prop_map(|(id, as_of, held)| Step::Get { id, as_of, held }),
        1 => (limit(), moment()).prop_map(|(limit, as_of)| Step::List { limit, as_of }),
        4 => (id(), members(true), tag(), key())
            .prop_map(|(id, patch, tag, key)| Step::Patch { id, patch, tag, key }),
        3 => (id(), members(true), condition(), key())
            .prop_map(|(id, attributes, condition, key)| Step::Set { id, attributes, condition, key }),
        2 => (id(), proptest::option::of("[xy]"), tag(), key())
            .prop_map(|(id, reason, tag, key)| Step::Delete { id, reason, tag, key }),
        1 => (proptest::option::of(id()), moment(), moment(), limit())
            .prop_map(|(id, from, to, limit)| Step::History { id, from, to, limit }),
    ]
}

/// Everything the service should know: the changes of one customer, oldest first, as history shows
/// them. The rest follows from that.
#[derive(Default)]
struct Model {
    entries: Vec<Value>,
    /// By key: the request that was carried out under it, and how it was answered.
    remembered: BTreeMap<u8, (Value, u16, Option<String>)>,
}

impl Model {
    /// The entry that made the category what it was at `moment`, unless it was gone.
    fn at(&self, id: i32, moment: Option<&str>) -> Option<&Value> {
        let is_past =
            |entry: &&Value| moment.is_none_or(|moment| entry["changed_at"].as_str().unwrap() <= moment);
        let last = self.entries.iter().filter(is_past).rfind(|entry| entry["id"] == id)?;
        (last["change"] != "deleted").then_some(last)
    }

    fn created(&self, entry: &Value) -> &Value {
        let is_creation = |e: &&Value| {
            e["id"] == entry["id"]
                && e["change"] == "created"
                && e["revision"].as_str() <= entry["revision"].as_str()
        };
        self.entries.iter().rfind(is_creation).unwrap()
    }

    fn category(&self, entry: &Value) -> Value {
        json!({
            "id": entry["id"], "value": entry["value"], "description": entry["description"], "reason": entry["reason"],
            "created_at": self.created(entry)["changed_at"], "updated_at": entry["changed_at"],
        })
    }

    fn categories(&self, moment: Option<&str>) -> Vec<Value> {
        [-1, 0, 7]
            .into_iter()
            .filter_map(|id| self.at(id, moment))
            .map(|entry| self.category(entry))
            .collect()
    }

    fn moment(&self, index: Option<Index>) -> Option<&str> {
        let index = index.filter(|_| !self.entries.is_empty())?;
        self.entries[index.index(self.entries.len())]["changed_at"].as_str()
    }

    /// The header's text, and whether it names the current revision, strongly and at all.
    fn tag(&self, id: i32, tag: Tag) -> Option<(String, bool, bool)> {
        let current = self.at(id, None).map(|entry| entry["revision"].as_str().unwrap());
        let quoted = |revision: Option<&str>| format!("\"{}\"", revision.unwrap_or("none"));
        Some(match tag {
            Tag::Absent => return None,
            Tag::Any => ("*".into(), true, true),
            Tag::Current => (quoted(current), true, true),
            Tag::WeakCurrent => (format!("W/{}", quoted(current)), false, true),
            Tag::Of(index) => {
                let revision = (!self.entries.is_empty())
                    .then(|| self.entries[index.index(self.entries.len())]["revision"].as_str().unwrap());
                (quoted(revision), revision == current, revision == current)
            }
        })
    }
}

fn attributes(entry: &Value) -> Value {
    json!({ "value": entry["value"], "description": entry["description"], "reason": entry["reason"] })
}

fn with(request: RequestBuilder, name: &str, value: Option<String>) -> RequestBuilder {
    match value {
        Some(value) => request.header(name, value),
        None => request,
    }
}

fn query(parameters: &[(&str, Option<String>)]) -> String {
    let sent = parameters.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)));
    sent.collect::<Vec<_>>().join("&")
}

/// The API with one customer of its own.
struct Session<'a> {
    api: &'a Api,
    base: String,
    model: Model,
}

impl Session<'_> {
    fn path(&self, id: i32) -> String {
        category(id).replace(CATEGORIES, &self.base)
    }

    /// Holds the newest entry against the change that was expected, and remembers it.
    async fn changed(&mut self, id: i32, change: &str, after: Value, etag: Option<String>) {
        let history = self.api.get(&format!("{}/historical?limit=1", self.base)).await.json();
        let entry = history["history"][0].clone();
        let before = self.model.at(id, None).map(attributes);
        let expected = json!({
            "id": id, "change": change, "value": after["value"], "description": after["description"],
            "reason": after["reason"], "previous": before, "changed_by": "API_KEY",
            "changed_at": entry["changed_at"], "revision": entry["revision"],
        });
        assert_eq!(entry, expected);
        if let Some(etag) = etag {
            assert_eq!(etag, format!("{}", entry["revision"]));
        }
        self.model.entries.push(entry);
        // The next change is in another millisecond.
        self.api.clock.advance(std::time::Duration::from_millis(1));
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Create { id, attributes, key } => self.create(id, attributes, key).await,
            Step::Get { id, as_of, held } => self.get(id, as_of, held).await,
            Step::List { limit, as_of } => {
                let moment = self.model.moment(as_of).map(ToOwned::to_owned);
                let expected = self.model.categories(moment.as_deref());
                let query = query(&[("limit", Some(limit.to_string())), ("as_of", moment)]);
                self.pages(&format!("{}?{query}", self.base), "categories", limit, &expected).await;
            }
            Step::Set { id, attributes, condition, key } => self.set(id, attributes, condition, key).await,
            Step::Patch { id, patch, tag, key } => self.patch(id, patch, tag, key).await,
            Step::Delete { id, reason, tag, key } => self.delete(id, reason, tag, key).await,
            Step::History { id, from, to, limit } => {
                let (from, to) = (self.model.moment(from), self.model.moment(to));
                let is_asked = |entry: &&Value| {
                    let at = entry["changed_at"].as_str();
                    id.is_none_or(|id| entry["id"] == id)
                        && from.is_none_or(|from| at >= Some(from))
                        && to.is_none_or(|to| at < Some(to))
                };
                let expected: Vec<Value> =
                    self.model.entries.iter().rev().filter(is_asked).cloned().collect();
                let query = query(&[
                    ("limit", Some(limit.to_string())),
                    ("category_id", id.map(|id| id.to_string())),
                    ("from", from.map(ToOwned::to_owned)),
                    ("to", to.map(ToOwned::to_owned)),
                ]);
                self.pages(&format!("{}/historical?{query}", self.base), "history", limit, &expected).await;
            }
        }
    }

    async fn pages(&self, path: &str, name: &str, limit: usize, expected: &[Value]) {
        if self.model.entries.is_empty() {
            self.api.get(path).await.refused(404, "MCUS.999.997");
            return;
        }
        let pages = self.api.pages(path, name).await;
        let mut full: Vec<Vec<Value>> = expected.chunks(limit).map(<[Value]>::to_vec).collect();
        if full.is_empty() {
            full.push(Vec::new());
        }
        assert_eq!(pages, full, "{path}");
    }

    /// Sends a request under a key. A repetition must be answered as the first time, another request under
    /// the same key be refused; then there is nothing more to check.
    async fn send_once(&self, key: Option<u8>, asked: &Value, request: RequestBuilder) -> Option<Answer> {
        let answer = send(with(request, "idempotency-key", key.map(|key| key.to_string()))).await;
        let Some((first, status, etag)) = key.and_then(|key| self.model.remembered.get(&key)) else {
            return Some(answer);
        };
        if asked == first {
            assert_eq!(answer.status, *status, "{}", answer.body);
            assert_eq!(answer.header("etag"), etag.as_deref());
        } else {
            answer.refused(409, "MCUS.999.994");
        }
        None
    }

    fn remember(&mut self, key: Option<u8>, asked: Value, answer: &Answer) {
        if let Some(key) = key {
            let etag = answer.header("etag").map(ToOwned::to_owned);
            self.model.remembered.insert(key, (asked, answer.status, etag));
        }
    }

    async fn create(&mut self, id: i32, attributes: Map<String, Value>, key: Option<u8>) {
        let mut body = attributes;
        body.entry("value").or_insert(Value::Null);
        body.insert("id".into(), json!(id));
        let asked = json!(["POST", body]);
        let request = self.api.request(Method::POST, &self.base).json(&body);
        let Some(answer) = self.send_once(key, &asked, request).await else { return };
        if self.model.at(id, None).is_some() {
            answer.refused(409, "MCUS.999.994");
            return;
        }
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.header("location"), Some(&*self.path(id)));
        self.remember(key, asked, &answer);
        self.changed(id, "created", json!(body), Some(answer.etag())).await;
    }

    async fn get(&self, id: i32, as_of: Option<Index>, held: Tag) {
        let moment = self.model.moment(as_of);
        let query = query(&[("as_of", moment.map(ToOwned::to_owned))]);
        let request = self.api.request(Method::GET, &format!("{}?{query}", self.path(id)));
        let held = self.model.tag(id, held);
        let answer = send(with(request, "if-none-match", held.as_ref().map(|(text, ..)| text.clone()))).await;
        let Some(entry) = self.model.at(id, moment) else {
            answer.refused(404, "MCUS.999.997");
            return;
        };
        let etag = format!("{}", entry["revision"]);
        assert_eq!(answer.etag(), etag);
        if held.is_some_and(|(text, ..)| text == "*" || text.contains(&etag)) {
            assert_eq!((answer.status, answer.body.as_str()), (304, ""));
        } else {
            assert_eq!((answer.status, answer.json()), (200, self.model.category(entry)));
        }
    }

    /// Sends a change; returns the answer and what was asked, if it should have been accepted, else checks its
    /// refusal.
    async fn change(
        &self,
        id: i32,
        tag: Tag,
        key: Option<u8>,
        asked: Value,
        request: RequestBuilder,
    ) -> Option<(Answer, Value)> {
        let tag = self.model.tag(id, tag);
        let asked = json!([id, asked, tag.as_ref().map(|(text, ..)| text)]);
        let request = with(request, "if-match", tag.as_ref().map(|(text, ..)| text.clone()));
        let answer = self.send_once(key, &asked, request).await?;
        if self.model.at(id, None).is_none() {
            answer.refused(404, "MCUS.999.997");
            None
        } else if tag.is_some_and(|(_, strong, _)| !strong) {
            answer.refused(412, "MCUS.999.993");
            None
        } else {
            assert_eq!(answer.status, 204, "{}", answer.body);
            Some((answer, asked))
        }
    }

    async fn set(&mut self, id: i32, attributes: Map<String, Value>, condition: Condition, key: Option<u8>) {
        let mut after = json!({ "value": null, "description": null, "reason": null });
        for (name, value) in &attributes {
            after[name] = value.clone();
        }
        let mut body = attributes;
        body.entry("value").or_insert(Value::Null);
        let before = self.model.at(id, None);
        let (header, holds) = match condition {
            Condition::IfNoneMatch => (Some(("if-none-match", "*".to_owned())), before.is_none()),
            Condition::IfMatch(tag) => match self.model.tag(id, tag) {
                None => (None, true),
                Some((text, strong, _)) => (Some(("if-match", text)), strong && before.is_some()),
            },
        };
        let asked = json!(["PUT", id, after, header]);
        let mut request = self.api.request(Method::PUT, &self.path(id)).json(&body);
        if let Some((name, text)) = header {
            request = request.header(name, text);
        }
        let Some(answer) = self.send_once(key, &asked, request).await else { return };
        if !holds {
            answer.refused(412, "MCUS.999.993");
            return;
        }
        let before = self.model.at(id, None);
        let (status, change) = if before.is_some() { (204, "updated") } else { (201, "created") };
        assert_eq!(answer.status, status, "{}", answer.body);
        if let Some(entry) = before.filter(|entry| self::attributes(entry) == after) {
            assert_eq!(answer.etag(), format!("{}", entry["revision"]));
        } else {
            self.remember(key, asked, &answer);
            self.changed(id, change, after, Some(answer.etag())).await;
        }
    }

    async fn patch(&mut self, id: i32, patch: Map<String, Value>, tag: Tag, key: Option<u8>) {
        let request = self.api.request(Method::PATCH, &self.path(id)).json(&patch);
        let changed = self.change(id, tag, key, json!(["PATCH", patch]), request).await;
        let Some((answer, asked)) = changed else { return };
        let entry = self.model.at(id, None).unwrap();
        let mut after = attributes(entry);
        for (name, value) in patch {
            after[name] = value;
        }
        if after == attributes(entry) {
            assert_eq!(answer.etag(), format!("{}", entry["revision"]));
        } else {
            self.remember(key, asked, &answer);
            self.changed(id, "updated", after, Some(answer.etag())).await;
        }
    }

    async fn delete(&mut self, id: i32, reason: Option<String>, tag: Tag, key: Option<u8>) {
        let query = query(&[("reason", reason.clone())]);
        let request = self.api.request(Method::DELETE, &format!("{}?{query}", self.path(id)));
        let changed = self.change(id, tag, key, json!(["DELETE", reason]), request).await;
        if let Some((answer, asked)) = changed {
            self.remember(key, asked, &answer);
            self.changed(id, "deleted", json!({ "reason": reason }), None).await;
        }
    }
}

#[test]
fn the_service_does_what_the_model_does() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let api = runtime.block_on(Api::start());
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    let steps = proptest::collection::vec(step(), 1..40);
    let run = TestRunner::new(config).run(&(any::<u128>(), steps), |(customer, steps)| {
        runtime.block_on(async {
            let customer = uuid::Uuid::from_u128(customer).to_string();
            let base = CATEGORIES.replace("123e4567-e89b-12d3-a456-556642440000", &customer);
            let mut session = Session { api: &api, base, model: Model::default() };
            for step in steps {
                session.step(step).await;
            }
        });
        Ok(())
    });
    run.unwrap();
}
