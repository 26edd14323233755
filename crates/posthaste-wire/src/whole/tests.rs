use rstest::rstest;

use super::*;

const ANTHROPIC: Dialect = Dialect::AnthropicMessages;
const CHAT: Dialect = Dialect::OpenAiChat;
const GEMINI: Dialect = Dialect::GeminiGenerate;
const CONVERSE: Dialect = Dialect::BedrockConverse;
const RESPONSES: Dialect = Dialect::OpenAiResponses;

#[test]
fn a_message_tells_its_usage() {
    let body = br#"{"id":"msg_01","type":"message","role":"assistant","model":"claude-sonnet-4-6",
        "content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","stop_sequence":null,
        "usage":{"input_tokens":8,"cache_read_input_tokens":2,"output_tokens":5}}"#;
    let usage = Usage { input: 8, cache_read: 2, output: 5, ..Usage::default() };
    assert_eq!(read_whole(ANTHROPIC, body), Ok(WholeAnswer { usage: Some(usage), ..WholeAnswer::default() }));
}

#[test]
fn a_completion_tells_its_usage() {
    let body = br#"{"id":"chatcmpl-1","object":"chat.completion","choices":[{"index":0,"message":
        {"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"error":null,
        "usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":2}}}"#;
    let usage = Usage { input: 8, cache_read: 2, output: 5, ..Usage::default() };
    assert_eq!(read_whole(CHAT, body), Ok(WholeAnswer { usage: Some(usage), ..WholeAnswer::default() }));
}

#[test]
fn generated_content_tells_its_usage() {
    let body = br#"{"candidates":[{"content":{"parts":[{"text":"Hi"}],"role":"model"},"finishReason":"STOP"}],
        "usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":2,"candidatesTokenCount":5,"thoughtsTokenCount":7}}"#;
    let usage = Usage { input: 8, cache_read: 2, output: 12, reasoning: 7, ..Usage::default() };
    assert_eq!(read_whole(GEMINI, body), Ok(WholeAnswer { usage: Some(usage), ..WholeAnswer::default() }));
}

#[test]
fn a_converse_answer_tells_its_usage() {
    let body =
        br#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi"}]}},"stopReason":"end_turn",
        "metrics":{"latencyMs":3},"usage":{"inputTokens":8,"cacheReadInputTokens":2,"outputTokens":5}}"#;
    let usage = Usage { input: 8, cache_read: 2, output: 5, ..Usage::default() };
    assert_eq!(read_whole(CONVERSE, body), Ok(WholeAnswer { usage: Some(usage), ..WholeAnswer::default() }));
}

#[test]
fn a_response_tells_its_usage() {
    let body = br#"{"id":"resp_1","object":"response","status":"completed","output":[],"error":null,
        "usage":{"input_tokens":10,"output_tokens":5,"input_tokens_details":{"cached_tokens":2}}}"#;
    let usage = Usage { input: 8, cache_read: 2, output: 5, ..Usage::default() };
    assert_eq!(read_whole(RESPONSES, body), Ok(WholeAnswer { usage: Some(usage), ..WholeAnswer::default() }));
}

#[rstest]
#[case::token_count(ANTHROPIC, r#"{"input_tokens":14}"#)]
#[case::message(ANTHROPIC, r#"{"type":"message","content":[]}"#)]
#[case::message_with_odd_usage(ANTHROPIC, r#"{"type":"message","content":[],"usage":"none"}"#)]
#[case::completion(CHAT, r#"{"choices":[],"usage":null}"#)]
#[case::content(GEMINI, r#"{"candidates":[],"usageMetadata":{"trafficType":"ON_DEMAND"}}"#)]
#[case::blocked_prompt(GEMINI, r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#)]
#[case::tokens(GEMINI, r#"{"totalTokens":31,"promptTokensDetails":[]}"#)]
#[case::embeddings(GEMINI, r#"{"embeddings":[{"values":[0.1]}]}"#)]
#[case::converse(CONVERSE, r#"{"output":{},"usage":[]}"#)]
#[case::converse_token_count(CONVERSE, r#"{"inputTokens":14}"#)]
#[case::response(RESPONSES, r#"{"object":"response","status":"completed","output":[],"error":null}"#)]
#[case::compaction(RESPONSES, r#"{"object":"response.compaction","output":[]}"#)]
#[case::counted(RESPONSES, r#"{"object":"response.input_tokens","input_tokens":14}"#)]
fn an_answer_without_usage_is_an_answer(#[case] dialect: Dialect, #[case] body: &str) {
    assert_eq!(read_whole(dialect, body.as_bytes()), Ok(WholeAnswer::default()));
}

