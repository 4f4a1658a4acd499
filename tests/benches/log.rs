//! What a function writes to its log.

use std::{fs, process::Command};

use serde_json::Value;
use tempfile::NamedTempFile;

/// Where a process's log goes.
#[derive(Debug)]
pub struct Log {
    file: NamedTempFile,
    read: usize,
}

/// DynamoDB's request units.
#[derive(Clone, Copy, Debug, Default)]
pub struct Units {
    pub read: f64,
    pub write: f64,
}

impl Log {
    pub fn new() -> Self {
        Self { file: NamedTempFile::new().unwrap(), read: 0 }
    }

    pub fn take_from(&self, command: &mut Command) {
        command.stdout(self.file.reopen().unwrap());
    }

    /// What the requests have consumed since this was called last, by their lines.
    pub fn units(&mut self) -> Units {
        let text = fs::read_to_string(self.file.path()).unwrap();
        let lines = text[self.read..].lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        self.read = text.len();
        lines.fold(Units::default(), |units, line| Units {
            read: units.read + line["read_units"].as_f64().unwrap_or_default(),
            write: units.write + line["write_units"].as_f64().unwrap_or_default(),
        })
    }
}
