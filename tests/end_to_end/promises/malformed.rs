//! Requests that are wrong in every way we could think of: each is refused in the envelope, and
//! none writes anything.

use reqwest::Method;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    api::{Api, CATEGORIES, CUSTOMER, DEFINITIONS, HISTORY, category, send},
    description,
};

struct Case {
    method: &'static str,
    path: String,
    headers: &'static str,
    body: Vec<u8>,
    status: u16,
    /// What the envelope must mention, such as the field's name.
    says: &'static str,
}

fn case(
    method: &'static str,
    path: impl Into<String>,
    body: impl Into<Vec<u8>>,
    status: u16,
    says: &'static str,
) -> Case {
    Case { method, path: path.into(), headers: "", body: body.into(), status, says }
}

fn post(body: impl Into<Vec<u8>>, says: &'static str) -> Case {
    case("POST", CATEGORIES, body, 400, says)
}

fn patch(body: impl Into<Vec<u8>>, says: &'static str) -> Case {
    case("PATCH", category(7), body, 400, says)
}

fn get(path: impl Into<String>, status: u16, says: &'static str) -> Case {
    case("GET", path, "", status, says)
}

fn with_headers(headers: &'static str, case: Case) -> Case {
    Case { headers, ..case }
}

fn ids() -> Vec<Case> {
    let mut cases = Vec::new();
    for id in [
        "2147483648",
        "-2147483649",
        "9223372036854775808",
        "1e400",
        "1e3",
        "1.0",
        "1.5",
        "-0",
        "\"1\"",
        "\"\"",
        "true",
        "null",
        "[1]",
        "{}",
        "{\"id\":1}",
    ] {
        cases.push(post(format!(r#"{{"id":{id},"value":"x"}}"#), "`id` must be an integer"));
    }
    for id in ["01", "+1", "0x1", "NaN", "", "1_000", "１"] {
        cases.push(post(format!(r#"{{"id":{id},"value":"x"}}"#), "`body` is not one JSON document"));
    }
    for id in [
        "2147483648",
        "-2147483649",
        "1e3",
        "1.0",
        "%221%22",
        "true",
        "01",
        "+1",
        "-0",
        "%201",
        "1%20",
        "x",
        "%EF%BC%91",
    ] {
        cases.push(get(format!("{CATEGORIES}/{id}"), 400, "`category_id` must be an integer"));
    }
    cases
}

fn bodies() -> Vec<Case> {
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let spaces = " ".repeat(70 * 1024);
    vec![
        post("", "`body` is empty"),
        post(" \n", "`body` is empty"),
        post("[]", "`body` must be a JSON object"),
        post(r#"[7,"x",null,null]"#, "`body` must be a JSON object"),
        post("7", "`body` must be a JSON object"),
        post("\"x\"", "`body` must be a JSON object"),
        post("null", "`body` must be a JSON object"),
        post("{", "`body` is not one JSON document"),
        post("{'id': 7, 'value': 'x'}", "`body` is not one JSON document"),
        post(r#"{"id":7,"value":"x",}"#, "`body` is not one JSON document"),
        post(r#"{"id":7,"value":"x"}{}"#, "`body` is not one JSON document"),
        post(r#"{"id":7,"value":"x"} x"#, "`body` is not one JSON document"),
        post(r#"{"id":7 /* seven */,"value":"x"}"#, "`body` is not one JSON document"),
        post("\u{feff}{\"id\":7,\"value\":\"x\"}", "`body` must not start with a byte order mark"),
        post(b"{\"id\":7,\"value\":\"\xff\"}".to_vec(), "`body` is not UTF-8 from byte 17 on"),
        post(b"{\"id\":7,\"value\":\"\xed\xa0\x80\"}".to_vec(), "`body` is not UTF-8"),
        post("{\"id\":7,\"value\":\"\n\"}", "`body` is not one JSON document"),
        post("{\"id\":7,\"value\":\"\0\"}", "`body` is not one JSON document"),
        post(r#"{"id":7,"value":"\u0000"}"#, "`value` must not contain NUL"),
        post(r#"{"id":7,"value":"\ud800"}"#, "`value` must be a string without lone surrogates"),
        post(r#"{"id":7,"value":"\udc00\ud800"}"#, "`value` must be a string without lone surrogates"),
        post(r#"{"id":7,"value":"x","description":"\ud83d"}"#, "`description` must be a string without lone"),
        post(r#"{"id":7,"value":"\x"}"#, "`body` is not one JSON document"),
        post(r#"{"id":7,"value":"x","value":"x"}"#, "`value` appears more than once"),
        post(r#"{"id":7,"value":"x","v\u0061lue":"x"}"#, "`value` appears more than once"),
        post(r#"{"id":7,"id":8,"value":"x"}"#, "`id` appears more than once"),
        post(r#"{"id":7,"value":"x","Value":"x"}"#, "`Value` is not known"),
        post(r#"{"id":7,"value":"x","colour":"red"}"#, "`colour` is not known"),
        post(r#"{"id":7,"value":"x","colour":1,"colour":2}"#, "`colour` appears more than once"),
        post(r#"{"id":7,"value":"x","":1}"#, "`` is not known"),
        post(r#"{"id":7,"value":"x","created_at":"2026-11-23T06:46:00.123Z"}"#, "`created_at` is not known"),
        post(r#"{"value":"x"}"#, "`id` is required"),
        post(r#"{"id":7}"#, "`value` is required"),
        post("{}", "`id` is required"),
        post(r#"{"id":7,"value":7}"#, "`value` must be a string or null"),
        post(r#"{"id":7,"value":["x"]}"#, "`value` must be a string or null"),
        post(format!(r#"{{"id":7,"value":{nested}}}"#), "`value` must be a string or null"),
        post(nested.clone(), "`body` must be a JSON object"),
        post(r#"{"id":7,"value":"x","description":null}"#, "`description` must be a string"),
        post(r#"{"id":7,"value":"x","reason":null}"#, "`reason` must be a string"),
        post(r#"{"id":7,"value":"x","reason":false}"#, "`reason` must be a string"),
        post(
            format!(r#"{{"id":7,"value":"{}"}}"#, "x".repeat(256)),
            "`value` must have at most 255 characters, but has 256",
        ),
        post(format!(r#"{{"id":7,"value":"x"{spaces}}}"#), "`body` must have at most 65536 bytes"),
        patch("", "`body` is empty"),
        patch("[]", "`body` must be a JSON object"),
        patch("null", "`body` must be a JSON object"),
        patch(r#"{"id":7}"#, "`id` is not known"),
        patch(r#"{"value":7}"#, "`value` must be a string or null"),
        patch(r#"{"description":{}}"#, "`description` must be a string or null"),
        patch(r#"{"reason":"x","reason":null}"#, "`reason` appears more than once"),
        patch(r#"{"value":"\ud800"}"#, "`value` must be a string without lone surrogates"),
        patch(
            format!(r#"{{"reason":"{}"}}"#, "x".repeat(1001)),
            "`reason` must have at most 1000 characters",
        ),
        patch(format!("{{{spaces}}}"), "`body` must have at most 65536 bytes"),
    ]
}

fn headers() -> Vec<Case> {
    let ours = || post(r#"{"id":7,"value":"x"}"#, "`Content-Type` must be application/json");
    vec![
        with_headers("Content-Type: text/plain\r\n", ours()),
        with_headers("Content-Type: application/x-www-form-urlencoded\r\n", ours()),
        with_headers("Content-Type: application/merge-patch+json\r\n", ours()),
        with_headers("Content-Type: application/jsonx\r\n", ours()),
        with_headers("Content-Type: \r\n", ours()),
        with_headers("Content-Type: application/json\r\nContent-Type: application/json\r\n", ours()),
        with_headers(
            "Content-Type: application/json-patch+json\r\n",
            patch("{}", "`Content-Type` must be application/merge-patch+json or application/json"),
        ),
    ]
}

fn paths() -> Vec<Case> {
    let org = |org: &str| CATEGORIES.replace("telco", org);
    let customer = |id: &str| CATEGORIES.replace("123e4567-e89b-12d3-a456-556642440000", id);
    let mut cases = Vec::new();
    for bad in ["a%2Fb", "%00", "..", ".", "%2E%2E", "a%23b", "a%20b", "%C3%A9", "%FF", "a+b", "*", "%252F"] {
        cases.push(get(org(bad), 400, "`org_id` must be"));
    }
    cases.push(get(org(&"x".repeat(65)), 400, "`org_id` must be"));
    for bad in [
        "123e4567e89b12d3a456556642440000",
        "%7B123e4567-e89b-12d3-a456-556642440000%7D",
        "urn:uuid:123e4567-e89b-12d3-a456-556642440000",
        "123e4567-e89b-12d3-a456-55664244000",
        "123e4567-e89b-12d3-a456-5566424400000",
        "123e4567-e89b-12d3-a456-55664244000g",
        "123e4567-e89b-12d3-a456-556642440000%20",
        "..",
        "%23",
        "7",
    ] {
        cases.push(get(customer(bad), 400, "`customer_id` must be a UUID"));
        cases.push(case(
            "POST",
            customer(bad),
            r#"{"id":7,"value":"x"}"#,
            400,
            "`customer_id` must be a UUID",
        ));
    }
    cases.extend([
        get(customer("123E4567-E89B-12D3-A456-556642449999"), 404, "nothing is known"),
        get(format!("{CATEGORIES}/"), 404, "no such resource"),
        get(format!("{CATEGORIES}/7/"), 404, "no such resource"),
        get(format!("{CUSTOMER}/categories%2F7"), 404, "no such resource"),
        get(format!("/{CATEGORIES}"), 404, "no such resource"),
        get(CATEGORIES.replace("/orgs/telco/", "/orgs//"), 404, "no such resource"),
        get(CATEGORIES.to_uppercase(), 404, "no such resource"),
        case("PATCH", HISTORY, "{}", 400, "`category_id` must be an integer"),
        case("DELETE", HISTORY, "", 400, "`category_id` must be an integer"),
        case("BREW", CATEGORIES, "", 405, "this resource allows POST, GET"),
    ]);
    cases
}

fn queries() -> Vec<Case> {
    let delete = |query: &str, says| case("DELETE", format!("{}?{query}", category(7)), "", 400, says);
    vec![
        delete("reason=a&reason=b", "`reason` appears more than once"),
        delete("reason=%00", "`reason` must not contain NUL"),
        delete("why=x", "`why` is not known"),
        get(format!("{}?as-of=2026-01-01T00:00:00Z", category(7)), 400, "`as-of` is not known"),
        case(
            "POST",
            format!("{CATEGORIES}?dry_run=true"),
            r#"{"id":9,"value":"x"}"#,
            400,
            "`dry_run` is not known",
        ),
        case("PATCH", format!("{}?upsert=1", category(7)), r#"{"value":"x"}"#, 400, "`upsert` is not known"),
    ]
}

/// Sends exactly these bytes, which no client library would.
async fn exchange(api: &Api, case: &Case) -> (u16, String) {
    let mut connection = TcpStream::connect(api.url.trim_start_matches("http://")).await.unwrap();
    let Case { method, path, headers, body, .. } = case;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nx-auth-roles: API_KEY\r\n\
         Content-Length: {length}\r\n{headers}\r\n"
    );
    connection.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let headers = head.lines().skip(1).map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    description::check(&method.parse().unwrap(), path, status, &headers, body);
    (status, body.to_owned())
}

#[tokio::test]
async fn each_is_refused_by_name_and_writes_nothing() {
    let api = Api::start().await;
    api.create(7, "gold").await;
    let before = api.items().await;
    let cases: Vec<Case> = [ids(), bodies(), headers(), paths(), queries()].into_iter().flatten().collect();
    assert!(cases.len() >= 60);
    for case in &cases {
        let (status, body) = exchange(&api, case).await;
        let sent = format!(
            "{} {} {}",
            case.method,
            case.path,
            String::from_utf8_lossy(&case.body[..case.body.len().min(99)])
        );
        assert_eq!(status, case.status, "{sent}: {body}");
        let envelope: serde_json::Value = serde_json::from_str(&body).unwrap();
        let details: Vec<_> = envelope["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e["error"]["details"].as_str().unwrap())
            .collect();
        assert!(details.iter().any(|details| details.contains(case.says)), "{sent}: {details:?}");
    }
    assert_eq!(api.items().await, before);
}

#[tokio::test]
async fn everything_wrong_with_a_body_is_said_at_once() {
    let api = Api::start().await;
    let answer =
        api.post(serde_json::json!({ "id": "7", "description": null, "reason": 1, "a": 1, "b": 2 })).await;
    insta::assert_json_snapshot!(answer.refused(400, "MCUS.999.998"), @r#"
    [
      "`id` must be an integer from -2147483648 to 2147483647",
      "`value` is required",
      "`description` must be a string",
      "`reason` must be a string",
      "`a` is not known",
      "`b` is not known"
    ]
    "#);
    let path = "/v4/orgs/a%20b/customers/7/categories/x";
    insta::assert_json_snapshot!(api.get(path).await.refused(400, "MCUS.999.998"), @r#"
    [
      "`org_id` must be 1 to 64 letters, digits, dots, underscores or hyphens (not `.` or `..`)",
      "`customer_id` must be a UUID such as 123e4567-e89b-12d3-a456-556642440000",
      "`category_id` must be an integer from -2147483648 to 2147483647"
    ]
    "#);
}

#[tokio::test]
async fn of_as_many_problems_as_a_body_has_room_for_the_first_are_told_and_the_rest_counted() {
    let api = Api::start().await;
    let members: Vec<_> = (0..7500).map(|number| format!("\"{number:x}\":0")).collect();
    let body = format!("{{{},{}}}", members.join(","), "\"1\":0,\"1f\":0");
    assert!(body.len() > 60_000 && body.len() < 65_536, "{}", body.len());
    for (path, required) in [(CATEGORIES, "value"), (DEFINITIONS, "name")] {
        let answer = send(api.request(Method::POST, path).body(body.clone())).await;
        assert!(answer.body.len() < 6_000, "{}", answer.body.len());
        let details = answer.refused(400, "MCUS.999.998");
        assert_eq!(details.len(), 20 + 1);
        assert_eq!(
            details[..6],
            [
                "`id` is required",
                &format!("`{required}` is required"),
                "`0` is not known",
                "`1` appears more than once",
                "`1` is not known",
                "`2` is not known"
            ]
        );
        let untold = 2 + 7500 + 2 - 20;
        assert_eq!(details[20], format!("and {untold} more, to be told once these are mended"));
    }
}

#[tokio::test]
async fn as_many_problems_as_are_told_one_by_one_are_told_without_a_count() {
    let api = Api::start().await;
    for (members, told) in [(18, 20), (19, 21)] {
        let members: Vec<_> = (0..members).map(|number| format!("\"{number}\":0")).collect();
        let body = format!("{{{}}}", members.join(","));
        for path in [CATEGORIES, DEFINITIONS] {
            let answer = send(api.request(Method::POST, path).body(body.clone())).await;
            let details = answer.refused(400, "MCUS.999.998");
            assert_eq!(details.len(), told);
            let last = details.last().unwrap();
            let expected =
                if told == 20 { "`17` is not known" } else { "and 1 more, to be told once these are mended" };
            assert_eq!(last, expected);
        }
    }
}
