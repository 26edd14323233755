//! AWS event streams (`application/vnd.amazon.eventstream`): messages with headers, a payload and two checksums.
//!
//! After <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html> and
//! <https://smithy.io/2.0/aws/amazon-eventstream.html>, with the limits of botocore's `eventstream.py`. Bedrock's
//! ConverseStream sends its events as they are; InvokeModelWithResponseStream wraps the model's own events into `chunk`
//! messages, see [`EventStreamSplitter::of_invoke_chunks`].

mod header;
mod invoke;
mod message;
mod splitter;

pub use self::{
    header::{Header, HeaderValue},
    invoke::{without_invocation_metrics, write_invoke_chunk},
    message::{MAX_HEADERS, MAX_PAYLOAD, Message, MessageError},
    splitter::EventStreamSplitter,
};
pub(crate) use self::{invoke::type_of, splitter::message_json};

/// Appends an event with a JSON payload.
///
/// # Errors
/// When the name or the payload is too long; then nothing is appended.
pub fn write_event(out: &mut Vec<u8>, event_type: &str, payload: &[u8]) -> Result<(), MessageError> {
    write(out, [(EVENT_TYPE, event_type), (CONTENT_TYPE, JSON), (MESSAGE_TYPE, "event")], payload)
}

/// Appends a modelled exception with a JSON payload, mostly `{"message": …}`. The stream ends after it.
///
/// # Errors
/// When the name or the payload is too long; then nothing is appended.
pub fn write_exception(out: &mut Vec<u8>, exception_type: &str, payload: &[u8]) -> Result<(), MessageError> {
    write(out, [(EXCEPTION_TYPE, exception_type), (CONTENT_TYPE, JSON), (MESSAGE_TYPE, "exception")], payload)
}

fn write(out: &mut Vec<u8>, headers: [(&str, &str); 3], payload: &[u8]) -> Result<(), MessageError> {
    let headers = headers.map(|(name, value)| Header { name, value: HeaderValue::String(value) });
    message::encode(&headers, payload, out)
}

// Header names of the event-stream protocol.
const MESSAGE_TYPE: &str = ":message-type";
const EVENT_TYPE: &str = ":event-type";
const EXCEPTION_TYPE: &str = ":exception-type";
const ERROR_CODE: &str = ":error-code";
const ERROR_MESSAGE: &str = ":error-message";
const CONTENT_TYPE: &str = ":content-type";

const JSON: &str = "application/json";

#[cfg(test)]
mod tests;
