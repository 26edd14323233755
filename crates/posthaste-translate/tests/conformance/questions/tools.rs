//! What the model may call, and what it called.

use posthaste_core::Dialect;
use posthaste_translate::ir::{
    Arguments, CacheHint, Content, Extra, Image, Json, Message, Part, Request, Role, Source, Tool, ToolCall,
    ToolChoice, ToolResult, Weight,
};

use super::{Question, canonical, json, parts};

pub(super) const TOOLS: &[Question] = &[
    Question::new(
        "functions with their schemas",
        |request| request.tools = vec![Tool::function("look", Some(json(SCHEMA)))],
        |request| {
            let Tool::Function { name, schema, .. } = request.tools.first()? else { return None };
            Some(format!("{name} {}", schema.as_ref().map(canonical).unwrap_or_default()))
        },
    ),
    Question::new(
        "a function's description",
        |request| {
            let description = Some("Looks.".to_owned());
            request.tools = vec![function(|tool| tool.description = description.clone())];
        },
        |request| {
            let Tool::Function { description, .. } = request.tools.first()? else { return None };
            description.clone()
        },
    )
    .beside(declare),
    Question::new(
        "a strict function",
        |request| request.tools = vec![function(|tool| tool.strict = Some(true))],
        |request| {
            let Tool::Function { strict, .. } = request.tools.first()? else { return None };
            strict.map(|strict| strict.to_string())
        },
    )
    .beside(declare),
    Question::new(
        "a schema with `$ref`",
        |request| request.tools = vec![Tool::function("look", Some(json(SCHEMA_WITH_REF)))],
        schema,
    ),
    Question::new(
        "a schema with `anyOf` and `const`",
        |request| request.tools = vec![Tool::function("look", Some(json(SCHEMA_WITH_ANY_OF)))],
        schema,
    ),
    Question::new(
        "cache mark on a function",
        |request| request.tools = vec![function(|tool| tool.cache = Some(CacheHint::default()))],
        |request| {
            let Tool::Function { cache, .. } = request.tools.first()? else { return None };
            cache.as_ref().map(|hint| format!("{:?}", hint.ttl))
        },
    )
    .beside(declare),
    Question::new(
        "a tool of free text",
        |request| {
            let (name, description) = ("write".to_owned(), Some("Writes.".to_owned()));
            request.tools = vec![Tool::Custom { name, description, format: None, extra: Vec::new() }];
        },
        |request| match request.tools.first()? {
            Tool::Custom { name, .. } => Some(format!("free text {name}")),
            Tool::Function { name, .. } => Some(format!("function {name}")),
            Tool::Hosted { .. } => None,
        },
    ),
    Question::new(
        "web search by the vendor",
        |request| match request.dialect {
            Dialect::OpenAiChat => {
                let (field, value) = ("web_search_options".to_owned(), json("{}"));
                request.extra.push(Extra { field, value, weight: Weight::Essential });
            }
            other => request.tools.extend(web_search(other)),
        },
        |request| {
            let hosted = request.tools.iter().any(|tool| matches!(tool, Tool::Hosted { .. }));
            let told = request.extra.iter().any(|extra| extra.field == "web_search_options");
            (hosted || told).then(|| "searches".to_owned())
        },
    ),
    Question::new("choice: the model's", |request| choose(request, ToolChoice::Auto), choice).beside(declare),
    Question::new("choice: some tool", |request| choose(request, ToolChoice::Any), choice).beside(declare),
    Question::new(
        "choice: this tool",
        |request| choose(request, ToolChoice::Tool("look".to_owned())),
        choice,
    )
    .beside(declare),
    Question::new("choice: no tool", |request| choose(request, ToolChoice::None), choice).beside(declare),
    Question::new(
        "choice: one of these tools",
        |request| {
            choose(request, ToolChoice::Allowed { required: true, names: vec!["look".to_owned()] });
            request.tools.push(Tool::function("hide", Some(json(SCHEMA))));
        },
        |request| {
            // Where no choice names several tools, the others are not declared.
            let declared = request.tools.iter().filter_map(|tool| match tool {
                Tool::Function { name, .. } => Some(name.clone()),
                _ => None,
            });
            let choice = request.tool_choice.as_ref()?;
            Some(match choice {
                ToolChoice::Allowed { required, names } => format!("{names:?} required {required}"),
                ToolChoice::Any => format!("{:?} required true", declared.collect::<Vec<_>>()),
                ToolChoice::Tool(name) => format!("{:?} required true", [name]),
                other => format!("{other:?}"),
            })
        },
    )
    .beside(declare),
    Question::new(
        "one call at a time",
        |request| {
            choose(request, ToolChoice::Auto);
            request.parallel_tool_calls = Some(false);
        },
        |request| (request.parallel_tool_calls == Some(false)).then(|| "one".to_owned()),
    )
    .beside(declare),
];

