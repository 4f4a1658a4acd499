//! The database that an operator's command works on.

use std::{
    env, io,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::{Client, config::ProvideCredentials};
use lambda_http::http::Uri;
use shared::{
    Error,
    clock::Clock,
    config::CaBundle,
    error::chain,
    store::{Probe, Store, Tables, client},
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

/// A table in AWS that is named by `--table`.
#[derive(Clone, Debug)]
pub enum Remote {
    /// A categories table.
    Categories(String),
    /// A table of API keys.
    Keys(String),
}

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
    /// There is no data file, and a command makes none by itself: it would be one that nobody meant.
    #[error(
        "there is no data file {} in {}; name it by `--data`, or a table in AWS by `--table`; `cargo run` makes one, \
         and `--create-data` has a command make it",
        data.display(),
        folder.display()
    )]
    NoData {
        /// The data file.
        data: PathBuf,
        /// The current folder.
        folder: PathBuf,
    },
    /// No region is configured.
    #[error(
        "no AWS region is set; set `AWS_REGION` to the stack's, or `AWS_PROFILE` to a profile that has it"
    )]
    NoRegion,
    /// There are no credentials.
    #[error(
        "there are no AWS credentials; set `AWS_PROFILE` to a profile, sign in by `aws sso login`, or set \
         `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` ({0})"
    )]
    NoCredentials(String),
    /// The environment names a file of root certificates that is of no use.
    #[error("{0}; it has to be a file of root certificates in PEM")]
    Roots(String),
    /// There is no such table.
    #[error("there is no table {table} in the region {region} of this account; the stack's outputs name it")]
    NoTable {
        /// The name that was given.
        table: String,
        /// Where it was looked for.
        region: String,
    },
    /// The table has another key than the one that is meant.
    #[error(
        "the table {0} is not the one that is meant: `keys` takes the table of API keys, every other command that \
         of categories; the stack's outputs name both"
    )]
    OtherTable(String),
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
    /// A database in memory was meant, but the server that was named keeps its data in a file.
    #[error(
        "the server at {endpoint} keeps its data in a file, not in memory; nothing has been done, leave out \
         `--in-memory` and name the file by `--data`"
    )]
    InFile {
        /// Where the server is.
        endpoint: String,
    },
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
    pub fn remote(&self) -> Option<Remote> {
        self.table.clone().map(Remote::Categories)
    }
}

impl Remote {
    fn name(&self) -> &str {
        match self {
            Self::Categories(name) | Self::Keys(name) => name,
        }
    }

    /// Both tables, of which a command uses the named one alone.
    fn tables(&self) -> Tables {
        match self.clone() {
            Self::Categories(categories) => Tables { categories, ..server::tables() },
            Self::Keys(keys) => Tables { keys, ..server::tables() },
        }
    }

    /// Opens the table, once it has shown that it is there and has the key that it should have.
    async fn open(&self, clock: &Clock) -> Result<Store, DatabaseError> {
        // Of no one endpoint: where somebody has signed in by AWS's other services, these are asked, too.
        let trusted =
            client::trusted_roots(None, CaBundle::from_env().as_ref()).map_err(DatabaseError::Roots)?;
        let loader =
            aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(client::http_client(trusted));
        let config = loader.load().await;
        let region = config.region().ok_or(DatabaseError::NoRegion)?.to_string();
        let credentials = config.credentials_provider().ok_or(DatabaseError::NoRegion)?;
        let given = credentials.provide_credentials().await;
        // Behind the first line stands everywhere that they were looked for.
        let first_line = |error: String| error.lines().next().unwrap_or_default().to_owned();
        given.map_err(|error| DatabaseError::NoCredentials(first_line(chain(&error))))?;
        let store = Store::new(Client::new(&config), self.tables(), clock.clone());
        let found = match self {
            Self::Categories(_) => store.probe_categories().await?,
            Self::Keys(_) => store.probe_keys().await?,
        };
        match found {
            Probe::Ours if matches!(self, Self::Categories(_)) => {
                server::check_format(&store).await?;
                Ok(store)
            }
            Probe::Ours | Probe::Hidden => Ok(store),
            Probe::Nothing => Err(DatabaseError::NoTable { table: self.name().to_owned(), region }),
            Probe::Other => Err(DatabaseError::OtherTable(self.name().to_owned())),
        }
    }
}

/// Opens the tables in AWS, or those of the local engine. The data file's are opened by an engine, which ends when
/// dropped, or reached through the server that has the file open, once it has proven to be that. Those in memory
/// are reached through the server that the operator names.
///
/// # Errors
/// [`DatabaseError`]; then nothing has been written.
pub async fn open(
    remote: Option<Remote>,
    options: &EngineOptions,
    clock: &Clock,
) -> Result<(Store, Option<Engine>), DatabaseError> {
    if let Some(table) = remote {
        return Ok((table.open(clock).await?, None));
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
    require_data(&file, options)?;
    match Engine::start(&Data::File(file.clone()), ANY_LOCAL_PORT, &[]) {
        Ok(engine) => {
            let store = store(engine.client());
            retry_while_unavailable(|| store.create_tables()).await?;
            server::check_format(&store).await?;
            Ok((store, Some(engine)))
        }
        Err(StartError::InUse(_)) => {
            let store = store(through_server(&file, options).await?);
            server::check_format(&store).await?;
            Ok((store, None))
        }
        Err(error) => Err(error.into()),
    }
}

/// Refuses a data file that is not there, unless a server is just about to make it.
pub(super) fn require_data(file: &Path, options: &EngineOptions) -> Result<(), DatabaseError> {
    let Ok(place) = lock::resolved(file) else { return Ok(()) };
    if options.create_data || place.exists() || lock::is_held(&place) {
        return Ok(());
    }
    let folder = env::current_dir().unwrap_or_else(|_| Path::new(".").to_owned());
    Err(DatabaseError::NoData { data: file.to_owned(), folder })
}

/// A client of the named server, if it keeps its data in memory.
async fn in_memory(options: &EngineOptions) -> Result<Client, DatabaseError> {
    let address = options.named_server().ok_or(DatabaseError::NoServer)?;
    let endpoint = format!("http://{address}");
    match identity::of_memory(endpoint.clone()).await {
        Ok(Some(identity)) => Ok(identity::proving_client(endpoint, identity)),
        Ok(None) => Err(DatabaseError::InFile { endpoint }),
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
