//! The neutral form that every dialect is read into and written from.
//!
//! It is the union of what the dialects mean, never of how they spell it: a tool result is a part of the user's turn even
//! where a dialect gives it a message of its own. What only one dialect knows rides along as [`Extra`], so that going back
//! to the same dialect gives it back, and going to another one names it as a loss.

mod event;
mod json;
mod message;
mod proof;
mod request;
mod response;

pub use event::{Block, Delta, Event, Start};
pub use json::{Arguments, Extra, Json, Weight};
pub use message::{
    CacheHint, Citation, Content, Document, Image, Message, Opaque, Part, Role, Source, Thinking, ToolCall,
    ToolResult,
};
pub use proof::{Maker, Proof};
pub use request::{
    Effort, OutputFormat, OutputSchema, Reasoning, ReasoningDisplay, ReasoningMode, Request, Sampling,
    ServiceTier, Tool, ToolChoice,
};
pub use response::{Response, Stop, StopReason};
