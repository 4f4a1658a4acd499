//! The file of rejected lines.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    ImportError, STANDARD_INPUT,
    lines::{Line, MAX_LINE_BYTES},
};
use crate::output::json_line;

/// Bytes of a line above [`MAX_LINE_BYTES`] that are repeated when it is rejected.
const SHOWN_BYTES_OF_LONG_LINE: usize = 256;

/// What replaces the extension of the input's name.
const EXTENSION: &str = "rejected.jsonl";

#[derive(Serialize)]
struct RejectedLine<'a> {
    line: u64,
    problems: &'a [String],
    text: &'a str,
}

/// The file of rejected lines. It exists while an import runs, and afterwards if it has any line.
pub(super) struct RejectedLines {
    path: PathBuf,
    file: BufWriter<File>,
    any: bool,
}

impl RejectedLines {
    /// Creates the file, or empties it: `path`, or by default one beside `input`.
    ///
    /// # Errors
    /// [`ImportError::SameFile`], [`ImportError::Rejected`].
    pub(super) fn create(input: &Path, path: Option<&Path>) -> Result<Self, ImportError> {
        let path = match path {
            Some(path) => path.to_owned(),
            None if input.as_os_str() == STANDARD_INPUT => PathBuf::from("import").with_extension(EXTENSION),
            None => input.with_extension(EXTENSION),
        };
        let real = |path: &Path| fs::canonicalize(path).ok();
        if real(&path).is_some_and(|path| real(input) == Some(path)) {
            return Err(ImportError::SameFile(path));
        }
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        match file {
            Ok(file) => Ok(Self { path, file: BufWriter::new(file), any: false }),
            Err(source) => Err(ImportError::Rejected { path, source }),
        }
    }

    /// Adds a line and all that is wrong with it.
    ///
    /// # Errors
    /// [`ImportError::Rejected`].
    pub(super) fn add(&mut self, line: &Line, problems: &[String]) -> Result<(), ImportError> {
        let shown = match line.text.len() as u64 {
            0..=MAX_LINE_BYTES => line.text.as_slice(),
            _ => line.text.get(..SHOWN_BYTES_OF_LONG_LINE).unwrap_or_default(),
        };
        let text = String::from_utf8_lossy(shown);
        let rejected = RejectedLine { line: line.number, problems, text: &text };
        self.any = true;
        json_line(&mut self.file, &rejected).map_err(|source| self.failed(source))
    }

    /// Completes the file, or removes it if it has no line. Returns where the rejected lines are, if there
    /// are any.
    ///
    /// # Errors
    /// [`ImportError::Rejected`].
    pub(super) fn finish(mut self) -> Result<Option<PathBuf>, ImportError> {
        let done =
            self.file.flush().and_then(|()| if self.any { Ok(()) } else { fs::remove_file(&self.path) });
        done.map_err(|source| self.failed(source))?;
        Ok(self.any.then_some(self.path))
    }

    fn failed(&self, source: io::Error) -> ImportError {
        ImportError::Rejected { path: self.path.clone(), source }
    }
}
