//! The command that writes the console's files for another host.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    options::{ConsoleCommand, ConsoleOptions},
    output::{self, OutputError},
    server::console::{self, ApiUrl},
};

/// Why the files are not there.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// There is something in the folder that is not the console's, or an earlier version.
    #[error("{} is not empty; name another folder", .0.display())]
    Occupied(PathBuf),
    /// A file or the folder can't be written.
    #[error("{} can't be written", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was done can't be told.
    #[error(transparent)]
    Untold(#[from] OutputError),
}

/// Runs a command. What was written is on standard output, what is left to do on standard error.
///
/// # Errors
/// [`ConsoleError`].
pub fn run(options: &ConsoleOptions) -> Result<(), ConsoleError> {
    let ConsoleCommand::Export { folder, api } = &options.command;
    let written = export(folder, api)?;
    output::line(format_args!("{written} files in {}", folder.display()))?;
    output::remark(format_args!(
        "The API at {api} has to admit the page's origin: the parameter CorsAllowOrigins of the template."
    ));
    Ok(())
}

fn export(folder: &Path, api: &ApiUrl) -> Result<usize, ConsoleError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| ConsoleError::Io { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    if fs::read_dir(folder).map_err(failed(folder))?.next().is_some() {
        return Err(ConsoleError::Occupied(folder.to_owned()));
    }
    let page = console::page(Some(api), "");
    let files = console::FILES.iter().map(|file| (file.name, file.content));
    let mut written = 0;
    for (name, content) in files.chain([(console::INDEX, page.as_bytes())]) {
        let path = folder.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed(folder))?;
        }
        fs::write(&path, content).map_err(failed(&path))?;
        written += 1;
    }
    Ok(written)
}
