//! HTTP/2: streams that share a connection, and what an upstream says about the ones that it did not look at.

mod frames;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use h2::server::SendResponse;
use http::{Response, Version};
use http_body_util::BodyExt;
use posthaste_core::{Egress, TransportError};
use posthaste_testkit::{Script, ScriptedUpstream, TestAuthority, TestProxy, TlsFront};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_rustls::TlsAcceptor;

use self::frames::{FrameServer, Saw};
use crate::support::{exchange, failure, options, send, text, through, transport, trusting, until, upstream};

const ALL: Egress = Egress::direct(true);

/// An upstream that speaks HTTP/2 only: `/ok` is answered, `/stall` gets a head and no end, `/flood` gets more than anybody
/// takes.
struct Http2Upstream {
    port: u16,
    connections: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Http2Upstream {
    async fn start(authority: &TestAuthority) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(authority.server(&["localhost"], &["h2"]));
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut tasks = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
                tasks.spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
                    counted.fetch_add(1, Ordering::SeqCst);
                    let mut streams = JoinSet::new();
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        streams.spawn(answer(request.uri().path().to_owned(), respond));
                    }
                });
            }
        });
        Self { port, connections, _serving: serving }
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn answer(path: String, mut respond: SendResponse<Bytes>) {
    let Ok(mut body) = respond.send_response(Response::new(()), false) else { return };
    match path.as_str() {
        "/stall" => std::future::pending().await,
        "/flood" => {
            let piece = Bytes::from(vec![b'x'; 64 * 1024]);
            while body.send_data(piece.clone(), false).is_ok() {
                body.reserve_capacity(piece.len());
                while body.capacity() < piece.len() {
                    let capacity = std::future::poll_fn(|cx| body.poll_capacity(cx)).await;
                    if !matches!(capacity, Some(Ok(_))) {
                        return;
                    }
                }
            }
        }
        _ => {
            // A client that has gone needs no answer.
            let _ = body.send_data(Bytes::from_static(b"ok"), true);
        }
    }
}

#[tokio::test]
async fn exchanges_share_a_connection_up_to_a_bound_and_then_get_another() {
    let authority = TestAuthority::new();
    let upstream = Http2Upstream::start(&authority).await;
    let transport = trusting(&authority);
    let first = send(&transport, &upstream.url("/ok"), &ALL).await.unwrap();
    assert_eq!(first.version(), Version::HTTP_2);
    assert_eq!(text(first).await.unwrap(), "ok");
    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(send(&transport, &upstream.url("/stall"), &ALL).await.unwrap());
    }
    assert_eq!(upstream.connections(), 1);
    held.push(send(&transport, &upstream.url("/stall"), &ALL).await.unwrap());
    assert_eq!(upstream.connections(), 2);
    held.drain(..10);
    for _ in 0..10 {
        assert_eq!(exchange(&transport, &upstream.url("/ok"), &ALL).await.unwrap(), "ok");
    }
    assert_eq!(upstream.connections(), 2, "room that was given back is used");
}

