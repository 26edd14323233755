//! Content parts and tool calls, which requests and answers share.

mod read;
mod write;

pub(super) use self::{
    read::{arguments, parts, tool_calls},
    write::{PartOut, ToolCallOut, part},
};
