//! A JSON array as a stream: the splitter, the writer, the tap and the translation of what Gemini sends so.
#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use posthaste_core::Dialect;
use posthaste_fuzz::{codec, framing, mutate};
use posthaste_wire::{Framing, Repacker};

fuzz_target!(|stream: &[u8]| {
    read(stream);
    // What the fixtures hold are server-sent events.
    let mut array = Vec::new();
    let mut repacker = Repacker::new(Framing::Sse, Framing::JsonArray);
    if repacker.push(stream, &mut array).and_then(|()| repacker.finish(&mut array)).is_ok() {
        read(&array);
    }
});
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    mutate::cross(one, other, out, seed)
});

fn read(array: &[u8]) {
    framing::split(Framing::JsonArray, array);
    framing::write_and_read(Framing::JsonArray, array);
    codec::watch(Dialect::GeminiGenerate, Framing::JsonArray, array);
    codec::stream_to(Dialect::GeminiGenerate, Framing::JsonArray, Dialect::OpenAiChat, array);
}
