//! Who may call: every operation with every kind of key.

use std::{sync::Arc, time::Duration};

use customers_categories::server::gateway;
use lambda_http::Context;
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue},
};
use serde_json::{Value, json};
use shared::{
    App,
    domain::{ApiKey, KeyHash, LOCAL_KEYS, Orgs, Permission, Secret},
    store::{Store, Tables},
};

use crate::support::{
    api::{Answer, Api, BATCH, CATEGORIES, HISTORY, category, key_of, send},
    proxy::Proxy,
};

const OPERATIONS: [(&str, &str, Permission); 8] = [
    ("POST", "", Permission::Write),
    ("GET", "", Permission::Read),
    ("GET", "/7", Permission::Read),
    ("PUT", "/7", Permission::Write),
    ("PATCH", "/7", Permission::Write),
    ("DELETE", "/7", Permission::Write),
    ("GET", "/historical", Permission::Read),
    ("POST", "/batch", Permission::Write),
];

/// The path of an operation on a customer, or of the batch.
fn path(rest: &str) -> String {
    if rest == "/batch" { BATCH.to_owned() } else { format!("{CATEGORIES}{rest}") }
}

fn key(caller: &str, orgs: &[&str], roles: &[Permission], api: &Api) -> ApiKey {
    ApiKey {
        orgs: Orgs::parse(orgs.iter().copied()).unwrap(),
        roles: roles.iter().copied().collect(),
        ..api.key(caller)
    }
}

/// As the caller with this name.
async fn call(api: &Api, caller: &str, method: &str, path: &str) -> Answer {
    let body = match method {
        "POST" if path == BATCH => r#"{"changes":[]}"#,
        "POST" => r#"{"id":7,"value":"gold"}"#,
        "PUT" | "PATCH" => r#"{"value":"silver"}"#,
        _ => "",
    };
    let request =
        api.anonymous(method.parse().unwrap(), path).header("x-auth-roles", key_of(caller)).body(body);
    send(request).await
}

#[tokio::test]
async fn organisation_role_and_operation_decide_together() {
    let api = Api::start().await;
    let scopes: [&[&str]; 4] = [&["telco"], &["telco", "other"], &["other"], &["*"]];
    let roles: [&[Permission]; 3] = [&[Permission::Read], &[Permission::Write], &Permission::ALL];
    for (n, (orgs, roles)) in
        scopes.iter().flat_map(|orgs| roles.iter().map(move |roles| (orgs, roles))).enumerate()
    {
        let caller = format!("caller-{n}");
        api.store.put_api_key(&key(&caller, orgs, roles, &api)).await.unwrap();
        for (method, rest, needed) in OPERATIONS {
            let answer = call(&api, &caller, method, &path(rest)).await;
            let foreign = !orgs.contains(&"telco") && !orgs.contains(&"*");
            if foreign {
                assert_eq!(answer.refused(403, "MCUS.999.995"), ["the API key is not for this organisation"]);
            } else if roles.contains(&needed) {
                assert!(
                    ![401, 403].contains(&answer.status),
                    "{orgs:?} {roles:?} {method} {rest}: {}",
                    answer.status
                );
            } else {
                let lacks = format!("the API key lacks the role `{}`", needed.role());
                assert_eq!(answer.refused(403, "MCUS.999.995"), [lacks]);
            }
        }
    }
}

#[tokio::test]
async fn without_a_valid_key_nothing_is_done_or_said() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let before = api.items().await;

    let mut expired = key("expired", &["*"], &Permission::ALL, &api);
    expired.expires_at = Some(api.clock.timestamp());
    api.store.put_api_key(&expired).await.unwrap();
    let revoked = key("revoked", &["*"], &Permission::ALL, &api);
    api.store.put_api_key(&revoked).await.unwrap();
    api.store.revoke_api_key(&revoked.hash, api.clock.timestamp()).await.unwrap();

    let long = "x".repeat(10 * 1024);
    let headers = [
        None,
        Some(HeaderValue::from_static("")),
        Some(HeaderValue::from_static("unknown")),
        Some(HeaderValue::from_static("api_key")),
        Some(HeaderValue::from_static("API_KEY,API_KEY")),
        Some(HeaderValue::from_static("categories:write")),
        Some(HeaderValue::from_str(&key_of("unknown")).unwrap()),
        Some(HeaderValue::from_str(&key_of("expired")).unwrap()),
        Some(HeaderValue::from_str(&key_of("revoked")).unwrap()),
        Some(HeaderValue::from_str(&long).unwrap()),
        Some(HeaderValue::from_bytes("clé".as_bytes()).unwrap()),
        Some(HeaderValue::from_bytes(b"\xff\xfe").unwrap()),
    ];
    for header in headers {
        for (method, rest, _) in OPERATIONS {
            for path in [path(rest), "/v4/orgs/a%20b/customers/x/categories".into()] {
                let mut request = api.anonymous(method.parse().unwrap(), &path).body("{");
                if let Some(header) = &header {
                    request = request.header("x-auth-roles", header);
                }
                let answer = send(request).await;
                if path.contains('%') && method != "POST" && method != "GET" {
                    answer.refused(405, "MCUS.999.992");
                } else {
                    let details = answer.refused(401, "MCUS.999.996");
                    assert_eq!(details, ["a valid API key is required in the header `x-auth-roles`"]);
                }
            }
        }
    }
    assert_eq!(api.items().await, before);
}

