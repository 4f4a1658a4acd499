//! Tells the program which commit it is built from.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

/// Names the commit where there is no repository, as in an image that is built from an archive.
const VARIABLE: &str = "SOURCE_COMMIT";

fn main() {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let commit = env::var(VARIABLE).ok().filter(|commit| !commit.is_empty()).or_else(of_repository);
    let built = commit.map_or_else(|| "built outside git".to_owned(), |commit| format!("commit {commit}"));
    println!("cargo::rustc-env=BUILT_FROM={built}");
}

/// The commit that is checked out; `None` where git does not know this file.
fn of_repository() -> Option<String> {
    // Git adds a line to this log whenever another commit is checked out.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    if Path::new(&log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    // An archive may have been unpacked inside another repository.
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let done = Command::new("git").args(arguments).stderr(Stdio::null()).output().ok()?;
    let said = String::from_utf8(done.stdout).ok()?;
    done.status.success().then(|| said.trim().to_owned())
}
