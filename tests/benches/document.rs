//! The documents that the figures are written into.

use std::fs;

use crate::built;

pub const README: &str = "tests/benches/README.md";
pub const FIGURES: &str = "tests/benches/FIGURES.md";

/// Puts a text in the place of what this command has written before.
pub fn replace(document: &str, command: &str, text: &str) {
    let path = built::root().join(document);
    let whole = fs::read_to_string(&path).unwrap();
    let [begin, end] = ["begin", "end"].map(|side| format!("<!-- {side}: written by `{command}` -->\n"));
    let place = || panic!("{document} has no place for `{command}`");
    let (before, rest) = whole.split_once(&begin).unwrap_or_else(place);
    let (_, after) = rest.split_once(&end).unwrap_or_else(place);
    fs::write(path, format!("{before}{begin}{text}{end}{after}")).unwrap();
}