pub(super) const CALLS: &[Question] = &[
    Question::new(
        "a call and its result",
        |request| exchange(request, vec![vec![Part::text("Sunny.")]], false),
        calls_and_results,
    ),
    Question::new(
        "parallel calls and their results",
        |request| {
            exchange(request, vec![vec![Part::text("Sunny.")], vec![Part::text("Rainy.")]], false);
        },
        calls_and_results,
    ),
    Question::new(
        "a call of free text",
        |request| {
            let mut call = ToolCall::new("call_1", "write", Arguments::new("A \"poem\"."));
            call.free_text = true;
            let (name, description) = ("write".to_owned(), Some("Writes.".to_owned()));
            request.tools = vec![Tool::Custom { name, description, format: None, extra: Vec::new() }];
            request.messages.push(Message::new(Role::Assistant, vec![Part::new(Content::ToolCall(call))]));
            result(request, "call_1", vec![Part::text("Done.")], false);
        },
        |request| {
            parts(request).find_map(|part| match &part.content {
                Content::ToolCall(call) if call.free_text => {
                    Some(format!("text {}", call.arguments.as_str()))
                }
                Content::ToolCall(call) => Some(format!("object {}", call.arguments.as_str())),
                _ => None,
            })
        },
    ),
    Question::new(
        "a result that is JSON",
        |request| {
            exchange(request, vec![vec![Part::new(Content::Json(json(r#"{"sky":"blue"}"#)))]], false);
        },
        |request| match &results(request).first()?.parts.first()?.content {
            Content::Json(value) => Some(canonical(value)),
            // The same to a model.
            Content::Text(text) => Json::parse(text).as_ref().map(canonical).ok(),
            _ => None,
        },
    )
    .beside(|request| exchange(request, vec![vec![Part::text("Sunny.")]], false)),
    Question::new(
        "a result with a picture",
        |request| {
            let source = Source::Base64 { media_type: "image/png".to_owned(), data: "AAAA".to_owned() };
            let image = Part::new(Content::Image(Image { source, detail: None }));
            exchange(request, vec![vec![Part::text("Look:"), image]], false);
        },
        |request| {
            let inside = results(request).iter().any(|result| result.parts.iter().any(is_image));
            if inside {
                return Some("in the result".to_owned());
            }
            parts(request).any(is_image).then(|| "beside the result".to_owned())
        },
    )
    .beside(|request| exchange(request, vec![vec![Part::text("Sunny.")]], false)),
    Question::new(
        "a failed tool",
        |request| exchange(request, vec![vec![Part::text("No such place.")]], true),
        |request| {
            let results = results(request);
            let result = results.first()?;
            Some(format!("{} {:?}", result.is_error, super::text(&result.parts)))
        },
    )
    .beside(|request| exchange(request, vec![vec![Part::text("Sunny.")]], false)),
    Question::new(
        "calls of tools that are not declared",
        |request| {
            exchange(request, vec![vec![Part::text("Sunny.")]], false);
            request.tools.clear();
        },
        calls_and_results,
    ),
];

/// A vendor's own web search, in its dialect.
fn web_search(dialect: Dialect) -> Option<Tool> {
    let (kind, value) = match dialect {
        Dialect::AnthropicMessages => {
            ("web_search_20250305", r#"{"type":"web_search_20250305","name":"web_search"}"#)
        }
        Dialect::OpenAiResponses => ("web_search", r#"{"type":"web_search"}"#),
        Dialect::GeminiGenerate => ("googleSearch", r#"{"googleSearch":{}}"#),
        Dialect::BedrockConverse => ("systemTool", r#"{"systemTool":{"name":"nova_grounding"}}"#),
        Dialect::OpenAiChat => return None,
    };
    Some(Tool::Hosted { kind: kind.to_owned(), value: json(value) })
}

/// The parts of a function that features change.
struct Bare {
    description: Option<String>,
    strict: Option<bool>,
    cache: Option<CacheHint>,
}

fn function(change: impl FnOnce(&mut Bare)) -> Tool {
    let mut bare = Bare { description: None, strict: None, cache: None };
    change(&mut bare);
    let Bare { description, strict, cache } = bare;
    let (name, schema) = ("look".to_owned(), Some(json(SCHEMA)));
    Tool::Function { name, description, schema, strict, cache, extra: Vec::new() }
}

fn schema(request: &Request) -> Option<String> {
    let Tool::Function { schema, .. } = request.tools.first()? else { return None };
    // A list of one value is that value.
    schema.as_ref().map(|schema| canonical(schema).replace(r#""enum":["celsius"]"#, r#""const":"celsius""#))
}

/// A function to choose from.
fn declare(request: &mut Request) {
    request.tools = vec![Tool::function("look", Some(json(SCHEMA)))];
}

fn choose(request: &mut Request, choice: ToolChoice) {
    declare(request);
    request.tool_choice = Some(choice);
}

fn choice(request: &Request) -> Option<String> {
    // Where there is no tool, none is chosen.
    let none = request.tools.is_empty().then_some(&ToolChoice::None);
    request.tool_choice.as_ref().or(none).map(|choice| format!("{choice:?}"))
}

/// A call for each of the results, and the results.
fn exchange(request: &mut Request, answers: Vec<Vec<Part>>, is_error: bool) {
    request.messages.truncate(1);
    request.tools = vec![Tool::function("look", Some(json(SCHEMA)))];
    let call = |number: usize| {
        let arguments = Arguments::new(r#"{"where":"Paris"}"#);
        Part::new(Content::ToolCall(ToolCall::new(format!("call_{number}"), "look", arguments)))
    };
    let calls = (1..=answers.len()).map(call).collect();
    request.messages.push(Message::new(Role::Assistant, calls));
    for (position, parts) in answers.into_iter().enumerate() {
        result(request, &format!("call_{}", position + 1), parts, is_error);
    }
}

fn result(request: &mut Request, call_id: &str, parts: Vec<Part>, is_error: bool) {
    let result = ToolResult { call_id: call_id.to_owned(), parts, is_error };
    request.messages.push(Message::new(Role::User, vec![Part::new(Content::ToolResult(result))]));
}

fn results(request: &Request) -> Vec<&ToolResult> {
    parts(request)
        .filter_map(|part| match &part.content {
            Content::ToolResult(result) => Some(result),
            _ => None,
        })
        .collect()
}

/// Calls with their results. Ids differ between dialects, so they are put as the number of their call.
fn calls_and_results(request: &Request) -> Option<String> {
    let mut ids: Vec<&str> = Vec::new();
    let mut told = Vec::new();
    for part in parts(request) {
        match &part.content {
            Content::ToolCall(call) => {
                told.push(format!("{}: {} {}", ids.len(), call.name, canonical(&call.arguments.to_object())));
                ids.push(&call.id);
            }
            Content::ToolResult(result) => {
                let of = ids.iter().position(|id| *id == result.call_id)?;
                told.push(format!("{of} = {}", super::text(&result.parts).unwrap_or_default()));
            }
            _ => {}
        }
    }
    (!told.is_empty()).then(|| told.join(", "))
}

fn is_image(part: &Part) -> bool {
    matches!(part.content, Content::Image(_))
}

const SCHEMA: &str = r#"{"type":"object","properties":{"where":{"type":"string","description":"A town."}},"required":["where"],"additionalProperties":false}"#;
const SCHEMA_WITH_REF: &str = r##"{"type":"object","properties":{"where":{"$ref":"#/$defs/Town"}},"required":["where"],"$defs":{"Town":{"type":"string"}}}"##;
const SCHEMA_WITH_ANY_OF: &str = r#"{"type":"object","properties":{"where":{"anyOf":[{"type":"string"},{"type":"null"}]},"unit":{"const":"celsius"}},"required":["where"]}"#;
