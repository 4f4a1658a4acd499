//! The one bootstrap that every function calls.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use lambda_http::{
    Body, LambdaEvent, RequestExt, Service, aws_lambda_events::apigw::ApiGatewayV2httpResponse,
    http::HeaderValue, request::LambdaRequest, service_fn,
};
use lambda_runtime::Runtime;
use tokio::time::Instant;

use crate::{
    App, Error, Result,
    clock::Clock,
    config::{Config, Logging},
    error::{self, Fault},
    http::{Deadline, ErrorCode, REQUEST_ID_HEADER, Request, Response, request_ids, request_of, response},
    log::{self, Failure, RequestLog},
};

/// What is left for answering when a request's time is up.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);

const WITHOUT_DEADLINE: Duration = Duration::from_hours(1);

/// For a function that still runs after its deadline, so by a clock that is ahead of Lambda's: longer than any
/// operation takes, shorter than Lambda lets it run.
const PAST_DEADLINE: Duration = Duration::from_secs(10);

/// Lambda is younger than this moment of 2014. A deadline before it is none: `cargo lambda watch` sends one in 1970.
const FIRST_DEADLINE_MILLIS: u64 = 1_400_000_000_000;

/// Serves the events of the function of this name until the execution environment ends. The
/// connection to the database is opened first: until a function asks for its first event it has a
/// whole core, afterwards the share that its memory buys, with 128 MB a fourteenth.
///
/// # Errors
/// A missing environment variable, or a Runtime API that can't be reached.
pub async fn run<H, F>(name: &'static str, handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response>> + Send + 'static,
{
    let app = start()?;
    app.store.connect().await;
    serve(name, app, handler).await
}

/// As [`run`], for a function that asks the database nothing, and may not.
///
/// # Errors
/// As [`run`].
pub async fn run_without_database<H, F>(name: &'static str, handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response>> + Send + 'static,
{
    serve(name, start()?, handler).await
}

fn start() -> Result<Arc<App>, lambda_runtime::Error> {
    log::init(&Logging::from_env());
    Ok(Arc::new(App::from_config(Config::from_env()?)?))
}

/// Without `lambda_runtime::run`'s span, which the log leaves out, and in a task: what `main` itself
/// awaits is woken through a file descriptor, several times per request.
async fn serve<H, F>(name: &'static str, app: Arc<App>, handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response>> + Send + 'static,
{
    let runtime = Runtime::new(function(name, app, handler));
    tokio::spawn(runtime.run()).await?
}

/// Turns a handler into what Lambda calls: an event of API Gateway's in, an answer for it out. Its
/// own error type is never used, for API Gateway would replace the body.
///
/// In place of `lambda_http`'s adapter, which decodes every answer's text from any of the charsets
/// there are, with the tables of all.
pub fn function<H, F>(
    name: &'static str,
    app: Arc<App>,
    handler: H,
) -> impl Service<
    LambdaEvent<LambdaRequest>,
    Response = ApiGatewayV2httpResponse,
    Error = lambda_runtime::Error,
    Future: Send,
> + Clone
+ Send
+ 'static
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response>> + Send + 'static,
{
    let serve = service(name, app, handler);
    service_fn(move |LambdaEvent { payload, context }: LambdaEvent<LambdaRequest>| {
        let mut serve = serve.clone();
        let request = request_of(payload).with_lambda_context(context);
        let answered = async move { Ok(payload_of(serve.call(request).await?)) };
        // The compiler gives up on the runtime's type around the type of all of this.
        answered.boxed()
    })
}

fn payload_of(answer: Response) -> ApiGatewayV2httpResponse {
    let (parts, body) = answer.into_parts();
    let mut payload = ApiGatewayV2httpResponse::default();
    payload.status_code = parts.status.as_u16().into();
    payload.headers = parts.headers;
    payload.is_base64_encoded = matches!(body, Body::Binary(_));
    payload.body = Some(body).filter(|body| !matches!(body, Body::Empty));
    payload
}

/// Turns a handler into what answers every request: refusals and failures in the error envelope,
/// panics too; each with the request's id, and logged under the function's name.
pub fn service<H, F>(
    function: &'static str,
    app: Arc<App>,
    handler: H,
) -> impl Service<Request, Response = Response, Error = lambda_runtime::Error, Future: Send> + Clone + Send + 'static
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response>> + Send + 'static,
{
    let served_before = Arc::new(AtomicBool::new(false));
    service_fn(move |mut request: Request| {
        let (app, handler) = (app.clone(), handler.clone());
        let cold_start = !served_before.swap(true, Ordering::Relaxed);
        RequestLog::new(function, cold_start, request_ids(&request)).scope(async move {
            let docs_url = app.docs_url.clone();
            let deadline = request.lambda_context().deadline;
            let time = time_left(deadline, Clock::default().timestamp().as_millis());
            request.extensions_mut().insert(Deadline(Instant::now() + time));
            // Boxed before all that wraps it: a handler's state is large, and would be moved with each.
            let handled =
                AssertUnwindSafe(async move { Box::pin(handler(app, request)).await }).catch_unwind();
            let handled = match tokio::time::timeout(time, handled).await {
                Ok(Ok(handled)) => handled,
                Ok(Err(_)) => {
                    Err(Error::unexpected(format!("the handler panicked at {}", log::panic_place())))
                }
                Err(_) => Err(Error::Timeout(Fault::new("the request's time was up"))),
            };
            let (mut answer, error) = match handled {
                Ok(answer) => (answer, None),
                Err(error) => (response::error(&error, &docs_url), Some(error)),
            };
            let id = RequestLog::finish(answer.status().as_u16(), error.as_ref().map(failure).as_ref());
            let id = id.and_then(|id| HeaderValue::from_str(&id).ok());
            answer.headers_mut().extend(id.map(|id| (REQUEST_ID_HEADER, id)));
            Ok(answer)
        })
    })
}

fn failure(error: &Error) -> Failure {
    let fault = error.fault().map(|fault| error::chain(fault));
    Failure { code: ErrorCode::of(error).code(), fault }
}

/// How long a handler may take: until a second before Lambda would end it without an answer.
fn time_left(deadline_millis: u64, now_millis: u64) -> Duration {
    match deadline_millis.checked_sub(now_millis) {
        Some(left) if left > 0 => Duration::from_millis(left).saturating_sub(ANSWER_RESERVE),
        _ if deadline_millis < FIRST_DEADLINE_MILLIS => WITHOUT_DEADLINE,
        _ => PAST_DEADLINE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_in_1970_is_none_and_one_that_has_passed_a_wrong_clock() {
        let now = 1_795_416_360_131;
        assert_eq!(time_left(now + 15_000, now), Duration::from_secs(14));
        assert_eq!(time_left(now + 400, now), Duration::ZERO);
        for passed in [now, now - 1, now - 15_000, now - 86_400_000] {
            assert_eq!(time_left(passed, now), PAST_DEADLINE);
        }
        for none in [0, 600_000] {
            assert_eq!(time_left(none, now), WITHOUT_DEADLINE);
        }
    }
}
