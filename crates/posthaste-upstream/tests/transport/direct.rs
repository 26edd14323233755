//! Straight to upstreams.

use posthaste_core::{
    ConnectStep, ConnectSteps, ConnectWatch, Egress, TimeoutGuard, Transport, TransportError,
};
use posthaste_testkit::{Script, ScriptedUpstream, TestAuthority, TlsFront};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::{
    exchange, failure, impatient, options, send, text, transport, trusting, until, upstream,
};

const ALL: Egress = Egress::direct(true);
const PUBLIC: Egress = Egress::direct(false);

#[tokio::test]
async fn private_addresses_are_refused_without_consent() {
    let transport = transport();
    for url in [
        "http://127.0.0.1:1/v1/messages",
        "http://[::1]:1/",
        "http://[::ffff:127.0.0.1]:1/",
        "http://169.254.169.254/latest/meta-data",
        "http://localhost:1/",
        "http://2130706433:1/",
        "http://0x7f.1:1/",
        "http://0177.0.0.1:1/",
        "https://10.0.0.1/",
        "https://[fd00::1]/",
    ] {
        let error = failure(&transport, url, &PUBLIC).await;
        assert!(matches!(error, TransportError::Refused { .. }), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_connection_made_with_consent_is_not_used_without() {
    let upstream = upstream().await;
    let transport = transport();
    assert_eq!(exchange(&transport, &upstream.base_url(), &ALL).await.unwrap(), "POST /");
    let error = failure(&transport, &upstream.base_url(), &PUBLIC).await;
    assert!(matches!(error, TransportError::Refused { .. }), "{error:?}");
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_credentials_stay_where_they_were_sent() {
    let other = upstream().await;
    let elsewhere = format!("{}/v1/messages", other.base_url().replace("127.0.0.1", "localhost"));
    for status in [301, 302, 303, 307, 308] {
        let target = elsewhere.clone();
        let upstream =
            ScriptedUpstream::start(move |_| Script::text(status, "go").header("location", &target)).await;
        let mut request = crate::support::post(&upstream.base_url());
        request.headers_mut().insert("authorization", "Bearer sk-dummy".parse().unwrap());
        request.headers_mut().insert("x-api-key", "sk-dummy".parse().unwrap());
        let response = transport().send(request, &ALL).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert_eq!(response.headers()["location"], elsewhere.as_str());
        assert_eq!(text(response).await.unwrap(), "go");
        assert_eq!(upstream.received()[0].header("authorization"), Some("Bearer sk-dummy"));
    }
    assert_eq!((other.received().len(), other.open_connections()), (0, 0), "nobody went there");
}

#[tokio::test]
async fn a_closed_port_is_a_connect_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = failure(&transport(), &format!("http://{address}/"), &ALL).await;
    assert!(matches!(&error, TransportError::Connect { host, .. } if host == "127.0.0.1"), "{error:?}");
}

#[tokio::test]
async fn a_tls_handshake_that_never_ends_runs_into_the_connect_timeout() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let error = failure(&impatient(), &url, &ALL).await;
    assert!(matches!(error, TransportError::Timeout { guard: TimeoutGuard::Connect, .. }), "{error:?}");
}

#[tokio::test]
async fn an_egress_may_name_its_own_connect_timeout() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let own = std::time::Duration::from_millis(200);
    let patient = UpstreamOptions { connect_timeout: std::time::Duration::from_secs(3_600), ..options() };
    let egress = Egress { connect_timeout: Some(own), ..ALL };
    let error = failure(&HttpTransport::new(&patient).unwrap(), &url, &egress).await;
    assert!(matches!(error, TransportError::Timeout { after, .. } if after == own), "{error:?}");
}

#[tokio::test]
async fn tls_needs_a_trusted_certificate_of_that_name() {
    let upstream = upstream().await;
    let authority = TestAuthority::new();
    let front = TlsFront::start(authority.server(&["localhost"], &[]), upstream.address()).await;
    let url = format!("https://localhost:{}/", front.address().port());
    assert_eq!(exchange(&trusting(&authority), &url, &ALL).await.unwrap(), "POST /");
    let elsewhere = format!("https://{}/", front.address());
    for (transport, url) in [(transport(), &url), (trusting(&authority), &elsewhere)] {
        let error = failure(&transport, url, &ALL).await;
        assert!(matches!(error, TransportError::Connect { .. }), "{url}: {error:?}");
    }
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn dropping_an_answer_closes_its_connection() {
    let upstream = ScriptedUpstream::start(|_| Script::new().chunk("one").stall()).await;
    let response = send(&transport(), &upstream.base_url(), &ALL).await.unwrap();
    assert_eq!(upstream.open_connections(), 1);
    drop(response);
    until("the connection is closed", || upstream.open_connections() == 0).await;
}

/// Answers `served` requests on each connection, and closes it when some of the next one has come: `taken` bytes of
/// it are read, and unread ones make the close a reset.
async fn upstream_that_closes_after(served: usize, taken: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut request = [0; 1024];
                for _ in 0..served {
                    assert!(connection.read(&mut request).await.unwrap() > 0);
                    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
                }
                assert!(connection.read(&mut request[..taken]).await.unwrap() > 0);
            });
        }
    });
    url
}

