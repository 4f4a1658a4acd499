//! The file of rejected lines.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    super::files::NewFile,
    ImportError, STANDARD_INPUT,
    lines::{Line, MAX_LINE_BYTES},
};
use crate::output::json_line;

/// Bytes of a line above [`MAX_LINE_BYTES`] that are repeated when it is rejected.
const SHOWN_BYTES_OF_LONG_LINE: usize = 256;

/// What replaces the extension of the input's name.
const EXTENSION: &str = "rejected.jsonl";

/// Folders in which files stand for something else, such as `/dev/stdin`.
const NO_PLACES: [&str; 2] = ["/dev", "/proc"];

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RejectedLine {
    line: u64,
    problems: Vec<String>,
    text: String,
}

/// The file of rejected lines. It gets its name when an import ends, if it has any line.
pub(super) struct RejectedLines {
    file: NewFile,
    any: bool,
}

impl RejectedLines {
    /// Begins the file: at `path`, or by default beside `input`, or where that can't be, in the current folder.
    /// What lies there has to be from an earlier run. `data` is the local engine's data file.
    ///
    /// # Errors
    /// [`ImportError::SameFile`], [`ImportError::Occupied`], [`ImportError::Rejected`];
    /// [`ImportError::NoPlace`] where no place was named and none can take the file.
    pub(super) fn create(input: &Path, path: Option<&Path>, data: &Path) -> Result<Self, ImportError> {
        if let Some(path) = path {
            return Self::at(path, input, data);
        }
        let places = places(input);
        places
            .iter()
            .find_map(|path| Self::at(path, input, data).ok())
            .ok_or_else(|| ImportError::NoPlace(places))
    }

    fn at(path: &Path, input: &Path, data: &Path) -> Result<Self, ImportError> {
        let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        let both = fs::metadata(path).ok().zip(fs::metadata(input).ok());
        if both.is_some_and(|(path, input)| same(path, input)) {
            return Err(ImportError::SameFile(path.to_owned()));
        }
        let file = NewFile::create(path, data)
            .map_err(|source| ImportError::Rejected { path: path.to_owned(), source })?;
        if may_be_replaced(path) {
            Ok(Self { file, any: false })
        } else {
            Err(ImportError::Occupied(path.to_owned()))
        }
    }

    /// Adds a line and all that is wrong with it.
    ///
    /// # Errors
    /// [`ImportError::Rejected`].
    pub(super) fn add(&mut self, line: &Line, problems: Vec<String>) -> Result<(), ImportError> {
        let shown = match line.text.len() as u64 {
            0..=MAX_LINE_BYTES => line.text.as_slice(),
            _ => line.text.get(..SHOWN_BYTES_OF_LONG_LINE).unwrap_or_default(),
        };
        let text = String::from_utf8_lossy(shown).into_owned();
        let rejected = RejectedLine { line: line.number, problems, text };
        self.any = true;
        json_line(&mut self.file, &rejected)
            .map_err(|source| ImportError::Rejected { path: self.file.path().to_owned(), source })
    }

    /// Gives the file its name, or if it has no line, removes that of an earlier run. Returns where the
    /// rejected lines are, if there are any.
    ///
    /// # Errors
    /// [`ImportError::Occupied`], [`ImportError::Rejected`].
    pub(super) fn finish(self) -> Result<Option<PathBuf>, ImportError> {
        let path = self.file.path().to_owned();
        if !may_be_replaced(&path) {
            return Err(ImportError::Occupied(path));
        }
        let done = if self.any {
            self.file.replace()
        } else {
            fs::remove_file(&path).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            })
        };
        match done {
            Ok(()) => Ok(self.any.then_some(path)),
            Err(source) => Err(ImportError::Rejected { path, source }),
        }
    }
}

/// Where the file may be if nobody says where. What stands for a pipe, a device or standard input has no place
/// beside it.
fn places(input: &Path) -> Vec<PathBuf> {
    let stands_for_another = NO_PLACES.iter().any(|folder| input.starts_with(folder));
    let is_file = fs::metadata(input).is_ok_and(|found| found.is_file());
    match input.file_name() {
        Some(name) if is_file && !stands_for_another && input.as_os_str() != STANDARD_INPUT => {
            vec![input.with_extension(EXTENSION), Path::new(name).with_extension(EXTENSION)]
        }
        _ => vec![PathBuf::from("import").with_extension(EXTENSION)],
    }
}

/// Whether nothing is at a path, or nothing that anybody misses: an empty file, or rejected lines of an earlier
/// run. A link is neither.
fn may_be_replaced(path: &Path) -> bool {
    match fs::symlink_metadata(path) {
        Err(error) => error.kind() == io::ErrorKind::NotFound,
        Ok(found) if !found.is_file() => false,
        Ok(found) => found.len() == 0 || begins_with_a_rejected_line(path).unwrap_or(false),
    }
}

fn begins_with_a_rejected_line(path: &Path) -> io::Result<bool> {
    let mut first = Vec::new();
    // Escaped, a byte takes at most six; the problems have room in the rest.
    let limit = 8 * MAX_LINE_BYTES;
    BufReader::new(File::open(path)?.take(limit)).read_until(b'\n', &mut first)?;
    Ok(serde_json::from_slice::<RejectedLine>(&first).is_ok())
}
