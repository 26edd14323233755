//! Requests that two readers could take for different ones. Each carries a second request that nobody sent.
//!
//! A front proxy may have read the ambiguous bytes as one request; if the relay reads two, the second one is smuggled. So
//! each case gets a refusal or one plain answer, and the upstream never sees what was hidden (RFC 9112 §11.2).
//!
//! A head whose lines end in bare LFs is no such case by itself: hyper reads it as RFC 9112 §2.2 allows. Nor is a NUL in a chunk's
//! extension, which it skips up to the line's end.

mod generated;

use std::time::Duration;

use posthaste_testkit::ScriptedUpstream;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

use crate::support::{Bench, MODEL, furnished};

const HIDDEN: &str = "hidden";

fn body(case: usize, what: &str) -> String {
    format!(
        "{{\"model\":\"{MODEL}\",\"max_tokens\":1,\"messages\":[{{\"role\":\"user\",\"content\":\"{what} of case {case}.\"}}]}}"
    )
}

/// The words that cases are made of.
struct Words {
    /// Request line, host and key of a request that may be sent.
    head: String,
    key: String,
    plain: String,
    hidden: String,
}

impl Words {
    fn new(case: usize, key: &str) -> Self {
        let head = format!("POST /v1/messages HTTP/1.1\r\nHost: relay\r\nx-api-key: {key}\r\n");
        let plain = body(case, "plain");
        let hidden = body(case, HIDDEN);
        let hidden = format!("{head}Content-Length: {}\r\n\r\n{hidden}", hidden.len());
        Self { head, key: key.to_owned(), plain, hidden }
    }

    /// Framing lines, then a body as chunks, then the hidden request.
    fn chunked(&self, framing: &str) -> String {
        format!(
            "{}{framing}\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n{}",
            self.head,
            self.plain.len(),
            self.plain,
            self.hidden
        )
    }

    /// Framing lines with the plain body's length in place of `LEN` and with the hidden request counted in in place of
    /// `ALL`.
    fn sized(&self, framing: &str) -> String {
        let all = (self.plain.len() + self.hidden.len()).to_string();
        let framing = framing.replace("LEN", &self.plain.len().to_string()).replace("ALL", &all);
        format!("{}{framing}\r\n\r\n{}{}", self.head, self.plain, self.hidden)
    }

    /// Chunked, with the first chunk's size line as given.
    fn first_chunk(&self, size_line: &str) -> String {
        let size = format!("{:x}", self.plain.len());
        let size_line = size_line.replace("SIZE", &size);
        format!(
            "{}Transfer-Encoding: chunked\r\n\r\n{size_line}{}\r\n0\r\n\r\n{}",
            self.head, self.plain, self.hidden
        )
    }

    /// Chunked and right up to the last chunk, whose bytes are as given.
    fn last_chunk(&self, end: &str) -> String {
        format!(
            "{}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n{end}{}",
            self.head,
            self.plain.len(),
            self.plain,
            self.hidden
        )
    }

    /// The length of the plain body as chunks, and of all behind it.
    fn all(&self) -> usize {
        self.plain.len() + self.hidden.len() + 12
    }

    /// A request line of one's own.
    fn line(&self, line: &str, more: &str) -> String {
        let all = self.hidden.len();
        let more = more.replace("ALL", &all.to_string());
        format!("{line}\r\nHost: relay\r\nx-api-key: {}\r\n{more}\r\n\r\n{}", self.key, self.hidden)
    }
}

/// A request whose line for the host is as given, its body and the hidden request.
fn head_without_host(w: &Words, host: &str) -> String {
    let framing = format!("{host}\r\nContent-Length: {}", w.plain.len());
    let head = w.head.replacen("Host: relay", &framing, 1);
    format!("{head}\r\n{}{}", w.plain, w.hidden)
}

