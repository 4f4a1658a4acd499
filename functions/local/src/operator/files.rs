//! Files that hold customers' data: made anew, for their owner alone, and complete before they have their name.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::server::lock;

/// What a file begins with that is an SQLite database.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// A file that is being written beside the place that it will have. It is gone when dropped before that.
#[derive(Debug)]
pub(super) struct NewFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl NewFile {
    /// Begins a file that is to be at `path`.
    ///
    /// # Errors
    /// What the system said. [`io::ErrorKind::InvalidInput`] where the path is of a database, the local
    /// engine's data file `data` or another one.
    pub(super) fn create(path: &Path, data: &Path) -> io::Result<Self> {
        let invalid = |problem: &str| io::Error::new(io::ErrorKind::InvalidInput, problem);
        let name = path.file_name().ok_or_else(|| invalid("it is no name of a file"))?;
        if is_of_database(path, data) {
            return Err(invalid("it belongs to a database"));
        }
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        // Only its owner may read a temporary file.
        let file = tempfile::Builder::new().prefix(&prefix).suffix(".part").tempfile_in(folder(path))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    /// Begins a file that is to be at `path`, where there must be nothing. If there is something, that is told here,
    /// before any work is done.
    ///
    /// # Errors
    /// As [`Self::create`]; [`io::ErrorKind::AlreadyExists`].
    pub(super) fn create_new(path: &Path, data: &Path) -> io::Result<Self> {
        let file = Self::create(path, data)?;
        match fs::symlink_metadata(path) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => Ok(file),
        }
    }

    /// Where the file will be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file is until it has its place.
    pub(super) fn temporary(&self) -> &Path {
        self.file.get_ref().path()
    }

    /// Gives the file its place, where there is nothing yet.
    ///
    /// # Errors
    /// What the system said; then there is no file.
    pub(super) fn place(self) -> io::Result<()> {
        let Self { path, file } = self;
        complete(file)?.persist_noclobber(path).map(drop).map_err(|error| error.error)
    }

    /// Gives the file its place, instead of what is there.
    ///
    /// # Errors
    /// What the system said; then the place is as it was.
    pub(super) fn replace(self) -> io::Result<()> {
        let Self { path, file } = self;
        complete(file)?.persist(path).map(drop).map_err(|error| error.error)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn complete(file: BufWriter<NamedTempFile>) -> io::Result<NamedTempFile> {
    let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Whether a path is the data file's or another database's, or of a file that belongs to one, there or not.
fn is_of_database(path: &Path, data: &Path) -> bool {
    let data = lock::resolved(data).unwrap_or_else(|_| data.to_owned());
    let candidates = [""].iter().chain(&lock::COMPANIONS);
    if candidates.clone().any(|companion| place(path) == place(&lock::beside(&data, companion))) {
        return true;
    }
    let bytes = path.as_os_str().as_bytes();
    let mut bases = candidates.filter_map(|companion| bytes.strip_suffix(companion.as_bytes()));
    bases.any(|base| is_database(Path::new(std::ffi::OsStr::from_bytes(base))))
}

fn is_database(path: &Path) -> bool {
    // Opening a pipe would wait for its other end.
    if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return false;
    }
    let mut begins = Vec::new();
    let read = File::open(path)
        .and_then(|file| BufReader::new(file).take(SQLITE.len() as u64).read_to_end(&mut begins));
    read.is_ok() && begins == SQLITE
}

/// The folder and the name in it, by which a file is the same whether it exists or not.
fn place(path: &Path) -> Option<(PathBuf, OsString)> {
    Some((fs::canonicalize(folder(path)).ok()?, path.file_name()?.to_owned()))
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
