//! Why a stream cannot be read or written any further.

use crate::{FrameTooLong, event_stream::MessageError};

/// Why a stream cannot be read or written any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// A frame grew past [`FrameSplitter::MAX_FRAME`](crate::FrameSplitter::MAX_FRAME).
    #[error(transparent)]
    FrameTooLong(#[from] FrameTooLong),
    /// The bytes are no AWS event stream, or were changed on the way.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// A message does not say whether it is an event, an exception or an error.
    #[error("an event-stream message has no known `:message-type`")]
    UnknownMessage,
    /// A `chunk` message does not hold an event in base64.
    #[error("a chunk message of the event stream holds no event")]
    UnreadableChunk,
    /// The bytes are no JSON array, or go on after it.
    #[error("the stream is not one JSON array")]
    NotAnArray,
    /// The stream ended inside a frame, or its end is missing.
    #[error("the stream was cut off")]
    Truncated,
}
