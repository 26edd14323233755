//! What the answer holds.

use posthaste_core::Dialect;
use posthaste_translate::ir::{
    Arguments, Citation, Content, Image, Json, Opaque, Part, Response, ServiceTier, Source, StopReason,
    Thinking, ToolCall,
};

use super::{Answer, first, text};

pub(super) const CONTENT: &[Answer] = &[
    Answer {
        name: "text",
        put: |response| response.parts = vec![Part::text("Grüße \"and\" 日本 🐎\n")],
        get: |response| Some(text(response)),
    },
    Answer {
        name: "readable thoughts",
        put: |response| response.parts.insert(0, Part::new(Content::Thinking(Thinking::new("Hm.")))),
        get: |response| {
            first(response, |content| match content {
                Content::Thinking(thinking) => Some(thinking.text.clone()),
                _ => None,
            })
        },
    },
    Answer {
        name: "a call",
        put: |response| calls(response, &[r#"{"where":"Paris","days":1.0}"#]),
        get: called,
    },
    Answer { name: "a call without arguments", put: |response| calls(response, &["{}"]), get: called },
    Answer {
        name: "parallel calls",
        put: |response| calls(response, &[r#"{"where":"Paris"}"#, r#"{"where":"Rome"}"#]),
        get: called,
    },
    Answer {
        name: "a refusal in words",
        put: |response| response.parts = vec![Part::new(Content::Refusal("I would rather not.".to_owned()))],
        get: |response| {
            first(response, |content| match content {
                Content::Refusal(text) => Some(format!("refusal: {text}")),
                _ => None,
            })
            .or_else(|| Some(format!("{:?}: {}", response.stop_reason(), text(response))))
        },
    },
    Answer {
        name: "sources with URL and title",
        put: |response| response.parts = vec![Part { citations: vec![cited()], ..Part::text("Paris.") }],
        get: |response| {
            let citation = response.parts.iter().find_map(|part| part.citations.first())?;
            Some(format!("{:?} {:?}", citation.url, citation.title))
        },
    },
    Answer {
        name: "a picture",
        put: |response| {
            // Other vendors' answers have none.
            if !matches!(response.dialect, Dialect::GeminiGenerate | Dialect::BedrockConverse) {
                return;
            }
            let source = Source::Base64 { media_type: "image/png".to_owned(), data: "AAAA".to_owned() };
            response.parts.push(Part::new(Content::Image(Image { source, detail: None })));
        },
        get: |response| {
            first(response, |content| match content {
                Content::Image(image) => Some(format!("{:?}", image.source)),
                _ => None,
            })
        },
    },
    Answer {
        name: "the vendor's own search",
        put: |response| {
            if let Some((kind, value)) = searched(response.dialect) {
                let value = Json::parse(value).unwrap();
                let opaque = Opaque { kind: kind.to_owned(), value, text: None };
                response.parts.insert(0, Part::new(Content::Opaque(opaque)));
            }
        },
        get: |response| {
            first(response, |content| match content {
                Content::Opaque(opaque) => Some(opaque.kind.clone()),
                _ => None,
            })
        },
    },
    Answer {
        name: "another tier that served it",
        put: |response| response.service_tier = Some(ServiceTier::Other("priority".to_owned())),
        get: |response| response.service_tier.as_ref().map(|tier| format!("{tier:?}")),
    },
    Answer {
        name: "the tier that served it",
        put: |response| response.service_tier = Some(ServiceTier::Standard),
        get: |response| response.service_tier.as_ref().map(|tier| format!("{tier:?}")),
    },
];

fn calls(response: &mut Response, arguments: &[&str]) {
    response.stop.reason = StopReason::ToolUse;
    for (number, arguments) in arguments.iter().enumerate() {
        let call = ToolCall::new(format!("call_{number}"), "look", Arguments::new(*arguments));
        response.parts.push(Part::new(Content::ToolCall(call)));
    }
}

/// Calls with the reason to stop; ids are the dialects' own, but must differ.
fn called(response: &Response) -> Option<String> {
    let mut ids = Vec::new();
    let mut told = Vec::new();
    for part in &response.parts {
        if let Content::ToolCall(call) = &part.content {
            assert!(!ids.contains(&&call.id), "two calls with one id");
            ids.push(&call.id);
            let arguments: serde_json::Value =
                serde_json::from_str(call.arguments.to_object().as_str()).unwrap();
            told.push(format!("{} {arguments}", call.name));
        }
    }
    (!told.is_empty()).then(|| format!("{} {:?}", told.join(", "), response.stop_reason()))
}

fn cited() -> Citation {
    Citation {
        url: Some("https://pages.test/paris".to_owned()),
        title: Some("Paris".to_owned()),
        quote: None,
        span: Some((0, 6)),
        own: None,
    }
}

/// How a vendor of the dialect tells that it searched.
fn searched(dialect: Dialect) -> Option<(&'static str, &'static str)> {
    Some(match dialect {
        Dialect::AnthropicMessages => (
            "server_tool_use",
            r#"{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"paris"}}"#,
        ),
        Dialect::OpenAiResponses => (
            "web_search_call",
            r#"{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"paris"}}"#,
        ),
        Dialect::OpenAiChat | Dialect::GeminiGenerate | Dialect::BedrockConverse => return None,
    })
}
