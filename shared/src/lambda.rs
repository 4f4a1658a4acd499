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
use lambda_http::{Context, RequestExt, Service, service_fn};

use crate::{
    App, Error, Result,
    clock::Clock,
    error::Fault,
    http::{Request, Response, response},
    log::{self, Record},
};

/// What is left for answering when a request's time is up.
const TO_ANSWER: Duration = Duration::from_secs(1);

const UNLIMITED: Duration = Duration::from_hours(1);

/// Serves the events of the function of this name until the execution environment ends.
///
/// # Errors
/// A missing environment variable, or a Runtime API that can't be reached.
pub async fn run<H, F>(function: &'static str, handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Arc<App>, Request) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response>> + Send + 'static,
{
    log::init();
    lambda_http::run(service(function, Arc::new(App::from_env()?), handler)).await
}

/// Turns a handler into what answers every request: refusals and failures in the error envelope,
/// panics too; each with the request's id, and logged under the function's name. Its own error type
/// is never used, for API Gateway would replace the body.
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
    service_fn(move |request: Request| {
        let (app, handler) = (app.clone(), handler.clone());
        let cold_start = !served_before.swap(true, Ordering::Relaxed);
        Record::new(function, cold_start, &request).scope(async move {
            let docs_url = app.docs_url.clone();
            let time = time_left(&request.lambda_context());
            let handled = AssertUnwindSafe(async move { handler(app, request).await }).catch_unwind();
            let handled = match tokio::time::timeout(time, handled).await {
                Ok(Ok(handled)) => handled,
                Ok(Err(_)) => {
                    Err(Error::unexpected(format!("the handler panicked at {}", log::panic_place())))
                }
                Err(_) => Err(Error::Timeout(Fault("the request's time was up".into()))),
            };
            let (mut answer, error) = match handled {
                Ok(answer) => (answer, None),
                Err(error) => (response::error(&error, &docs_url), Some(error)),
            };
            Record::finish(&mut answer, error.as_ref());
            Ok(answer)
        })
    })
}

/// How long a handler may take: until a second before Lambda would end it without an answer. A
/// deadline that has passed was not meant as one (`cargo lambda watch` sends 1970).
fn time_left(context: &Context) -> Duration {
    let millis = context.deadline.saturating_sub(Clock::default().timestamp().as_millis());
    if millis == 0 { UNLIMITED } else { Duration::from_millis(millis).saturating_sub(TO_ANSWER) }
}
