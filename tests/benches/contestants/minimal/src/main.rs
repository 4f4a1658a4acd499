//! The floor: a Lambda function on the standard library alone, without SDK, TLS, signature or
//! checks. It asks for an event, reads the category from DynamoDB over plain HTTP, and answers
//! with what it got.

use std::{
    env,
    error::Error,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Connection {
    host: String,
    stream: BufReader<TcpStream>,
}

struct Answer {
    request_id: String,
    body: String,
}

impl Connection {
    fn open(host: String) -> Result<Self> {
        let stream = TcpStream::connect(&host)?;
        stream.set_nodelay(true)?;
        Ok(Self { host, stream: BufReader::new(stream) })
    }

    fn send(&mut self, request_line: &str, headers: &str, body: &str) -> Result<Answer> {
        let (host, length) = (&self.host, body.len());
        let request = format!(
            "{request_line} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        );
        self.stream.get_mut().write_all(request.as_bytes())?;

        let (mut length, mut request_id, mut line) = (0, String::new(), String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                if line == "\r\n" || line.is_empty() {
                    break;
                }
                continue;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse()?;
            } else if name.eq_ignore_ascii_case("lambda-runtime-aws-request-id") {
                request_id = value.to_owned();
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { request_id, body: String::from_utf8(body)? })
    }
}

/// The string that follows `"name":"`.
fn field<'a>(json: &'a str, name: &str) -> Result<&'a str> {
    let pattern = format!("\"{name}\":\"");
    let (_, rest) = json.split_once(&pattern).ok_or_else(|| format!("no {name}"))?;
    Ok(rest.split('"').next().unwrap_or_default())
}

fn main() -> Result<()> {
    let table = env::var("CATEGORIES_TABLE")?;
    let mut runtime = Connection::open(env::var("AWS_LAMBDA_RUNTIME_API")?)?;
    let mut database = Connection::open(env::var("PLAIN_DYNAMODB")?)?;
    loop {
        let event = runtime.send("GET /2018-06-01/runtime/invocation/next", "", "")?;
        let (org, customer) = (field(&event.body, "org_id")?, field(&event.body, "customer_id")?);
        let id: i64 = field(&event.body, "category_id")?.parse()?;
        let sort_key = id - i64::from(i32::MIN);
        let key = format!(
            r#"{{"TableName":"{table}","Key":{{"pk":{{"S":"{org}#{customer}"}},"sk":{{"S":"CATEGORY#{sort_key:010}"}}}},"ConsistentRead":true}}"#
        );
        let headers = "content-type: application/x-amz-json-1.0\r\nx-amz-target: DynamoDB_20120810.GetItem\r\nauthorization: AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0\r\nx-amz-date: 20260101T000000Z\r\n";
        let item = database.send("POST /", headers, &key)?.body;
        let value = field(&item[item.find("\"value\"").ok_or("no value")?..], "S")?;
        let answer = format!(
            r#"{{"statusCode":200,"headers":{{"content-type":"application/json"}},"body":"{{\"id\":{id},\"value\":\"{value}\"}}","isBase64Encoded":false}}"#
        );
        let path = format!("POST /2018-06-01/runtime/invocation/{}/response", event.request_id);
        runtime.send(&path, "content-type: application/json\r\n", &answer)?;
    }
}
