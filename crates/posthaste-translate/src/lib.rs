#![doc = include_str!("../README.md")]

mod anthropic;
mod bedrock;
mod bridge;
mod carrier;
mod codec;
mod conversation;
mod digest;
mod entry;
mod error;
mod failure;
mod free_text;
mod gemini;
mod held;
mod ids;
pub mod ir;
mod json;
mod loss;
mod media;
mod memory;
mod names;
mod openai_chat;
mod openai_responses;
mod policy;
mod schema;
mod stream;
mod target;
mod turn;
mod wording;

pub use carrier::holds_carrier;
pub use codec::{Codec, CountCodec, Encoded, EventDecoder, EventEncoder, StreamContext, codec};
pub use entry::{
    Ask, TranslatedAnswer, TranslatedRequest, translate_count, translate_request, translate_response,
};
pub use error::TranslateError;
pub use loss::{Loss, LossReason};
pub use memory::{Forgetful, Recall, Remembered};
pub use policy::{Policy, Rule, rules};
pub use stream::StreamTranslator;
pub use target::Target;
