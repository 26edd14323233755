//! What a dialect can say survives the way through it.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use posthaste_core::{Dialect, Usage};
use posthaste_translate::{
    Target, codec,
    ir::{
        Arguments, CacheHint, Content, Document, Effort, Image, Json, Message, OutputFormat, OutputSchema,
        Part, Proof, Reasoning, ReasoningDisplay, ReasoningMode, Request, Response, Role, Sampling,
        ServiceTier, Source, Stop, StopReason, Thinking, Tool, ToolCall, ToolChoice, ToolResult, Weight,
    },
};
use proptest::prelude::*;

const A: Dialect = Dialect::AnthropicMessages;
const C: Dialect = Dialect::OpenAiChat;
const R: Dialect = Dialect::OpenAiResponses;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requests_through_anthropic(request in request(A)) {
        through(&request)?;
    }

    #[test]
    fn requests_through_chat(request in request(C)) {
        through(&request)?;
    }

    #[test]
    fn requests_through_responses(request in request(R)) {
        through(&request)?;
    }

    #[test]
    fn answers_through_anthropic(response in response(A)) {
        let encoded = codec(A).encode_response(&response).unwrap();
        prop_assert_eq!(encoded.losses, []);
        prop_assert_eq!(codec(A).decode_response(&encoded.body).unwrap(), response);
    }

    #[test]
    fn answers_through_chat(response in response(C)) {
        let encoded = codec(C).encode_response(&response).unwrap();
        prop_assert_eq!(encoded.losses, []);
        prop_assert_eq!(codec(C).decode_response(&encoded.body).unwrap(), response);
    }

    #[test]
    fn answers_through_responses(response in response(R)) {
        let encoded = codec(R).encode_response(&response).unwrap();
        prop_assert_eq!(encoded.losses, []);
        let mut read = codec(R).decode_response(&encoded.body).unwrap();
        // An answer repeats its request, and its items get ids.
        let own = read.parts.iter_mut().map(|part| &mut part.extra).chain([&mut read.extra]);
        own.for_each(|extra| extra.retain(|extra| extra.weight != Weight::Trivial));
        prop_assert_eq!(read, response);
    }

    /// Text, calls and their results are what every dialect has.
    #[test]
    fn the_conversation_survives_the_other_dialect(
        request in request(C),
        other in prop::sample::select(vec![A, R]),
    ) {
        // An object without a schema becomes an instruction there.
        let mut request = Request { output: None, ..request };
        request.messages.retain(|message| message.role != Role::System);
        for message in &mut request.messages {
            message.parts.retain(|part| !matches!(part.content, Content::Thinking(_) | Content::Refusal(_)));
        }
        request.messages.retain(|message| !message.parts.is_empty());
        prop_assume!(!request.messages.is_empty());
        let there = codec(other).encode_request(&request, &Target::of(other)).unwrap();
        let there = codec(other).decode_request(&there.body).unwrap();
        let back = codec(C).encode_request(&there, &Target::of(C)).unwrap();
        let back = codec(C).decode_request(&back.body).unwrap();
        prop_assert_eq!(story(&back), story(&request));
        prop_assert_eq!(&back.system, &request.system);
    }
}

fn through(request: &Request) -> Result<(), TestCaseError> {
    let codec = codec(request.dialect);
    let target = Target::of(request.dialect);
    let encoded = codec.encode_request(request, &target).unwrap();
    prop_assert_eq!(encoded.losses, []);
    let read = codec.decode_request(&encoded.body).unwrap();
    prop_assert_eq!(&read, request);
    // And what was written is written the same again.
    prop_assert_eq!(codec.encode_request(&read, &target).unwrap().body, encoded.body);
    Ok(())
}

/// What is said and done, without the cuts between messages.
fn story(request: &Request) -> Vec<String> {
    let mut story: Vec<String> = Vec::new();
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        match &part.content {
            Content::Text(text) => match story.last_mut() {
                Some(last) if str::starts_with(last, "text ") => last.push_str(text),
                _ => story.push(format!("text {text}")),
            },
            Content::ToolCall(call) => {
                story.push(format!("call {} {} {:?}", call.id, call.name, call.arguments.to_object()));
            }
            Content::ToolResult(result) => {
                story.push(format!("result {} {:?}", result.call_id, result.parts))
            }
            Content::Image(Image { source, .. }) => story.push(format!("image {source:?}")),
            other => story.push(format!("{other:?}")),
        }
    }
    story
}

