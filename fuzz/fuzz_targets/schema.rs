//! The schema of a tool and of the answer, from every dialect that has one to every upstream.
#![no_main]

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use posthaste_core::{Dialect, Operation};
use posthaste_fuzz::{codec, mutate};
use serde_json::value::RawValue;

fuzz_target!(|schema: &[u8]| {
    let Ok(schema) = serde_json::from_slice::<&RawValue>(schema) else { return };
    let schema = schema.get();
    for (from, body) in [
        (Dialect::AnthropicMessages, anthropic(schema)),
        (Dialect::OpenAiChat, chat(schema)),
        (Dialect::OpenAiResponses, responses(schema)),
        (Dialect::GeminiGenerate, gemini(schema)),
    ] {
        codec::requests(from, Operation::Chat, body.as_bytes());
    }
});
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    mutate::cross(one, other, out, seed)
});

fn anthropic(schema: &str) -> String {
    format!(
        r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"a"}}],
        "tools":[{{"name":"f","input_schema":{schema}}},{{"name":"g","strict":true,"input_schema":{schema}}}],
        "output_config":{{"format":{{"type":"json_schema","schema":{schema}}}}}}}"#
    )
}

fn chat(schema: &str) -> String {
    format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"a"}}],
        "tools":[{{"type":"function","function":{{"name":"f","strict":true,"parameters":{schema}}}}}],
        "response_format":{{"type":"json_schema","json_schema":{{"name":"o","strict":true,"schema":{schema}}}}}}}"#
    )
}

fn responses(schema: &str) -> String {
    format!(
        r#"{{"model":"m","input":"a","tools":[{{"type":"function","name":"f","strict":false,"parameters":{schema}}}],
        "text":{{"format":{{"type":"json_schema","name":"o","schema":{schema}}}}}}}"#
    )
}

fn gemini(schema: &str) -> String {
    format!(
        r#"{{"contents":[{{"role":"user","parts":[{{"text":"a"}}]}}],
        "tools":[{{"functionDeclarations":[{{"name":"f","parameters":{schema}}},{{"name":"g","parametersJsonSchema":{schema}}}]}}],
        "generationConfig":{{"responseMimeType":"application/json","responseSchema":{schema}}}}}"#
    )
}
