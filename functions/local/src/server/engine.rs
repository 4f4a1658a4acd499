//! The embedded DynamoDB-compatible engine, serving DynamoDB's own protocol on loopback behind the `front`.

use std::{
    error::Error,
    fs::{self, OpenOptions},
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Duration,
};

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};
use dynoxide::Database;
use rusqlite::{Connection, OpenFlags};
use tokio::{
    runtime,
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    connections::{self, Accept, Connections},
    error::StartError,
    front,
    guard::{Guard, HostName},
    identity,
    lock::{self, Lock},
    tokens::Tokens,
};

/// How often what has expired is deleted.
const SWEEP_INTERVAL: Duration = Duration::from_hours(1);

/// How long after the start that happens first. It reads all of the data, while the first requests are to be fast.
const FIRST_SWEEP: Duration = Duration::from_mins(1);

/// Any free port of 127.0.0.1.
pub const ANY_LOCAL_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where the engine keeps its data.
#[derive(Clone, Debug)]
pub enum Data {
    /// In a file, which one process at a time may have open.
    File(PathBuf),
    /// In memory alone, until the engine ends.
    Memory,
}

/// A running engine. It ends when dropped.
#[derive(Debug)]
pub struct Engine {
    address: SocketAddr,
    accept: mpsc::UnboundedSender<Accept>,
    tokens: Tokens,
    // Dropped in this order: the front needs the database, and the database the lock.
    _front: Worker,
    _sweeper: Worker,
    _database: Worker,
    lock: Option<Lock>,
}

/// A thread with a runtime of its own. It ends when dropped.
#[derive(Debug)]
struct Worker {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Opens the data and serves it on an address, with port 0 on any free port. Besides 127.0.0.1, localhost,
    /// `[::1]` and the address itself, requests may call it by the names that are `allowed`.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(data: &Data, address: SocketAddr, allowed: &[HostName]) -> Result<Self, StartError> {
        let bound = bind(address).map_err(|error| error.of_options("--dynamodb-port", "--dynamodb-address"));
        let (listener, address) = bound?;
        let (database, lock) = open(data)?;
        let guard = Guard::of_database(address.ip(), allowed);

        // A sweep reads all of the table, with requests in between, so it must not hold up their thread.
        let sweeper = Worker::start("dynamodb-sweeper", sweep(database.clone()))?;
        // The engine's handlers run SQLite synchronously, so it has a thread to itself.
        let (accept, listeners) = mpsc::unbounded_channel();
        let database = Worker::start("dynamodb", connections::serve(database, listeners))?;
        let tokens = Tokens::new();
        let connections = Connections::new(accept.clone(), tokens.clone());
        let front = Worker::start("dynamodb-front", async move {
            if let Err(error) = front::serve(listener, guard, connections).await {
                tracing::error!("the DynamoDB endpoint failed: {error}");
            }
        })?;
        Ok(Self { address, accept, tokens, _front: front, _sweeper: sweeper, _database: database, lock })
    }

    /// A client of the engine inside this program, past the DynamoDB endpoint and its guard.
    #[must_use]
    pub fn client(&self) -> Client {
        let connector = SharedHttpConnector::new(Connections::new(self.accept.clone(), self.tokens.clone()));
        let client = http_client_fn(move |_, _| connector.clone());
        Client::from_conf(super::client_config(self.url()).http_client(client).build())
    }

    /// The URL of the DynamoDB endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets the operator's commands reach the data through this process while it has them open: shows an
    /// identity, and writes it and the endpoint into the data file's lock.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn announce(&self) -> Result<(), StartError> {
        let identity = identity::publish(&self.client(), self.lock.is_none()).await?;
        let Some(lock) = &self.lock else { return Ok(()) };
        lock.announce(format!("http://{}", reachable(self.address)), identity).map_err(StartError::engine)
    }
}

/// The address by which clients reach what listens on this one.
pub(super) fn reachable(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
}

/// Deletes what has expired, which DynamoDB does by itself.
async fn sweep(database: Database) {
    let mut hours = tokio::time::interval_at(Instant::now() + FIRST_SWEEP, SWEEP_INTERVAL);
    loop {
        hours.tick().await;
        if let Err(error) = database.sweep_ttl() {
            tracing::warn!("what has expired could not be deleted: {error}");
        }
    }
}

impl Worker {
    /// Runs `work`, and what it spawns, until it ends or the worker is dropped.
    fn start(name: &str, work: impl Future<Output = ()> + Send + 'static) -> Result<Self, StartError> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(StartError::engine)?;
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = work => {}
                }
            });
        };
        let thread = thread::Builder::new().name(name.into()).spawn(run).map_err(StartError::engine)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ended_already = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Opens the data, and of a file the lock that keeps other processes from it.
fn open(data: &Data) -> Result<(Database, Option<Lock>), StartError> {
    let Data::File(path) = data else {
        return Ok((Database::memory().map_err(StartError::engine)?, None));
    };
    let failed = |source| StartError::Io { path: path.clone(), source };
    if path.is_dir() {
        return Err(StartError::Folder(path.clone()));
    }
    let path = &lock::resolved(path).map_err(failed)?;
    let lock = Lock::take(path)?;
    refuse_foreign(path)?;
    lock::make_private(path).map_err(failed)?;
    let opened = Database::new(&path.to_string_lossy());
    let database = opened.map_err(|error| not_a_database(path, error))?;
    Ok((database, Some(lock)))
}

/// Binds an address. Returns the listener and its address, with the port that it got for 0.
///
/// # Errors
/// [`StartError::Address`].
pub fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    });
    bound.map_err(|source| StartError::Address { address, setting: Box::default(), source })
}

/// Refuses a database that another program made, because the engine would add its tables to it.
pub(crate) fn refuse_foreign(path: &Path) -> Result<(), StartError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            return Err(not_a_database(path, io::Error::other("it is no regular file")));
        }
        Ok(found) if found.len() > 0 => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(StartError::Io { path: path.to_owned(), source }),
    }
    // SQLite doesn't tell why it can't open a file. Nobody has this one open yet, so no lock is lost with the handle.
    let opened = OpenOptions::new().read(true).write(true).open(path);
    opened.map_err(|source| StartError::Io { path: path.to_owned(), source })?;
    let count = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|database| {
        let ours =
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('_tables', '_config')";
        database.query_row(ours, [], |row| row.get::<_, i64>(0))
    });
    match count {
        Ok(2) => Ok(()),
        Ok(_) => Err(StartError::Foreign(path.to_owned())),
        Err(error) => Err(not_a_database(path, error)),
    }
}

fn not_a_database(path: &Path, source: impl Error + Send + Sync + 'static) -> StartError {
    StartError::NotADatabase { path: path.to_owned(), source: Box::new(source) }
}
