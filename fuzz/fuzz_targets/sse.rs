//! Server-sent events: the splitter, the writer and the taps of all dialects.
#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use posthaste_core::Dialect;
use posthaste_fuzz::{codec, framing, mutate};
use posthaste_wire::Framing;

fuzz_target!(|stream: &[u8]| {
    framing::split(Framing::Sse, stream);
    framing::write_and_read(Framing::Sse, stream);
    for dialect in Dialect::ALL {
        codec::watch(dialect, Framing::Sse, stream);
    }
});
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    mutate::cross(one, other, out, seed)
});
