//! Content parts and tool calls, which requests and answers share.

mod read;
mod write;

pub(super) use self::{
    read::{FunctionCallIn, arguments, parts, tool_calls},
    write::{FunctionOut, PartOut, Reach, ToolCallOut, is_call, part},
};
