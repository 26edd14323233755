//! The connections of one way out, and how exchanges are spread over them.
//!
//! HTTP/1.1 has a connection for each exchange, and one pooled client serves any number of them. With HTTP/2 that client
//! keeps a single connection to each upstream, on which exchanges would queue once the upstream's limit of streams is
//! reached. So there are several clients, *lanes*, each of which gets so many exchanges that they neither queue nor wait
//! for each other's room, and the next lane is opened when those before it are taken.

use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{
    Uri, Version,
    uri::{Authority, Scheme},
};
use http_body::{Body, Frame, SizeHint};
use hyper_util::{
    client::legacy::{Builder, Client},
    rt::{TokioExecutor, TokioTimer},
};
use parking_lot::Mutex;
use posthaste_core::Payload;

use crate::{client::UpstreamOptions, connect::Connector};

/// A pooled client: any number of HTTP/1.1 connections to an upstream, or one of HTTP/2.
pub(crate) type Lane = Client<Connector, Payload>;

/// All connections of one way out.
pub(crate) struct Lanes {
    builder: Builder,
    connector: Connector,
    /// Whether upstreams may choose HTTP/2. If not, the first lane serves all.
    http2: bool,
    lanes: Mutex<Vec<Lane>>,
    /// The exchanges in flight with each upstream that has any.
    taken: Mutex<HashMap<Authority, Taken>>,
}

/// How the exchanges with one upstream are spread.
#[derive(Debug, Default)]
struct Taken {
    /// How many are in flight on each lane.
    lanes: Vec<usize>,
    /// The upstream answered in HTTP/1.1, which needs no second lane.
    http1: bool,
}

impl Lanes {
    pub(crate) fn new(options: &UpstreamOptions, connector: Connector) -> Arc<Self> {
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(options.idle_timeout)
            .pool_max_idle_per_host(options.idle_per_host)
            .http1_max_buf_size(READ_AHEAD_BYTES)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(options.ping_every)
            .http2_keep_alive_timeout(options.ping_every);
        let first = builder.build(connector.clone());
        Arc::new(Self {
            builder,
            connector,
            http2: options.http2,
            lanes: Mutex::new(vec![first]),
            taken: Mutex::default(),
        })
    }

    /// A lane with room for an exchange with this upstream. The seat is to be kept until the exchange has ended.
    pub(crate) fn seat(self: &Arc<Self>, uri: &Uri) -> (Lane, Option<Seat>) {
        // Without TLS nobody can choose HTTP/2.
        let counted = uri.authority().filter(|_| self.http2 && uri.scheme() == Some(&Scheme::HTTPS));
        let Some(authority) = counted.cloned() else { return (self.lane(0), None) };
        let lane = self.taken.lock().entry(authority.clone()).or_default().take();
        (self.lane(lane), Some(Seat { lanes: Arc::clone(self), authority, lane }))
    }

    fn lane(&self, index: usize) -> Lane {
        let mut lanes = self.lanes.lock();
        while lanes.len() <= index {
            lanes.push(self.builder.build(self.connector.clone()));
        }
        lanes[index].clone()
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").field("connector", &self.connector).finish_non_exhaustive()
    }
}

impl Taken {
    /// Takes a seat on the first lane that has room; where none may be opened any more, on the emptiest.
    fn take(&mut self) -> usize {
        let with_room = self.lanes.iter().position(|taken| self.http1 || *taken < STREAMS_PER_CONNECTION);
        let lane = with_room.unwrap_or_else(|| {
            if self.lanes.len() < MOST_LANES {
                self.lanes.push(0);
                return self.lanes.len() - 1;
            }
            (0..MOST_LANES).min_by_key(|lane| self.lanes[*lane]).unwrap_or_default()
        });
        self.lanes[lane] += 1;
        lane
    }
}

/// An exchange's place on a lane; dropping it makes room for another.
#[derive(Debug)]
pub(crate) struct Seat {
    lanes: Arc<Lanes>,
    authority: Authority,
    lane: usize,
}

impl Seat {
    /// Notes in which version the upstream answers.
    pub(crate) fn note(&self, version: Version) {
        if let Some(taken) = self.lanes.taken.lock().get_mut(&self.authority) {
            taken.http1 = version < Version::HTTP_2;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.lanes.taken.lock();
        let Some(taken) = all.get_mut(&self.authority) else { return };
        taken.lanes[self.lane] -= 1;
        if taken.lanes.iter().all(|taken| *taken == 0) {
            all.remove(&self.authority);
        }
    }
}

/// A body that keeps its exchange's seat.
#[derive(Debug)]
pub(crate) struct Seated<B> {
    body: B,
    _seat: Option<Seat>,
}

impl<B> Seated<B> {
    pub(crate) const fn new(body: B, seat: Option<Seat>) -> Self {
        Self { body, _seat: seat }
    }
}

impl<B: Body + Unpin> Body for Seated<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What hyper may read ahead for one exchange over HTTP/1.1: a slow client costs this and not more.
const READ_AHEAD_BYTES: usize = 64 * 1024;

/// The same over HTTP/2 (RFC 9113 §5.2). At a round trip of 100 ms it lets 2.5 MB/s through.
const STREAM_WINDOW: u32 = 256 * 1024;

/// How many exchanges share an HTTP/2 connection. Upstreams take at least 100 at once as a rule (RFC 9113 §6.5.2
/// recommends no less), and the fewer there are, the fewer wait when one packet is lost.
const STREAMS_PER_CONNECTION: usize = 64;

/// Room for all streams of a connection with their windows full: clients that do not read hold up nobody else.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * 64;

/// With 64 exchanges each, more than one process ever has in flight with one upstream.
const MOST_LANES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_filled_before_the_next_is_opened() {
        let mut taken = Taken::default();
        let lanes: Vec<_> = (0..STREAMS_PER_CONNECTION * 2 + 1).map(|_| taken.take()).collect();
        assert!(lanes[..STREAMS_PER_CONNECTION].iter().all(|lane| *lane == 0));
        assert!(lanes[STREAMS_PER_CONNECTION..STREAMS_PER_CONNECTION * 2].iter().all(|lane| *lane == 1));
        assert_eq!(lanes.last(), Some(&2));
        taken.lanes[0] -= 1;
        assert_eq!(taken.take(), 0, "room that was given back is taken first");
    }

    #[test]
    fn an_upstream_of_http1_has_one_lane() {
        let mut taken = Taken { http1: true, ..Taken::default() };
        assert!((0..1_000).all(|_| taken.take() == 0));
    }

    #[test]
    fn without_room_the_emptiest_lane_takes_more() {
        let mut taken = Taken::default();
        for _ in 0..STREAMS_PER_CONNECTION * MOST_LANES {
            taken.take();
        }
        taken.lanes[7] -= 1;
        assert_eq!((taken.take(), taken.lanes.len()), (7, MOST_LANES));
        taken.lanes[9] = 3;
        assert_eq!(taken.take(), 9);
    }

    #[test]
    fn the_connection_has_room_for_all_its_streams() {
        let streams = u32::try_from(STREAMS_PER_CONNECTION).unwrap();
        assert_eq!(CONNECTION_WINDOW, STREAM_WINDOW * streams);
    }
}
