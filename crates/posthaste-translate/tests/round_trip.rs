//! What a dialect can say survives the way through it.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use posthaste_core::{Dialect, ModelName, Timestamp, Usage};
use posthaste_translate::{
    StreamContext, Target, codec,
    ir::{
        Arguments, CacheHint, Citation, Content, Document, Effort, Image, Json, Message, OutputFormat,
        OutputSchema, Part, Proof, Reasoning, ReasoningDisplay, ReasoningMode, Request, Response, Role,
        Sampling, ServiceTier, Source, Stop, StopReason, Thinking, Tool, ToolCall, ToolChoice, ToolResult,
        Weight,
    },
};
use proptest::prelude::*;
use uuid::Uuid;

const A: Dialect = Dialect::AnthropicMessages;
const C: Dialect = Dialect::OpenAiChat;
const G: Dialect = Dialect::GeminiGenerate;
const B: Dialect = Dialect::BedrockConverse;
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
    fn requests_through_gemini(request in request(G)) {
        through(&request)?;
    }

    #[test]
    fn requests_through_converse(request in request(B)) {
        through(&request)?;
    }

    #[test]
    fn answers_through_anthropic(response in response(A)) {
        let encoded = codec(A).encode_response(&response, &context(response.dialect)).unwrap();
        prop_assert_eq!(encoded.losses, []);
        prop_assert_eq!(codec(A).decode_response(&encoded.body).unwrap(), response);
    }

    #[test]
    fn answers_through_chat(response in response(C)) {
        let encoded = codec(C).encode_response(&response, &context(response.dialect)).unwrap();
        prop_assert_eq!(encoded.losses, []);
        prop_assert_eq!(codec(C).decode_response(&encoded.body).unwrap(), response);
    }

    #[test]
    fn answers_through_responses(response in response(R)) {
        let encoded = codec(R).encode_response(&response, &context(response.dialect)).unwrap();
        prop_assert_eq!(encoded.losses, []);
        let mut read = codec(R).decode_response(&encoded.body).unwrap();
        // An answer repeats its request, and its items get ids.
        let own = read.parts.iter_mut().map(|part| &mut part.extra).chain([&mut read.extra]);
        own.for_each(|extra| extra.retain(|extra| extra.weight != Weight::Trivial));
        prop_assert_eq!(read, response);
    }

    #[test]
    fn answers_through_gemini(response in response(G)) {
        let encoded = codec(G).encode_response(&response, &context(response.dialect)).unwrap();
        prop_assert_eq!(encoded.losses, []);
        prop_assert_eq!(codec(G).decode_response(&encoded.body).unwrap(), response);
    }

    #[test]
    fn the_conversation_survives_gemini(request in request(C)) {
        let mut request = Request { model: "gemini-3-flash".to_owned(), output: None, tool_choice: None, ..request };
        request.tools.retain(|tool| matches!(tool, Tool::Function { .. }));
        request.messages.retain(|message| message.role != Role::System);
        for message in &mut request.messages {
            message.parts.retain(|part| {
                let on_the_web = matches!(&part.content, Content::Image(Image { source: Source::Url(_), .. }));
                !on_the_web && !matches!(part.content, Content::Thinking(_) | Content::Refusal(_))
            });
        }
        request.messages.retain(|message| !message.parts.is_empty());
        prop_assume!(request.messages.first().is_some_and(|message| message.role == Role::User));
        // A beginning of the answer is refused on the way back.
        request.messages.push(Message::new(Role::User, vec![Part::text("And then?")]));
        let there = codec(G).encode_request(&request, &Target::of(G)).unwrap();
        let there = codec(G).decode_request(&there.body).unwrap();
        let back = codec(C).encode_request(&there, &Target::of(C)).unwrap();
        let back = codec(C).decode_request(&back.body).unwrap();
        prop_assert_eq!(story(&back), story(&request));
        prop_assert_eq!(&back.system, &request.system);
    }

    #[test]
    fn answers_through_converse(response in response(B)) {
        let encoded = codec(B).encode_response(&response, &context(response.dialect)).unwrap();
        prop_assert_eq!(encoded.losses, []);
        prop_assert_eq!(codec(B).decode_response(&encoded.body).unwrap(), response);
    }

    /// What Claude is asked at one of the two, it is asked at the other.
    #[test]
    fn claude_is_asked_the_same_at_bedrock(request in request(A)) {
        let mut request = request;
        request.messages.retain(|message| message.role != Role::System);
        media_as_text(&mut request);
        let there = codec(B).encode_request(&request, &Target::of(B)).unwrap();
        let there = codec(B).decode_request(&there.body).unwrap();
        prop_assert_eq!(story(&there), story(&request));
        prop_assert_eq!(&there.reasoning, &request.reasoning);
        prop_assert_eq!(&there.sampling.temperature, &request.sampling.temperature);
        prop_assert_eq!(there.max_tokens, request.max_tokens);
        prop_assert_eq!(&there.system, &request.system);
    }

    /// Text, calls and their results are what every dialect has.
    #[test]
    fn the_conversation_survives_the_other_dialect(request in request(C), other in prop::sample::select(vec![A, B, R])) {
        // An object without a schema becomes an instruction there, and free-text tools are bridged before.
        let mut request = Request { output: None, tool_choice: None, ..request };
        request.tools.retain(|tool| matches!(tool, Tool::Function { .. }));
        request.messages.retain(|message| message.role != Role::System);
        for message in &mut request.messages {
            message.parts.retain(|part| !matches!(part.content, Content::Thinking(_) | Content::Refusal(_)));
        }
        request.messages.retain(|message| !message.parts.is_empty());
        // A beginning of the answer is refused on the way back.
        request.messages.push(Message::new(Role::User, vec![Part::text("And then?")]));
        prop_assume!(!request.messages.is_empty());
        if other == B {
            media_as_text(&mut request);
        }
        let there = codec(other).encode_request(&request, &Target::of(other)).unwrap();
        let there = codec(other).decode_request(&there.body).unwrap();
        let back = codec(C).encode_request(&there, &Target::of(C)).unwrap();
        let back = codec(C).decode_request(&back.body).unwrap();
        prop_assert_eq!(story(&back), story(&request));
        prop_assert_eq!(&back.system, &request.system);
    }
}

