//! The accept loop. axum's own offers neither a time-out for headers nor bounds for HTTP/2 nor an end to draining.

mod conversation;
mod crowd;
mod lingering;
mod pace;
mod rest;
mod socket;
mod taking;
mod tasks;

use std::{io, net::SocketAddr, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use self::{
    conversation::Conversation,
    crowd::{Crowd, SPARE_FOR, Seat, busy},
    lingering::Lingering,
    socket::Socket,
};
pub(crate) use self::{pace::TooSlow, tasks::Tasks};
use crate::ServerTls;

/// Settings of a listener.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// How long a client may take for the head of a connection's first request, from the accepting on.
    pub header_read_timeout: Duration,
    /// How long an HTTP/1.1 connection may take from one answer's end to the next request's whole head.
    pub idle_timeout: Duration,
    /// How long a piece of an answer may lie ready for a client that does not take it.
    pub unread_timeout: Duration,
    /// How long answers under way may take to end once the server stops.
    pub shutdown_grace: Duration,
    /// Connections at the same time. A few more are taken to be told 503, and what comes beyond those is closed.
    pub most_connections: usize,
    /// With what TLS is spoken; without it none is.
    pub tls: Option<ServerTls>,
}

/// How serving comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nobody serves any more: connections without a request under way are closed.
    Stop,
    /// Another process serves on the same socket: a connection that has no request under way is served on until it has
    /// been idle for [`ServerOptions::idle_timeout`], with answers that ask the client to come on a new one. So no
    /// client finds its connection closed sooner than it ever would.
    Retire {
        /// How long answers under way may take to end.
        within: Duration,
    },
}

impl From<()> for Ending {
    fn from((): ()) -> Self {
        Self::Stop
    }
}

/// Serves `router` on `listener` until `stop` is ready; then takes no new connections, lets the answers under way end
/// until the grace is over or `cut` is ready, and cuts off the rest. Upgraded connections end with the answer under way.
///
/// Nothing outlives it: when it returns, and also when it is dropped, every connection is gone, and with it whatever
/// the router had under way.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: &ServerOptions,
    stop: impl Future<Output: Into<Ending>>,
    cut: impl Future<Output = ()>,
) -> Drained {
    let tasks = Tasks::default();
    let _none_outlives_this = tasks.cut_on_drop();
    let graceful = GracefulShutdown::new();
    let attendance =
        Attendance { builder: connection_builder(options, &tasks), graceful: &graceful, tasks: &tasks };
    let (crowd, busy) = (Crowd::new(options.most_connections), busy());
    tokio::pin!(stop);
    let ending = loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            ending = &mut stop => break ending.into(),
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                rest_after(&error).await;
                continue;
            }
        };
        let Some(seat) = crowd.enter() else { continue };
        // Without it each small answer waits for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let router = if seat.is_spare() { busy.clone() } else { router.clone() };
        attend(&attendance, options, router, (stream, peer), seat);
    };
    drop(listener);
    tasks.stop();
    let (idle, grace) = match ending {
        Ending::Stop => (Duration::ZERO, options.shutdown_grace),
        Ending::Retire { within } => {
            tasks.retire();
            (options.idle_timeout, within)
        }
    };
    let drained = async {
        // Whoever is idle for so long is closed by its own time-out, and whoever asks is told to go.
        let _ = timeout(idle, tasks.ended()).await;
        tokio::join!(graceful.shutdown(), tasks.ended())
    };
    tokio::select! {
        _ = drained => {}
        () = sleep(grace) => {}
        () = cut => {}
    }
    Drained { cut_off: tasks.cut().await }
}

/// What all connections of a server share.
struct Attendance<'a> {
    builder: Builder<Tasks>,
    graceful: &'a GracefulShutdown,
    tasks: &'a Tasks,
}

/// Serves one connection in a task of its own. It depends on no type of [`serve`]'s caller, so that it is compiled with
/// this crate and not with each program.
fn attend(
    Attendance { builder, graceful, tasks }: &Attendance<'_>,
    options: &ServerOptions,
    router: Router,
    (stream, peer): (TcpStream, SocketAddr),
    seat: Seat,
) {
    let tls = options.tls.as_ref().map(ServerTls::now);
    let (patience, unread) = (options.header_read_timeout, options.unread_timeout);
    let (builder, watcher, mine) = (builder.clone(), graceful.watcher(), (*tasks).clone());
    // Boxes, for whoever awaits a future may hold it twice, and these are most of what an open connection takes.
    tasks.spawn(Box::pin(async move {
        let Some(socket) = Socket::accept(stream, tls, patience).await else { return };
        let conversation = Conversation::new(socket.is_tls());
        let io = TokioIo::new(Lingering::new(socket, conversation.clone()));
        let service = conversation.service(router, mine, peer);
        let connection =
            Box::pin(watcher.watch(builder.serve_connection_with_upgrades(io, service).into_owned()));
        let carried = conversation.carry(connection, patience, unread);
        if seat.is_spare() {
            // What was not said until then is not said.
            let _ = timeout(SPARE_FOR, carried).await;
        } else {
            carried.await;
        }
    }));
}

/// How draining went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// This many connections were cut off; of HTTP/2, each answer under way counts as well.
    pub cut_off: usize,
}

fn connection_builder(options: &ServerOptions, tasks: &Tasks) -> Builder<Tasks> {
    let mut builder = Builder::new(tasks.clone());
    builder
        .http1()
        .timer(TokioTimer::new())
        // hyper lets it run while a kept connection waits for its next request as well.
        .header_read_timeout(options.idle_timeout)
        .max_buf_size(READ_BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(HTTP2_PING))
        .max_concurrent_streams(HTTP2_STREAMS)
        .max_header_list_size(HTTP2_HEADER_BYTES)
        .max_send_buf_size(HTTP2_SEND_BYTES);
    builder
}

/// A failed accept is either one connection's trouble or a lack of descriptors; the latter passes only with time.
async fn rest_after(error: &io::Error) {
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        tracing::error!(%error, "no connection could be accepted");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Bounds a request's head, and what is read ahead of a slow upstream.
const READ_BUFFER_BYTES: usize = 256 * 1024;
const HTTP2_PING: Duration = Duration::from_secs(30);
const HTTP2_STREAMS: u32 = 100;
const HTTP2_HEADER_BYTES: u32 = 64 * 1024;
const HTTP2_SEND_BYTES: usize = 128 * 1024;
