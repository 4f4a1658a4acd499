//! The database that an operator's command works on.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use lambda_http::http::Uri;
use shared::{
    Error,
    clock::Clock,
    store::{
        Store, Tables,
        client::{self, TrustStore},
    },
};

use crate::{
    Data,
    options::{EngineOptions, TableOptions},
    server::{
        self,
        engine::{ANY_LOCAL_PORT, Engine},
        error::StartError,
        identity::{self, Unproven},
        lock::{self, Holder},
    },
};

/// The longest pause between attempts. All pauses together are 15.875 s.
const MAX_PAUSE: Duration = Duration::from_secs(8);

/// How long a server that is starting is given to say where it can be reached, and how often it is asked.
const START_TIMEOUT: Duration = Duration::from_secs(2);
const START_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The local engine does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A read or write failed.
    #[error("the database can't be read or written")]
    Store(#[from] Error),
    /// The data file is open in a process that takes no commands.
    #[error(
        "the data file {} is in use by another process, and its lock does not say where a server could be \
         reached: wait until the command that works on it is done, or the server has started, and try again",
        .0.display()
    )]
    Busy(PathBuf),
    /// The data file is open, but nobody can tell where.
    #[error(
        "the data file {} is in use by another process, but its lock can't be relied on; stop that process \
         and try again",
        data.display()
    )]
    Lock {
        /// The data file.
        data: PathBuf,
        /// What is wrong with the lock.
        source: io::Error,
    },
    /// The server that has the data file open is not where its lock says.
    #[error(
        "the data file {} is in use by another process, and its lock names {endpoint} in process {process}; \
         nothing has been done, stop that process and try again",
        data.display()
    )]
    Unproven {
        /// The data file.
        data: PathBuf,
        /// Where the server should be.
        endpoint: String,
        /// The number of its process.
        process: u32,
        /// What was found there.
        source: Unproven,
    },
    /// The server that has the data file open is not the one that the operator named.
    #[error(
        "the server that has the data file {} open is at {endpoint}, not on port {port}; leave out \
         `--dynamodb-port` (or the variable `LOCAL_DYNAMODB_PORT`), or name another file by `--data`",
        data.display()
    )]
    OtherPort {
        /// The data file.
        data: PathBuf,
        /// Where its server is.
        endpoint: String,
        /// The port that was named.
        port: u16,
    },
    /// The operator named a server, but none has the data file open.
    #[error(
        "no server has the data file {} open, so none on port {port} either; leave out `--dynamodb-port` (or the \
         variable `LOCAL_DYNAMODB_PORT`) to work on the file, or name a server that keeps its data in memory by \
         `--in-memory` and its port",
        data.display()
    )]
    NotServed {
        /// The data file.
        data: PathBuf,
        /// The port that was named.
        port: u16,
    },
    /// A database in memory was named, but not its server.
    #[error(
        "data in memory is reached through its server alone; name the server's port by `--dynamodb-port`, or \
         leave out `--in-memory` (or the variable `LOCAL_IN_MEMORY`) to work on the data file"
    )]
    NoServer,
    /// There is no server of this program where the operator said.
    #[error("there is no server of this program at {endpoint}; nothing has been done")]
    NotThere {
        /// Where it should be.
        endpoint: String,
        /// What was found there.
        source: Unproven,
    },
}

impl TableOptions {
    /// The tables in AWS, if they are meant.
    #[must_use]
    pub fn remote(&self) -> Option<Tables> {
        self.table.clone().map(|categories| Tables { categories, ..server::tables() })
    }
}

/// Opens the tables in AWS, or those of the local engine. The data file's are opened by an engine, which ends when
/// dropped, or reached through the server that has the file open, once it has proven to be that. Those in memory
/// are reached through the server that the operator names.
///
/// # Errors
/// [`DatabaseError`]; then nothing has been written.
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
    let store = |client| Store::new(client, server::tables(), clock.clone());
    let file = match options.data() {
        Data::Memory => return Ok((store(in_memory(options).await?), None)),
        Data::File(file) => file,
    };
    if let Some(named) = options.named_server()
        && !lock::resolved(&file).is_ok_and(|file| lock::is_held(&file))
    {
        return Err(DatabaseError::NotServed { data: file, port: named.port() });
    }
    match Engine::start(&Data::File(file.clone()), ANY_LOCAL_PORT, &[]) {
        Ok(engine) => {
            let store = store(engine.client());
            store.create_tables().await?;
            Ok((store, Some(engine)))
        }
        Err(StartError::InUse(_)) => Ok((store(through_server(&file, options).await?), None)),
        Err(error) => Err(error.into()),
    }
}

/// A client of the named server, whichever it is.
async fn in_memory(options: &EngineOptions) -> Result<Client, DatabaseError> {
    let address = options.named_server().ok_or(DatabaseError::NoServer)?;
    let endpoint = format!("http://{address}");
    match identity::of(endpoint.clone()).await {
        Ok(identity) => Ok(identity::proving_client(endpoint, identity)),
        Err(source) => Err(DatabaseError::NotThere { endpoint, source }),
    }
}

/// A client of the server that has the data file open.
async fn through_server(file: &Path, options: &EngineOptions) -> Result<Client, DatabaseError> {
    let holder = holder(file).await?;
    let Holder { endpoint, identity, process, .. } = holder;
    let data = file.to_owned();
    if let Some(named) = options.named_server() {
        let port = endpoint.parse::<Uri>().ok().and_then(|url| url.port_u16());
        if port != Some(named.port()) {
            return Err(DatabaseError::OtherPort { data, endpoint, port: named.port() });
        }
    }
    let found = identity::of(endpoint.clone()).await;
    match found.and_then(|found| if found == identity { Ok(()) } else { Err(Unproven::Stranger) }) {
        Ok(()) => Ok(identity::proving_client(endpoint, identity)),
        Err(source) => Err(DatabaseError::Unproven { data, endpoint, process, source }),
    }
}

/// Who has the data file open, as soon as that is told.
async fn holder(file: &Path) -> Result<Holder, DatabaseError> {
    let give_up = tokio::time::Instant::now() + START_TIMEOUT;
    loop {
        let told = lock::resolved(file).and_then(|file| Holder::of(&file));
        match told.map_err(|source| DatabaseError::Lock { data: file.to_owned(), source })? {
            Some(holder) => return Ok(holder),
            None if tokio::time::Instant::now() >= give_up => {
                return Err(DatabaseError::Busy(file.to_owned()));
            }
            None => tokio::time::sleep(START_POLL_INTERVAL).await,
        }
    }
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
