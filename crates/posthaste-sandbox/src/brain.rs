//! What the sandbox says, whatever dialect it is asked in.
//!
//! A dialect reads its request into a [`Prompt`], gets a [`Reply`] back and writes that in its own form. What the answer
//! says is in `brain/compose.rs`.

mod cache;
mod canonical;
mod compose;
mod cut;
mod pieces;
mod prompt;
mod reply;
pub(crate) mod schema;
mod slicing;
pub(crate) mod tokens;

pub(crate) use cache::{CacheUse, PromptCache};
pub(crate) use pieces::{Pieces, PiecesBuilder, Ttl, short_id};
pub(crate) use prompt::{
    Block, Conversation, Format, Input, Message, Prompt, Role, Thinking, Tool, ToolChoice, ToolMode,
};
pub(crate) use reply::{Part, Reply, Stop};
pub(crate) use slicing::{slices, words};

/// Composes the reply to a prompt and cuts it where the prompt says.
pub(crate) fn reply(prompt: &Prompt<'_>) -> Reply {
    cut::cut(compose::compose(prompt), prompt)
}
