//! Reading requests.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::Value;

/// A request as the server received it.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its method.
    pub method: Method,
    /// The path without the query.
    pub path: String,
    /// What stood after `?`.
    pub query: Option<String>,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, freed from chunks.
    pub body: Bytes,
}

impl Received {
    /// The first header of this name as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the request's body is JSON")
    }
}

/// A request that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Takes one whole request from the front of `buffer`; `Ok(None)` when more bytes are needed.
///
/// The whole buffer is read anew at each call, which is fine for a test's requests.
pub(super) fn take_request(buffer: &mut BytesMut) -> Result<Option<Received>, Malformed> {
    let Some(head_len) = find(buffer, b"\r\n\r\n") else { return Ok(None) };
    let mut request = parse_head(&buffer[..head_len])?;
    let rest = &buffer[head_len + 4..];
    let body = match body_form(&request.headers)? {
        BodyForm::Length(length) => {
            (rest.len() >= length).then(|| (Bytes::copy_from_slice(&rest[..length]), length))
        }
        BodyForm::Chunked => join_chunks(rest)?,
    };
    let Some((body, used)) = body else { return Ok(None) };
    request.body = body;
    buffer.advance(head_len + 4 + used);
    Ok(Some(request))
}

enum BodyForm {
    Length(usize),
    Chunked,
}

fn body_form(headers: &HeaderMap) -> Result<BodyForm, Malformed> {
    if headers.get(header::TRANSFER_ENCODING).is_some_and(|encoding| encoding == "chunked") {
        return Ok(BodyForm::Chunked);
    }
    match headers.get(header::CONTENT_LENGTH) {
        None => Ok(BodyForm::Length(0)),
        Some(length) => {
            let length = length.to_str().ok().and_then(|length| length.parse().ok()).ok_or(Malformed)?;
            Ok(BodyForm::Length(length))
        }
    }
}

fn parse_head(head: &[u8]) -> Result<Received, Malformed> {
    let mut lines = str::from_utf8(head).map_err(|_| Malformed)?.split("\r\n");
    let mut words = lines.next().ok_or(Malformed)?.split(' ');
    let method = words.next().and_then(|method| method.parse().ok()).ok_or(Malformed)?;
    let target = words.next().ok_or(Malformed)?;
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(Malformed)?;
        let name: HeaderName = name.parse().map_err(|_| Malformed)?;
        let value: HeaderValue = value.trim().parse().map_err(|_| Malformed)?;
        headers.append(name, value);
    }
    Ok(Received { method, path: path.to_owned(), query, headers, body: Bytes::new() })
}

/// The joined chunks and the length of their coded form (RFC 9112 §7.1); trailers are skipped.
fn join_chunks(coded: &[u8]) -> Result<Option<(Bytes, usize)>, Malformed> {
    let mut body = BytesMut::new();
    let mut at = 0;
    loop {
        let Some(line_len) = find(&coded[at..], b"\r\n") else { return Ok(None) };
        let line = str::from_utf8(&coded[at..at + line_len]).map_err(|_| Malformed)?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(digits, 16).map_err(|_| Malformed)?;
        at += line_len + 2;
        if size == 0 {
            // The terminator's own line end came before; with no trailers an empty line follows at once.
            let trailers = &coded[at - 2..];
            return Ok(find(trailers, b"\r\n\r\n").map(|end| (body.freeze(), at - 2 + end + 4)));
        }
        let Some(chunk) = coded.get(at..at + size) else { return Ok(None) };
        body.extend_from_slice(chunk);
        at += size + 2;
        if coded.len() < at {
            return Ok(None);
        }
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: &str =
        "POST /v1/messages?beta=true HTTP/1.1\r\nHost: a\r\nX-B:  c \r\nContent-Length: 3\r\n\r\nabc";
    const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: u\r\n\r\n";

    #[test]
    fn a_request_is_read_once_it_is_whole() {
        for (request, body) in [(LENGTH, "abc"), (CHUNKED, "abc0123456789")] {
            for cut in 0..request.len() {
                let mut buffer = BytesMut::from(&request[..cut]);
                assert!(take_request(&mut buffer).unwrap().is_none(), "cut at {cut} of {request}");
            }
            let mut buffer = BytesMut::from(request);
            buffer.extend_from_slice(b"GET");
            assert_eq!(take_request(&mut buffer).unwrap().unwrap().body, body);
            assert_eq!(buffer, "GET");
        }
    }

    #[test]
    fn its_parts_are_told_apart() {
        let request = take_request(&mut BytesMut::from(LENGTH)).unwrap().unwrap();
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.path, "/v1/messages");
        assert_eq!(request.query.as_deref(), Some("beta=true"));
        assert_eq!(request.header("x-b"), Some("c"));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert_eq!(take_request(&mut BytesMut::from("nonsense\r\n\r\n")).unwrap_err(), Malformed);
        let length = "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n";
        assert_eq!(take_request(&mut BytesMut::from(length)).unwrap_err(), Malformed);
    }
}
