//! Turns of a conversation and what they are made of.

use super::{Arguments, Extra, Json, Proof};

/// One turn, as the client cut it; writers merge neighbours where their dialect wants that.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub parts: Vec<Part>,
    /// Fields that only the request's own dialect knows, such as Chat's `name`.
    pub extra: Vec<Extra>,
}

impl Message {
    /// A turn without extras.
    pub fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, extra: Vec::new() }
    }
}

/// Who speaks. Tool results belong to the user's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions in the middle of the conversation; Chat's `developer` is the same thing.
    System,
    /// The user, and the tools that ran for the model.
    User,
    /// The model.
    Assistant,
}

/// A piece of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// What it holds.
    pub content: Content,
    /// That the prompt up to here may be cached.
    pub cache: Option<CacheHint>,
    /// The proof of a text, which only Gemini gives; those of thoughts and calls stand with them.
    pub proof: Option<Proof>,
    /// The sources of a text.
    pub citations: Vec<Citation>,
    /// Fields that only the request's own dialect knows.
    pub extra: Vec<Extra>,
}

impl Part {
    /// A piece without hints and extras.
    pub fn new(content: Content) -> Self {
        Self { content, cache: None, proof: None, citations: Vec::new(), extra: Vec::new() }
    }

    /// A text without hints and extras.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text(text.into()))
    }
}

/// What a piece of a turn holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// A picture.
    Image(Image),
    /// A file that the model reads.
    Document(Document),
    /// Sound: base64 data and its format (`wav`, `mp3`).
    Audio {
        /// The sound, in base64.
        data: String,
        /// The format's short name.
        format: String,
    },
    /// The model asks for a tool.
    ToolCall(ToolCall),
    /// What a tool gave.
    ToolResult(ToolResult),
    /// The model's thoughts.
    Thinking(Thinking),
    /// Thoughts that only their vendor can read.
    RedactedThinking(Proof),
    /// The model declines, in its own words.
    Refusal(String),
    /// A JSON value as a tool's result; Converse and Gemini have such results, others get its text.
    Json(Json),
    /// A block that only one dialect knows.
    Opaque(Opaque),
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where it is.
    pub source: Source,
    /// How closely to look (`low`, `high`, `auto`).
    pub detail: Option<String>,
}

/// A file that the model reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Where it is.
    pub source: Source,
    /// Its title or file name.
    pub title: Option<String>,
}

/// Where the bytes of a picture or a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the request.
    Base64 {
        /// Such as `image/png`.
        media_type: String,
        /// The bytes in standard base64.
        data: String,
    },
    /// In the request, as plain text.
    Text(String),
    /// On the web.
    Url(String),
    /// Uploaded to the vendor before; never portable.
    File(String),
}

/// The model asks for a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// Ties the result to the call.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// What it is called with: a JSON object, or plain text for a free-text tool.
    pub arguments: Arguments,
    /// Whether the tool is one of free text ([`Tool::Custom`](super::Tool::Custom)).
    pub free_text: bool,
    /// The vendor's proof of the thoughts that led to the call, which only Gemini puts here.
    pub proof: Option<Proof>,
}

impl ToolCall {
    /// A call of a function.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: Arguments) -> Self {
        Self { id: id.into(), name: name.into(), arguments, free_text: false, proof: None }
    }
}

/// What a tool gave.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    /// The call's id.
    pub call_id: String,
    /// Text, pictures, documents.
    pub parts: Vec<Part>,
    /// Whether the tool failed.
    pub is_error: bool,
}

/// The model's thoughts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thinking {
    /// The readable text; may be empty although there is a signature.
    pub text: String,
    /// The vendor's proof that the text is its own; must travel unchanged, and never to another vendor.
    pub proof: Option<Proof>,
}

impl Thinking {
    /// Thoughts without a proof.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), proof: None }
    }
}

/// Where a text comes from. Dialects measure places in different units, so only the source itself is neutral.
#[derive(Clone, Debug, PartialEq)]
pub struct Citation {
    /// The page's address; none for a source that only its own dialect can name.
    pub url: Option<String>,
    /// The page's title.
    pub title: Option<String>,
    /// The words that are quoted from it.
    pub quote: Option<String>,
    /// The cited stretch of the text, in characters (Unicode code points) from its start, where that is known.
    pub span: Option<(usize, usize)>,
    /// The citation in its own dialect's form.
    pub own: Option<Json>,
}

/// A block that only one dialect knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Opaque {
    /// Its type in that dialect.
    pub kind: String,
    /// The whole block.
    pub value: Json,
    /// Its readable text, for dialects that do not know the block; none when nothing in it may be shown elsewhere.
    pub text: Option<String>,
}

/// That the prompt up to here may be cached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheHint {
    /// For how long (`5m`, `1h`); none for the vendor's default.
    pub ttl: Option<String>,
}
