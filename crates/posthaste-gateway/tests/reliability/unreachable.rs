//! U6: upstreams that cannot be reached, and proxies that cannot.

use std::{collections::HashMap, sync::Arc, time::Duration};

use posthaste_core::{
    Account, AttemptOutcome, AttemptPhase, CooldownReason, FaultKind, ProviderKind, ProxyScheme,
    ProxySettings,
};
use posthaste_gateway::{RelayOptions, TimeoutOverrides};
use posthaste_testkit::{
    AccountSetters, Script, ScriptedUpstream, TestAuthority, TestProxy, TlsFront, account, anthropic_json,
    anthropic_sse,
};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use serde_json::json;

use crate::support::{Rig, USAGE, at, streamed, whole};

async fn good() -> ScriptedUpstream {
    ScriptedUpstream::start(|received| match received.json()["stream"] == json!(true) {
        true => Script::sse(&anthropic_sse(&["Hel", "lo"], USAGE)),
        false => Script::json(200, &anthropic_json("Hello", USAGE)),
    })
    .await
}

/// An account that fails so before anything was sent is stepped over, and rests for this reason.
async fn is_stepped_over(bad: Account, authority: Option<&TestAuthority>, kind: FaultKind, why: &str) {
    let good = good().await;
    for body in [whole(), streamed()] {
        let authorities = authority.map(TestAuthority::certificate).into_iter().collect();
        let upstream = UpstreamOptions { authorities, ..UpstreamOptions::default() };
        let own =
            TimeoutOverrides { connect: Some(Duration::from_millis(300)), ..TimeoutOverrides::default() };
        let by_provider = HashMap::from([(ProviderKind::Anthropic, own)]);
        let options = RelayOptions { by_provider, ..RelayOptions::default() };
        let accounts = vec![bad.clone(), at("good", good.base_url(), 2)];
        let rig = Rig::over(accounts, options, Arc::new(HttpTransport::new(&upstream).unwrap())).await;
        let answer = rig.read(&body).await.unwrap();
        assert!(answer.text().contains("Hel"), "{}", answer.text());
        assert_eq!((answer.status, answer.header("x-posthaste-attempts")), (200, "2"));
        let rows = rig.rows().await;
        let [failed, served] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((failed.outcome, failed.phase), (AttemptOutcome::Failed(kind), AttemptPhase::Sending));
        assert_eq!((failed.status, failed.usage.total()), (None, 0));
        assert_eq!(served.outcome, AttemptOutcome::Complete);
        let rests = rig.scheduler.parked(account("bad").id, rig.relay_now()).unwrap();
        assert_eq!(rests.reason, CooldownReason::Failing);
        assert!(rests.why.contains(why), "{}", rests.why);
        assert!(rig.scheduler.parked(account("good").id, rig.relay_now()).is_none());
    }
}

fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn u6_a_refused_connection() {
    let bad = at("bad", format!("http://127.0.0.1:{}", closed_port()), 1);
    is_stepped_over(bad, None, FaultKind::UpstreamFailed, "could not connect to 127.0.0.1").await;
}

#[tokio::test]
async fn u6_a_name_that_nobody_knows() {
    // Of a name server that does not answer the time-out is told: there is only one way to find it out.
    let bad = at("bad", "http://no-such-host.invalid".to_owned(), 1);
    is_stepped_over(bad, None, FaultKind::UpstreamFailed, "could not connect to no-such-host.invalid").await;
}

