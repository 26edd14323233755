#![doc = include_str!("../README.md")]

mod anthropic;
mod bedrock;
mod count;
pub mod envelope;
pub mod fault;
mod gemini;
mod lenient;
pub mod models;
mod openai_chat;
mod openai_responses;
pub mod sse;
pub mod tap;
pub mod upstream_error;
pub mod usage;
pub mod whole;

pub use envelope::{Envelope, EnvelopeError};
pub use fault::RenderedFault;
pub use gemini::{
    code_assist,
    error::{GoogleDetails, read_details as read_google_details},
};
pub use models::{ModelEntry, render_models};
pub use sse::{Frame, FrameSplitter, FrameTooLong, write_frame};
pub use tap::{Progress, StreamTap};
pub use upstream_error::{UpstreamError, read_error};
pub use whole::{WholeAnswer, WholeError, read_whole};
