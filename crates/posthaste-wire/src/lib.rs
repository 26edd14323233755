#![doc = include_str!("../README.md")]

mod anthropic;
mod bedrock;
mod count;
pub mod edit;
pub mod envelope;
pub mod event_stream;
pub mod fault;
mod frame;
pub mod framing;
mod gemini;
pub mod json_array;
mod lenient;
pub mod models;
mod openai_chat;
mod openai_responses;
mod spoiled;
pub mod sse;
pub mod tap;
pub mod upstream_error;
pub mod usage;
pub mod whole;

pub use anthropic::invoke::{FromInvoke, from_invoke, invoke_beta, to_invoke};
pub use bedrock::fault::exception as converse_exception;
pub use edit::{EditError, Edited, Edits};
pub use envelope::{Envelope, EnvelopeError};
pub use event_stream::{EventStreamSplitter, without_invocation_metrics};
pub use fault::{FaultWords, RenderedFault};
pub use frame::{Frame, FrameKind};
pub use framing::{FrameWriter, Framing, FramingError, Repacker, Splitter};
pub use gemini::{
    code_assist,
    error::{GoogleDetails, read_details as read_google_details},
};
pub use json_array::{JsonArraySplitter, JsonArrayWriter};
pub use models::{ModelEntry, render_models};
pub use openai_chat::tap::usage_only as openai_chat_usage_only;
pub use openai_responses::response_id;
pub use spoiled::spoiled;
pub use sse::{FrameSplitter, FrameTooLong, write_frame};
pub use tap::{Progress, StreamTap};
pub use upstream_error::{UpstreamError, read_error, read_error_answer, read_error_frame};
pub use whole::{WholeAnswer, WholeError, read_other, read_whole};
