//! Through proxies.

use std::net::SocketAddr;

use posthaste_core::{Egress, Proxy, ProxyProblem, ProxyScheme, TransportError};
use posthaste_testkit::{ProxyBehaviour, Script, ScriptedUpstream, TestAuthority, TestProxy, TlsFront};
use posthaste_upstream::{HttpTransport, UpstreamOptions};

use crate::support::{
    everything, exchange, failure, impatient, options, send, through, transport, trusting, until, upstream,
};

const USER: &str = "me@example.com";
const PASSWORD: &str = "canary: pass/word";
const LOGIN: Option<(&str, &str)> = Some((USER, PASSWORD));
/// A name and an address that only a test's proxy knows the way to.
const NAMED: &str = "http://api.example.com/v1/messages";
const NAMED_TARGET: &str = "api.example.com:80";
const PINNED: &str = "http://1.1.1.1/v1/messages";
const PINNED_TARGET: &str = "1.1.1.1:80";

/// Every kind of proxy, with the target that it can be asked for without consent to private addresses.
async fn all_kinds(login: Option<(&str, &str)>, authority: &TestAuthority) -> Vec<(TestProxy, ProxyScheme)> {
    let tls = authority.server(&["127.0.0.1"], &["http/1.1"]);
    vec![
        (TestProxy::http(login).await, ProxyScheme::Http),
        (TestProxy::https(login, tls).await, ProxyScheme::Https),
        (TestProxy::socks5(login).await, ProxyScheme::Socks5),
        (TestProxy::socks5(login).await, ProxyScheme::Socks5h),
    ]
}

fn url_for(scheme: ProxyScheme) -> (&'static str, &'static str) {
    match scheme {
        ProxyScheme::Socks5 => (PINNED, PINNED_TARGET),
        ProxyScheme::Http | ProxyScheme::Https | ProxyScheme::Socks5h => (NAMED, NAMED_TARGET),
    }
}

fn as_scheme(proxy: &TestProxy, scheme: ProxyScheme) -> Proxy {
    Proxy { scheme, ..proxy.proxy() }
}

/// What a failure of the proxy must look like.
#[track_caller]
fn assert_proxy_failed(error: &TransportError, proxy: SocketAddr, expected: ProxyProblem, cause: &str) {
    let TransportError::Proxy { proxy: named, problem, source } = error else { panic!("{error:?}") };
    assert_eq!((named, *problem), (&proxy.to_string(), expected), "{source}");
    assert!(source.to_string().contains(cause), "{source}");
    assert!(!everything(error).contains("canary"), "{error:?}");
}

#[tokio::test]
async fn every_kind_of_proxy_carries_requests_with_and_without_a_login() {
    let authority = TestAuthority::new();
    for login in [None, LOGIN] {
        for (proxy, scheme) in all_kinds(login, &authority).await {
            let upstream = upstream().await;
            let (url, target) = url_for(scheme);
            proxy.route(target, upstream.address());
            let egress = through(as_scheme(&proxy, scheme), false);
            let transport = trusting(&authority);
            let answer = exchange(&transport, url, &egress).await;
            assert_eq!(answer.unwrap(), "POST /v1/messages", "{scheme} {login:?}");
            assert_eq!(proxy.targets(), [target], "{scheme}");
            let received = &upstream.received()[0];
            assert_eq!(
                received.header("host"),
                target.strip_suffix(":80"),
                "the request is as without a proxy"
            );
            assert_eq!(received.header("proxy-authorization"), None, "the login is the proxy's");
        }
    }
}

#[tokio::test]
async fn tls_with_the_upstream_goes_through_every_kind_of_proxy() {
    let authority = TestAuthority::new();
    let upstream = upstream().await;
    let server = authority.server(&["localhost", "127.0.0.1"], &[]);
    let front = TlsFront::start(server, upstream.address()).await;
    for (proxy, scheme) in all_kinds(LOGIN, &authority).await {
        let url = format!("https://{}/", front.address());
        let egress = through(as_scheme(&proxy, scheme), true);
        assert_eq!(exchange(&trusting(&authority), &url, &egress).await.unwrap(), "POST /", "{scheme}");
        assert_eq!(proxy.targets(), [front.address().to_string()], "{scheme}");
        let error = failure(&transport(), &url, &egress).await;
        let by_proxy = matches!(error, TransportError::Proxy { problem: ProxyProblem::Unreachable, .. });
        let by_upstream = matches!(error, TransportError::Connect { .. });
        assert!(if scheme == ProxyScheme::Https { by_proxy } else { by_upstream }, "{scheme}: {error:?}");
    }
}

