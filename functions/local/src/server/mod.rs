//! The functions' own handlers behind an HTTP gateway, over an embedded DynamoDB-compatible engine:
//! engine, tables, keys and gateway put together.

mod connections;
pub mod console;
mod cors;
pub mod docs;
pub mod engine;
pub mod error;
mod front;
pub mod gateway;
pub mod guard;
pub mod home;
pub mod identity;
pub mod lock;
mod tables;
pub mod template;
mod tokens;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use shared::{App, clock::Clock, store::Store};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle, time::timeout};

pub use self::tables::{check_format, client, client_config, prepare, tables};

use self::{
    engine::{Data, Engine},
    error::StartError,
    gateway::Gateway,
    guard::{Guard, HostName, Origin},
    template::Template,
};

/// How long requests that are under way have to finish when the server ends. A caller who stopped amid a body
/// would hold it for ever.
pub const GRACE: Duration = Duration::from_secs(10);

/// A running server. Dropped without [`Server::stop`], it ends with its runtime.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    engine: Engine,
}

impl Server {
    /// Starts the gateway and the engine, each on an address; port 0 takes any free one. Requests may call them by the
    /// names that are `allowed`, besides their own; pages of `origins` may use the API, besides those of this server.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        data: &Data,
        api: SocketAddr,
        dynamodb: SocketAddr,
        allowed: &[HostName],
        origins: &[Origin],
    ) -> Result<Self, StartError> {
        let bound = engine::bind(api).map_err(|error| error.of_options("--port", "--address"));
        let (listener, address) = bound?;
        let address = engine::reachable(address);
        let engine = Engine::start(data, dynamodb, allowed)?;
        let clock = Clock::default();
        let store = Store::new(engine.client(), tables(), clock.clone());
        prepare(&store, &clock).await?;
        check_format(&store).await?;
        engine.announce().await?;
        let docs_url = format!("http://{address}/docs");
        // Each function has a store of its own, and so its own cache of keys, as when it is deployed.
        let app = |_: &str| {
            let store = Store::new(engine.client(), tables(), clock.clone());
            Arc::new(App::over_local_database(store, clock.clone(), docs_url.clone()))
        };
        let (stop, serving) = serve(app, listener, Guard::of_api_at(api.ip(), allowed).admitting(origins))?;
        Ok(Self { address, stop, serving, engine })
    }

    /// The URL of the API, as programs on this machine reach it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of the DynamoDB endpoint.
    #[must_use]
    pub fn dynamodb_url(&self) -> String {
        self.engine.url()
    }

    /// Takes no more requests, gives those under way [`GRACE`] to finish, then ends.
    pub async fn stop(mut self) {
        drop(self.stop);
        if timeout(GRACE, &mut self.serving).await.is_err() {
            tracing::warn!("requests still under way after {} s were cut off", GRACE.as_secs());
            self.serving.abort();
        }
        drop(self.engine);
    }
}

/// Serves the functions, each with the app made for it, behind a guard, until the sender is dropped or used.
///
/// # Errors
/// [`StartError`].
pub fn serve(
    app: impl Fn(&str) -> Arc<App>,
    listener: std::net::TcpListener,
    guard: Guard,
) -> Result<(oneshot::Sender<()>, JoinHandle<()>), StartError> {
    let template = Template::parse(template::TEXT).map_err(Box::new)?;
    let router = Gateway::new(app, &template, guard)?.into_router();
    let listener = TcpListener::from_std(listener).map_err(StartError::engine)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = tokio::spawn(async move {
        let served = axum::serve(listener, service).with_graceful_shutdown(async { drop(stopped.await) });
        if let Err(error) = served.await {
            tracing::error!("the gateway failed: {error}");
        }
    });
    Ok((stop, serving))
}
