//! The spool's reader: segments and their rows.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use posthaste_fuzz::{mutate, spool};

fuzz_target!(|input: &[u8]| spool::read(input));
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
