//! Splices into bodies that pass through: `Envelope`, `Edits`, the envelope of Code Assist, the packing of `InvokeModel`.
#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use posthaste_fuzz::{mutate, splices};

fuzz_target!(|body: &[u8]| splices::all(body));
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    mutate::cross(one, other, out, seed)
});
