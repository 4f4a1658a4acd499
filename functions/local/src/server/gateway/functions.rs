//! The deployed functions by name, run in this process as Lambda runs them.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use lambda_http::{
    Context, LambdaEvent, Service, aws_lambda_events::apigw::ApiGatewayV2httpResponse, request::LambdaRequest,
};
use shared::{App, Result as Handled, http::Request};

/// From an event to the answer as Lambda would hand it back; `None` where the function crashed.
pub type Function =
    Arc<dyn Fn(String, Context) -> BoxFuture<'static, Option<ApiGatewayV2httpResponse>> + Send + Sync>;

/// Every function by the name of its binary, each with the app made for it.
pub fn functions(app: impl Fn(&str) -> Arc<App>) -> HashMap<&'static str, Function> {
    macro_rules! functions {
        ($($name:literal: $function:ident),* $(,)?) => {
            HashMap::from([$(($name, function($name, app($name), $function::handle))),*])
        };
    }
    functions! {
        "create-category": create_category,
        "list-categories": list_categories,
        "get-category": get_category,
        "set-category": set_category,
        "update-category": update_category,
        "delete-category": delete_category,
        "list-category-history": list_category_history,
        "change-categories": change_categories,
        "define-category": define_category,
        "list-definitions": list_definitions,
        "get-definition": get_definition,
        "update-definition": update_definition,
        "delete-definition": delete_definition,
        "list-definition-history": list_definition_history,
        "list-carriers": list_carriers,
        "count-carriers": count_carriers,
        "not-found": not_found,
    }
}

/// A handler as Lambda runs it: JSON in, JSON out.
fn function<H, F>(name: &'static str, app: Arc<App>, handler: H) -> Function
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Handled<shared::http::Response>> + Send + 'static,
{
    let function = shared::lambda::function(name, app, handler);
    Arc::new(move |event, context| {
        let mut function = function.clone();
        let invoked = async move {
            let event: LambdaRequest = serde_json::from_str(&event).ok()?;
            let answer = function.call(LambdaEvent::new(event, context)).await.ok()?;
            serde_json::from_value(serde_json::to_value(answer).ok()?).ok()
        };
        AssertUnwindSafe(invoked).catch_unwind().map(|invoked| invoked.ok().flatten()).boxed()
    })
}