fn request(dialect: Dialect) -> impl Strategy<Value = Request> {
    let texts = (text(), prop::option::of(text()), prop::option::of("[a-z0-9-]{1,20}"));
    let numbers = (1..100_000_u64, prop::option::of(0..100_u32), prop::option::of(any::<i64>()));
    let choices = (tools(dialect), any::<prop::sample::Index>(), any::<bool>(), any::<bool>());
    let output = prop::option::of(output(dialect));
    (texts, numbers, choices, conversation(dialect), prop::option::of(reasoning(dialect)), output).prop_map(
        move |(
            (model, system, user),
            (max_tokens, temperature, seed),
            choices,
            messages,
            reasoning,
            output,
        )| {
            let (tools, choice, parallel, stream) = choices;
            let has_tools = !tools.is_empty();
            Request {
                system: system.into_iter().map(Part::text).collect(),
                messages,
                tool_choice: has_tools.then(|| tool_choice(&tools, choice)).flatten(),
                parallel_tool_calls: parallel_tool_calls(dialect, has_tools, parallel),
                tools,
                max_tokens: Some(max_tokens),
                sampling: Sampling {
                    temperature: temperature.map(|hundredths| number(f64::from(hundredths) / 100.0)),
                    seed: seed.filter(|_| dialect == C),
                    ..Sampling::default()
                },
                // Responses has none.
                stop: if dialect == R { Vec::new() } else { vec!["END".to_owned()] },
                output,
                reasoning,
                user,
                service_tier: Some(ServiceTier::Standard),
                stream,
                // Most always tell; a writer of Chat always asks.
                include_usage: dialect != C || stream,
                ..Request::new(dialect, model)
            }
            .consistent()
        },
    )
}

trait Consistent {
    fn consistent(self) -> Self;
}

impl Consistent for Request {
    /// Anthropic has no place for the flag beside the choice `none`.
    fn consistent(mut self) -> Self {
        if self.dialect == A && self.tool_choice == Some(ToolChoice::None) {
            self.parallel_tool_calls = None;
        }
        if self.dialect == A && self.parallel_tool_calls == Some(false) && self.tool_choice.is_none() {
            self.tool_choice = Some(ToolChoice::Auto);
        }
        self
    }
}

fn parallel_tool_calls(dialect: Dialect, has_tools: bool, parallel: bool) -> Option<bool> {
    match dialect {
        _ if !has_tools => None,
        // Only the refusal is said there.
        A => (!parallel).then_some(false),
        _ => Some(parallel),
    }
}

fn number(value: f64) -> serde_json::Number {
    serde_json::Number::from_f64(value).unwrap()
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Zäß日🐎\"\\\\{} \n\t\u{0}-\u{1f}]{0,12}".prop_map(|text| format!("x{text}"))
}

