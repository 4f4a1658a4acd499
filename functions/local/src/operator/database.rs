//! The database that an operator's command works on.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use shared::{
    Error,
    clock::Clock,
    store::{
        Store, Tables,
        client::{self, TrustStore},
    },
};

use crate::{
    options::{EngineOptions, TableOptions},
    server::{
        self,
        engine::{ANY_LOCAL_PORT, Engine},
        error::StartError,
    },
};

/// The longest pause between attempts. All pauses together are 15.875 s.
const MAX_PAUSE: Duration = Duration::from_secs(8);

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The local engine does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A read or write failed.
    #[error("the database can't be read or written")]
    Store(#[from] Error),
}

impl TableOptions {
    /// The tables in AWS, if they are meant.
    #[must_use]
    pub fn remote(&self) -> Option<Tables> {
        self.table.clone().map(|categories| Tables { categories, ..server::tables() })
    }
}

/// Opens the tables in AWS, or those of the local engine. These are reached through the server that has the
/// data file open, or if there is none, by an engine on the file, which ends when dropped.
///
/// # Errors
/// [`DatabaseError`].
pub async fn open(
    remote: Option<Tables>,
    options: &EngineOptions,
    clock: &Clock,
) -> Result<(Store, Option<Engine>), DatabaseError> {
    if let Some(tables) = remote {
        let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(client::http_client(TrustStore::default()));
        return Ok((Store::new(Client::new(&loader.load().await), tables, clock.clone()), None));
    }
    let running = format!("http://{}", options.address());
    let (client, engine) = if options.in_memory {
        (server::client(running), None)
    } else {
        match Engine::start(&options.data(), ANY_LOCAL_PORT, &[]) {
            Err(StartError::InUse(_)) => (server::client(running), None),
            Err(error) => return Err(error.into()),
            Ok(engine) => (engine.client(), Some(engine)),
        }
    };
    let store = Store::new(client, server::tables(), clock.clone());
    store.create_tables().await?;
    Ok((store, engine))
}

/// Makes an attempt that can be repeated, again and again while the database can't be reached, throttles or
/// does not answer.
///
/// # Errors
/// The failure of the last attempt.
pub async fn retry_while_unavailable<T, F>(attempt: impl Fn() -> F) -> shared::Result<T>
where
    F: Future<Output = shared::Result<T>>,
{
    let mut pause = Duration::from_millis(125);
    loop {
        match attempt().await {
            Err(Error::Unavailable(_) | Error::Timeout(_)) if pause <= MAX_PAUSE => {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            done => return done,
        }
    }
}
