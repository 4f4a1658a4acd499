//! A change under an `Idempotency-Key` happens once, whatever happens in between.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    api::{Answer, Api, CATEGORIES, HISTORY, category, definition, send},
    proxy::{Fault, Proxy},
};

async fn change(api: &Api, method: Method, path: &str, key: &str, body: Option<Value>) -> Answer {
    let request = api.request(method, path).header("idempotency-key", key);
    send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

async fn entries(api: &Api) -> usize {
    api.get(HISTORY).await.json()["history"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_repeated_delete_leaves_what_was_created_since() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let path = format!("{}?reason=left", category(7));
    assert_eq!(change(&api, Method::DELETE, &path, "k", None).await.status, 204);
    api.create(7, "silver").await;

    assert_eq!(change(&api, Method::DELETE, &path, "k", None).await.status, 204);
    assert_eq!(api.get(&category(7)).await.json()["value"], "silver");
    assert_eq!(entries(&api).await, 3);
}

#[tokio::test]
async fn a_repeated_patch_leaves_what_was_changed_since() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let patch = json!({ "value": "silver" });
    let first = change(&api, Method::PATCH, &category(7), "k", Some(patch.clone())).await;
    api.patch(&category(7), json!({ "value": "bronze" })).await;

    let again = change(&api, Method::PATCH, &category(7), "k", Some(patch.clone())).await;
    assert_eq!((again.status, again.etag()), (204, first.etag()));
    assert_eq!(api.get(&category(7)).await.json()["value"], "bronze");
    api.delete(&category(7)).await;
    let again = change(&api, Method::PATCH, &category(7), "k", Some(patch)).await;
    assert_eq!((again.status, again.etag()), (204, first.etag()));
}

#[tokio::test]
async fn a_conditional_change_can_be_repeated_after_its_own_success() {
    let api = Api::start().await;
    let created = api.create(7, "gold").await.etag();
    let conditional = async |method: Method, tag: &str| {
        let request = api.request(method.clone(), &category(7)).header("if-match", tag);
        let request = request.header("idempotency-key", format!("{method}"));
        send(if method == Method::PATCH { request.json(&json!({ "value": "silver" })) } else { request })
            .await
    };
    let patched = conditional(Method::PATCH, &created).await;
    assert_eq!(patched.status, 204);
    assert_eq!(conditional(Method::PATCH, &created).await.etag(), patched.etag());
    assert_eq!(conditional(Method::DELETE, &patched.etag()).await.status, 204);
    assert_eq!(conditional(Method::DELETE, &patched.etag()).await.status, 204);
    assert_eq!(entries(&api).await, 3);
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let api = Api::start().await;
    let post = Some(json!({ "id": 7, "value": "gold" }));
    assert_eq!(change(&api, Method::POST, CATEGORIES, "k", post).await.status, 201);
    for (method, path, body) in [
        (Method::POST, CATEGORIES.to_owned(), Some(json!({ "id": 8, "value": "gold" }))),
        (Method::POST, CATEGORIES.to_owned(), Some(json!({ "id": 7, "value": "gold", "reason": "r" }))),
        (Method::PATCH, category(7), Some(json!({ "value": "gold" }))),
        (Method::PATCH, category(8), Some(json!({}))),
        (Method::DELETE, category(7), None),
    ] {
        let details = change(&api, method, &path, "k", body).await.refused(409, "MCUS.999.994");
        assert!(details[0].starts_with("the `Idempotency-Key` was sent with another request"), "{details:?}");
    }
    assert_eq!(entries(&api).await, 1);
}

/// Which members a patch leaves out is a part of what it asks for.
#[tokio::test]
async fn a_patch_that_clears_a_member_is_not_the_one_that_leaves_it_out() {
    let api = Api::start().await;
    api.post(json!({ "id": 7, "value": "gold", "description": "since May" })).await;
    api.define(json!({ "id": 7, "name": "Tier", "description": "loyalty" })).await;
    for (path, body) in
        [(category(7), json!({ "value": "silver" })), (definition(7), json!({ "name": "Level" }))]
    {
        let mut clears = body.clone();
        clears["description"] = json!(null);
        assert_eq!(change(&api, Method::PATCH, &path, "k", Some(body)).await.status, 204, "{path}");
        change(&api, Method::PATCH, &path, "k", Some(clears)).await.refused(409, "MCUS.999.994");
        assert!(api.get(&path).await.json()["description"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn what_was_refused_is_not_remembered() {
    let api = Api::start().await;
    let patch = Some(json!({ "value": "silver" }));
    change(&api, Method::PATCH, &category(7), "k", patch.clone()).await.refused(404, "MCUS.999.997");
    api.create(7, "gold").await;
    assert_eq!(change(&api, Method::PATCH, &category(7), "k", patch).await.status, 204);
    assert_eq!(entries(&api).await, 2);
}

#[tokio::test]
async fn repetitions_at_the_same_time_make_one_change() {
    let api = Api::start().await;
    let post = json!({ "id": 7, "value": "gold" });
    let posts = (0..8).map(|_| change(&api, Method::POST, CATEGORIES, "k", Some(post.clone())));
    let answers = futures_util::future::join_all(posts).await;
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.etag() == answers[0].etag()));
    let path = category(7);
    let deletes = (0..8).map(|_| change(&api, Method::DELETE, &path, "d", None));
    let answers = futures_util::future::join_all(deletes).await;
    assert!(answers.iter().all(|answer| answer.status == 204));
    assert_eq!(entries(&api).await, 2);
}

#[tokio::test]
async fn a_change_whose_answer_was_lost_can_be_repeated() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    let patch = Some(json!({ "value": "silver" }));
    // Neither the answer nor the look for what became of it arrives.
    proxy.break_all(Fault::CutAfter);
    let lost = change(&api, Method::PATCH, &category(7), "k", patch.clone()).await;
    lost.refused(503, "MCUS.001.005");
    proxy.mend();
    assert_eq!(change(&api, Method::PATCH, &category(7), "k", patch).await.status, 204);
    assert_eq!(entries(&api).await, 2);
}
