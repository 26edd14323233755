//! Passing an answer on while reading the token counts as they go by.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use serde::Deserialize;

use crate::chat;

#[derive(Deserialize, Default)]
pub(crate) struct Usage {
    #[serde(default)]
    pub(crate) input_tokens: u64,
    #[serde(default)]
    pub(crate) output_tokens: u64,
}

/// What one client key has used.
#[derive(Default)]
pub(crate) struct Account {
    requests: AtomicU64,
    input: AtomicU64,
    output: AtomicU64,
}

impl Account {
    pub(crate) fn book(&self, usage: &Usage) {
        self.requests.fetch_add(1, Relaxed);
        self.input.fetch_add(usage.input_tokens, Relaxed);
        self.output.fetch_add(usage.output_tokens, Relaxed);
    }

    pub(crate) fn summary(&self) -> String {
        let [requests, input, output] =
            [&self.requests, &self.input, &self.output].map(|count| count.load(Relaxed));
        format!("requests {requests} input {input} output {output}\n")
    }
}

/// `usage` of an answer, of a `message_delta` event, or of `message_start`'s message.
#[derive(Deserialize)]
struct Reply {
    usage: Option<Usage>,
    message: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    usage: Option<Usage>,
}

/// A body that is passed on unchanged, or turned into chat chunks.
pub(crate) struct Tap {
    inner: Incoming,
    sse: bool,
    chat: Option<chat::Stream>,
    out: String,
    line: Vec<u8>,
    seen: Usage,
    account: Arc<Account>,
}

impl Tap {
    pub(crate) fn new(inner: Incoming, sse: bool, chat: Option<chat::Stream>, account: Arc<Account>) -> Self {
        Self { inner, sse, chat, out: String::new(), line: Vec::new(), seen: Usage::default(), account }
    }

    fn see(&mut self, mut data: &[u8]) {
        if !self.sse {
            self.line.extend_from_slice(data);
            return;
        }
        while let Some(end) = memchr::memchr(b'\n', data) {
            if self.line.is_empty() {
                self.see_line(&data[..end]);
            } else {
                self.line.extend_from_slice(&data[..end]);
                let whole = std::mem::take(&mut self.line);
                self.see_line(&whole);
            }
            data = &data[end + 1..];
        }
        self.line.extend_from_slice(data);
    }

    fn see_line(&mut self, line: &[u8]) {
        let Some(json) = line.strip_prefix(b"data:") else { return };
        if memchr::memmem::find(json, b"\"usage\"").is_some() {
            self.see_json(json);
        }
        if let Some(chat) = &mut self.chat {
            chat.event(json, &self.seen, &mut self.out);
        }
    }

    fn see_json(&mut self, json: &[u8]) {
        let Ok(reply) = serde_json::from_slice::<Reply>(json) else { return };
        if let Some(usage) = reply.usage.or(reply.message.and_then(|message| message.usage)) {
            self.seen.input_tokens = self.seen.input_tokens.max(usage.input_tokens);
            self.seen.output_tokens = self.seen.output_tokens.max(usage.output_tokens);
        }
    }
}

impl Body for Tap {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        loop {
            let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
            let Some(Ok(data)) =
                frame.as_ref().map(|frame| frame.as_ref().map(|frame| frame.data_ref().cloned()))
            else {
                return Poll::Ready(frame);
            };
            self.see(&data.unwrap_or_default());
            if self.chat.is_none() {
                return Poll::Ready(frame);
            }
            if !self.out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.out).into()))));
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        if self.chat.is_some() { SizeHint::default() } else { self.inner.size_hint() }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if !self.sse {
            let whole = std::mem::take(&mut self.line);
            self.see_json(&whole);
        }
        self.account.book(&self.seen);
    }
}
