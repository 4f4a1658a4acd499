//! Any event, through the function that it is for, to the answer.
#![no_main]

use std::sync::LazyLock;

use fuzz::{Harness, mutator};
use libfuzzer_sys::{Corpus, fuzz_mutator, fuzz_target};

static HARNESS: LazyLock<Harness> = LazyLock::new(Harness::start);

fuzz_target!(|input: &[u8]| -> Corpus {
    match str::from_utf8(input).ok().and_then(|input| HARNESS.event(input)) {
        Some(_) => Corpus::Keep,
        None => Corpus::Reject,
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutator::mutate(data, size, max_size, seed)
});
