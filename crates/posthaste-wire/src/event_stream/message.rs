//! The message: prelude, headers, payload, checksum.

use super::{Header, HeaderValue};

/// The most bytes of headers in a message (botocore's limit).
pub const MAX_HEADERS: usize = 128 * 1024;

/// The most bytes of payload in a message (botocore's limit).
pub const MAX_PAYLOAD: usize = 24 * 1024 * 1024;

/// One message, borrowed from the bytes that it was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// The headers in their order.
    pub headers: Vec<Header<'a>>,
    /// The payload; `:content-type` says what it is.
    pub payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads the message that `bytes` begin with, and tells its length; `None` while it is not all there.
    ///
    /// # Errors
    /// When the bytes are no message, as soon as that shows.
    pub fn decode(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, MessageError> {
        let Some(prelude) = Prelude::read(bytes)? else { return Ok(None) };
        let Some(whole) = bytes.get(..prelude.total) else { return Ok(None) };
        let Some((checked, checksum)) = whole.split_last_chunk() else { return Ok(None) };
        if crc32fast::hash(checked) != u32::from_be_bytes(*checksum) {
            return Err(MessageError::MessageChecksum);
        }
        let (headers, payload) = checked[PRELUDE_LEN..].split_at(prelude.headers);
        let headers = Header::read_all(headers).ok_or(MessageError::MalformedHeaders)?;
        Ok(Some((Self { headers, payload }, prelude.total)))
    }

    /// Appends the message.
    ///
    /// # Errors
    /// When a part is longer than the format or its limits allow; then nothing is appended.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), MessageError> {
        encode(&self.headers, self.payload, out)
    }

    /// The text of a header; `None` when it is missing or no text. Of several with the name the first counts.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.headers
            .iter()
            .find(|header| header.name == name)
            .map(|header| header.value)
            .and_then(HeaderValue::as_str)
    }
}

/// Why bytes are no message, or why a message cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The lengths do not belong to their checksum: the bytes are something else, or out of step.
    #[error("the lengths of an event-stream message do not match their checksum")]
    PreludeChecksum,
    /// Headers or payload were changed on the way.
    #[error("an event-stream message does not match its checksum")]
    MessageChecksum,
    /// The headers would be longer than the whole message.
    #[error("the lengths of an event-stream message contradict each other")]
    ContradictoryLengths,
    /// More than [`MAX_HEADERS`].
    #[error("the headers of an event-stream message are longer than {MAX_HEADERS} bytes")]
    HeadersTooLong,
    /// More than [`MAX_PAYLOAD`].
    #[error("the payload of an event-stream message is longer than {MAX_PAYLOAD} bytes")]
    PayloadTooLong,
    /// A name of more than 255 bytes, or a value of more than 65,535; only in writing.
    #[error("a header of an event-stream message is too long to be written")]
    HeaderTooLong,
    /// A header without name, of an unknown type, not UTF-8 where it must be, or cut off.
    #[error("the headers of an event-stream message cannot be read")]
    MalformedHeaders,
}

/// The lengths that a message begins with.
pub(super) struct Prelude {
    /// The whole message's length, everything included.
    pub(super) total: usize,
    headers: usize,
}

impl Prelude {
    /// Reads and checks the prelude; `None` while it is not all there.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, MessageError> {
        let Some((&lengths, rest)) = bytes.split_first_chunk::<8>() else { return Ok(None) };
        let Some(&checksum) = rest.first_chunk() else { return Ok(None) };
        if crc32fast::hash(&lengths) != u32::from_be_bytes(checksum) {
            return Err(MessageError::PreludeChecksum);
        }
        let [t0, t1, t2, t3, h0, h1, h2, h3] = lengths;
        let total = u32::from_be_bytes([t0, t1, t2, t3]) as usize;
        let headers = u32::from_be_bytes([h0, h1, h2, h3]) as usize;
        if headers > MAX_HEADERS {
            return Err(MessageError::HeadersTooLong);
        }
        match total.checked_sub(FRAMING_LEN + headers) {
            None => Err(MessageError::ContradictoryLengths),
            Some(payload) if payload > MAX_PAYLOAD => Err(MessageError::PayloadTooLong),
            Some(_) => Ok(Some(Self { total, headers })),
        }
    }
}

/// Appends a message, or nothing at all.
pub(super) fn encode(headers: &[Header<'_>], payload: &[u8], out: &mut Vec<u8>) -> Result<(), MessageError> {
    let start = out.len();
    let written = try_encode(headers, payload, start, out);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn try_encode(
    headers: &[Header<'_>],
    payload: &[u8],
    start: usize,
    out: &mut Vec<u8>,
) -> Result<(), MessageError> {
    if payload.len() > MAX_PAYLOAD {
        return Err(MessageError::PayloadTooLong);
    }
    out.extend_from_slice(&[0; PRELUDE_LEN]);
    for header in headers {
        header.write(out)?;
        if out.len() - start - PRELUDE_LEN > MAX_HEADERS {
            return Err(MessageError::HeadersTooLong);
        }
    }
    let headers_len = out.len() - start - PRELUDE_LEN;
    let total = FRAMING_LEN + headers_len + payload.len();
    // Both fit: the limits above are far below 4 GiB.
    out[start..start + 4].copy_from_slice(&(total as u32).to_be_bytes());
    out[start + 4..start + 8].copy_from_slice(&(headers_len as u32).to_be_bytes());
    let checksum = crc32fast::hash(&out[start..start + 8]);
    out[start + 8..start + PRELUDE_LEN].copy_from_slice(&checksum.to_be_bytes());
    out.extend_from_slice(payload);
    let checksum = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&checksum.to_be_bytes());
    Ok(())
}

/// Two lengths and their checksum.
pub(super) const PRELUDE_LEN: usize = 12;

/// What a message without headers and payload takes.
const FRAMING_LEN: usize = PRELUDE_LEN + 4;
