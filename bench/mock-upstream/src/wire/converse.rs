//! Bedrock's Converse: whole answers are JSON, streams are AWS event streams.

use bytes::Bytes;

use crate::profile::Profile;

pub(super) fn json(text: &str, p: &Profile) -> String {
    format!(
        "{{\"output\":{{\"message\":{{\"role\":\"assistant\",\"content\":[{{\"text\":\"{text}\"}}]}}}},\
         \"stopReason\":\"end_turn\",\"usage\":{},\"metrics\":{{\"latencyMs\":1}}}}",
        usage(p)
    )
}

pub(super) fn head() -> Bytes {
    let mut out = Vec::with_capacity(256);
    event(&mut out, "messageStart", "{\"role\":\"assistant\"}");
    out.into()
}

pub(super) fn chunk(text: &str) -> Bytes {
    let mut out = Vec::with_capacity(text.len() + 256);
    let delta = format!("{{\"contentBlockIndex\":0,\"delta\":{{\"text\":\"{text}\"}}}}");
    event(&mut out, "contentBlockDelta", &delta);
    out.into()
}

pub(super) fn tail(p: &Profile) -> Bytes {
    let mut out = Vec::with_capacity(1024);
    event(&mut out, "contentBlockStop", "{\"contentBlockIndex\":0}");
    event(&mut out, "messageStop", "{\"stopReason\":\"end_turn\"}");
    event(&mut out, "metadata", &format!("{{\"usage\":{},\"metrics\":{{\"latencyMs\":1}}}}", usage(p)));
    out.into()
}

fn usage(p: &Profile) -> String {
    format!(
        "{{\"inputTokens\":{},\"outputTokens\":{},\"totalTokens\":{},\"cacheReadInputTokens\":{}}}",
        p.in_tokens,
        p.out_tokens,
        p.in_tokens + p.out_tokens,
        p.cache_read
    )
}

/// Appends a message: both lengths and their checksum, headers, payload, and a checksum of it all
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html>).
fn event(out: &mut Vec<u8>, name: &str, payload: &str) {
    let start = out.len();
    let headers = [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
    let of_header = |(name, value): &(&str, &str)| name.len() + value.len() + 4;
    let of_headers: usize = headers.iter().map(of_header).sum();
    out.extend(length(PRELUDE_BYTES + of_headers + payload.len() + CHECKSUM_BYTES).to_be_bytes());
    out.extend(length(of_headers).to_be_bytes());
    checksum(out, start);
    for (name, value) in headers {
        out.push(u8::try_from(name.len()).expect("names are short"));
        out.extend(name.bytes());
        out.push(STRING);
        out.extend(u16::try_from(value.len()).expect("values are short").to_be_bytes());
        out.extend(value.bytes());
    }
    out.extend(payload.bytes());
    checksum(out, start);
}

fn checksum(out: &mut Vec<u8>, start: usize) {
    let sum = crc32fast::hash(&out[start..]);
    out.extend(sum.to_be_bytes());
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a message of the mock is small")
}

const PRELUDE_BYTES: usize = 12;
const CHECKSUM_BYTES: usize = 4;

/// The type of a header's value.
const STRING: u8 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_length_and_the_checksums_that_it_names() {
        let message = chunk("hi");
        let number = |at: usize| u32::from_be_bytes(message[at..at + 4].try_into().expect("four bytes"));
        assert_eq!(number(0) as usize, message.len());
        assert_eq!(number(8), crc32fast::hash(&message[..8]));
        let end = message.len() - CHECKSUM_BYTES;
        assert_eq!(number(end), crc32fast::hash(&message[..end]));
    }
}
