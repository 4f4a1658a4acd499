//! The embedded DynamoDB-compatible engine, serving DynamoDB's own protocol on loopback.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Duration,
};

use dynoxide::Database;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

/// How often what has expired is deleted.
const SWEEP_INTERVAL: Duration = Duration::from_hours(1);

/// Where the engine keeps its data.
#[derive(Clone, Debug)]
pub enum Data {
    File(PathBuf),
    Memory,
}

/// Why the engine, or a server in front of it, can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("port {port} on 127.0.0.1 can't be used: {source}")]
    Port { port: u16, source: io::Error },
    #[error("the data file {} is in use by another process", .0.display())]
    InUse(PathBuf),
    #[error("the data file {} can't be read or written: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the data file {} is not a database, or damaged: {problem}", path.display())]
    NotADatabase { path: PathBuf, problem: String },
    #[error("the data file {} belongs to another program", .0.display())]
    Foreign(PathBuf),
    #[error("the embedded engine failed: {0}")]
    Engine(String),
    #[error("template.yaml can't be used: {0}")]
    Template(String),
    #[error("openapi.yaml can't be used: {0}")]
    Description(String),
}

/// A running engine. It ends when dropped.
#[derive(Debug)]
pub struct Engine {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _lock: Option<File>,
}

impl Engine {
    /// Opens the data and serves it on `port` of 127.0.0.1, or on any free one for 0.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(data: &Data, port: u16) -> Result<Self, StartError> {
        let listener = bind(port)?;
        let address = listener.local_addr().map_err(|source| StartError::Port { port, source })?;
        let (database, lock) = match data {
            Data::Memory => {
                (Database::memory().map_err(|error| StartError::Engine(error.to_string()))?, None)
            }
            Data::File(path) => {
                let lock = lock(path)?;
                refuse_foreign(path)?;
                let opened = Database::new(&path.to_string_lossy());
                let not_a_database =
                    |problem: String| StartError::NotADatabase { path: path.clone(), problem };
                (opened.map_err(|error| not_a_database(error.to_string()))?, Some(lock))
            }
        };

        // It runs SQLite synchronously in its handlers, so it has a runtime and a thread to itself.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StartError::Engine(error.to_string()))?;
        let (stop, stopped) = oneshot::channel();
        let sweep = sweep(database.clone());
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
            let stopped = async { drop(stopped.await) };
            tokio::select! {
                served = dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()) => served,
                () = stopped => Ok(()),
                () = sweep => Ok(()),
            }
        };
        let thread = thread::Builder::new().name("dynamodb".into()).spawn(move || {
            if let Err(error) = runtime.block_on(serve) {
                tracing::error!("the embedded engine failed: {error}");
            }
        });
        let thread = thread.map_err(|error| StartError::Engine(error.to_string()))?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread), _lock: lock })
    }

    /// The URL of the DynamoDB endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Deletes what has expired, which DynamoDB does by itself.
async fn sweep(database: Database) {
    let mut hours = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        hours.tick().await;
        if let Err(error) = database.sweep_ttl() {
            tracing::warn!("what has expired could not be deleted: {error}");
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ended_already = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Binds a port of 127.0.0.1, and only that.
///
/// # Errors
/// [`StartError::Port`].
pub fn bind(port: u16) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|source| StartError::Port { port, source })
}

/// The engine caches what it read, so two processes must not have the same file. The lock is on a
/// file beside it because closing a handle on the data file itself would drop SQLite's locks.
fn lock(path: &Path) -> Result<File, StartError> {
    let failed = |source| StartError::Io { path: path.to_owned(), source };
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(name).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// The engine would add its tables to any SQLite database.
fn refuse_foreign(path: &Path) -> Result<(), StartError> {
    match fs::metadata(path) {
        Ok(found) if found.len() > 0 => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(StartError::Io { path: path.to_owned(), source }),
    }
    let count = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).and_then(|database| {
        let ours =
            "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('_tables', '_config')";
        database.query_row(ours, [], |row| row.get::<_, i64>(0))
    });
    match count {
        Ok(2) => Ok(()),
        Ok(_) => Err(StartError::Foreign(path.to_owned())),
        Err(error) => Err(StartError::NotADatabase { path: path.to_owned(), problem: error.to_string() }),
    }
}
