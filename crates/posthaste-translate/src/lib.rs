#![doc = include_str!("../README.md")]

mod anthropic;
mod codec;
mod conversation;
mod entry;
mod error;
pub mod ir;
mod json;
mod loss;
mod openai_chat;
mod stream;

pub use codec::{Codec, Encoded, EventDecoder, EventEncoder, StreamContext, codec};
pub use entry::{TranslatedRequest, translate_request, translate_response};
pub use error::TranslateError;
pub use loss::{Loss, LossReason};
pub use stream::StreamTranslator;
