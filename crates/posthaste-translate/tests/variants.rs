//! The same requests for every vendor of Chat Completions: what each gets, and what was lost.
//!
//! One snapshot a vendor, in `tests/snapshots`.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{fmt::Write as _, fs};

use insta::assert_snapshot;
use posthaste_core::{ChatVariant, Dialect};
use posthaste_translate::{
    Encoded, Target, TranslateError, codec,
    ir::{
        Arguments, Content, Json, Message, OutputFormat, Part, Request, Role, Sampling, ServiceTier,
        Thinking, Tool, ToolCall, ToolChoice, ToolResult,
    },
};
use serde_json::Number;

const C: Dialect = Dialect::OpenAiChat;

const VARIANTS: [(ChatVariant, &str, &str); 7] = [
    (ChatVariant::OpenAi, "open-ai", "gpt-5.6"),
    (ChatVariant::Compatible, "compatible", "llama-4"),
    (ChatVariant::Qwen, "qwen", "qwen3-max"),
    (ChatVariant::Glm, "glm", "glm-4.7"),
    (ChatVariant::DeepSeek, "deep-seek", "deepseek-v4"),
    (ChatVariant::Moonshot, "moonshot", "kimi-k2.6"),
    (ChatVariant::OpenRouter, "open-router", "anthropic/claude-sonnet-4.5"),
];

/// Fixtures of Anthropic's dialect that meet what vendors bend.
const FIXTURES: [&str; 9] = [
    "agent",
    "adaptive-effort",
    "thinking-off",
    "named-tool",
    "json-schema",
    "strict-tools",
    "schema-references",
    "images-and-documents",
    "unsigned-thinking-history",
];

#[test]
fn every_vendor_gets_what_it_takes() {
    for (variant, name, model) in VARIANTS {
        let mut text = String::new();
        for case in FIXTURES {
            let path = format!(
                "{}/../../fixtures/anthropic-messages/request/{case}.json",
                env!("CARGO_MANIFEST_DIR")
            );
            let request = codec(Dialect::AnthropicMessages).decode_request(&fs::read(path).unwrap()).unwrap();
            tell(case, request, variant, model, &mut text);
        }
        tell("all sampling, an object, some of the tools", sampled(), variant, model, &mut text);
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            assert_snapshot!(format!("variant.{name}"), text);
        });
    }
}

/// What only dialects beside Anthropic's have.
fn sampled() -> Request {
    let number = |value: f64| Number::from_f64(value);
    Request {
        messages: vec![Message::new(Role::User, vec![Part::text("A colour")])],
        tools: vec![Tool::function("one", None), Tool::function("two", None)],
        tool_choice: Some(ToolChoice::Allowed { required: true, names: vec!["two".to_owned()] }),
        parallel_tool_calls: Some(false),
        max_tokens: Some(100),
        sampling: Sampling {
            temperature: number(1.5),
            top_p: number(0.5),
            top_k: None,
            seed: Some(7),
            presence_penalty: number(0.5),
            frequency_penalty: number(0.25),
        },
        stop: ["A", "B", "C", "D", "E"].map(str::to_owned).to_vec(),
        output: Some(OutputFormat::JsonObject),
        user: Some("u-1".to_owned()),
        service_tier: Some(ServiceTier::Standard),
        cache_key: Some("k-1".to_owned()),
        verbosity: Some("low".to_owned()),
        ..Request::new(Dialect::GeminiGenerate, "")
    }
}

fn tell(case: &str, mut request: Request, variant: ChatVariant, model: &str, text: &mut String) {
    model.clone_into(&mut request.model);
    writeln!(text, "# {case}").unwrap();
    match encode(&request, variant) {
        Err(error) => writeln!(text, "! {error}").unwrap(),
        Ok(Encoded { body, losses }) => {
            writeln!(text, "{}", std::str::from_utf8(&body).unwrap()).unwrap();
            losses.iter().for_each(|loss| writeln!(text, "- {loss}").unwrap());
        }
    }
}