fn context(dialect: Dialect) -> StreamContext {
    let model = ModelName::parse("m").unwrap();
    StreamContext::plain(model, dialect, Timestamp::EPOCH, Uuid::nil())
}

/// Pages on the web have no place at Bedrock, and names of documents have fewer letters.
fn media_as_text(request: &mut Request) {
    for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
        if matches!(part.content, Content::Image(_) | Content::Document(_)) {
            part.content = Content::Text("A picture.".to_owned());
        }
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
            Content::Thinking(Thinking { text, proof }) => {
                story.push(format!("thought {text} {:?}", proof.as_ref().map(|proof| &proof.data)));
            }
            Content::RedactedThinking(proof) => story.push(format!("sealed {}", proof.data)),
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
            // There the path says so.
            let stream = stream && dialect != B;
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
                    seed: seed.filter(|_| matches!(dialect, C | G)),
                    ..Sampling::default()
                },
                // Responses has none.
                stop: if dialect == R { Vec::new() } else { vec!["END".to_owned()] },
                output,
                reasoning,
                user: user.filter(|_| dialect != B),
                service_tier: Some(ServiceTier::Standard),
                stream,
                // Most always tell; a writer of Chat always asks.
                include_usage: dialect != C || stream,
                ..Request::new(dialect, if dialect == B { String::new() } else { model })
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
        // Converse has no such choice.
        if self.dialect == B && self.tool_choice == Some(ToolChoice::None) {
            self.tool_choice = None;
        }
        if self.dialect == A && self.tool_choice == Some(ToolChoice::None) {
            self.parallel_tool_calls = None;
        }
        if self.dialect == A && self.parallel_tool_calls == Some(false) && self.tool_choice.is_none() {
            self.tool_choice = Some(ToolChoice::Auto);
        }
        // Model and stream stand in Gemini's path, and it knows no users.
        if self.dialect == G {
            self = Self { model: String::new(), stream: false, user: None, ..self };
        }
        self
    }
}

