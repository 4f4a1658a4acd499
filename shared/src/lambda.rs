//! The one bootstrap that every function calls.

use std::{env, panic, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use lambda_http::{
    Adapter, Context, LambdaEvent, RequestExt, Service, aws_lambda_events::apigw::ApiGatewayV2httpRequest,
    request::LambdaRequest, service_fn,
};
use serde::Serialize;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

use crate::{
    App, Error, Result,
    clock::Clock,
    error::Fault,
    http::{Request, Response, response},
};

/// What is left for answering when a request's time is up.
const TO_ANSWER: Duration = Duration::from_secs(1);

const UNLIMITED: Duration = Duration::from_hours(1);

/// Serves a function's events until the execution environment ends. The connection to the database
/// is opened first: until a function asks for its first event it has a whole core, afterwards the
/// share that its memory buys, with 128 MB a fourteenth.
///
/// # Errors
/// A missing environment variable, or a Runtime API that can't be reached.
pub async fn run<H, F>(handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response>> + Send + 'static,
{
    let app = start()?;
    app.store.connect().await;
    lambda_runtime::run(function(app, handler)).await
}

/// As [`run`], for a function that asks the database nothing, and may not.
///
/// # Errors
/// As [`run`].
pub async fn run_without_database<H, F>(handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response>> + Send + 'static,
{
    lambda_runtime::run(function(start()?, handler)).await
}

fn start() -> Result<Arc<App>, lambda_runtime::Error> {
    log_as_json();
    Ok(Arc::new(App::from_env()?))
}

/// Turns a handler into what Lambda calls: an event of API Gateway's in, an answer for it out. Its
/// own error type is never used, for API Gateway would replace the body.
pub fn function<H, F>(
    app: Arc<App>,
    handler: H,
) -> impl Service<LambdaEvent<LambdaRequest>, Response: Serialize, Error = lambda_runtime::Error, Future: Send>
+ Clone
+ Send
+ 'static
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response>> + Send + 'static,
{
    let docs_url = app.docs_url.clone();
    let service = service(app, handler);
    let refusal = service_fn(move |_: Request| {
        let error = Error::invalid("request", "must have a percent-encoded URL and a well-formed Host");
        let answer = response::error(&error, &docs_url);
        async { Ok(answer) }
    });
    service_fn(move |LambdaEvent { payload, context }: LambdaEvent<LambdaRequest>| {
        // lambda_http panics where it can't make a URI of what the caller sent, such as a query with
        // a bare quotation mark. Who is refused is answered in the envelope all the same.
        let (mut service, again) = (Adapter::from(service.clone()), context.clone());
        let called = AssertUnwindSafe(|| service.call(LambdaEvent::new(payload, context)));
        panic::catch_unwind(called).unwrap_or_else(|_| {
            let blank = LambdaRequest::ApiGatewayV2(ApiGatewayV2httpRequest::default());
            Adapter::from(refusal.clone()).call(LambdaEvent::new(blank, again))
        })
    })
}

/// Turns a handler into what answers every request: refusals and failures in the error envelope,
/// panics too.
pub fn service<H, F>(
    app: Arc<App>,
    handler: H,
) -> impl Service<Request, Response = Response, Error = lambda_runtime::Error, Future: Send> + Clone + Send + 'static
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response>> + Send + 'static,
{
    service_fn(move |request: Request| {
        let (app, handler) = (app.clone(), handler.clone());
        async move {
            let context = request.lambda_context();
            let docs_url = app.docs_url.clone();
            let time = time_left(&context);
            let handled = AssertUnwindSafe(async move { handler(app, request).await }).catch_unwind();
            let handled = match tokio::time::timeout(time, handled).await {
                Ok(Ok(handled)) => handled,
                Ok(Err(_)) => Err(Error::unexpected("the handler panicked")),
                Err(_) => Err(Error::Timeout(Fault("the request's time was up".into()))),
            };
            Ok(handled.unwrap_or_else(|error| {
                log(&error, &context.request_id);
                response::error(&error, &docs_url)
            }))
        }
    })
}

/// How long a handler may take: until a second before Lambda would end it without an answer. A
/// deadline that has passed was not meant as one (`cargo lambda watch` sends 1970).
fn time_left(context: &Context) -> Duration {
    let millis = context.deadline.saturating_sub(Clock::default().timestamp().as_millis());
    if millis == 0 { UNLIMITED } else { Duration::from_millis(millis).saturating_sub(TO_ANSWER) }
}

fn log(error: &Error, request_id: &str) {
    match error {
        Error::Unexpected(fault) => tracing::error!(request_id, "{fault}"),
        Error::Unavailable(fault) | Error::Timeout(fault) => tracing::warn!(request_id, "{fault}"),
        _ => {}
    }
}

/// One JSON object per line with `timestamp` and `level` on top, as Lambda's log-level filter
/// needs them. `AWS_LAMBDA_LOG_LEVEL` sets the least level.
fn log_as_json() {
    let level = env::var("AWS_LAMBDA_LOG_LEVEL").ok().and_then(|level| level.parse().ok());
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false);
    log_to(lines, level.unwrap_or(LevelFilter::INFO));
}

/// Sends the service's events to `lines`. Of the libraries only errors are of interest: the SDK
/// warns of every condition that fails, which here is an answer like any other.
pub fn log_to(lines: impl Layer<Registry> + Send + Sync, level: LevelFilter) {
    let ours = ["shared", "local"].map(|target| (target, level));
    let filter = Targets::new().with_default(LevelFilter::ERROR.min(level)).with_targets(ours);
    // Fails only where a subscriber is set already, which then does the logging.
    let _already_set = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    log_panics();
}

/// A panic's message can quote what a caller sent, so only its place is logged.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!("panicked at {place}");
    }));
}
