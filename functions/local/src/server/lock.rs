//! The lock that keeps other processes from a data file, and tells them where the server is that has it open.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::StartError;

/// What the names of the files end with that belong to a data file: SQLite's, and the lock.
pub const COMPANIONS: [&str; 4] = ["-wal", "-shm", "-journal", LOCK];

const LOCK: &str = ".lock";

/// Permissions of everybody but the owner.
const OF_OTHERS: u32 = 0o077;

/// Bytes of a lock that are read at most. There are some 200.
const MAX_BYTES: u64 = 4096;

/// The lock on a data file, held until dropped.
#[derive(Debug)]
pub struct Lock(File);

/// The server that has a data file open, as the file's lock tells.
#[derive(Debug, Deserialize, Serialize)]
pub struct Holder {
    /// The URL of its DynamoDB endpoint.
    pub endpoint: String,
    /// What it can prove there.
    pub identity: Uuid,
    /// The number of its process.
    pub process: u32,
    /// Device and inode of the lock itself, which a copy of it does not have.
    device: u64,
    inode: u64,
}

impl Lock {
    /// Locks a data file for this process, because the engine caches what it read and so can't share it. The
    /// lock is on a file beside it, because closing a handle on the data file itself would drop SQLite's
    /// locks. `data` is as [`resolved`] has it.
    ///
    /// # Errors
    /// [`StartError::InUse`], [`StartError::Io`]; [`StartError::ForeignLock`] where the lock's place is taken
    /// by a file that is none.
    pub fn take(data: &Path) -> Result<Self, StartError> {
        let failed = |source| StartError::Io { path: data.to_owned(), source };
        let path = beside(data, LOCK);
        // A lock is written, so a link in its place would have another file overwritten.
        let opened = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path);
        let lock = Self(opened.map_err(failed)?);
        match lock.0.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StartError::InUse(data.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let left = lock.read().map_err(failed)?;
        if !left.is_empty() && serde_json::from_slice::<Holder>(&left).is_err() {
            return Err(StartError::ForeignLock(path));
        }
        // What the last holder has left is no longer so.
        lock.0.set_len(0).map_err(failed)?;
        Ok(lock)
    }

    /// Writes into the lock where its holder can be reached.
    ///
    /// # Errors
    /// What the system said.
    pub fn announce(&self, endpoint: String, identity: Uuid) -> io::Result<()> {
        let found = self.0.metadata()?;
        let (device, inode) = (found.dev(), found.ino());
        let holder = Holder { endpoint, identity, process: std::process::id(), device, inode };
        let mut file = &self.0;
        file.rewind()?;
        file.write_all(&serde_json::to_vec(&holder)?)
    }

    /// What the lock says. A system that crashed may have left NULs in it.
    fn read(&self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        (&self.0).take(MAX_BYTES).read_to_end(&mut text)?;
        text.retain(|byte| *byte != 0);
        Ok(text)
    }
}

/// Whether a process has a data file open.
#[must_use]
pub fn is_held(data: &Path) -> bool {
    let lock = OpenOptions::new().read(true).open(beside(data, LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}

impl Holder {
    /// Who the lock of a data file says has it open; `None` where it doesn't say so (yet).
    ///
    /// # Errors
    /// What the system said; [`io::ErrorKind::InvalidData`] where it is no lock, or another's copied.
    pub fn of(data: &Path) -> io::Result<Option<Self>> {
        let flags = OFlags::NOFOLLOW.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(beside(data, LOCK))?;
        let found = file.metadata()?;
        let text = Lock(file).read()?;
        if text.is_empty() {
            return Ok(None);
        }
        let invalid = |problem: String| io::Error::new(io::ErrorKind::InvalidData, problem);
        let holder: Self = serde_json::from_slice(&text)
            .map_err(|error| invalid(format!("it does not say who holds it ({error})")))?;
        if (holder.device, holder.inode) == (found.dev(), found.ino()) {
            Ok(Some(holder))
        } else {
            Err(invalid("it is a copy of another lock".to_owned()))
        }
    }
}

/// A data file's path without links in it, so that its lock is the same by whichever name it is opened.
///
/// # Errors
/// What the system said, where there is a link that leads nowhere or can't be followed.
pub fn resolved(data: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(data).is_err() => {
            Ok(data.to_owned())
        }
        resolved => resolved,
    }
}

/// The file beside a data file whose name ends so.
#[must_use]
pub fn beside(data: &Path, companion: &str) -> PathBuf {
    let mut name = data.as_os_str().to_owned();
    name.push(companion);
    name.into()
}

/// Makes the data file, if it is missing, and takes from everybody but its owner what permissions there are on
/// it and on the files that belong to it: they hold customers' data.
///
/// # Errors
/// What the system said, where the data file can't be made.
pub fn make_private(data: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(data) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    for path in [""].iter().chain(&COMPANIONS).map(|companion| beside(data, companion)) {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let mode = found.permissions().mode();
        if !found.is_file() || mode & OF_OTHERS == 0 {
            continue;
        }
        // Only the owner can do it, and whoever shares another's file goes on sharing it.
        let private = fs::Permissions::from_mode(mode & !OF_OTHERS & 0o7777);
        if let Err(error) = fs::set_permissions(&path, private) {
            tracing::warn!("{} stays open to others: {error}", path.display());
        }
    }
    Ok(())
}