#[tokio::test]
async fn clients_that_do_not_read_hold_up_nobody_else() {
    let authority = TestAuthority::new();
    let upstream = Http2Upstream::start(&authority).await;
    let transport = trusting(&authority);
    let ok = upstream.url("/ok");
    let mut unread = Vec::new();
    for _ in 0..63 {
        unread.push(send(&transport, &upstream.url("/flood"), &ALL).await.unwrap());
    }
    for _ in 0..20 {
        let other = async { exchange(&transport, &ok, &ALL).await };
        assert_eq!(tokio::time::timeout(Duration::from_secs(10), other).await.unwrap().unwrap(), "ok");
    }
    let mut read = unread.pop().unwrap().into_body();
    let mut total = 0;
    while total < 4 << 20 {
        total += read.frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn http2_goes_through_a_proxy() {
    let authority = TestAuthority::new();
    let upstream = Http2Upstream::start(&authority).await;
    let (http, socks) = (TestProxy::http(Some(("me", "pw"))).await, TestProxy::socks5(None).await);
    let port = upstream.port;
    for proxy in [http, socks] {
        for target in [format!("localhost:{port}"), format!("[::1]:{port}")] {
            proxy.route(&target, ([127, 0, 0, 1], port).into());
        }
        let response = send(&trusting(&authority), &upstream.url("/ok"), &through(proxy.proxy(), true)).await;
        let response = response.unwrap();
        assert_eq!(response.version(), Version::HTTP_2);
        assert_eq!((text(response).await.unwrap().as_str(), proxy.connections()), ("ok", 1));
    }
}

#[tokio::test]
async fn an_upstream_that_knows_http1_only_gets_that() {
    let authority = TestAuthority::new();
    let plain = upstream().await;
    for protocols in [&["http/1.1"][..], &[]] {
        let front = TlsFront::start(authority.server(&["localhost"], protocols), plain.address()).await;
        let url = format!("https://localhost:{}/", front.address().port());
        let response = send(&trusting(&authority), &url, &ALL).await.unwrap();
        assert_eq!(
            (response.version(), text(response).await.unwrap().as_str()),
            (Version::HTTP_11, "POST /")
        );
    }
}

#[tokio::test]
async fn http2_can_be_switched_off() {
    let authority = TestAuthority::new();
    let off = UpstreamOptions { http2: false, authorities: vec![authority.certificate()], ..options() };
    let transport = HttpTransport::new(&off).unwrap();
    let plain = upstream().await;
    let front = TlsFront::start(authority.server(&["localhost"], &["h2", "http/1.1"]), plain.address()).await;
    let url = format!("https://localhost:{}/", front.address().port());
    assert_eq!(send(&transport, &url, &ALL).await.unwrap().version(), Version::HTTP_11);
}

#[tokio::test]
async fn plain_http_is_always_http1() {
    let plain = ScriptedUpstream::start(|_| Script::text(200, "ok")).await;
    let response = send(&transport(), &plain.base_url(), &ALL).await.unwrap();
    assert_eq!(response.version(), Version::HTTP_11);
}

#[tokio::test]
async fn dropping_an_answer_cancels_its_stream_and_leaves_the_others_their_connection() {
    let authority = TestAuthority::new();
    let upstream = FrameServer::start(&authority, |saw, out| match saw {
        Saw::Request(1) => out.head(1).data(1, b"one"),
        Saw::Request(stream) => out.whole(stream, b"ok"),
        Saw::Reset(..) | Saw::Ping => out,
    })
    .await;
    let transport = trusting(&authority);
    let mut answer = send(&transport, &upstream.url(), &ALL).await.unwrap().into_body();
    assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    drop(answer);
    until("the stream is cancelled", || upstream.resets() == [(1, frames::CANCEL)]).await;
    assert_eq!(exchange(&transport, &upstream.url(), &ALL).await.unwrap(), "ok");
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn dropping_a_request_before_its_answer_cancels_its_stream() {
    let authority = TestAuthority::new();
    let upstream = FrameServer::start(&authority, |saw, out| match saw {
        Saw::Request(1) => out.whole(1, b"ok"),
        _ => out,
    })
    .await;
    let transport = trusting(&authority);
    assert_eq!(exchange(&transport, &upstream.url(), &ALL).await.unwrap(), "ok");
    let url = upstream.url();
    let sending = tokio::spawn(async move { exchange(&transport, &url, &ALL).await });
    until("the request is there", || upstream.requests() == 2).await;
    sending.abort();
    until("the stream is cancelled", || upstream.resets() == [(3, frames::CANCEL)]).await;
}

#[tokio::test]
async fn a_request_that_the_upstream_did_not_look_at_is_stale() {
    let authority = TestAuthority::new();
    let refusing = FrameServer::start(&authority, |saw, out| match saw {
        Saw::Request(1) => out.whole(1, b"ok"),
        Saw::Request(stream) => out.reset(stream, frames::REFUSED_STREAM),
        _ => out,
    })
    .await;
    let leaving = FrameServer::start(&authority, |saw, out| match saw {
        Saw::Request(1) => out.whole(1, b"ok"),
        Saw::Request(_) => out.go_away(1).close(),
        _ => out,
    })
    .await;
    for upstream in [refusing, leaving] {
        let transport = trusting(&authority);
        assert_eq!(exchange(&transport, &upstream.url(), &ALL).await.unwrap(), "ok");
        let error = failure(&transport, &upstream.url(), &ALL).await;
        assert!(matches!(error, TransportError::Stale(_)), "{error:?}");
    }
}

#[tokio::test]
async fn after_a_good_bye_a_new_connection_serves_and_answers_under_way_come_to_their_end() {
    let authority = TestAuthority::new();
    let upstream = FrameServer::start(&authority, |saw, out| match saw {
        Saw::Request(1) => out.head(1).data(1, b"one").go_away(1).pause().end(1, b"two").close(),
        _ => out,
    })
    .await;
    let transport = trusting(&authority);
    let mut under_way = send(&transport, &upstream.url(), &ALL).await.unwrap().into_body();
    assert_eq!(under_way.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    let mut second = send(&transport, &upstream.url(), &ALL).await.unwrap().into_body();
    assert_eq!(second.frame().await.unwrap().unwrap().into_data().unwrap(), "one");
    assert_eq!(upstream.connections(), 2);
    assert_eq!(under_way.collect().await.unwrap().to_bytes(), "two");
}

#[tokio::test]
async fn a_request_that_may_have_been_processed_is_broken() {
    let authority = TestAuthority::new();
    let failing = FrameServer::start(&authority, |saw, out| match saw {
        Saw::Request(1) => out.whole(1, b"ok"),
        Saw::Request(stream) => out.reset(stream, frames::INTERNAL_ERROR),
        _ => out,
    })
    .await;
    let accepted_and_gone = FrameServer::start(&authority, |saw, out| match saw {
        Saw::Request(1) => out.whole(1, b"ok"),
        Saw::Request(stream) => out.go_away(stream).close(),
        _ => out,
    })
    .await;
    let gone = FrameServer::start(&authority, |saw, out| match saw {
        Saw::Request(1) => out.whole(1, b"ok"),
        Saw::Request(_) => out.close(),
        _ => out,
    })
    .await;
    for upstream in [failing, accepted_and_gone, gone] {
        let transport = trusting(&authority);
        assert_eq!(exchange(&transport, &upstream.url(), &ALL).await.unwrap(), "ok");
        let error = failure(&transport, &upstream.url(), &ALL).await;
        assert!(matches!(error, TransportError::Broken(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_after_its_head_breaks_the_body() {
    let authority = TestAuthority::new();
    let upstream = FrameServer::start(&authority, |saw, out| match saw {
        Saw::Request(stream) => out.head(stream).data(stream, b"one").reset(stream, frames::INTERNAL_ERROR),
        _ => out,
    })
    .await;
    let response = send(&trusting(&authority), &upstream.url(), &ALL).await.unwrap();
    assert!(matches!(text(response).await, Err(TransportError::Broken(_))));
}

#[tokio::test]
async fn a_connection_whose_other_side_is_gone_without_a_word_is_given_up() {
    let authority = TestAuthority::new();
    let upstream = FrameServer::start(&authority, |saw, out| match saw {
        Saw::Request(stream) => out.head(stream).data(stream, b"one"),
        // No answer to pings.
        _ => out,
    })
    .await;
    let options = UpstreamOptions {
        ping_every: Duration::from_millis(100),
        authorities: vec![authority.certificate()],
        ..options()
    };
    let response = send(&HttpTransport::new(&options).unwrap(), &upstream.url(), &ALL).await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(10), text(response)).await.unwrap();
    assert!(matches!(end, Err(TransportError::Broken(_))), "{end:?}");
}
