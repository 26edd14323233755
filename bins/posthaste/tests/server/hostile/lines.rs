//! X7 and X8: headers of HTTP/2, which may hold any byte, on their way to an upstream over HTTP/1.

use posthaste_testkit::Received;
use tokio::io::AsyncWriteExt;

use super::frames::{DATA, END_HEADERS, END_STREAM, HEADERS, answered, begun, frame, header, question};
use crate::support::{Bench, furnished, whole};

/// Header lines that are none over HTTP/1, in a header that travels and in others.
const LINES: [(&str, &str); 22] = [
    ("anthropic-beta", "a\r\nx-evil: 1"),
    ("anthropic-beta", "a\nx-evil: 1"),
    ("anthropic-beta", "a\rx-evil: 1"),
    ("anthropic-beta", "a\r\n\r\nPOST /evil HTTP/1.1\r\nhost: a\r\n\r\n"),
    ("anthropic-beta", "a\0x-evil: 1"),
    ("user-agent", "a\r\nx-evil: 1"),
    ("anthropic-beta\r\nx-evil: 1", "a"),
    ("anthropic-beta: a\r\nx-evil", "1"),
    ("anthropic-x evil", "1"),
    ("anthropic-x:evil", "1"),
    ("Anthropic-Evil", "1"),
    ("", "1"),
    ("transfer-encoding", "chunked"),
    ("connection", "close"),
    ("keep-alive", "5"),
    ("proxy-connection", "close"),
    ("upgrade", "websocket"),
    ("te", "trailers, deflate"),
    ("content-length", "1"),
    ("content-length", "99999"),
    (":evil", "1"),
    (":path", "/evil"),
];

fn is_harmed(request: &Received) -> bool {
    let spelled = format!("{} {:?}", request.path, request.headers).to_ascii_lowercase();
    spelled.contains("evil") || request.headers.contains_key("transfer-encoding")
}

#[tokio::test(flavor = "multi_thread")]
async fn x7_headers_of_http2_become_no_lines_of_http1() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    for (name, value) in LINES {
        let asked = upstream.received().len();
        let mut stream = begun(&server, &[]).await;
        let mut block = question(&key);
        block.extend(header(name, value));
        let body = whole().to_string();
        let request =
            [frame(HEADERS, END_HEADERS, 1, &block), frame(DATA, END_STREAM, 1, body.as_bytes())].concat();
        let _ = stream.write_all(&request).await;
        answered(&mut stream).await;
        let sent = upstream.received();
        assert!(sent.len() <= asked + 1, "{name:?}: {value:?}: {sent:?}");
        assert!(!sent[asked..].iter().any(is_harmed), "{name:?}: {value:?}: {sent:?}");
    }
    // What is read as it should be is served.
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200);
    server.stop().await;
    let (served, sent) = (bench.rows().await.len(), upstream.received().len());
    assert_eq!(served, sent, "nothing reached the upstream that is not in the books");
}
