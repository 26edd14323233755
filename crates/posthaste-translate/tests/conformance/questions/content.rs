//! What is said.

use posthaste_core::Dialect;
use posthaste_translate::ir::{
    CacheHint, Citation, Content, Document, Extra, Image, Message, Part, Request, Role, Source, Thinking,
    Weight,
};

use super::{Question, first, json, parts, text};

pub(super) const CONVERSATION: &[Question] = &[
    Question::new(
        "instructions",
        |request| request.system = vec![Part::text("Be brief.")],
        |request| text(&request.system),
    ),
    Question::new(
        "instructions amid the conversation",
        |request| {
            said(request, "Hi.");
            request.messages.push(Message::new(Role::System, vec![Part::text("Mind the gap.")]));
            asked(request, "Go on.");
        },
        |request| {
            let told =
                |part: &Part| matches!(&part.content, Content::Text(text) if text.contains("Mind the gap."));
            let message = request.messages.iter().find(|message| message.parts.iter().any(told))?;
            Some(format!("{:?}", message.role))
        },
    ),
    Question::new(
        "turns of both sides",
        |request| {
            said(request, "Hi.");
            asked(request, "Go on.");
        },
        |request| {
            let turns = request
                .messages
                .iter()
                .map(|message| format!("{:?}: {}", message.role, text(&message.parts).unwrap_or_default()));
            Some(turns.collect::<Vec<_>>().join(", ")).filter(|turns| turns.contains("Go on."))
        },
    ),
    Question::new(
        "the answer's beginning, given",
        |request| said(request, "It is"),
        |request| {
            let last = request.messages.last().filter(|message| message.role == Role::Assistant)?;
            text(&last.parts)
        },
    ),
    Question::new(
        "a refusal in the history",
        |request| {
            request.messages.push(Message::new(
                Role::Assistant,
                vec![Part::new(Content::Refusal("I would rather not.".to_owned()))],
            ));
            asked(request, "Why?");
        },
        |request| {
            first(request, |content| match content {
                // To a model, its words are its words.
                Content::Refusal(text) => Some(text.clone()),
                Content::Text(text) if text.contains("rather not") => Some(text.clone()),
                _ => None,
            })
        },
    ),
    Question::new(
        "sources of a text in the history",
        |request| {
            let citation = cited(request.dialect);
            let part = Part { citations: vec![citation], ..Part::text("Paris.") };
            request.messages.push(Message::new(Role::Assistant, vec![part]));
            asked(request, "Sure?");
        },
        |request| {
            let citation = parts(request).find_map(|part| part.citations.first())?;
            citation.url.clone()
        },
    ),
    Question::new(
        "cache mark on instructions",
        |request| {
            request.system = vec![Part { cache: Some(CacheHint::default()), ..Part::text("Be brief.") }];
        },
        |request| request.system.iter().find_map(|part| part.cache.as_ref()).map(lifetime),
    ),
    Question::new(
        "cache mark on a text",
        |request| request.messages[0].parts[0].cache = Some(CacheHint::default()),
        |request| parts(request).find_map(|part| part.cache.as_ref()).map(lifetime),
    ),
    Question::new(
        "cache mark for an hour",
        |request| {
            request.messages[0].parts[0].cache = Some(CacheHint { ttl: Some("1h".to_owned()) });
        },
        |request| parts(request).find_map(|part| part.cache.as_ref()).map(lifetime),
    ),
    Question::new(
        "a field that the relay does not know",
        |request| {
            let (field, value) = ("surprise".to_owned(), json("1"));
            request.extra.push(Extra { field, value, weight: Weight::Unknown });
        },
        |request| {
            request
                .extra
                .iter()
                .find(|extra| extra.field == "surprise")
                .map(|extra| format!("{:?}", extra.value))
        },
    ),
];