fn encode(request: &Request, variant: ChatVariant) -> Result<Encoded, TranslateError> {
    codec(C).encode_request(request, &Target { variant, ..Target::of(C) })
}

fn body(request: &Request, variant: ChatVariant) -> serde_json::Value {
    serde_json::from_slice(&encode(request, variant).unwrap().body).unwrap()
}

/// A tool loop under way, with the thoughts that began it or without.
fn tool_loop(thoughts: Option<&str>) -> Request {
    let mut called: Vec<_> =
        thoughts.map(|text| Part::new(Content::Thinking(Thinking::new(text)))).into_iter().collect();
    called.push(Part::new(Content::ToolCall(ToolCall::new("a", "look", Default::default()))));
    let result = ToolResult { call_id: "a".to_owned(), parts: vec![Part::text("rain")], is_error: false };
    Request {
        messages: vec![
            Message::new(Role::User, vec![Part::text("Look")]),
            Message::new(Role::Assistant, called),
            Message::new(Role::User, vec![Part::new(Content::ToolResult(result))]),
        ],
        tools: vec![Tool::function("look", None)],
        ..Request::new(Dialect::AnthropicMessages, "m")
    }
}

#[test]
fn thoughts_go_back_where_a_tool_loop_needs_them() {
    for variant in [ChatVariant::DeepSeek, ChatVariant::Glm, ChatVariant::Moonshot] {
        let kept = body(&tool_loop(Some("Hm.")), variant);
        assert_eq!(kept["messages"][1]["reasoning_content"], "Hm.", "{variant:?}");
        assert!(kept.get("thinking").is_none(), "{variant:?}");
        let missing = body(&tool_loop(None), variant);
        assert_eq!(missing["thinking"]["type"], "disabled", "{variant:?}");
    }
    for variant in [ChatVariant::OpenAi, ChatVariant::Compatible, ChatVariant::Qwen] {
        let dropped = encode(&tool_loop(Some("Hm.")), variant).unwrap();
        assert!(!std::str::from_utf8(&dropped.body).unwrap().contains("Hm."), "{variant:?}");
        assert!(dropped.losses.iter().any(|loss| loss.field == "messages.content.thinking"), "{variant:?}");
    }
}

#[test]
fn a_forced_tool_turns_thinking_off_where_both_are_refused() {
    let mut request = Request { tool_choice: Some(ToolChoice::Any), ..tool_loop(Some("Hm.")) };
    assert_eq!(body(&request, ChatVariant::DeepSeek)["thinking"]["type"], "disabled");
    let qwen = body(&request, ChatVariant::Qwen);
    assert_eq!(
        (&qwen["enable_thinking"], &qwen["tool_choice"]["function"]["name"]),
        (&false.into(), &"look".into())
    );
    request.tool_choice = Some(ToolChoice::Auto);
    assert!(body(&request, ChatVariant::DeepSeek).get("thinking").is_none());
}

