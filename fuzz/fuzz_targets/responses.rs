//! The codec of `Dialect::OpenAiResponses`: every reader, and every writer on what was read.
#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use posthaste_core::Dialect;
use posthaste_fuzz::{codec, mutate};

fuzz_target!(|body: &[u8]| codec::read_everything(Dialect::OpenAiResponses, body));
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    mutate::cross(one, other, out, seed)
});