pub(super) const MEDIA: &[Question] = &[
    Question::new(
        "picture, base64",
        |request| add(request, Content::Image(Image { source: bytes("image/png"), detail: None })),
        image,
    ),
    Question::new(
        "picture by URL",
        |request| add(request, Content::Image(Image { source: url("a.png"), detail: None })),
        image,
    ),
    Question::new(
        "picture by file id",
        |request| add(request, Content::Image(Image { source: file(), detail: None })),
        image,
    ),
    Question::new(
        "how closely to look at it",
        |request| {
            let detail = Some("low".to_owned());
            add(request, Content::Image(Image { source: bytes("image/png"), detail }));
        },
        |request| {
            first(request, |content| match content {
                Content::Image(image) => image.detail.clone(),
                _ => None,
            })
        },
    ),
    Question::new(
        "PDF, base64",
        |request| add(request, Content::Document(document(bytes("application/pdf"), None))),
        source_of_document,
    ),
    Question::new(
        "PDF by URL",
        |request| add(request, Content::Document(document(url("a.pdf"), None))),
        source_of_document,
    ),
    Question::new(
        "PDF by file id",
        |request| add(request, Content::Document(document(file(), None))),
        source_of_document,
    ),
    Question::new(
        "a document's title",
        |request| add(request, Content::Document(document(bytes("application/pdf"), Some("Report")))),
        |request| {
            first(request, |content| match content {
                Content::Document(document) => document.title.clone(),
                _ => None,
            })
        },
    ),
    Question::new(
        "text document",
        |request| {
            let source = Source::Text("Once upon a time.".to_owned());
            add(request, Content::Document(document(source, None)));
        },
        |request| {
            source_of_document(request).or_else(|| {
                first(request, |content| match content {
                    Content::Text(text) if text.contains("Once upon") => Some(format!("text {text}")),
                    _ => None,
                })
            })
        },
    ),
    Question::new(
        "sound",
        |request| add(request, Content::Audio { data: "UklGRgAA".to_owned(), format: "wav".to_owned() }),
        |request| {
            first(request, |content| match content {
                Content::Audio { data, format } => Some(format!("{format} {data}")),
                _ => None,
            })
        },
    ),
];

/// Thoughts that came without a proof, as Chat's vendors give them.
pub(super) fn unsigned_thoughts(request: &mut Request) {
    let thoughts = Part::new(Content::Thinking(Thinking::new("Hm.")));
    request.messages.push(Message::new(Role::Assistant, vec![thoughts, Part::text("Hi.")]));
    asked(request, "Go on.");
}

/// The model said something.
pub(super) fn said(request: &mut Request, text: &str) {
    request.messages.push(Message::new(Role::Assistant, vec![Part::text(text)]));
}

/// The user went on.
pub(super) fn asked(request: &mut Request, text: &str) {
    request.messages.push(Message::new(Role::User, vec![Part::text(text)]));
}

/// A source with an address. Anthropic's have a form that only it can make.
fn cited(dialect: Dialect) -> Citation {
    let own = r#"{"type":"web_search_result_location","cited_text":"Paris.","url":"https://pages.test/paris","title":"Paris","encrypted_index":"Eg=="}"#;
    Citation {
        url: Some("https://pages.test/paris".to_owned()),
        title: Some("Paris".to_owned()),
        quote: Some("Paris.".to_owned()),
        span: None,
        own: (dialect == Dialect::AnthropicMessages).then(|| json(own)),
    }
}

fn add(request: &mut Request, content: Content) {
    request.messages[0].parts.push(Part::new(content));
}

fn document(source: Source, title: Option<&str>) -> Document {
    Document { source, title: title.map(str::to_owned) }
}

fn bytes(media_type: &str) -> Source {
    Source::Base64 { media_type: media_type.to_owned(), data: "AAAA".to_owned() }
}

fn url(name: &str) -> Source {
    Source::Url(format!("https://files.test/{name}"))
}

fn file() -> Source {
    Source::File("file-1".to_owned())
}

fn image(request: &Request) -> Option<String> {
    first(request, |content| match content {
        Content::Image(image) => Some(format!("{:?}", image.source)),
        _ => None,
    })
}

fn source_of_document(request: &Request) -> Option<String> {
    first(request, |content| match content {
        Content::Document(document) => Some(format!("{:?}", document.source)),
        _ => None,
    })
}

fn lifetime(hint: &CacheHint) -> String {
    hint.ttl.clone().unwrap_or_default()
}
