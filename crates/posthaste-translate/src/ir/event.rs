//! A streamed answer, piece by piece.

use posthaste_core::Usage;
use posthaste_wire::UpstreamError;

use super::{Citation, Json, Proof, Stop};
use crate::Loss;

/// One step of a streamed answer.
///
/// Order: `Start`, then blocks, then `Finish`, with `Usage` anywhere after `Start` (the last one counts), then `Done`.
/// Blocks are numbered and may overlap: some Chat vendors interleave tool calls. Writers whose dialect forbids that hold
/// the later block back.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The answer begins.
    Start(Start),
    /// A block begins.
    BlockStart {
        /// The block's number.
        index: usize,
        /// Its kind.
        block: Block,
    },
    /// A block goes on.
    Delta {
        /// The block's number.
        index: usize,
        /// What is added.
        delta: Delta,
    },
    /// A block ends.
    BlockEnd {
        /// The block's number.
        index: usize,
    },
    /// Token counts so far; replaces earlier ones.
    Usage(Usage),
    /// Why the answer ended.
    Finish(Stop),
    /// Nothing, to keep the connection alive.
    Ping,
    /// The upstream failed; nothing follows.
    Error(UpstreamError),
    /// Something of the upstream's stream was left out.
    Lost(Loss),
    /// The upstream's terminator.
    Done,
}

/// The beginning of a streamed answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The upstream's id of the answer.
    pub id: String,
    /// The model that answers.
    pub model: String,
    /// Token counts known at the beginning, mostly of the prompt.
    pub usage: Option<Usage>,
}

/// The kind of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Plain text.
    Text,
    /// The model's thoughts.
    Thinking,
    /// Thoughts that only their vendor can read; comes whole.
    RedactedThinking(Proof),
    /// The model declines.
    Refusal,
    /// The model asks for a tool.
    ToolCall {
        /// Ties the result to the call.
        id: String,
        /// The tool's name.
        name: String,
        /// Whether the tool is one of free text.
        free_text: bool,
        /// The vendor's proof, which only Gemini puts here; comes whole.
        proof: Option<Proof>,
    },
    /// A block that only one dialect knows.
    Opaque {
        /// Its type in that dialect.
        kind: String,
        /// The block as it began.
        value: Json,
    },
}

/// What is added to a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// Text.
    Text(String),
    /// Thoughts.
    Thinking(String),
    /// The vendor's proof of the block's thoughts or text; comes once, last.
    Proof(Proof),
    /// A refusal's text.
    Refusal(String),
    /// A piece of a tool call's arguments, cut anywhere; plain text for a free-text tool.
    Arguments(String),
    /// A source of the text.
    Citation(Citation),
}