fn parallel_tool_calls(dialect: Dialect, has_tools: bool, parallel: bool) -> Option<bool> {
    match dialect {
        _ if !has_tools => None,
        B | G => None,
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
        let tool = |(number, (description, schema, strict, other)): (usize, (_, _, Option<bool>, bool))| {
            let name = format!("tool_{number}");
            if other && dialect == C {
                return Tool::Custom { name, description, format: Some(schema), extra: Vec::new() };
            }
            Tool::Function {
                name,
                description,
                // Gemini has none for a function without parameters.
                schema: Some(schema).filter(|schema: &Json| dialect != G || !schema.as_str().contains("{}")),
                strict: strict.filter(|_| dialect != G),
                cache: (other && matches!(dialect, A | B)).then(|| CacheHint { ttl: Some("1h".to_owned()) }),
                extra: Vec::new(),
            }
        };
        tools.into_iter().enumerate().map(tool).collect()
    })
}

fn tool_choice(tools: &[Tool], choice: prop::sample::Index) -> Option<ToolChoice> {
    let (Tool::Function { name, .. } | Tool::Custom { name, .. }) = &tools[0] else { return None };
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
        if matches!(dialect, C | G | R) && any_object {
            return OutputFormat::JsonObject;
        }
        let (named, openai) = (matches!(dialect, B | C | R), matches!(dialect, C | R));
        OutputFormat::JsonSchema(OutputSchema {
            name: named.then(|| name.clone()),
            description: named.then_some(name),
            schema,
            strict: openai.then_some(true),
        })
    })
}

