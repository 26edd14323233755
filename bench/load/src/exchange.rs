//! One request and its answer, on a connection that is kept.

use std::cell::RefCell;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::options::Options;
use crate::stamps;
use crate::totals::Totals;

#[derive(Default)]
pub(crate) struct Connection {
    io: Option<TcpStream>,
    /// What was read and not yet understood.
    raw: Vec<u8>,
    /// The answer's body so far, without chunk framing.
    body: Vec<u8>,
}

/// What an answer was like.
pub(crate) struct Outcome {
    status: u16,
    pub(crate) first: Option<Instant>,
    stamps: usize,
    /// Whether the connection may be used again.
    pub(crate) keep: bool,
}

enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

struct Head {
    status: u16,
    framing: Framing,
    keep: bool,
}

impl Connection {
    pub(crate) fn is_open(&self) -> bool {
        self.io.is_some()
    }

    pub(crate) fn close(&mut self) {
        self.io = None;
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) async fn exchange(
        &mut self,
        options: &Options,
        totals: &RefCell<Totals>,
    ) -> Result<Outcome, String> {
        self.raw.clear();
        self.body.clear();
        self.send(options, totals).await?;
        let head = loop {
            if self.read(totals).await? == 0 {
                return Err("eof before head".to_owned());
            }
            if let Some(head) = self.head()? {
                break head;
            }
        };
        self.receive(head, totals).await
    }

    async fn send(&mut self, options: &Options, totals: &RefCell<Totals>) -> Result<(), String> {
        if self.io.is_none() {
            let connected = TcpStream::connect(&options.address).await;
            let io = connected.map_err(|error| format!("connect: {}", error.kind()))?;
            // Without it the kernel may hold back small writes; requests are one write.
            let _ = io.set_nodelay(true);
            self.io = Some(io);
            totals.borrow_mut().connects += 1;
        }
        let io = self.io.as_mut().expect("connected above");
        io.write_all(&options.request).await.map_err(|error| format!("write: {}", error.kind()))
    }

    /// Reads once into `raw`.
    async fn read(&mut self, totals: &RefCell<Totals>) -> Result<usize, String> {
        let io = self.io.as_mut().expect("an exchange has a connection");
        self.raw.reserve(READ_BYTES);
        let read = io.read_buf(&mut self.raw).await.map_err(|error| format!("read: {}", error.kind()))?;
        totals.borrow_mut().bytes += read as u64;
        Ok(read)
    }

    /// Takes the head off `raw`, if it is whole.
    fn head(&mut self) -> Result<Option<Head>, String> {
        let mut headers = [httparse::EMPTY_HEADER; 96];
        let mut response = httparse::Response::new(&mut headers);
        let length = match response.parse(&self.raw) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err("bad head".to_owned()),
        };
        let mut head = Head { status: response.code.unwrap_or(0), framing: Framing::UntilClose, keep: true };
        for header in &*response.headers {
            let value = header.value.trim_ascii();
            if header.name.eq_ignore_ascii_case("content-length") {
                let length = str::from_utf8(value).ok().and_then(|value| value.parse().ok());
                head.framing = Framing::Length(length.ok_or("bad content-length")?);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                head.framing = Framing::Chunked;
            } else if header.name.eq_ignore_ascii_case("connection") {
                head.keep = !value.eq_ignore_ascii_case(b"close");
            }
        }
        self.raw.drain(..length);
        Ok(Some(head))
    }

    /// Reads the body to its end.
    async fn receive(&mut self, head: Head, totals: &RefCell<Totals>) -> Result<Outcome, String> {
        let mut outcome = Outcome { status: head.status, first: None, stamps: 0, keep: head.keep };
        let (mut scanned, mut latest) = (0, 0);
        loop {
            let (now, wall) = (Instant::now(), stamps::now_ns());
            let done = self.unframe(&head.framing)?;
            if outcome.first.is_none() && !self.body.is_empty() {
                outcome.first = Some(now);
            }
            scanned = stamps::scan(&self.body, scanned, |stamp| {
                // Responses' last events repeat the whole text.
                if stamp <= latest {
                    return;
                }
                latest = stamp;
                outcome.stamps += 1;
                let (age, mut totals) = (stamps::age_us(wall, stamp), totals.borrow_mut());
                totals.chunk_us.push(age);
                if outcome.stamps == 1 {
                    totals.first_chunk_us.push(age);
                }
            });
            if done {
                return Ok(outcome);
            }
            if self.read(totals).await? == 0 {
                outcome.keep = false;
                return if matches!(head.framing, Framing::UntilClose) {
                    Ok(outcome)
                } else {
                    Err("eof in body".to_owned())
                };
            }
        }
    }

    /// Moves what `raw` holds to `body`; true at the body's end.
    fn unframe(&mut self, framing: &Framing) -> Result<bool, String> {
        match framing {
            Framing::Chunked => dechunk(&mut self.raw, &mut self.body),
            Framing::Length(length) => {
                self.body.append(&mut self.raw);
                Ok(self.body.len() >= *length)
            }
            Framing::UntilClose => {
                self.body.append(&mut self.raw);
                Ok(false)
            }
        }
    }
}

impl Outcome {
    /// The answer was a good one and held what it should.
    pub(crate) fn check(self, options: &Options, body: &[u8]) -> Result<Self, String> {
        if self.status != 200 {
            return Err(format!("status {}", self.status));
        }
        let lacks = |text: &&String| memchr::memmem::find(body, text.as_bytes()).is_none();
        if let Some(text) = options.expect.iter().find(lacks) {
            return Err(format!("body lacks {text}"));
        }
        match options.chunks {
            Some(chunks) if chunks != self.stamps => Err(format!("{} stamps", self.stamps)),
            _ => Ok(self),
        }
    }
}

/// Moves complete chunks from `raw` to `body`; true after the last one.
fn dechunk(raw: &mut Vec<u8>, body: &mut Vec<u8>) -> Result<bool, String> {
    let mut at = 0;
    let done = loop {
        let (start, size) = match httparse::parse_chunk_size(&raw[at..]) {
            Ok(httparse::Status::Complete((head, size))) => (at + head, size),
            Ok(httparse::Status::Partial) => break false,
            Err(_) => return Err("bad chunk".to_owned()),
        };
        let end = start + usize::try_from(size).map_err(|_| "bad chunk")?;
        if raw.len() < end + 2 {
            break false;
        }
        body.extend_from_slice(&raw[start..end]);
        at = end + 2;
        if size == 0 {
            break true;
        }
    };
    raw.drain(..at);
    Ok(done)
}

const READ_BYTES: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cut_anywhere_make_the_same_body() {
        let framed = b"4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n";
        for cut in 0..=framed.len() {
            let (mut raw, mut body) = (framed[..cut].to_vec(), Vec::new());
            dechunk(&mut raw, &mut body).expect("proper chunks");
            raw.extend_from_slice(&framed[cut..]);
            let done = cut == framed.len() || dechunk(&mut raw, &mut body).expect("proper chunks");
            assert!(done, "cut at {cut}");
            assert_eq!(body, b"Wikipedia", "cut at {cut}");
        }
    }
}