#[tokio::test]
async fn a_connection_through_a_proxy_is_used_again() {
    let (proxy, upstream) = (TestProxy::socks5(None).await, upstream().await);
    let (egress, transport) = (through(proxy.proxy(), true), transport());
    for done in 1..=3 {
        exchange(&transport, &upstream.base_url(), &egress).await.unwrap();
        assert_eq!(upstream.received().len(), done);
    }
    // A connection goes back to the pool in a task of its own, which may come too late for one of them.
    assert!(proxy.connections() < 3, "{}", proxy.connections());
}

#[tokio::test]
async fn socks5_resolves_and_pins_here_and_socks5h_leaves_the_name_to_the_proxy() {
    let upstream = upstream().await;
    let port = upstream.address().port();
    let url = format!("http://localhost:{port}/");
    let proxy = TestProxy::socks5(None).await;
    proxy.route(&format!("[::1]:{port}"), upstream.address());
    proxy.route(&format!("localhost:{port}"), upstream.address());
    exchange(&transport(), &url, &through(as_scheme(&proxy, ProxyScheme::Socks5), true)).await.unwrap();
    let pinned = proxy.targets();
    assert!(pinned.iter().all(|target| target.parse::<SocketAddr>().is_ok()), "{pinned:?}");
    exchange(&transport(), &url, &through(as_scheme(&proxy, ProxyScheme::Socks5h), true)).await.unwrap();
    assert_eq!(proxy.targets().last().unwrap(), &format!("localhost:{port}"));
}

#[tokio::test]
async fn private_targets_are_refused_behind_every_kind_of_proxy() {
    let authority = TestAuthority::new();
    let upstream = upstream().await;
    for (proxy, scheme) in all_kinds(None, &authority).await {
        let egress = through(as_scheme(&proxy, scheme), false);
        let transport = trusting(&authority);
        let own = format!("http://{}/", upstream.address());
        for url in [
            own.as_str(),
            "http://localhost/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://169.254.169.254/latest/meta-data",
            "https://10.1.2.3/",
        ] {
            let error = failure(&transport, url, &egress).await;
            assert!(matches!(error, TransportError::Refused { .. }), "{scheme} {url}: {error:?}");
        }
        if scheme != ProxyScheme::Socks5 {
            for url in [
                "http://localhost./",
                "http://metadata.google.internal/",
                "http://printer.local/",
                "http://intranet/",
            ] {
                let error = failure(&transport, url, &egress).await;
                assert!(matches!(error, TransportError::Refused { .. }), "{scheme} {url}: {error:?}");
            }
        }
        assert_eq!((proxy.connections(), proxy.targets().len()), (0, 0), "{scheme}");
    }
}

#[tokio::test]
async fn odd_spellings_reach_the_proxy_as_what_they_mean() {
    let (proxy, upstream) = (TestProxy::http(None).await, upstream().await);
    let url = format!("http://0x7f.1:{}/", upstream.address().port());
    exchange(&transport(), &url, &through(proxy.proxy(), true)).await.unwrap();
    assert_eq!(proxy.targets(), [upstream.address().to_string()]);
}

#[tokio::test]
async fn a_login_that_is_wrong_or_missing_is_told_apart() {
    let authority = TestAuthority::new();
    for (proxy, scheme) in all_kinds(LOGIN, &authority).await {
        let upstream = upstream().await;
        let (url, target) = url_for(scheme);
        proxy.route(target, upstream.address());
        let transport = trusting(&authority);
        let wrong = Proxy { scheme, ..proxy.proxy_as(USER, "canary, but wrong") };
        let error = failure(&transport, url, &through(wrong, false)).await;
        assert_proxy_failed(&error, proxy.address(), ProxyProblem::Login, "refused the user or the password");
        let none = Proxy { login: None, ..as_scheme(&proxy, scheme) };
        let error = failure(&transport, url, &through(none, false)).await;
        assert_proxy_failed(&error, proxy.address(), ProxyProblem::Login, "asks for a login");
        assert!(proxy.targets().is_empty(), "{scheme}");
        assert!(upstream.received().is_empty(), "{scheme}: nothing goes straight");
    }
}

#[tokio::test]
async fn a_password_that_socks_cannot_carry_is_an_error_that_does_not_show_it() {
    let proxy = TestProxy::socks5(LOGIN).await;
    let long = format!("canary{}", "x".repeat(300));
    for password in ["", long.as_str()] {
        let egress = through(proxy.proxy_as("me", password), false);
        let error = failure(&transport(), PINNED, &egress).await;
        assert_proxy_failed(&error, proxy.address(), ProxyProblem::Login, "1 to 255 bytes");
    }
}

