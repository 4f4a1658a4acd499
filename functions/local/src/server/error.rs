//! Why the local server, or the engine alone, can't start.

use std::{error::Error, io, net::SocketAddr, path::PathBuf};

use super::{docs::DocsError, gateway::RouteError};

/// Why the engine, or a server in front of it, can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, this user may not have it, or the machine has no such address.
    #[error("port {} on {} can't be used", address.port(), address.ip())]
    Address {
        /// The address asked for; port 0 stands for any.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Another process works on the data file.
    #[error("the data file {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// What lies in the place of the data file's lock is no lock.
    #[error("{} is needed to lock the data file, but belongs to another program", .0.display())]
    ForeignLock(PathBuf),
    /// The file system refuses the data file, or the lock file beside it.
    #[error("the data file {} can't be read or written", path.display())]
    Io {
        /// The data file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The data file can't be read as a database.
    #[error("the data file {} is not a database, or damaged", path.display())]
    NotADatabase {
        /// The data file.
        path: PathBuf,
        /// What the engine said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The data file is a database, but was not made by the engine.
    #[error("the data file {} belongs to another program", .0.display())]
    Foreign(PathBuf),
    /// The engine does not run, or does not make its tables and keys.
    #[error("the embedded engine failed")]
    Engine(#[source] Box<dyn Error + Send + Sync>),
    /// The server could not be told to end.
    #[error("no signals can be received")]
    Signals(#[source] io::Error),
    /// `template.yaml` is no template.
    #[error("template.yaml can't be used")]
    Template(#[from] Box<serde_saphyr::Error>),
    /// `template.yaml` has a route that can't be served.
    #[error("template.yaml can't be used")]
    Routes(#[from] RouteError),
    /// `openapi.yaml` is not what the reference page needs.
    #[error("openapi.yaml can't be used")]
    Description(#[from] DocsError),
}

impl StartError {
    /// A failure of the engine.
    pub(crate) fn engine(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Engine(source.into())
    }
}
