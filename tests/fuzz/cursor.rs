//! Any cursor, taken from any list, changed in any way and used with any other.
#![no_main]

use std::sync::LazyLock;

use fuzz::Harness;
use libfuzzer_sys::{Corpus, fuzz_target};

static HARNESS: LazyLock<Harness> = LazyLock::new(Harness::start);

fuzz_target!(|input: &[u8]| -> Corpus {
    match str::from_utf8(input).ok().and_then(|input| HARNESS.cursor(input)) {
        Some(_) => Corpus::Keep,
        None => Corpus::Reject,
    }
});