#[tokio::test]
async fn a_target_that_the_proxy_refuses_is_told_apart() {
    let authority = TestAuthority::new();
    for (proxy, scheme) in all_kinds(LOGIN, &authority).await {
        let (url, _) = url_for(scheme);
        let egress = through(as_scheme(&proxy, scheme), false);
        let transport = trusting(&authority);
        let socks = matches!(scheme, ProxyScheme::Socks5 | ProxyScheme::Socks5h);
        let unreachable = if socks { "host unreachable" } else { "502 Bad Gateway" };
        let error = failure(&transport, url, &egress).await;
        assert_proxy_failed(&error, proxy.address(), ProxyProblem::Target, unreachable);
        proxy.behave(ProxyBehaviour::RefusesTargets);
        let forbidden = if socks { "not allowed by ruleset" } else { "403 Forbidden" };
        let error = failure(&transport, url, &egress).await;
        assert_proxy_failed(&error, proxy.address(), ProxyProblem::Target, forbidden);
    }
}

#[tokio::test]
async fn a_proxy_that_is_down_is_an_error_and_never_a_direct_connection() {
    let authority = TestAuthority::new();
    for (proxy, scheme) in all_kinds(LOGIN, &authority).await {
        let upstream = upstream().await;
        let egress = through(as_scheme(&proxy, scheme), true);
        let transport = trusting(&authority);
        exchange(&transport, &upstream.base_url(), &egress).await.unwrap();
        proxy.kill().await;
        until("its connections are closed", || upstream.open_connections() == 0).await;
        let error = failure(&transport, &upstream.base_url(), &egress).await;
        assert_proxy_failed(&error, proxy.address(), ProxyProblem::Unreachable, "refused");
        // The same upstream by the straight way stands in a pool of its own.
        exchange(&transport, &upstream.base_url(), &Egress::direct(true)).await.unwrap();
        let error = failure(&transport, &upstream.base_url(), &egress).await;
        assert_proxy_failed(&error, proxy.address(), ProxyProblem::Unreachable, "refused");
        assert_eq!(upstream.received().len(), 2, "{scheme}");
    }
}

#[tokio::test]
async fn a_proxy_whose_name_is_unknown_cannot_be_reached() {
    let host = "no-such-proxy.invalid";
    for scheme in [ProxyScheme::Http, ProxyScheme::Https, ProxyScheme::Socks5, ProxyScheme::Socks5h] {
        let proxy = Proxy { scheme, host: host.to_owned(), port: 3128, login: None };
        let error = failure(&transport(), PINNED, &through(proxy, false)).await;
        let TransportError::Proxy { proxy, problem, .. } = &error else { panic!("{error:?}") };
        assert_eq!((proxy.as_str(), *problem), ("no-such-proxy.invalid:3128", ProxyProblem::Unreachable));
    }
    let proxy = Proxy { scheme: ProxyScheme::Http, host: "a b".to_owned(), port: 3128, login: None };
    let error = failure(&transport(), PINNED, &through(proxy, false)).await;
    assert!(matches!(error, TransportError::Proxy { problem: ProxyProblem::Unreachable, .. }), "{error:?}");
}

#[tokio::test]
async fn a_proxy_that_says_nothing_runs_into_the_connect_timeout_as_the_proxys_failure() {
    for proxy in [TestProxy::http(LOGIN).await, TestProxy::socks5(LOGIN).await] {
        for behaviour in [ProxyBehaviour::Silent, ProxyBehaviour::NeverConnects] {
            proxy.behave(behaviour);
            let error = failure(&impatient(), PINNED, &through(proxy.proxy(), false)).await;
            assert_proxy_failed(&error, proxy.address(), ProxyProblem::Target, "no answer within 300ms");
        }
    }
    let authority = TestAuthority::new();
    let silent = ScriptedUpstream::queued().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = Proxy {
        scheme: ProxyScheme::Https,
        host: address.ip().to_string(),
        port: address.port(),
        login: None,
    };
    let options = UpstreamOptions {
        authorities: vec![authority.certificate()],
        connect_timeout: std::time::Duration::from_millis(300),
        ..options()
    };
    let transport = HttpTransport::new(&options).unwrap();
    let error = failure(&transport, &silent.base_url(), &through(proxy, true)).await;
    assert_proxy_failed(&error, address, ProxyProblem::Unreachable, "no connection to it after 300ms");
    assert!(silent.received().is_empty());
}