type Case = (&'static str, fn(&Words) -> String);

const CASES: &[Case] = &[
    ("CL.TE: the length covers all", |w| {
        w.chunked(&format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked",
            w.plain.len() + w.hidden.len() + 12
        ))
    }),
    ("TE before CL", |w| {
        w.chunked(&format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}",
            w.plain.len() + w.hidden.len() + 12
        ))
    }),
    ("TE.CL: the length covers the size line", |w| {
        w.chunked("Content-Length: 4\r\nTransfer-Encoding: chunked")
    }),
    ("CL 0 and TE", |w| w.chunked("Content-Length: 0\r\nTransfer-Encoding: chunked")),
    ("TE in capitals and CL", |w| w.chunked("Transfer-Encoding: CHUNKED\r\nContent-Length: 4")),
    ("TE twice, chunked and identity", |w| {
        w.chunked("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")
    }),
    ("TE twice, identity and chunked, with CL", |w| {
        w.chunked("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\nContent-Length: 4")
    }),
    ("TE chunked, identity", |w| w.chunked("Transfer-Encoding: chunked, identity")),
    ("TE chunked, chunked, with CL", |w| {
        w.chunked("Transfer-Encoding: chunked, chunked\r\nContent-Length: 4")
    }),
    ("TE xchunked", |w| w.chunked("Transfer-Encoding: xchunked")),
    ("TE xchunked with CL", |w| w.sized("Transfer-Encoding: xchunked\r\nContent-Length: LEN")),
    ("TE cow with CL", |w| w.sized("Transfer-Encoding: cow\r\nContent-Length: LEN")),
    ("TE identity with CL", |w| w.sized("Transfer-Encoding: identity\r\nContent-Length: LEN")),
    ("TE with a vertical tab", |w| w.chunked("Transfer-Encoding: \x0bchunked")),
    ("TE with a parameter", |w| w.chunked("Transfer-Encoding: chunked;q=1")),
    ("TE in quotes", |w| w.chunked("Transfer-Encoding: \"chunked\"")),
    ("TE empty with CL", |w| w.sized("Transfer-Encoding: \r\nContent-Length: LEN")),
    ("space before TE's colon, with CL", |w| w.sized("Content-Length: ALL\r\nTransfer-Encoding : chunked")),
    ("tab before TE's colon", |w| w.sized("Content-Length: ALL\r\nTransfer-Encoding\t: chunked")),
    ("space before TE", |w| w.sized("Content-Length: ALL\r\n Transfer-Encoding: chunked")),
    ("TE folded", |w| w.chunked("Transfer-Encoding:\r\n chunked")),
    ("TE folded with CL", |w| w.sized("Content-Length: ALL\r\nTransfer-Encoding:\r\n\tchunked")),
    ("TE on HTTP/1.0", |w| w.chunked("Transfer-Encoding: chunked").replacen("HTTP/1.1", "HTTP/1.0", 1)),
    ("two CLs, the short one first", |w| w.sized("Content-Length: LEN\r\nContent-Length: ALL")),
    ("two CLs, the long one first", |w| w.sized("Content-Length: ALL\r\nContent-Length: LEN")),
    ("two CLs in one line", |w| w.sized("Content-Length: LEN, ALL")),
    ("CL with a plus", |w| w.sized("Content-Length: +LEN")),
    ("CL with a minus", |w| w.sized("Content-Length: -LEN")),
    ("CL in hexadecimal", |w| w.sized("Content-Length: 0xLEN")),
    ("CL with a point", |w| w.sized("Content-Length: LEN.0")),
    ("CL with letters behind", |w| w.sized("Content-Length: LENabc")),
    ("CL with a space inside", |w| w.sized("Content-Length: 1 LEN")),
    ("CL empty", |w| w.sized("Content-Length: ")),
    ("CL beyond 64 bits", |w| w.sized("Content-Length: 18446744073709551617")),
    ("space before CL's colon", |w| w.sized("Content-Length : ALL\r\nContent-Length: LEN")),
    ("CL folded", |w| w.sized("Content-Length:\r\n LEN")),
    ("CL in a fold of another header", |w| w.sized("X-A: b\r\n Content-Length: ALL\r\nContent-Length: LEN")),
    ("CL with a NUL", |w| w.sized("Content-Length: LEN\0")),
    ("a NUL in a value", |w| w.sized("X-A: b\0c\r\nContent-Length: LEN")),
    ("a NUL in a name", |w| w.sized("X-A\0: b\r\nContent-Length: LEN")),
    ("a bare CR in a value", |w| w.sized("X-A: b\rContent-Length: ALL\r\nContent-Length: LEN")),
    ("a header without a colon", |w| w.sized("Content-Length LEN")),
    ("a header without a name", |w| w.sized(": b\r\nContent-Length: LEN")),
    ("a space in a name", |w| w.sized("X A: b\r\nContent-Length: LEN")),
    ("bare LFs after headers", |w| w.chunked("Content-Length: 4\nTransfer-Encoding: chunked")),
    ("a chunk's size overflows", |w| w.first_chunk("FFFFFFFFFFFFFFFFF\r\n")),
    ("a chunk's size wraps to the plain one", |w| w.first_chunk("1000000000000SIZE\r\n")),
    ("a chunk's size is negative", |w| w.first_chunk("-SIZE\r\n")),
    ("a chunk's size has a plus", |w| w.first_chunk("+SIZE\r\n")),
    ("a chunk's size has 0x", |w| w.first_chunk("0xSIZE\r\n")),
    ("a chunk's size has an underscore", |w| w.first_chunk("SIZE_0\r\n")),
    ("a chunk's size is missing", |w| w.first_chunk("\r\n")),
    ("a chunk's size line ends in LF", |w| w.first_chunk("SIZE\n")),
    ("a chunk's size line ends in CR", |w| w.first_chunk("SIZE\r")),
    ("a chunk extension with a bare LF", |w| w.first_chunk("SIZE;a\nb\r\n")),
    ("a chunk extension with a bare CR", |w| w.first_chunk("SIZE;a\rb\r\n")),
    ("a huge chunk extension", |w| w.first_chunk(&format!("SIZE;{}\r\n", "a".repeat(1_000_000)))),
    ("a chunk that is longer than it says", |w| w.first_chunk("5\r\n")),
    ("a chunk that is shorter than it says", |w| w.last_chunk("FF\r\nabc\r\n0\r\n\r\n")),
    ("the last chunk ends in LFs", |w| w.last_chunk("0\n\n")),
    ("the last chunk ends in CRs", |w| w.last_chunk("0\r\r")),
    ("no end after the last chunk", |w| w.last_chunk("0\r\n")),
    ("a trailer of framing", |w| w.last_chunk("0\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n")),
    ("a trailer without a colon", |w| w.last_chunk("0\r\nGET / HTTP/1.1\r\n")),
    ("huge trailers", |w| w.last_chunk(&format!("0\r\n{}", "X-A: b\r\n".repeat(20_000)))),
    ("GET with a body", |w| w.line("GET /v1/models HTTP/1.1", "Content-Length: ALL")),
    ("HEAD with a body", |w| w.line("HEAD / HTTP/1.1", "Content-Length: ALL")),
    ("a body on a path that is none", |w| w.line("POST /nowhere HTTP/1.1", "Content-Length: ALL")),
    ("a body on a wrong method", |w| w.line("DELETE /v1/messages HTTP/1.1", "Content-Length: ALL")),
    ("a body of somebody who is refused", |w| {
        w.line("POST /v1/messages HTTP/1.1", "Content-Length: ALL").replacen("cr_", "xx_", 1)
    }),
    ("a body over the bound", |w| w.line("POST /v1/messages HTTP/1.1", "Content-Length: 99999999999")),
    ("a length that is named as hop-by-hop", |w| {
        w.line("POST /v1/messages HTTP/1.1", "Connection: Content-Length\r\nContent-Length: ALL")
    }),
    ("an upgrade with a body", |w| {
        w.line(
            "POST /v1/messages HTTP/1.1",
            "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: ALL",
        )
    }),
    ("a version from the future", |w| w.line("POST /v1/messages HTTP/1.9", "Content-Length: ALL")),
    ("no version", |w| w.line("POST /v1/messages", "Content-Length: ALL")),
    ("two spaces in the request line", |w| w.line("POST  /v1/messages HTTP/1.1", "Content-Length: ALL")),
    ("CONNECT", |w| w.line("CONNECT relay:80 HTTP/1.1", "Content-Length: ALL")),
    ("a wanted upgrade to a web socket", |w| {
        w.line("GET /v1/models HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: ALL")
    }),
    ("Expect with a body at once", |w| {
        w.line("POST /nowhere HTTP/1.1", "Expect: 100-continue\r\nContent-Length: ALL")
    }),
    ("half of HTTP/2's preface", |w| format!("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n{}", w.hidden)),
];

