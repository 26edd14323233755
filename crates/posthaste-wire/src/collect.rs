//! A stream put together into the whole answer that its dialect would have given.
//!
//! Some upstreams only stream, and some stream though nobody asked them to. Whoever wants a whole answer of them reads the
//! stream to its end; what it says stands in the pieces.

use bytes::Bytes;
use posthaste_core::{Dialect, Packing, Surface};

use crate::{
    Framing, FramingError, Splitter, anthropic::collect::Message, gemini::code_assist,
    gemini::collect::Generated, openai_chat::collect::Completion, openai_responses::collect::Response,
};

/// Collects one stream. It does not judge it: whether the stream came to its end, and with which counts, a
/// [`StreamTap`](crate::StreamTap) tells.
#[derive(Debug)]
pub struct StreamCollector {
    splitter: Splitter,
    enveloped: bool,
    pieces: Pieces,
}

#[derive(Debug)]
enum Pieces {
    Message(Message),
    Completion(Completion),
    Response(Response),
    Generated(Generated),
}

/// Why a stream gives no whole answer.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// Its frames cannot be told apart.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// An event cannot be read.
    #[error("an event of the stream cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The stream holds no answer.
    #[error("the stream holds no answer")]
    Empty,
}

impl StreamCollector {
    /// A collector at the start of a stream; `None` for Converse, whose streams nobody gets unasked.
    pub fn new(surface: Surface) -> Option<Self> {
        let pieces = match surface.dialect {
            Dialect::AnthropicMessages => Pieces::Message(Message::default()),
            Dialect::OpenAiChat => Pieces::Completion(Completion::default()),
            Dialect::OpenAiResponses => Pieces::Response(Response::default()),
            Dialect::GeminiGenerate => Pieces::Generated(Generated::default()),
            Dialect::BedrockConverse => return None,
        };
        let enveloped = surface.packing == Packing::CodeAssist;
        Some(Self { splitter: Splitter::new(Framing::of(surface)), enveloped, pieces })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they are no stream of the dialect; nothing can be collected any more.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), CollectError> {
        let Self { splitter, enveloped, pieces } = self;
        let mut read = Ok(());
        splitter.push(chunk, |frame| {
            if read.is_ok() {
                read = pieces.add(frame.data, *enveloped);
            }
        })?;
        read
    }

    /// The whole answer, in its dialect and out of its packing.
    ///
    /// # Errors
    /// When the last event is cut off, or none was part of an answer.
    pub fn finish(mut self) -> Result<Bytes, CollectError> {
        let Self { splitter, enveloped, pieces } = &mut self;
        let mut read = Ok(());
        match splitter.finish(|frame| read = pieces.add(frame.data, *enveloped)) {
            Ok(()) | Err(FramingError::Truncated) => {}
            Err(error) => return Err(error.into()),
        }
        read?;
        self.pieces.whole()
    }
}

impl Pieces {
    fn add(&mut self, data: &[u8], enveloped: bool) -> Result<(), CollectError> {
        let data = data.trim_ascii();
        if data.is_empty() || data == b"[DONE]" {
            return Ok(());
        }
        match self {
            Self::Message(message) => message.add(data)?,
            Self::Completion(completion) => completion.add(data)?,
            Self::Response(response) => response.add(data)?,
            Self::Generated(generated) if enveloped => generated.add(&code_assist::unwrap_response(data))?,
            Self::Generated(generated) => generated.add(data)?,
        }
        Ok(())
    }

    fn whole(self) -> Result<Bytes, CollectError> {
        let whole = match self {
            Self::Message(message) => message.whole(),
            Self::Completion(completion) => completion.whole(),
            Self::Response(response) => response.whole(),
            Self::Generated(generated) => generated.whole(),
        };
        whole.map(Bytes::from).ok_or(CollectError::Empty)
    }
}

#[cfg(test)]
mod tests;