#[tokio::test]
async fn what_is_no_proxy_is_told_apart() {
    for proxy in [TestProxy::http(None).await, TestProxy::socks5(None).await] {
        for behaviour in [ProxyBehaviour::HangsUp, ProxyBehaviour::Babbles] {
            proxy.behave(behaviour);
            let error = failure(&transport(), PINNED, &through(proxy.proxy(), false)).await;
            assert_proxy_failed(&error, proxy.address(), ProxyProblem::Protocol, "");
        }
    }
    // A web server, and one proxy's protocol at the other's port.
    let web = ScriptedUpstream::start(|_| Script::text(404, "no such page")).await;
    let host = web.address().ip().to_string();
    let proxy = Proxy { scheme: ProxyScheme::Http, host, port: web.address().port(), login: None };
    let error = failure(&transport(), PINNED, &through(proxy, false)).await;
    assert_proxy_failed(&error, web.address(), ProxyProblem::Target, "404 Not Found");
    let socks = TestProxy::socks5(None).await;
    let error = failure(&transport(), PINNED, &through(as_scheme(&socks, ProxyScheme::Http), false)).await;
    assert_proxy_failed(&error, socks.address(), ProxyProblem::Protocol, "");
}

#[tokio::test]
async fn an_upstream_that_fails_behind_a_working_proxy_is_the_upstreams_failure() {
    let proxy = TestProxy::http(None).await;
    let upstream = ScriptedUpstream::start(|_| Script::hang_up()).await;
    let error = failure(&transport(), &upstream.base_url(), &through(proxy.proxy(), true)).await;
    assert!(matches!(error, TransportError::Broken(_)), "{error:?}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap());
    let error = failure(&impatient(), &url, &through(proxy.proxy(), true)).await;
    assert!(matches!(error, TransportError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn another_login_or_consent_has_connections_of_its_own() {
    let (proxy, upstream) = (TestProxy::http(None).await, upstream().await);
    proxy.route(NAMED_TARGET, upstream.address());
    let transport = transport();
    let logins =
        [proxy.proxy(), proxy.proxy_as("a", "1"), proxy.proxy_as("a", "2"), proxy.proxy_as("b", "1")];
    let mut egresses: Vec<_> = logins.into_iter().map(|proxy| through(proxy, false)).collect();
    egresses.push(through(proxy.proxy(), true));
    for egress in &egresses {
        exchange(&transport, NAMED, egress).await.unwrap();
    }
    assert_eq!(proxy.connections(), egresses.len());
}

#[tokio::test]
async fn the_number_of_proxies_with_connections_is_bounded() {
    let transport = HttpTransport::new(&UpstreamOptions { proxies: 2, ..options() }).unwrap();
    let upstream = upstream().await;
    let mut proxies = Vec::new();
    for _ in 0..5 {
        let proxy = TestProxy::http(None).await;
        exchange(&transport, &upstream.base_url(), &through(proxy.proxy(), true)).await.unwrap();
        proxies.push(proxy);
    }
    let open = || proxies.iter().map(TestProxy::open_connections).sum::<usize>();
    until("the connections through forgotten proxies are closed", || open() <= 2).await;
    assert_eq!(upstream.received().len(), 5);
}

#[tokio::test]
async fn a_forgotten_proxys_exchanges_in_flight_go_on() {
    let transport = HttpTransport::new(&UpstreamOptions { proxies: 1, ..options() }).unwrap();
    let slow = ScriptedUpstream::start(|_| {
        Script::new().chunk("one").pause(std::time::Duration::from_millis(300)).chunk("two")
    })
    .await;
    let (first, second) = (TestProxy::http(None).await, TestProxy::http(None).await);
    let answer = send(&transport, &slow.base_url(), &through(first.proxy(), true)).await.unwrap();
    let upstream = upstream().await;
    exchange(&transport, &upstream.base_url(), &through(second.proxy(), true)).await.unwrap();
    assert_eq!(crate::support::text(answer).await.unwrap(), "onetwo");
}

#[tokio::test]
async fn passwords_are_in_no_debug_output() {
    let (proxy, upstream) = (TestProxy::http(LOGIN).await, upstream().await);
    let (transport, egress) = (transport(), through(proxy.proxy(), true));
    exchange(&transport, &upstream.base_url(), &egress).await.unwrap();
    for text in [format!("{transport:?}"), format!("{egress:?}"), format!("{:#?}", proxy.proxy())] {
        assert!(!text.contains("canary"), "{text}");
    }
}