#[rstest]
#[case(
    ANTHROPIC,
    r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
    "overloaded_error",
    None
)]
#[case(
    ANTHROPIC,
    r#"{"error":{"type":"request_too_large","message":"Overloaded"}}"#,
    "request_too_large",
    None
)]
#[case(
    CHAT,
    r#"{"error":{"message":"Overloaded","type":"server_error","param":null,"code":null}}"#,
    "server_error",
    None
)]
#[case(CHAT, r#"{"error":{"message":"Overloaded","code":503}}"#, "error", Some("503"))]
#[case(CHAT, r#"{"error":"Overloaded"}"#, "error", None)]
#[case(CHAT, r#"{"object":"error","message":"Overloaded","type":"Busy","code":"40"}"#, "Busy", Some("40"))]
#[case(CHAT, r#"{"choices":[],"error":{"message":"Overloaded","type":"t","code":"c"}}"#, "t", Some("c"))]
#[case(
    GEMINI,
    r#"{"error":{"code":503,"message":"Overloaded","status":"UNAVAILABLE"}}"#,
    "UNAVAILABLE",
    Some("503")
)]
#[case(GEMINI, r#"[{"error":{"message":"Overloaded","status":"UNAVAILABLE"}}]"#, "UNAVAILABLE", None)]
#[case(GEMINI, r#"{"candidates":[],"error":{"message":"Overloaded"}}"#, "error", None)]
#[case(CONVERSE, r#"{"message":"Overloaded"}"#, "error", None)]
#[case(CONVERSE, r#"{"Message":"Overloaded","__type":"A","originalStatusCode":503}"#, "A", Some("503"))]
#[case(
    RESPONSES,
    r#"{"object":"response","status":"failed","output":[],"error":{"code":"c","message":"Overloaded"}}"#,
    "error",
    Some("c")
)]
#[case(RESPONSES, r#"{"detail":"Overloaded"}"#, "error", None)]
fn an_error_under_a_200_is_recognised(
    #[case] dialect: Dialect,
    #[case] body: &str,
    #[case] kind: &str,
    #[case] code: Option<&str>,
) {
    let error = UpstreamError::new(kind, code.map(str::to_owned), "Overloaded");
    assert_eq!(read_error(dialect, body.as_bytes()), Some(error.clone()));
    assert_eq!(
        read_whole(dialect, body.as_bytes()),
        Ok(WholeAnswer { error: Some(error), ..WholeAnswer::default() })
    );
}

#[rstest]
#[case(ANTHROPIC, r#"{"choices":[{"index":0}],"usage":{"prompt_tokens":1}}"#)]
#[case(ANTHROPIC, r#"{"type":"completion"}"#)]
#[case(ANTHROPIC, "[]")]
#[case(ANTHROPIC, "7")]
#[case(CHAT, r#"{"type":"message","content":[],"usage":{"input_tokens":1}}"#)]
#[case(CHAT, r#"{"choices":7}"#)]
#[case(RESPONSES, r#"{"choices":[],"usage":{"input_tokens":1}}"#)]
#[case(RESPONSES, r#"{"input_tokens":1}"#)]
#[case(CHAT, "\"text\"")]
#[case(CHAT, "null")]
#[case(GEMINI, r#"{"choices":[],"usage":{}}"#)]
#[case(GEMINI, r#"{"candidates":7}"#)]
#[case(GEMINI, "[]")]
#[case(CONVERSE, r#"{"stopReason":"end_turn","usage":{"inputTokens":1}}"#)]
#[case(CONVERSE, r#"{"choices":[],"output":null}"#)]
fn json_of_another_shape_is_no_answer(#[case] dialect: Dialect, #[case] body: &str) {
    assert_eq!(read_whole(dialect, body.as_bytes()), Err(WholeError::NotAnAnswer { dialect }));
    assert_eq!(read_error(dialect, body.as_bytes()), None);
}

#[rstest]
#[case("", 1, 0)]
#[case("<html>", 1, 1)]
#[case("{\"type\":\"message\",\n\"content\":[", 2, 11)]
#[case("{\"type\":\"message\"}{}", 1, 19)]
fn a_body_that_is_no_json_is_refused_with_its_place(
    #[case] body: &str,
    #[case] line: usize,
    #[case] column: usize,
) {
    for dialect in Dialect::ALL {
        assert_eq!(read_whole(dialect, body.as_bytes()), Err(WholeError::NotJson { line, column }));
        assert_eq!(read_error(dialect, body.as_bytes()), None);
    }
}

#[rstest]
#[case(ANTHROPIC, r#"{"type":"message","content":[],"usage":{"input_tokens":8}}"#)]
#[case(ANTHROPIC, r#"{"type":"message","content":[],"usage":{"input_tokens":-8,"output_tokens":5}}"#)]
#[case(CHAT, r#"{"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":"5"}}"#)]
#[case(RESPONSES, r#"{"object":"response","output":[],"usage":{"output_tokens":5}}"#)]
#[case(GEMINI, r#"{"candidates":[],"usageMetadata":{"promptTokenCount":"8","candidatesTokenCount":5}}"#)]
#[case(CONVERSE, r#"{"output":{},"usage":{"inputTokens":8,"outputTokens":null}}"#)]
fn one_side_alone_is_no_bill(#[case] dialect: Dialect, #[case] body: &str) {
    let answer = read_whole(dialect, body.as_bytes()).unwrap();
    assert!(answer.in_part && answer.usage.is_some(), "{answer:?}");
}

#[test]
fn vectors_have_a_prompt_alone() {
    let of_vectors =
        |usage: &str| read_other(CHAT, format!(r#"{{"data":[],"usage":{usage}}}"#).as_bytes()).unwrap();
    assert!(!of_vectors(r#"{"prompt_tokens":8,"total_tokens":8}"#).in_part);
    assert!(of_vectors(r#"{"prompt_tokens":"8"}"#).in_part);
}