fn object() -> impl Strategy<Value = String> {
    let value = prop::sample::select(vec![
        "1",
        "1.0",
        "1e3",
        "null",
        "true",
        "[1,2]",
        r#"{"z":1,"a":2}"#,
        r#""\u00fc""#,
    ]);
    prop::collection::vec(("[a-z]{1,3}", value), 0..4).prop_map(|fields| {
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

fn schema() -> impl Strategy<Value = Json> {
    object().prop_map(|properties| {
        Json::parse(&format!(r#"{{"type":"object","required":[],"properties":{properties}}}"#)).unwrap()
    })
}

fn tools(dialect: Dialect) -> impl Strategy<Value = Vec<Tool>> {
    let tool = (prop::option::of(text()), schema(), prop::option::of(any::<bool>()), any::<bool>());
    prop::collection::vec(tool, 0..4).prop_map(move |tools| {
        let tool = |(number, (description, schema, strict, cached))| Tool::Function {
            name: format!("tool_{number}"),
            description,
            schema: Some(schema),
            strict,
            cache: (cached && dialect == A).then(|| CacheHint { ttl: Some("1h".to_owned()) }),
            extra: Vec::new(),
        };
        tools.into_iter().enumerate().map(tool).collect()
    })
}

fn tool_choice(tools: &[Tool], choice: prop::sample::Index) -> Option<ToolChoice> {
    let Tool::Function { name, .. } = &tools[0] else { return None };
    let choices = [
        None,
        Some(ToolChoice::Auto),
        Some(ToolChoice::Any),
        Some(ToolChoice::None),
        Some(ToolChoice::Tool(name.clone())),
    ];
    choice.get(&choices).clone()
}

fn output(dialect: Dialect) -> impl Strategy<Value = OutputFormat> {
    (schema(), text(), any::<bool>()).prop_map(move |(schema, name, any_object)| {
        if dialect != A && any_object {
            return OutputFormat::JsonObject;
        }
        let openai = dialect != A;
        OutputFormat::JsonSchema(OutputSchema {
            name: openai.then(|| name.clone()),
            description: openai.then_some(name),
            schema,
            strict: openai.then_some(true),
        })
    })
}

fn reasoning(dialect: Dialect) -> impl Strategy<Value = Reasoning> {
    let effort = prop::sample::select(Effort::ALL.to_vec());
    (effort, 1_024..20_000_u64, 0..4_u8).prop_map(move |(effort, budget, which)| match (dialect, which) {
        (_, 0) => Reasoning { mode: Some(ReasoningMode::Off), ..Reasoning::default() },
        (A, 1) => Reasoning { mode: Some(ReasoningMode::Budget(budget)), ..Reasoning::default() },
        (A, 2) => Reasoning {
            mode: Some(ReasoningMode::Adaptive),
            effort: Some(effort),
            display: Some(ReasoningDisplay::Summary),
        },
        (R, 1) => {
            let display = Some(ReasoningDisplay::Summary);
            Reasoning { effort: Some(effort), display, ..Reasoning::default() }
        }
        _ => Reasoning { effort: Some(effort), ..Reasoning::default() },
    })
}

/// The proof of thoughts, where the dialect has a place for it.
fn proof(dialect: Dialect) -> Option<Proof> {
    let item = (dialect == R).then(|| "rs_1".to_owned());
    (dialect != C).then(|| Proof { item, ..Proof::of(dialect, "c2ln") })
}

/// Exchanges of user, model and tools, cut the way the dialect writes them.
fn conversation(dialect: Dialect) -> impl Strategy<Value = Vec<Message>> {
    let calls = prop::collection::vec((object(), text(), any::<bool>()), 0..3);
    let exchange =
        (user_parts(dialect), prop::option::of(text()), prop::option::of(text()), calls, any::<bool>());
    prop::collection::vec(exchange, 1..4).prop_map(move |exchanges| {
        let mut messages = Vec::new();
        for (number, (user, said, thought, calls, mid)) in exchanges.into_iter().enumerate() {
            if mid && number > 0 {
                messages.push(Message::new(Role::System, vec![Part::text("mind the gap")]));
            }
            join_user(&mut messages, dialect, user);
            let mut parts: Vec<Part> = Vec::new();
            let proof = proof(dialect);
            parts.extend(thought.map(|text| Part::new(Content::Thinking(Thinking { text, proof }))));
            parts.push(Part::text(said.unwrap_or_else(|| "Well.".to_owned())));
            let mut results = Vec::new();
            for (position, (arguments, result, is_error)) in calls.into_iter().enumerate() {
                let id = format!("call_{number}_{position}");
                let name = "tool_0".to_owned();
                let arguments = Arguments::new(arguments);
                parts.push(Part::new(Content::ToolCall(ToolCall::new(id.clone(), name, arguments))));
                let is_error = is_error && dialect == A;
                let result = ToolResult { call_id: id, parts: vec![Part::text(result)], is_error };
                results.push(Part::new(Content::ToolResult(result)));
            }
            messages.push(Message::new(Role::Assistant, parts));
            match dialect {
                A if results.is_empty() => {}
                A => messages.push(Message::new(Role::User, results)),
                _ => {
                    messages.extend(results.into_iter().map(|result| Message::new(Role::User, vec![result])))
                }
            }
        }
        messages
    })
}

/// Anthropic's turns of one role are one turn.
fn join_user(messages: &mut Vec<Message>, dialect: Dialect, mut parts: Vec<Part>) {
    match messages.last_mut() {
        Some(last) if dialect == A && last.role == Role::User => last.parts.append(&mut parts),
        _ => messages.push(Message::new(Role::User, parts)),
    }
}

fn user_parts(dialect: Dialect) -> impl Strategy<Value = Vec<Part>> {
    let base64 =
        |media_type: &str| Source::Base64 { media_type: media_type.to_owned(), data: "AAAA".to_owned() };
    let part = (text(), 0..5_u8, any::<bool>()).prop_map(move |(text, which, cached)| {
        let content = match which {
            0 => Content::Image(Image { source: base64("image/png"), detail: None }),
            1 => Content::Image(Image {
                source: Source::Url("https://pictures.test/a".to_owned()),
                detail: None,
            }),
            2 => Content::Document(Document {
                source: base64("application/pdf"),
                title: Some("a.pdf".to_owned()),
            }),
            _ => Content::Text(text),
        };
        let cache = (cached && dialect == A).then(CacheHint::default);
        Part { cache, ..Part::new(content) }
    });
    prop::collection::vec(part, 1..4)
}

fn response(dialect: Dialect) -> impl Strategy<Value = Response> {
    let reasons = vec![StopReason::EndTurn, StopReason::MaxTokens, StopReason::Refusal];
    let counts = (0..10_000_u64, 0..10_000_u64, 0..10_000_u64, 0..10_000_u64, 0..10_000_u64);
    let said = (prop::option::of(text()), text(), prop::collection::vec(object(), 0..3));
    (said, prop::sample::select(reasons), counts).prop_map(move |((thought, said, calls), reason, counts)| {
        let proof = proof(dialect);
        let mut parts: Vec<Part> = Vec::new();
        parts.extend(thought.map(|text| Part::new(Content::Thinking(Thinking { text, proof }))));
        parts.push(Part::text(said));
        for (number, arguments) in calls.into_iter().enumerate() {
            let (id, name) = (format!("call_{number}"), "tool".to_owned());
            let call = ToolCall::new(id, name, Arguments::new(arguments));
            parts.push(Part::new(Content::ToolCall(call)));
        }
        let (input, said, cache_read, cache_write_5m, reasoning) = counts;
        let output = said + reasoning;
        let mut response = Response {
            dialect,
            id: "id".to_owned(),
            model: "model".to_owned(),
            created: if dialect == A { 0 } else { 1_764_000_000 },
            parts,
            stop: Stop::new(reason),
            usage: Usage { input, output, cache_read, cache_write_5m, reasoning, ..Usage::default() },
            service_tier: Some(ServiceTier::Standard),
            extra: Vec::new(),
        };
        response.stop.reason = response.stop_reason();
        response
    })
}