/// Everything that comes back until the relay closes or stays silent.
async fn exchange(address: String, request: String) -> (String, bool) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The relay may have closed before the last byte.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let mut buffer = vec![0; 65_536];
    loop {
        match timeout(SILENCE, stream.read(&mut buffer)).await {
            Err(_) => return (String::from_utf8(answer).unwrap(), false),
            Ok(Ok(0) | Err(_)) => return (String::from_utf8(answer).unwrap(), true),
            Ok(Ok(read)) => answer.extend_from_slice(&buffer[..read]),
        }
    }
}

const SILENCE: Duration = Duration::from_secs(3);

fn hidden_ones(upstream: &ScriptedUpstream) -> Vec<String> {
    let bodies =
        upstream.received().into_iter().map(|request| String::from_utf8(request.body.to_vec()).unwrap());
    // A body that holds the hidden request as its text is one request, not two.
    bodies
        .filter(|body| body.starts_with(&format!("{{\"model\":\"{MODEL}\"")) && body.contains(HIDDEN))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_ambiguous_request_becomes_two() {
    let (bench, upstream, key) =
        furnished(Bench::new().with("POSTHASTE_SERVER__HEADER_READ_TIMEOUT", "1s")).await;
    let server = bench.serve();
    let mut exchanges = JoinSet::new();
    let written = CASES.iter().map(|(name, case)| ((*name).to_owned(), Box::new(*case) as _));
    let cases: Vec<generated::Generated> = written.chain(generated::generated()).collect();
    assert!(cases.len() >= 200, "{}", cases.len());
    for (number, (name, case)) in cases.into_iter().enumerate() {
        let request = case(&Words::new(number, &key));
        let address = server.address().to_owned();
        exchanges.spawn(async move { (number, name, exchange(address, request).await) });
    }
    let mut wrong = Vec::new();
    let mut table = Vec::new();
    for (number, name, (answer, closed)) in exchanges.join_all().await {
        let statuses: Vec<_> = answer
            .split("HTTP/1.1 ")
            .skip(1)
            .map(|rest| &rest[..3])
            .filter(|status| *status != "100")
            .collect();
        table.push(format!("{number:3} {name}: {statuses:?} closed: {closed}"));
        let refused = statuses.is_empty() || statuses.iter().all(|status| status.starts_with('4')) && closed;
        if statuses.len() > 1 || !refused && statuses != ["200"] && !statuses[0].starts_with('4') {
            wrong.push(format!("{name}: {answer}"));
        }
    }
    table.sort_unstable();
    let table = table.join("\n");
    assert!(wrong.is_empty(), "{}\n{table}", wrong.join("\n\n"));
    assert_eq!(hidden_ones(&upstream), Vec::<String>::new(), "{table}");
    // The corpus is no empty threat: some of it is read as one plain request, and the relay still serves.
    assert!(!upstream.received().is_empty(), "{table}");
    assert_eq!(server.post(&key, &crate::support::whole()).await.unwrap().status, 200);
    server.stop().await;
}
