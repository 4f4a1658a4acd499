//! Why the local server, or the engine alone, can't start.

use std::{error::Error, fmt, io, net::SocketAddr, path::PathBuf};

use listeners::{Process, Protocol};

use super::{docs::DocsError, gateway::RouteError};
use shared::store::FORMAT;

/// Why the engine, or a server in front of it, can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, this user may not have it, or the machine has no such address.
    #[error("port {} on {} can't be used{setting}", address.port(), address.ip())]
    Address {
        /// The address asked for; port 0 stands for any.
        address: SocketAddr,
        /// What the operator can do about it.
        setting: Box<Setting>,
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
    /// There is a folder where the data file should be.
    #[error("the data file {} is a folder; name a file in it by `--data`", .0.display())]
    Folder(PathBuf),
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
    /// The data was written by a later version of this program.
    #[error(
        "the data has format {found}, and this version of the program knows {FORMAT} at most; use a later one, \
         nothing has been done"
    )]
    Newer {
        /// The version that the data says it has.
        found: u32,
    },
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

/// The option that names an address, and who has the port.
#[derive(Debug, Default)]
pub struct Setting {
    option: Option<&'static str>,
    holder: Option<Process>,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Process { pid, name, .. }) = &self.holder {
            write!(f, ", because process {pid}, `{name}`, has it")?;
        }
        match self.option {
            Some(option) => write!(f, "; `{option}` names another"),
            None => Ok(()),
        }
    }
}

impl StartError {
    /// The same, for an address whose port is named by the option `port`. If the machine has no such address, it is
    /// not the port that is to be changed, but what the option `address` names.
    pub(super) fn of_options(self, port: &'static str, address_option: &'static str) -> Self {
        let Self::Address { address, source, .. } = self else { return self };
        let option = if source.kind() == io::ErrorKind::AddrNotAvailable { address_option } else { port };
        let taken = source.kind() == io::ErrorKind::AddrInUse;
        // Of other users' processes, only the superuser is told.
        let holder = taken.then(|| listeners::get_process_by_port(address.port(), Protocol::TCP).ok());
        let setting = Box::new(Setting { option: Some(option), holder: holder.flatten() });
        Self::Address { address, setting, source }
    }

    /// A failure of the engine.
    pub(crate) fn engine(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Engine(source.into())
    }
}
