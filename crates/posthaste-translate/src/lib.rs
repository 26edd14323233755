#![doc = include_str!("../README.md")]

mod anthropic;
mod codec;
mod conversation;
mod entry;
mod error;
pub mod ir;
mod json;
mod loss;
mod media;
#[cfg_attr(not(test), expect(dead_code, reason = "the codecs that lower schemas and names come next"))]
mod names;
mod openai_chat;
mod openai_responses;
mod policy;
mod schema;
mod stream;
mod target;

pub use codec::{Codec, CountCodec, Encoded, EventDecoder, EventEncoder, StreamContext, codec};
pub use entry::{TranslatedRequest, translate_request, translate_response};
pub use error::TranslateError;
pub use loss::{Loss, LossReason};
pub use policy::{Policy, Rule, rules};
pub use stream::StreamTranslator;
pub use target::Target;
