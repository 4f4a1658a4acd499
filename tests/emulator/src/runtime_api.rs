use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::Value;
use tokio::sync::{
    Mutex as AsyncMutex,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use crate::{Background, listen};

/// The X-Ray trace that every event belongs to.
const TRACE_ROOT: &str = "1-6922ac18-1f2e3d4c5b6a798801234567";

/// Lambda's Runtime API for one execution environment, that is, one process.
#[derive(Debug)]
pub struct RuntimeApi {
    address: String,
    events: UnboundedSender<(String, String)>,
    asked: AsyncMutex<UnboundedReceiver<Instant>>,
    answered: AsyncMutex<UnboundedReceiver<(Instant, Bytes)>>,
    shared: Arc<Shared>,
    invocations: AtomicU64,
    _serving: Background,
}

#[derive(Debug)]
struct Shared {
    events: AsyncMutex<UnboundedReceiver<(String, String)>>,
    asked: UnboundedSender<Instant>,
    answered: UnboundedSender<(Instant, Bytes)>,
    handed: Mutex<Option<Instant>>,
}

/// What became of an event.
#[derive(Debug)]
pub struct Invocation {
    pub answer: Value,
    /// When the event was handed over.
    pub handed: Instant,
    /// From then until the answer was there.
    pub took: Duration,
}

impl RuntimeApi {
    pub async fn start() -> Self {
        let (listener, address) = listen().await;
        let (event_sender, events) = unbounded_channel();
        let (asked_sender, asked) = unbounded_channel();
        let (answered_sender, answered) = unbounded_channel();
        let shared = Arc::new(Shared {
            events: AsyncMutex::new(events),
            asked: asked_sender,
            answered: answered_sender,
            handed: Mutex::new(None),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(answer))
            .route("/2018-06-01/runtime/init/error", post(answer))
            .with_state(shared.clone());
        let serving = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Self {
            address,
            events: event_sender,
            asked: AsyncMutex::new(asked),
            answered: AsyncMutex::new(answered),
            shared,
            invocations: AtomicU64::new(0),
            _serving: Background(serving),
        }
    }

    /// Host and port, as `AWS_LAMBDA_RUNTIME_API` wants them.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// When the function next asked for an event: once after its start, then once after each answer.
    pub async fn asked(&self) -> Instant {
        self.asked.lock().await.recv().await.unwrap()
    }

    /// Hands an event to the function. Never resolves if the function dies over it.
    pub async fn invoke(&self, event: &Value) -> Invocation {
        let mut answered = self.answered.lock().await;
        let id = self.invocations.fetch_add(1, Ordering::Relaxed);
        self.events.send((format!("00000000-0000-4000-8000-{id:012}"), event.to_string())).unwrap();
        let (arrived, body) = answered.recv().await.unwrap();
        let handed = self.shared.handed.lock().unwrap().take().unwrap();
        Invocation { answer: serde_json::from_slice(&body).unwrap(), handed, took: arrived - handed }
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let _receiver_is_gone = shared.asked.send(Instant::now());
    let Some((id, event)) = shared.events.lock().await.recv().await else { return pending().await };
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", (since_epoch + Duration::from_secs(15)).as_millis().to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(),
        ),
        ("lambda-runtime-trace-id", format!("Root={TRACE_ROOT};Parent=1f2e3d4c5b6a7988;Sampled=0")),
    ];
    *shared.handed.lock().unwrap() = Some(Instant::now());
    (headers, event)
}

async fn answer(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let _receiver_is_gone = shared.answered.send((Instant::now(), body));
    StatusCode::ACCEPTED
}
