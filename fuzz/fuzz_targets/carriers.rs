//! Proofs of every dialect that are carriers of ours, with any records inside.
#![no_main]

use std::str;

use libfuzzer_sys::{fuzz_crossover, fuzz_mutator, fuzz_target};
use posthaste_core::{Dialect, Operation};
use posthaste_fuzz::{carrier, codec, mutate};
use posthaste_translate::holds_carrier;

fuzz_target!(|records: &[u8]| {
    let sealed = carrier::sealed(records);
    assert!(holds_carrier(sealed.as_bytes()));
    requests(&sealed);
    if let Ok(text) = str::from_utf8(records) {
        requests(&format!("cG9zdGhhc3Rl{text}"));
    }
});
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed)
});
fuzz_crossover!(|one: &[u8], other: &[u8], out: &mut [u8], seed: u32| {
    mutate::cross(one, other, out, seed)
});

fn requests(carrier: &str) {
    let proof = serde_json::to_string(carrier).expect("a text");
    for (from, body) in [
        (Dialect::AnthropicMessages, anthropic(&proof)),
        (Dialect::OpenAiResponses, responses(&proof)),
        (Dialect::GeminiGenerate, gemini(&proof)),
        (Dialect::BedrockConverse, converse(&proof)),
    ] {
        codec::requests(from, Operation::Chat, body.as_bytes());
    }
}

fn anthropic(proof: &str) -> String {
    format!(
        r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"a"}},{{"role":"assistant","content":[
        {{"type":"thinking","thinking":"b","signature":{proof}}},{{"type":"redacted_thinking","data":{proof}}},
        {{"type":"text","text":"c"}},{{"type":"thinking","thinking":"","signature":{proof}}},
        {{"type":"tool_use","id":"t","name":"f","input":{{}}}}]}},
        {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t","content":"d"}}]}}]}}"#
    )
}

fn responses(proof: &str) -> String {
    format!(
        r#"{{"model":"m","input":[{{"role":"user","content":"a"}},
        {{"type":"reasoning","id":"rs_1","summary":[{{"type":"summary_text","text":"b"}}],"encrypted_content":{proof}}},
        {{"type":"message","role":"assistant","content":[{{"type":"output_text","text":"c"}}]}},
        {{"type":"reasoning","summary":[],"encrypted_content":{proof}}},
        {{"type":"function_call","call_id":"t","name":"f","arguments":"{{}}"}},
        {{"type":"function_call_output","call_id":"t","output":"d"}}]}}"#
    )
}

fn gemini(proof: &str) -> String {
    format!(
        r#"{{"contents":[{{"role":"user","parts":[{{"text":"a"}}]}},{{"role":"model","parts":[
        {{"text":"b","thought":true,"thoughtSignature":{proof}}},{{"text":"c","thoughtSignature":{proof}}},
        {{"text":"","thoughtSignature":{proof}}},
        {{"functionCall":{{"id":"t","name":"f","args":{{}}}},"thoughtSignature":{proof}}}]}},
        {{"role":"user","parts":[{{"functionResponse":{{"id":"t","name":"f","response":{{}}}}}}]}}]}}"#
    )
}

fn converse(proof: &str) -> String {
    format!(
        r#"{{"messages":[{{"role":"user","content":[{{"text":"a"}}]}},{{"role":"assistant","content":[
        {{"reasoningContent":{{"reasoningText":{{"text":"b","signature":{proof}}}}}}},
        {{"reasoningContent":{{"redactedContent":{proof}}}}},{{"text":"c"}},
        {{"toolUse":{{"toolUseId":"t","name":"f","input":{{}}}}}}]}},
        {{"role":"user","content":[{{"toolResult":{{"toolUseId":"t","content":[{{"text":"d"}}]}}}}]}}]}}"#
    )
}
