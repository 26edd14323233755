//! What every dialect's codec can do.

use bytes::Bytes;
use posthaste_core::{Dialect, ModelName, Timestamp};
use posthaste_wire::Frame;
use uuid::Uuid;

use crate::{
    Ask, Loss, Target, TranslateError, anthropic::AnthropicMessages, bedrock::BedrockConverse,
    bridge::Bridge, gemini::GeminiGenerate, ir, openai_chat::OpenAiChat, openai_responses::OpenAiResponses,
};

/// Reads one dialect into the neutral form and writes it from there.
///
/// Readers take any bytes without panicking; writers say what they could not carry.
pub trait Codec: Send + Sync {
    /// The dialect.
    fn dialect(&self) -> Dialect;

    /// Reads a client's request.
    ///
    /// # Errors
    /// When the body is not a request of this dialect.
    ///
    /// Where the dialect names the model and the wish for a stream in the path, they are empty and false here.
    fn decode_request(&self, body: &[u8]) -> Result<ir::Request, TranslateError>;

    /// Writes a request for an upstream, whose dialect is this one.
    ///
    /// # Errors
    /// When the request means something that this dialect cannot say.
    fn encode_request(&self, request: &ir::Request, target: &Target) -> Result<Encoded, TranslateError>;

    /// Reads an upstream's whole answer.
    ///
    /// # Errors
    /// When the body is not an answer of this dialect.
    fn decode_response(&self, body: &[u8]) -> Result<ir::Response, TranslateError>;

    /// Writes a whole answer for a client.
    ///
    /// # Errors
    /// When the answer holds something essential that this dialect cannot say.
    fn encode_response(
        &self,
        response: &ir::Response,
        context: &StreamContext,
    ) -> Result<Encoded, TranslateError>;

    /// A reader of an upstream's stream.
    fn event_decoder(&self) -> Box<dyn EventDecoder>;

    /// A writer of a client's stream.
    fn event_encoder(&self, context: &StreamContext) -> Box<dyn EventEncoder>;

    /// The id of an answer of our own making, in the form of this dialect.
    fn answer_id(&self, id: Uuid) -> String;

    /// How this dialect asks for the number of tokens; `None` where it cannot.
    fn counting(&self) -> Option<&dyn CountCodec>;
}

/// The codec of a dialect.
pub fn codec(dialect: Dialect) -> &'static dyn Codec {
    match dialect {
        Dialect::AnthropicMessages => &AnthropicMessages,
        Dialect::OpenAiChat => &OpenAiChat,
        Dialect::OpenAiResponses => &OpenAiResponses,
        Dialect::GeminiGenerate => &GeminiGenerate,
        Dialect::BedrockConverse => &BedrockConverse,
    }
}

/// Reads and writes the question how many tokens a request would cost as input.
pub trait CountCodec: Send + Sync {
    /// Reads a client's question.
    ///
    /// # Errors
    /// When the body is not one of this dialect.
    fn decode_question(&self, body: &[u8]) -> Result<ir::Request, TranslateError>;

    /// Writes the question for an upstream.
    ///
    /// # Errors
    /// When the request means something that this dialect cannot say.
    fn encode_question(&self, request: &ir::Request, target: &Target) -> Result<Encoded, TranslateError>;

    /// Reads an upstream's answer: the number of tokens.
    ///
    /// # Errors
    /// When the body is not an answer of this dialect.
    fn decode_count(&self, body: &[u8]) -> Result<u64, TranslateError>;

    /// Writes the answer for a client.
    fn encode_count(&self, tokens: u64) -> Bytes;
}

/// A body in another dialect, and what it lost on the way.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The body.
    pub body: Bytes,
    /// What it lost.
    pub losses: Vec<Loss>,
}

/// Reads an upstream's stream, frame by frame.
pub trait EventDecoder: Send {
    /// Takes the next frame and appends what it means.
    ///
    /// # Errors
    /// When the frame is not one of this dialect; the stream cannot be read any further.
    fn push(&mut self, frame: Frame<'_>, out: &mut Vec<ir::Event>) -> Result<(), TranslateError>;

    /// The upstream closed the stream. A missing terminator behind a stop reason is made up for.
    ///
    /// # Errors
    /// [`TranslateError::Truncated`] when no stop reason was seen.
    fn finish(&mut self, out: &mut Vec<ir::Event>) -> Result<(), TranslateError>;
}

/// Writes a client's stream, event by event.
pub trait EventEncoder: Send {
    /// Appends the frames for an event.
    fn push(&mut self, event: &ir::Event, out: &mut Vec<u8>);

    /// Appends what is missing at the end; nothing when no stop reason came, since an end must not be made up.
    fn finish(&mut self, out: &mut Vec<u8>);

    /// What was lost so far.
    fn losses(&self) -> &[Loss];
}

/// What an answer to a translated request needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamContext {
    /// The model's name that the client asked for.
    pub model: ModelName,
    /// Whether the client wants token counts inside the stream.
    pub include_usage: bool,
    /// Whether the client takes one call, in Chat's older form ([`ir::Request::old_functions`]).
    pub old_functions: bool,
    /// Whether the client wants to see thoughts, where its dialect lets it say so; true elsewhere.
    pub include_thoughts: bool,
    /// When the request came.
    pub created: Timestamp,
    /// What the answer's id is made from.
    pub id: Uuid,
    /// Who makes the answer's proofs.
    pub(crate) maker: ir::Maker,
    /// How the request's tools were put.
    pub(crate) bridge: Bridge,
}

impl StreamContext {
    pub(crate) fn new(ask: &Ask<'_>, request: &ir::Request, bridge: Bridge) -> Self {
        Self {
            model: ask.model.clone(),
            include_usage: request.include_usage,
            old_functions: request.old_functions,
            include_thoughts: request.include_thoughts(),
            created: ask.now,
            id: ask.id,
            maker: ir::Maker {
                dialect: ask.to.dialect,
                account: ask.to.account,
                model: Some(ask.upstream_model.as_str().to_owned()),
            },
            bridge,
        }
    }

    /// The context of an answer to nobody in particular, for tools and tests.
    pub fn plain(model: ModelName, from: Dialect, created: Timestamp, id: Uuid) -> Self {
        Self {
            model,
            include_usage: true,
            old_functions: false,
            include_thoughts: true,
            created,
            id,
            maker: ir::Maker { dialect: from, account: None, model: None },
            bridge: Bridge::default(),
        }
    }
}
