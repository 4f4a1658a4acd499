//! What an input is that has no lines of JSON, told by its first bytes.

use std::{
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::STANDARD_INPUT;

/// Bytes of an input that are looked at.
const LOOKED_AT: usize = 64;

/// An input that is something else than UTF-8 text with one JSON object per line.
#[derive(Debug)]
pub struct OtherFormat {
    input: PathBuf,
    is: &'static str,
    /// The command that makes lines of it, before the name of the file.
    turned_by: &'static str,
    /// The command that takes lines.
    command: &'static str,
}

impl fmt::Display for OtherFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input, is, turned_by, command } = self;
        let (input, file) = if input.as_os_str() == STANDARD_INPUT {
            ("standard input".to_owned(), "FILE".to_owned())
        } else {
            (input.display().to_string(), input.display().to_string())
        };
        write!(
            f,
            "{input} is {is}, not UTF-8 text with one JSON object per line; try \
             `{turned_by} {file} | customers-categories {command} -` and the options as they were"
        )
    }
}

/// The first bytes of formats that are no text, what they are, and what turns them into lines.
const BINARY: [(&[u8], &str, &str); 9] = [
    (b"\x1f\x8b", "compressed by gzip", "gunzip -c"),
    (b"PK\x03\x04", "a ZIP archive", "unzip -p"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "zstd -dc"),
    (b"\xfd7zXZ\0", "compressed by xz", "xz -dc"),
    (b"BZh", "compressed by bzip2", "bzip2 -dc"),
    // Before UTF-16, whose mark it begins with.
    (b"\xff\xfe\0\0", "in UTF-32", "iconv -f UTF-32 -t UTF-8"),
    (b"\0\0\xfe\xff", "in UTF-32", "iconv -f UTF-32 -t UTF-8"),
    (b"\xff\xfe", "in UTF-16", "iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "in UTF-16", "iconv -f UTF-16 -t UTF-8"),
];

/// Looks at the first bytes of an input for `command`. Returns the input with all of its bytes, or what else it is.
///
/// # Errors
/// What the system said.
pub(super) fn checked(
    mut input: Box<dyn Read + Send>,
    path: &Path,
    command: &'static str,
) -> io::Result<Result<Box<dyn Read + Send>, OtherFormat>> {
    let mut begins = Vec::new();
    input.by_ref().take(LOOKED_AT as u64).read_to_end(&mut begins)?;
    let other = other_format(&begins);
    Ok(match other {
        Some((is, turned_by)) => Err(OtherFormat { input: path.to_owned(), is, turned_by, command }),
        None => Ok(Box::new(io::Cursor::new(begins).chain(input))),
    })
}

fn other_format(begins: &[u8]) -> Option<(&'static str, &'static str)> {
    if let Some((_, is, turned_by)) = BINARY.iter().find(|(magic, ..)| begins.starts_with(magic)) {
        return Some((is, turned_by));
    }
    let text = begins.strip_prefix("\u{feff}".as_bytes()).unwrap_or(begins);
    match (begins, text.trim_ascii_start()) {
        ([first, 0, second, 0, ..], _) if *first != 0 && *second != 0 => {
            Some(("in UTF-16 without a byte order mark", "iconv -f UTF-16LE -t UTF-8"))
        }
        ([0, first, 0, second, ..], _) if *first != 0 && *second != 0 => {
            Some(("in UTF-16 without a byte order mark", "iconv -f UTF-16BE -t UTF-8"))
        }
        (_, [b'[', rest @ ..]) if rest.trim_ascii_start().first().is_none_or(|byte| *byte == b'{') => {
            Some(("one JSON array", "jq -c '.[]'"))
        }
        _ => None,
    }
}
