//! What the program writes on standard output and standard error.
//!
//! `println!` panics where it can't write, as on a full disk or in a pipe whose reader has gone.

use std::{
    borrow::Cow,
    fmt::Display,
    io::{self, Write},
};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use shared::domain::is_unprintable;

/// Standard output can't be written.
#[derive(Debug, thiserror::Error)]
#[error("standard output can't be written")]
pub struct OutputError(#[from] io::Error);

/// Writes a line to standard output, at once.
///
/// # Errors
/// [`OutputError`].
pub fn line(text: impl Display) -> Result<(), OutputError> {
    let mut output = io::stdout().lock();
    writeln!(output, "{text}")?;
    Ok(output.flush()?)
}

/// Writes a line to standard error, [printable]. Where that can't be written, there is nobody to tell.
pub fn remark(text: impl Display) {
    let _unread = writeln!(io::stderr(), "{}", printable(&text.to_string()));
}

/// The text with every character that a terminal might act on as `\u{…}`.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unprintable(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// Writes a line of JSON with every character that a terminal might act on as `\uXXXX`.
///
/// # Errors
/// The writer's.
pub fn json_line(mut writer: impl Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut writer, Printable))?;
    writer.write_all(b"\n")
}

struct Printable;

impl Formatter for Printable {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, found)) = rest.char_indices().find(|(_, character)| is_unprintable(*character)) {
            let (before, after) = rest.split_at(at);
            // All of these characters are in the Basic Multilingual Plane, so four digits are enough.
            write!(writer, "{before}\\u{:04x}", u32::from(found))?;
            rest = after.get(found.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}
