//! AWS event streams: the splitter, the chunks of `InvokeModel` inside, repacking, the taps.
//!
//! An input is read as it is, with its checksums put right, and as server-sent events packed into messages.
#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use posthaste_core::Dialect;
use posthaste_fuzz::{codec, framing, messages, mutate};
use posthaste_wire::{Framing, Repacker, without_invocation_metrics};

fuzz_target!(|input: &[u8]| {
    let _ = without_invocation_metrics(input);
    read(input);
    read(&messages::repaired(input));
    for framing in [Framing::EventStream, Framing::InvokeChunks] {
        let mut packed = Vec::new();
        let mut repacker = Repacker::new(Framing::Sse, framing);
        let _ = repacker.push(input, &mut packed).and_then(|()| repacker.finish(&mut packed));
        read(&packed);
    }
});
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    mutate::cross(one, other, out, seed)
});

fn read(stream: &[u8]) {
    for framing in [Framing::EventStream, Framing::InvokeChunks] {
        framing::split(framing, stream);
        framing::write_and_read(framing, stream);
    }
    codec::watch(Dialect::BedrockConverse, Framing::EventStream, stream);
    codec::watch(Dialect::AnthropicMessages, Framing::InvokeChunks, stream);
    codec::stream_to(Dialect::BedrockConverse, Framing::EventStream, Dialect::OpenAiChat, stream);
    codec::stream_to(Dialect::AnthropicMessages, Framing::InvokeChunks, Dialect::OpenAiChat, stream);
}
