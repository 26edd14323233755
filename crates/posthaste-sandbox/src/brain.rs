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

use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) use cache::{CacheUse, PromptCache};
pub(crate) use pieces::{Pieces, PiecesBuilder, Ttl, short_id};
pub(crate) use prompt::{
    Block, Conversation, Format, Input, Message, Prompt, Role, Thinking, Tool, ToolChoice, ToolMode,
};
pub(crate) use reply::{Part, Reply, Stop};
pub(crate) use slicing::{slices, words};

/// A digest of a value that does not depend on the order of its keys.
pub(crate) fn digest(value: &Value) -> [u8; 32] {
    let mut digest = Sha256::new();
    canonical::feed(&mut digest, value);
    digest.finalize().into()
}

/// Composes the reply to a prompt and cuts it where the prompt says.
pub(crate) fn reply(prompt: &Prompt<'_>) -> Reply {
    cut::cut(compose::compose(prompt), prompt)
}
