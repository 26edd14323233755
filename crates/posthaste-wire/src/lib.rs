#![doc = include_str!("../README.md")]

mod anthropic;
mod count;
pub mod envelope;
pub mod event_stream;
pub mod fault;
mod frame;
pub mod framing;
pub mod json_array;
mod lenient;
pub mod models;
mod openai_chat;
pub mod sse;
pub mod tap;
pub mod upstream_error;
pub mod usage;
pub mod whole;

pub use envelope::{Envelope, EnvelopeError};
pub use event_stream::{EventStreamSplitter, without_invocation_metrics};
pub use fault::RenderedFault;
pub use frame::{Frame, FrameKind};
pub use framing::{FrameWriter, Framing, FramingError, Repacker, Splitter};
pub use json_array::{JsonArraySplitter, JsonArrayWriter};
pub use models::{ModelEntry, render_models};
pub use sse::{FrameSplitter, FrameTooLong, write_frame};
pub use tap::{Progress, StreamTap};
pub use upstream_error::{UpstreamError, read_error};
pub use whole::{WholeAnswer, WholeError, read_whole};
