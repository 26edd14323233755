//! An upstream that never comes to an end, and knows how many exchanges are still open.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, future, stream};
use http::{Request, Response, header};
use http_body::Frame;
use http_body_util::StreamBody;
use posthaste_core::{Egress, Payload, RelayBody, Transport, TransportError, boxed_body};

/// What it sends before it falls silent.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    Nothing,
    /// A head of this content type, and these pieces.
    Pieces(String, Vec<Bytes>),
}

/// Each exchange is told by its number what to send.
pub(crate) struct Held {
    says: Box<dyn Fn(usize) -> Says + Send + Sync>,
    asked: AtomicUsize,
    open: Arc<AtomicUsize>,
}

impl Held {
    pub(crate) fn new(says: impl Fn(usize) -> Says + Send + Sync + 'static) -> Self {
        Self { says: Box::new(says), asked: AtomicUsize::new(0), open: Arc::default() }
    }

    /// How many exchanges were neither ended nor given up.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Waits until so many are open.
    pub(crate) async fn until_open(&self, count: usize) {
        for _ in 0..20_000 {
            if self.open() == count {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        panic!("{} are open, not {count}", self.open());
    }
}

/// Counts as open while it lives.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(open))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Transport for Held {
    async fn send(&self, _: Request<Payload>, _: &Egress) -> Result<Response<RelayBody>, TransportError> {
        let open = Open::new(&self.open);
        match (self.says)(self.asked.fetch_add(1, Ordering::SeqCst)) {
            Says::Nothing => {
                future::pending::<()>().await;
                unreachable!("it is pending for ever")
            }
            Says::Pieces(content_type, pieces) => {
                let pieces = stream::iter(pieces).chain(stream::pending()).map(move |piece| {
                    // It lives as long as the body.
                    let _ = &open;
                    Ok(Frame::data(piece))
                });
                let mut response = Response::new(boxed_body(StreamBody::new(pieces)));
                response.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
                Ok(response)
            }
        }
    }
}
