//! Reads the documentation, so that tests can hold it to the truth.

use std::{fs, path::PathBuf};

/// The folder that the repository is in.
pub fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The text of a file, by its path in the repository.
pub fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The part of a document under a heading, up to the next heading of its level or above.
pub fn section(file: &str, heading: &str) -> String {
    let text = read(file);
    let mut lines = text.lines();
    let is_it = |line: &&str| level(line).is_some() && line.trim_start_matches('#').trim() == heading;
    let found = lines.find(is_it).unwrap_or_else(|| panic!("{file} has no heading {heading:?}"));
    let ends = |line: &&str| level(line).is_none_or(|level| Some(level) > self::level(found));
    let mut fenced = false;
    let inside = lines.take_while(|line| {
        fenced ^= line.starts_with("```");
        fenced || ends(line)
    });
    inside.fold(String::new(), |section, line| section + line + "\n")
}

/// How deep a heading is; `None` for other lines.
fn level(line: &str) -> Option<usize> {
    let hashes = line.bytes().take_while(|byte| *byte == b'#').count();
    (hashes > 0 && line.as_bytes().get(hashes) == Some(&b' ')).then_some(hashes)
}

/// The fenced blocks of a text, in order: language and text.
pub fn blocks(text: &str) -> Vec<(String, String)> {
    let fenced = text.split("```").skip(1).step_by(2);
    fenced
        .map(|block| {
            let (language, text) = block.split_once('\n').unwrap();
            (language.to_owned(), text.to_owned())
        })
        .collect()
}