#[tokio::test]
async fn a_reused_connection_that_is_closed_at_once_is_stale() {
    for taken in [1, 1024] {
        let url = upstream_that_closes_after(1, taken).await;
        let transport = transport();
        for _ in 0..3 {
            assert_eq!(exchange(&transport, &url, &ALL).await.unwrap(), "{}", "a new connection serves");
            let error = first_failure(&transport, &url).await;
            assert!(matches!(error, TransportError::Stale(_)), "{error:?}");
        }
    }
}

/// A connection goes back to the pool in a task of its own: until then, each request gets a new one.
async fn first_failure(transport: &HttpTransport, url: &str) -> TransportError {
    for _ in 0..100 {
        if let Err(error) = exchange(transport, url, &ALL).await {
            return error;
        }
        tokio::task::yield_now().await;
    }
    panic!("no connection was used again");
}

#[tokio::test]
async fn a_new_connection_that_is_closed_at_once_is_broken() {
    for taken in [1, 1024] {
        let url = upstream_that_closes_after(0, taken).await;
        let error = failure(&transport(), &url, &ALL).await;
        assert!(matches!(error, TransportError::Broken(_)), "{error:?}");
    }
}

#[tokio::test]
async fn who_watches_has_a_connection_to_watch() {
    let upstream = upstream().await;
    let transport = transport();
    let by_name = upstream.base_url().replace("127.0.0.1", "localhost");
    for (url, looked_up) in [(upstream.base_url(), false), (by_name, true)] {
        // What is pooled would need no connecting.
        exchange(&transport, &url, &ALL).await.unwrap();
        let watch = ConnectWatch::default();
        let mut request = crate::support::post(&url);
        request.extensions_mut().insert(watch.clone());
        let response = transport.send(request, &ALL).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "POST /");
        let steps = watch.steps();
        assert_eq!((steps.lookup.is_some(), steps.connect.is_some(), steps.tls), (looked_up, true, None));
        assert_eq!(steps.total(), steps.lookup.unwrap_or_default() + steps.connect.unwrap());
    }
}

#[tokio::test]
async fn a_failed_connection_shows_how_far_it_came() {
    let watch = ConnectWatch::default();
    let mut request = crate::support::post("http://localhost:1/");
    request.extensions_mut().insert(watch.clone());
    transport().send(request, &ALL).await.unwrap_err();
    let steps = watch.steps();
    assert_eq!((steps.lookup.is_some(), steps.connect, steps.tls), (true, None, None));
}

#[tokio::test]
async fn tls_is_a_step_of_its_own() {
    let upstream = upstream().await;
    let authority = TestAuthority::new();
    let front = TlsFront::start(authority.server(&["localhost"], &[]), upstream.address()).await;
    let (teller, told) = std::sync::mpsc::channel();
    let watch = ConnectWatch::telling(move |step, took| teller.send((step, took)).unwrap());
    let mut request = crate::support::post(&format!("https://localhost:{}/", front.address().port()));
    request.extensions_mut().insert(watch.clone());
    trusting(&authority).send(request, &ALL).await.unwrap();
    // How long it took is what the others leave over, which on a busy machine may be nothing that can be measured.
    assert!(watch.steps().tls.is_some(), "{:?}", watch.steps());
    let told: Vec<_> = told.try_iter().collect();
    let ConnectSteps { lookup, connect, tls } = watch.steps();
    let ended = [(ConnectStep::Lookup, lookup), (ConnectStep::Connect, connect), (ConnectStep::Tls, tls)];
    assert_eq!(told, ended.map(|(step, took)| (step, took.unwrap())), "each as it ended");
}
