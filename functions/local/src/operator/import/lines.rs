//! Reads the lines of an input, and what each says.

use std::io::{self, BufRead, Read};

use shared::{
    Error,
    error::{Violation, chain},
};

/// Bytes that a line may have without its end, which is what a POST's body may have.
pub(in super::super) const MAX_LINE_BYTES: u64 = 64 * 1024;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line, and where it ends.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1 on.
    pub number: u64,
    /// Bytes from the start of the input to the line's end.
    pub end: u64,
    /// Without its end.
    pub text: Vec<u8>,
}

/// The lines of an input that are not blank. Of a line that is too long only the first
/// [`MAX_LINE_BYTES`] and one more are kept.
pub(super) struct Lines<R> {
    input: R,
    number: u64,
    end: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, number: 0, end: 0 }
    }

    /// Reads the next line, blank or not, into `text`. Returns `false` at the end.
    fn advance(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        let mut length = self.input.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', text)? as u64;
        if length > MAX_LINE_BYTES && !text.ends_with(b"\n") {
            length += self.input.skip_until(b'\n')? as u64;
        }
        self.number += 1;
        self.end += length;
        if text.ends_with(b"\n") {
            text.pop();
        }
        // Files from other systems often start with a byte order mark, which is no part of the first line.
        if self.number == 1 && text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(length > 0)
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = Result<Line, (Line, io::Error)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut text = Vec::new();
            let more = self.advance(&mut text);
            let line = Line { number: self.number, end: self.end, text };
            match more {
                Err(error) => return Some(Err((line, error))),
                Ok(false) => return None,
                Ok(true) if line.text.trim_ascii().is_empty() => {}
                Ok(true) => return Some(Ok(line)),
            }
        }
    }
}

/// What `read` finds that a line says, or all that is wrong with it.
pub(super) fn parse<T>(
    line: &Line,
    read: impl FnOnce(&[u8], u64) -> shared::Result<T>,
) -> Result<T, Vec<String>> {
    if line.text.len() as u64 > MAX_LINE_BYTES {
        return Err(vec![format!("the line must have at most {MAX_LINE_BYTES} bytes")]);
    }
    read(&line.text, line.number).map_err(|error| match error {
        Error::Invalid(violations) => violations.iter().map(problem).collect(),
        other => vec![chain(&other)],
    })
}

/// A violation in words. What a POST calls the body is a line here.
fn problem(violation: &Violation) -> String {
    match violation.field.as_str() {
        "body" => format!("the line {}", violation.problem),
        _ => violation.to_string(),
    }
}