/// A caller without a key must not run up what the database costs.
#[tokio::test]
async fn what_cannot_be_a_key_costs_no_call_to_the_database() {
    let api = Api::start().await;
    let real = key_of("caller");
    let old = &real[..48];
    let (first, last) = real.split_at(53);
    let mistyped = format!("{first}{}", if last == "0" { "1" } else { "0" });
    let impossible = [
        String::new(),
        "categories:write".to_owned(),
        "mcus_unknown".to_owned(),
        "api_key".to_owned(),
        "x".repeat(10 * 1024),
        // 256 bits end in a character with two bits to spare, which are 0.
        format!("mcus_{}B", "A".repeat(42)),
        format!("MCUS_{}", &real[5..]),
        format!("mcus_{}", "+".repeat(43)),
        format!(".{real}"),
        real.replacen('_', "-", 1),
        old[..47].to_owned(),
        real[..53].to_owned(),
        format!("{real}0"),
        format!("{real},{real}"),
        mistyped,
    ];
    for key in impossible {
        for (method, rest, _) in OPERATIONS {
            let request = api.anonymous(method.parse().unwrap(), &path(rest));
            let request = request.header("x-auth-roles", &key).body(r#"{"id":7,"value":"gold"}"#);
            send(request).await.refused(401, "MCUS.999.996");
            assert_eq!(api.recorder.take(), [], "{key}");
        }
    }
    for possible in [&real, old] {
        let request = api.anonymous(Method::GET, CATEGORIES).header("x-auth-roles", possible);
        send(request).await.refused(401, "MCUS.999.996");
        let calls = api.recorder.take();
        assert_eq!(calls.iter().map(|call| call.action.as_str()).collect::<Vec<_>>(), ["GetItem"]);
    }
}

#[tokio::test]
async fn keys_from_before_there_was_a_checksum_go_on_working() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let old = "mcus_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let stored = ApiKey { hash: KeyHash::of(old.as_bytes()), ..key("old", &["*"], &Permission::ALL, &api) };
    api.store.put_api_key(&stored).await.unwrap();
    let request = api.anonymous(Method::GET, CATEGORIES).header("x-auth-roles", old);
    assert_eq!(send(request).await.status, 200);
}

/// Even where somebody has put them into a deployed table.
#[tokio::test]
async fn the_local_servers_keys_are_none_over_a_database_that_is_not_local() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let deployed = Arc::new(App::new(api.store.clone(), api.clock.clone(), "/docs".into()));
    let functions = gateway::functions(|_| deployed.clone());
    for key in LOCAL_KEYS {
        let mut event: Value =
            serde_json::from_str(include_str!("../../../events/get-category.json")).unwrap();
        event["headers"]["x-auth-roles"] = json!(key);
        let answer = functions["get-category"](event.to_string(), Context::default()).await.unwrap();
        assert_eq!(answer.status_code, 401, "{key}");
    }
}

#[tokio::test]
async fn a_key_sent_twice_is_none() {
    let api = Api::start().await;
    let mut twice = HeaderMap::new();
    twice.append("x-auth-roles", HeaderValue::from_static("API_KEY"));
    twice.append("x-auth-roles", HeaderValue::from_static("API_KEY"));
    let answer = send(api.anonymous(Method::GET, CATEGORIES).headers(twice)).await;
    answer.refused(401, "MCUS.999.996");
}

#[tokio::test]
async fn the_headers_name_may_be_in_any_case() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let api = Api::start().await;
    api.create(7, "gold").await;
    let mut connection = tokio::net::TcpStream::connect(api.url.trim_start_matches("http://")).await.unwrap();
    let request = format!(
        "GET {CATEGORIES} HTTP/1.1\r\nHost: localhost\r\nX-AUTH-Roles: API_KEY\r\nConnection: close\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_malformed_path_comes_before_a_missing_permission() {
    let api = Api::start().await;
    let answer = call(&api, "READ_ONLY", "POST", "/v4/orgs/telco/customers/7/categories").await;
    answer.refused(400, "MCUS.999.998");
    let answer = call(&api, "READ_ONLY", "POST", &format!("{CATEGORIES}?unknown=1")).await;
    answer.refused(403, "MCUS.999.995");
}

#[tokio::test]
async fn a_foreign_organisations_answer_does_not_tell_whether_it_holds_data() {
    let api = Api::start().await;
    api.store.put_api_key(&key("other", &["other"], &Permission::ALL, &api)).await.unwrap();
    let before = call(&api, "other", "GET", &category(7)).await;
    api.create(7, "gold").await;
    let after = call(&api, "other", "GET", &category(7)).await;
    assert_eq!((before.status, &before.body), (403, &after.body));
    assert_eq!(after.status, 403);
}