#[test]
fn a_vendor_of_text_alone_refuses_pictures_by_name() {
    let picture = r#"{"type":"image","source":{"type":"url","url":"https://a.test/b.png"}}"#;
    let json =
        format!(r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":[{picture}]}}]}}"#);
    let request = codec(Dialect::AnthropicMessages).decode_request(json.as_bytes()).unwrap();
    let error = encode(&request, ChatVariant::DeepSeek).unwrap_err();
    assert!(
        matches!(&error, TranslateError::Inexpressible { field, .. } if field == "messages.content.image")
    );
    encode(&request, ChatVariant::Glm).unwrap();
}

#[test]
fn a_beginning_of_the_answer_is_marked_or_refused() {
    let mut request = tool_loop(Some("Hm."));
    request.messages.push(Message::new(Role::Assistant, vec![Part::text("It is")]));
    assert_eq!(body(&request, ChatVariant::Moonshot)["messages"][3]["partial"], true);
    for variant in [ChatVariant::OpenAi, ChatVariant::DeepSeek] {
        let error = encode(&request, variant).unwrap_err();
        assert!(matches!(&error, TranslateError::Inexpressible { field, .. } if field == "messages.prefill"));
    }
}

#[test]
fn models_that_reason_get_no_sampling() {
    let request = Request { model: "gpt-5-mini".to_owned(), tool_choice: None, ..sampled() };
    let losses = encode(&request, ChatVariant::OpenAi).unwrap().losses;
    for field in ["temperature", "top_p", "generationConfig.presencePenalty"] {
        assert!(losses.iter().any(|loss| loss.field == field), "{field}: {losses:?}");
    }
    assert!(body(&request, ChatVariant::OpenAi).get("temperature").is_none());
}

#[test]
fn open_qwen_models_do_not_think_outside_streams() {
    let request = Request {
        messages: vec![Message::new(Role::User, vec![Part::text("Hi")])],
        ..Request::new(Dialect::AnthropicMessages, "qwen3-32b")
    };
    assert_eq!(body(&request, ChatVariant::Qwen)["enable_thinking"], false);
    let streamed = Request { stream: true, ..request };
    assert!(body(&streamed, ChatVariant::Qwen).get("enable_thinking").is_none());
}

#[test]
fn a_request_of_the_vendors_own_dialect_keeps_its_fields() {
    let json =
        br#"{"model":"kimi-k2.6","max_tokens":9,"temperature":0.3,"seed":1,"thinking":{"type":"disabled"},
        "messages":[{"role":"user","content":"Hi"}]}"#;
    let request = codec(C).decode_request(json).unwrap();
    let glm = body(&request, ChatVariant::Glm);
    assert_eq!((&glm["seed"], &glm["max_tokens"]), (&1.into(), &9.into()));
    assert_eq!(glm["thinking"]["type"], "disabled");
    assert!(glm.get("reasoning_effort").is_none());
}

#[test]
fn free_text_tools_are_for_openai() {
    let custom = Tool::Custom {
        name: "patch".to_owned(),
        description: None,
        format: Some(Json::parse(r#"{"type":"text"}"#).unwrap()),
        extra: Vec::new(),
    };
    let request = Request { tools: vec![custom], ..tool_loop(None) };
    assert_eq!(body(&request, ChatVariant::OpenAi)["tools"][0]["custom"]["name"], "patch");
    assert!(encode(&request, ChatVariant::Compatible).is_err());
}

/// Whoever serves them: their templates refuse any other id.
#[test]
fn models_of_mistral_get_ids_of_nine_letters() {
    let history = || {
        let call = ToolCall::new("toolu_01SaghKCygHLX1a2xXxPjxfv", "look", Arguments::new("{}"));
        let result =
            ToolResult { call_id: call.id.clone(), parts: vec![Part::text("rain")], is_error: false };
        let mut request = Request::new(Dialect::AnthropicMessages, "");
        request.messages = vec![
            Message::new(Role::User, vec![Part::text("Look.")]),
            Message::new(Role::Assistant, vec![Part::new(Content::ToolCall(call))]),
            Message::new(Role::User, vec![Part::new(Content::ToolResult(result))]),
        ];
        request
    };
    let ids = |model: &str| {
        let request = Request { model: model.to_owned(), ..history() };
        let target = Target { variant: ChatVariant::Compatible, ..Target::of(C) };
        let Encoded { body, .. } = codec(C).encode_request(&request, &target).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let (call, result) =
            (&body["messages"][1]["tool_calls"][0]["id"], &body["messages"][2]["tool_call_id"]);
        assert_eq!(call, result);
        call.as_str().unwrap().to_owned()
    };
    for model in ["mistral-large-latest", "mistralai/Mixtral-8x7B-Instruct-v0.1", "devstral-small-2"] {
        let id = ids(model);
        assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{model}: {id}");
    }
    assert_eq!(ids("llama-4"), "toolu_01SaghKCygHLX1a2xXxPjxfv");
}
