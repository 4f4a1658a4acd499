//! What requests leave in the log.

mod ids;
mod lines;
mod secrets;

use lambda_http::{Context, LambdaEvent, Service};
use serde_json::Value;

use crate::support::api::Api;

/// A function whose handler panics, with what the caller sent in the message.
async fn panics(api: &Api, event: &Value, context: Context) -> Value {
    let handler = |_, request: shared::http::Request| async move {
        panic!("met {:?} {:?}", request.headers(), request.body());
    };
    let service = shared::lambda::service("create-category", api.app("create-category"), handler);
    let event = LambdaEvent::new(serde_json::from_value(event.clone()).unwrap(), context);
    serde_json::to_value(lambda_http::Adapter::from(service).call(event).await.unwrap()).unwrap()
}