fn reasoning(dialect: Dialect) -> impl Strategy<Value = Reasoning> {
    let effort = prop::sample::select(Effort::ALL.to_vec());
    (effort, 1_024..20_000_u64, 0..4_u8).prop_map(move |(effort, budget, which)| match (dialect, which) {
        (_, 0) => Reasoning { mode: Some(ReasoningMode::Off), ..Reasoning::default() },
        (G, 1) => Reasoning {
            mode: Some(ReasoningMode::Budget(budget)),
            display: Some(ReasoningDisplay::Omitted),
            effort: None,
        },
        (G, 2) => Reasoning {
            mode: Some(ReasoningMode::Adaptive),
            display: Some(ReasoningDisplay::Summary),
            effort: None,
        },
        (G, _) => Reasoning { effort: Some(effort.min(Effort::XHigh)), ..Reasoning::default() },
        (A | B, 1) => Reasoning { mode: Some(ReasoningMode::Budget(budget)), ..Reasoning::default() },
        (A | B, 2) => Reasoning {
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
            if mid && number > 0 && dialect != G {
                messages.push(Message::new(Role::System, vec![Part::text("mind the gap")]));
            }
            join_user(&mut messages, dialect, user);
            let mut parts: Vec<Part> = Vec::new();
            let proof = proof(dialect);
            // Thoughts that are not shown still have their proof.
            let hidden = dialect == A && said.is_none();
            let shown = |text: String| if hidden { String::new() } else { text };
            parts.extend(
                thought.map(|text| Part::new(Content::Thinking(Thinking { text: shown(text), proof }))),
            );
            if hidden {
                parts.push(Part::new(Content::RedactedThinking(Proof::of(A, "c2VhbGVk"))));
            }
            // Gemini signs texts and calls too.
            let signature = (dialect == G && number % 2 == 0).then(|| Proof::of(G, "c2lnMg"));
            let text = Part::text(said.unwrap_or_else(|| "Well.".to_owned()));
            parts.push(Part { proof: signature.clone(), ..text });
            let mut results = Vec::new();
            for (position, (arguments, result, is_error)) in calls.into_iter().enumerate() {
                let id = format!("call_{number}_{position}");
                let name = "tool_0".to_owned();
                let free_text = is_error && dialect == C;
                let arguments = Arguments::new(if free_text { "*** { ü".to_owned() } else { arguments });
                let proof = signature.clone();
                let call = ToolCall { free_text, proof, ..ToolCall::new(id.clone(), name, arguments) };
                parts.push(Part::new(Content::ToolCall(call)));
                let is_error = is_error && !matches!(dialect, C | R);
                let result = ToolResult { call_id: id, parts: vec![Part::text(result)], is_error };
                results.push(Part::new(Content::ToolResult(result)));
            }
            messages.push(Message::new(Role::Assistant, parts));
            match dialect {
                A | B | G if results.is_empty() => {}
                A | B | G => messages.push(Message::new(Role::User, results)),
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
        Some(last) if !matches!(dialect, C | R) && last.role == Role::User => last.parts.append(&mut parts),
        _ => messages.push(Message::new(Role::User, parts)),
    }
}

fn user_parts(dialect: Dialect) -> impl Strategy<Value = Vec<Part>> {
    let base64 =
        |media_type: &str| Source::Base64 { media_type: media_type.to_owned(), data: "AAAA".to_owned() };
    let part = (text(), 0..5_u8, any::<bool>()).prop_map(move |(text, which, cached)| {
        let content = match which {
            0 => Content::Image(Image { source: base64("image/png"), detail: None }),
            // Gemini wants a media type.
            1 if !matches!(dialect, B | G) => Content::Image(Image {
                source: Source::Url("https://pictures.test/a".to_owned()),
                detail: None,
            }),
            2 => Content::Document(Document {
                source: base64("application/pdf"),
                title: Some("a.pdf".to_owned()),
            }),
            _ => Content::Text(text),
        };
        let ttl = match dialect {
            B => None,
            A => Some("1h"),
            _ => Some("12h"),
        };
        let ttl = ttl.filter(|_| which % 2 == 0).map(str::to_owned);
        let cache = (cached && !matches!(dialect, G | R)).then_some(CacheHint { ttl });
        Part { cache, ..Part::new(content) }
    });
    prop::collection::vec(part, 1..4)
}

fn citation(dialect: Dialect) -> Citation {
    let own = match dialect {
        A => {
            r#"{"type":"web_search_result_location","url":"https://a.test","title":"A","cited_text":"x","encrypted_index":"Eo8"}"#
        }
        _ => {
            r#"{"type":"url_citation","url_citation":{"url":"https://a.test","title":"A","start_index":0,"end_index":1}}"#
        }
    };
    Citation {
        url: Some("https://a.test".to_owned()),
        title: Some("A".to_owned()),
        quote: (dialect == A).then(|| "x".to_owned()),
        span: (dialect == C).then_some((0, 1)),
        own: Some(Json::parse(own).unwrap()),
    }
}

fn response(dialect: Dialect) -> impl Strategy<Value = Response> {
    let reasons = vec![StopReason::EndTurn, StopReason::MaxTokens, StopReason::Refusal];
    let counts = (0..10_000_u64, 0..10_000_u64, 0..10_000_u64, 0..10_000_u64, 0..10_000_u64);
    let said = (prop::option::of(text()), text(), prop::collection::vec(object(), 0..3));
    (said, prop::sample::select(reasons), counts).prop_map(move |((thought, said, calls), reason, counts)| {
        let proof = proof(dialect);
        let mut parts: Vec<Part> = Vec::new();
        parts.extend(thought.map(|text| Part::new(Content::Thinking(Thinking { text, proof }))));
        let signature = (dialect == G).then(|| Proof::of(G, "c2lnMg"));
        let cites = calls.is_empty() && matches!(dialect, A | C);
        let citations = if cites { vec![citation(dialect)] } else { Vec::new() };
        parts.push(Part { proof: signature, citations, ..Part::text(said) });
        for (number, arguments) in calls.into_iter().enumerate() {
            let (id, name) = (format!("call_{number}"), "tool".to_owned());
            let call = ToolCall::new(id, name, Arguments::new(arguments));
            parts.push(Part::new(Content::ToolCall(call)));
        }
        let (input, said, cache_read, cache_write_5m, reasoning) = counts;
        // Converse does not tell thoughts apart, and answers have no names there.
        let reasoning = if dialect == B { 0 } else { reasoning };
        let name = |name: &str| if dialect == B { String::new() } else { name.to_owned() };
        let output = said + reasoning;
        // Gemini does not tell what was written to the cache.
        let cache_write_5m = if dialect == G { 0 } else { cache_write_5m };
        let mut response = Response {
            dialect,
            id: name("id"),
            model: name("model"),
            created: if matches!(dialect, C | R) { 1_764_000_000 } else { 0 },
            parts,
            stop: Stop::new(reason),
            usage: Usage { input, output, cache_read, cache_write_5m, reasoning, ..Usage::default() },
            service_tier: Some(ServiceTier::Standard),
            extra: Vec::new(),
        };
        response.stop.reason = response.stop_reason();
        if dialect == G && response.stop.reason == StopReason::Refusal {
            response.stop.category = Some("SAFETY".to_owned());
        }
        response
    })
}
