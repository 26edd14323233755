//! The accept loop. axum's own offers neither a time-out for headers nor bounds for HTTP/2 nor an end to draining.

mod first_bytes;

use std::{io, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinSet, time::sleep};

use self::first_bytes::FirstBytes;

/// Settings of a listener.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// How long a client may take for the head of a request.
    pub header_read_timeout: Duration,
    /// How long answers under way may take to end once the server stops.
    pub shutdown_grace: Duration,
}

/// Serves `router` on `listener` until `stop` is ready; then takes no new connections, lets the answers under way end,
/// and cuts off what is left once the grace is over or `cut` is ready.
///
/// When it returns, no connection is left; answers of HTTP/2 end as soon as their own tasks notice.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: &ServerOptions,
    stop: impl Future<Output = ()>,
    cut: impl Future<Output = ()>,
) -> Drained {
    let builder = connection_builder(options);
    let service = TowerToHyperService::new(router);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                rest_after(&error).await;
                continue;
            }
        };
        // Without it each small answer waits for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let stream = FirstBytes::new(stream, options.header_read_timeout);
        let connection = builder.serve_connection(TokioIo::new(stream), service.clone()).into_owned();
        let connection = graceful.watch(connection);
        connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = sleep(options.shutdown_grace) => {}
        () = cut => {}
    }
    while connections.try_join_next().is_some() {}
    let cut_off = connections.len();
    connections.shutdown().await;
    Drained { cut_off }
}

/// How draining went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// How many connections were cut off.
    pub cut_off: usize,
}

fn connection_builder(options: &ServerOptions) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_read_timeout)
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
