//! Definitions for categories that are carried and not defined, as `catalogue import` takes them.

use std::{io::Write, path::Path};

use serde::Serialize;
use shared::domain::{CategoryId, NewDefinition, Value};

use super::{
    super::{files::NewFile, import::MAX_LINE_BYTES},
    CatalogueError,
    survey::{Found, Survey},
};
use crate::output;

/// A draft that is being written. There is no file when it is dropped before it has been.
pub(super) struct Draft(NewFile);

/// A definition with everything that an operator may want to fill in.
#[derive(Serialize)]
struct Line<'a> {
    id: CategoryId,
    name: String,
    description: Option<&'a str>,
    valid_values: Option<&'a [&'a Value]>,
}

impl Draft {
    /// Begins a draft that is to be at `path`, where there must be nothing. `data` is the local engine's data file.
    ///
    /// # Errors
    /// [`CatalogueError::Draft`].
    pub(super) fn create(path: &Path, data: &Path) -> Result<Self, CatalogueError> {
        let failed = |source| CatalogueError::Draft { path: path.to_owned(), source };
        NewFile::create_new(path, data).map(Self).map_err(failed)
    }

    /// Writes a definition for each category that has none.
    ///
    /// # Errors
    /// [`CatalogueError::Draft`]; then there is no file.
    pub(super) fn write(self, survey: &Survey) -> Result<(), CatalogueError> {
        let Self(mut file) = self;
        let path = file.path().to_owned();
        let failed = |source| CatalogueError::Draft { path: path.clone(), source };
        let mut lines = 0_usize;
        for (id, found) in survey.undefined() {
            let line = line(id, found).map_err(|error| failed(error.into()))?;
            file.write_all(&line).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
            lines += 1;
        }
        file.place().map_err(failed)?;
        let categories = if lines == 1 { "category" } else { "categories" };
        output::remark(format_args!(
            "{} defines {lines} {categories}; `catalogue import` takes it.",
            path.display()
        ));
        Ok(())
    }
}

/// The values that are carried become the valid ones, if a definition can list them all; if not, any value is
/// valid. Either way, all that is carried is.
fn line(id: CategoryId, found: &Found) -> serde_json::Result<Vec<u8>> {
    if let Some(values) = found.all_values() {
        let line = line_with(id, Some(&values))?;
        if line.len() as u64 <= MAX_LINE_BYTES && NewDefinition::parse_line(&line, 1).is_ok() {
            return Ok(line);
        }
    }
    line_with(id, None)
}

fn line_with(id: CategoryId, valid_values: Option<&[&Value]>) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&Line { id, name: format!("Category {id}"), description: None, valid_values })
}
