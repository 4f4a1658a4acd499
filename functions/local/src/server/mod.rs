//! The functions' own handlers behind an HTTP gateway, over an embedded DynamoDB-compatible engine:
//! engine, tables, keys and gateway put together.

pub mod docs;
pub mod engine;
pub mod gateway;
pub mod template;

use std::{net::SocketAddr, sync::Arc};

use aws_sdk_dynamodb::{Client, config::Credentials};
use shared::{
    App,
    clock::Clock,
    domain::{ApiKey, KeyHash, KeyName, Orgs, Permission},
    error,
    store::{
        Store, Tables,
        client::{self, TrustStore},
    },
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use self::{
    engine::{Data, Engine, StartError},
    gateway::Gateway,
};

/// The keys that the local server, and only it, has from the start: the literal that the published
/// reference's commands send, and one that may only read.
const SEEDS: [(&str, &[Permission]); 2] = [("API_KEY", &Permission::ALL), ("READ_ONLY", &[Permission::Read])];

/// A running server. Dropped without [`Server::stop`], it ends with its runtime.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    engine: Engine,
}

impl Server {
    /// Starts engine and gateway on ports of 127.0.0.1; 0 takes any free one.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(data: &Data, port: u16, dynamodb_port: u16) -> Result<Self, StartError> {
        let listener = engine::bind(port)?;
        let engine = Engine::start(data, dynamodb_port)?;
        let address = listener.local_addr().map_err(|source| StartError::Port { port, source })?;
        let clock = Clock::default();
        let store = Store::new(client(engine.url()), tables(), clock.clone());
        prepare(&store, &clock).await?;
        let docs_url = format!("http://{address}/docs");
        // Each function has a store of its own, and so its own cache of keys, as when it is deployed.
        let app = |_: &str| {
            let store = Store::new(client(engine.url()), tables(), clock.clone());
            Arc::new(App::new(store, clock.clone(), docs_url.clone()))
        };
        let (stop, serving) = serve(app, listener)?;
        Ok(Self { address, stop, serving, engine })
    }

    /// The URL of the API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The URL of the DynamoDB endpoint.
    #[must_use]
    pub fn dynamodb_url(&self) -> String {
        self.engine.url()
    }

    /// Lets requests under way finish, then ends.
    pub async fn stop(self) {
        drop(self.stop);
        let _panicked = self.serving.await;
        drop(self.engine);
    }
}

/// Serves the functions, each with the app made for it, until the sender is dropped or used.
///
/// # Errors
/// [`StartError`].
pub fn serve(
    app: impl Fn(&str) -> Arc<App>,
    listener: std::net::TcpListener,
) -> Result<(oneshot::Sender<()>, JoinHandle<()>), StartError> {
    let router = Gateway::new(app, template::TEXT)?.into_router();
    let listener = TcpListener::from_std(listener).map_err(|source| StartError::Port { port: 0, source })?;
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

/// The tables that are missing, and the local keys.
///
/// # Errors
/// [`StartError::Engine`].
pub async fn prepare(store: &Store, clock: &Clock) -> Result<(), StartError> {
    let failed = |error: shared::Error| StartError::Engine(error::chain(&error));
    store.create_tables().await.map_err(failed)?;
    for (key, permissions) in SEEDS {
        let key = ApiKey {
            hash: KeyHash::of(key.as_bytes()),
            name: KeyName::parse(key).map_err(StartError::Engine)?,
            orgs: Orgs::All,
            roles: permissions.iter().copied().collect(),
            created_at: clock.timestamp(),
            expires_at: None,
            revoked_at: None,
        };
        store.put_api_key(&key).await.map_err(failed)?;
    }
    Ok(())
}

/// A client of an endpoint that asks for credentials but doesn't check them.
#[must_use]
pub fn client(endpoint: String) -> Client {
    Client::from_conf(client_config(endpoint).build())
}

/// What [`client`] is made of.
#[must_use]
pub fn client_config(endpoint: String) -> aws_sdk_dynamodb::config::Builder {
    let credentials = Credentials::new("local", "local", None, None, "local");
    // The engine speaks plain HTTP, so there is nobody to trust.
    let trusted = TrustStore::empty();
    client::client_config("us-east-1".into(), Some(endpoint), trusted).credentials_provider(credentials)
}

/// The names of the tables in the local engine.
#[must_use]
pub fn tables() -> Tables {
    Tables { categories: "customers-categories".into(), keys: "customers-categories-keys".into() }
}