#[tokio::test]
async fn u6_a_certificate_of_nobody_who_is_trusted() {
    let (authority, upstream) = (TestAuthority::new(), good().await);
    let front = TlsFront::start(authority.server(&["localhost"], &[]), upstream.address()).await;
    let bad = at("bad", format!("https://localhost:{}", front.address().port()), 1);
    is_stepped_over(bad, None, FaultKind::UpstreamFailed, "certificate").await;
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn u6_a_certificate_that_has_expired() {
    let (authority, upstream) = (TestAuthority::new(), good().await);
    let front = TlsFront::start(authority.expired_server(&["localhost"]), upstream.address()).await;
    let bad = at("bad", format!("https://localhost:{}", front.address().port()), 1);
    is_stepped_over(bad, Some(&authority), FaultKind::UpstreamFailed, "expired").await;
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn u6_a_certificate_of_another_name() {
    let (authority, upstream) = (TestAuthority::new(), good().await);
    let front = TlsFront::start(authority.server(&["elsewhere.example"], &[]), upstream.address()).await;
    let bad = at("bad", format!("https://localhost:{}", front.address().port()), 1);
    is_stepped_over(bad, Some(&authority), FaultKind::UpstreamFailed, "certificate").await;
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn u6_a_host_that_says_nothing() {
    assert!(UpstreamOptions::default().connect_timeout <= Duration::from_secs(2));
    // It takes connections, as far as the kernel goes, and never speaks TLS.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bad = at("bad", format!("https://{}", listener.local_addr().unwrap()), 1);
    let bad = bad.with_provider(ProviderKind::Anthropic);
    is_stepped_over(bad, None, FaultKind::Timeout, "connect time-out after 300ms").await;
}

/// The account cannot be used without its proxy, and rests; the reason names the proxy, and nothing goes straight instead.
#[tokio::test]
async fn u6_a_proxy_that_is_down() {
    let (proxy, upstream) = (TestProxy::http(None).await, good().await);
    proxy.kill().await;
    let mut bad = at("bad", upstream.base_url(), 1);
    bad.proxy = Some(ProxySettings {
        scheme: ProxyScheme::Http,
        host: "127.0.0.1".to_owned(),
        port: proxy.address().port(),
        username: None,
        password: None,
    });
    let why = format!("the proxy {} cannot be reached", proxy.address());
    is_stepped_over(bad, None, FaultKind::UpstreamFailed, &why).await;
    assert!(upstream.received().is_empty());
}

/// The proxy works: the upstream behind it is what failed, and the reason names that.
#[tokio::test]
async fn u6_an_upstream_that_is_down_behind_a_proxy_that_works() {
    let (proxy, authority) = (TestProxy::http(None).await, TestAuthority::new());
    let upstream = good().await;
    let front = TlsFront::start(authority.expired_server(&["localhost"]), upstream.address()).await;
    proxy.route(&format!("localhost:{}", front.address().port()), front.address());
    let mut bad = at("bad", format!("https://localhost:{}", front.address().port()), 1);
    bad.proxy = Some(ProxySettings {
        scheme: ProxyScheme::Http,
        host: "127.0.0.1".to_owned(),
        port: proxy.address().port(),
        username: None,
        password: None,
    });
    is_stepped_over(bad, Some(&authority), FaultKind::UpstreamFailed, "could not connect to localhost").await;
    assert!(upstream.received().is_empty());
}

/// What one request has found out holds for every account behind the proxy.
#[tokio::test]
async fn u6_a_proxy_that_is_down_is_found_out_once() {
    let (proxy, upstream) = (TestProxy::http(None).await, good().await);
    proxy.kill().await;
    let behind = |name: &str| {
        let mut account = at(name, upstream.base_url(), 1);
        account.proxy = Some(ProxySettings {
            scheme: ProxyScheme::Http,
            host: "127.0.0.1".to_owned(),
            port: proxy.address().port(),
            username: None,
            password: None,
        });
        account
    };
    let accounts =
        vec![behind("one"), behind("two"), behind("three"), at("straight", upstream.base_url(), 2)];
    let rig = Rig::new(accounts).await;
    let answer = rig.read(&whole()).await.unwrap();
    assert_eq!((answer.status, answer.header("x-posthaste-attempts")), (200, "2"));
    for name in ["one", "two", "three"] {
        let parked = rig.scheduler.parked(account(name).id, rig.relay_now()).unwrap();
        assert!(parked.why.contains("the proxy 127.0.0.1"), "{}", parked.why);
    }
    assert!(rig.scheduler.parked(account("straight").id, rig.relay_now()).is_none());
}