#[tokio::test]
async fn a_revocation_holds_within_30_seconds_whatever_the_clock_does() {
    let api = Api::start().await;
    api.create(7, "gold").await;

    for (secret, jump_back) in [("key", false), ("another", true)] {
        let revoked = key(secret, &["*"], &Permission::ALL, &api);
        api.store.put_api_key(&revoked).await.unwrap();
        api.clock.advance(Duration::from_mins(1));
        assert_eq!(call(&api, secret, "GET", CATEGORIES).await.status, 200);
        api.store.revoke_api_key(&revoked.hash, api.clock.timestamp()).await.unwrap();
        // Known from before, without a look-up.
        api.clock.advance(Duration::from_secs(29));
        assert_eq!(call(&api, secret, "GET", CATEGORIES).await.status, 200);
        if jump_back {
            api.clock.shift_wall(-3_600_000);
        } else {
            api.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(call(&api, secret, "GET", CATEGORIES).await.status, 401);
    }
}

#[tokio::test]
async fn a_key_expires_on_time_even_while_it_is_cached() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let mut expiring = key("key", &["*"], &Permission::ALL, &api);
    expiring.expires_at = api.clock.timestamp().checked_add(Duration::from_secs(10));
    api.store.put_api_key(&expiring).await.unwrap();
    assert_eq!(call(&api, "key", "GET", CATEGORIES).await.status, 200);
    api.clock.advance(Duration::from_secs(10));
    call(&api, "key", "GET", CATEGORIES).await.refused(401, "MCUS.999.996");
}

#[tokio::test]
async fn a_new_key_opens_within_5_seconds_of_a_premature_try() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    call(&api, "key", "GET", CATEGORIES).await.refused(401, "MCUS.999.996");
    api.store.put_api_key(&key("key", &["*"], &Permission::ALL, &api)).await.unwrap();
    api.clock.advance(Duration::from_secs(5));
    assert_eq!(call(&api, "key", "GET", CATEGORIES).await.status, 200);
}

#[tokio::test]
async fn a_key_that_could_not_be_stored_does_not_pass_for_a_revoked_one() {
    let api = Api::start().await;
    let new = key("key", &["*"], &Permission::ALL, &api);
    let tables = Tables { keys: "of-another-name".to_owned(), ..api.tables.clone() };
    Store::new(api.client.clone(), tables, api.clock.clone()).put_api_key(&new).await.unwrap_err();
}

#[tokio::test]
async fn without_the_key_store_nobody_gets_in() {
    let proxy = Proxy::default();
    let api = Api::start_with(|endpoint| proxy.serve(endpoint)).await;
    api.create(7, "gold").await;
    proxy.close();
    call(&api, "READ_ONLY", "GET", CATEGORIES).await.refused(503, "MCUS.001.005");
    // A key that is known is forgotten like any other.
    api.clock.advance(Duration::from_secs(30));
    call(&api, "API_KEY", "GET", CATEGORIES).await.refused(503, "MCUS.001.005");
}

#[tokio::test]
async fn a_failed_look_up_is_not_remembered() {
    let api = Api::start().await;
    let keys = &api.tables.keys;
    api.client.delete_table().table_name(keys).send().await.unwrap();
    call(&api, "API_KEY", "GET", CATEGORIES).await.refused(500, "MCUS.999.999");
    customers_categories::server::prepare(&api.store, &api.clock).await.unwrap();
    call(&api, "API_KEY", "GET", CATEGORIES).await.refused(404, "MCUS.999.997");
}

#[tokio::test]
async fn a_flood_of_made_up_keys_costs_nobody_access() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    for n in 0..1100 {
        call(&api, &format!("made-up-{n}"), "GET", CATEGORIES).await.refused(401, "MCUS.999.996");
    }
    assert_eq!(call(&api, "API_KEY", "GET", CATEGORIES).await.status, 200);
}

#[tokio::test]
async fn who_made_a_change_is_the_keys_name_and_nothing_that_was_sent() {
    let api = Api::start().await;
    api.store.put_api_key(&key("campaigns", &["telco"], &Permission::ALL, &api)).await.unwrap();
    let request = api
        .anonymous(Method::POST, CATEGORIES)
        .headers(HeaderMap::from_iter([
            ("x-auth-roles".parse().unwrap(), HeaderValue::from_str(&key_of("campaigns")).unwrap()),
            ("x-user".parse().unwrap(), HeaderValue::from_static("mallory")),
            ("changed-by".parse().unwrap(), HeaderValue::from_static("mallory")),
        ]))
        .json(&json!({ "id": 7, "value": "gold" }));
    assert_eq!(send(request).await.status, 201);
    let forged = json!({ "id": 8, "value": "gold", "changed_by": "mallory" });
    api.post(forged).await.refused(400, "MCUS.999.998");

    let history = api.get(HISTORY).await;
    assert_eq!(history.json()["history"][0]["changed_by"], "campaigns");
    assert!(!history.body.contains("mallory"));
}

#[test]
fn keys_do_not_show_themselves() {
    let secret = Secret::new([7; 32]);
    assert_eq!(secret.reveal(), "mcus_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc2GO3nu");
    assert_eq!(format!("{secret:?}"), "Secret(…)");
}
