//! The function that a tutorial leads to: the defaults of the SDK, of `lambda_http` and of tokio.

use std::env;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use lambda_http::{Error, Request, RequestExt, Response, run, service_fn};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let client = Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    let table = env::var("CATEGORIES_TABLE")?;
    run(service_fn(|event: Request| get(&client, &table, event))).await
}

async fn get(client: &Client, table: &str, event: Request) -> Result<Response<String>, Error> {
    let path = event.path_parameters();
    let parameter = |name| path.first(name).ok_or(format!("no {name}"));
    let id: i64 = parameter("category_id")?.parse()?;
    let partition = format!("{}#{}", parameter("org_id")?, parameter("customer_id")?);
    let answer = client
        .get_item()
        .table_name(table)
        .key("pk", AttributeValue::S(partition))
        .key("sk", AttributeValue::S(format!("CATEGORY#{:010}", id - i64::from(i32::MIN))))
        .consistent_read(true)
        .send()
        .await?;
    let item = answer.item.ok_or("no such category")?;
    let text = |name| match item.get(name).map(AttributeValue::as_s) {
        Some(Ok(text)) => Value::from(text.as_str()),
        _ => Value::Null,
    };
    let body = json!({
        "id": id,
        "value": text("value"),
        "description": text("description"),
        "reason": text("reason"),
        "created_at": text("created"),
        "updated_at": text("revision"),
    });
    Ok(Response::builder().header("content-type", "application/json").body(body.to_string())?)
}
