//! Connections through proxies.

mod socks;
mod tunnel;

use std::{error::Error, fmt, net::SocketAddr, sync::Arc};

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use posthaste_core::{BoxError, Proxy, ProxyProblem, ProxyScheme};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower::Service;

use crate::{
    guard::{ResolvedBy, Target, TargetHost},
    resolve::GuardedResolver,
    stage::Stage,
    tcp,
};

/// A connection to a proxy.
pub(crate) type ProxyStream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// The way through one proxy.
///
/// The proxy's own address is the operator's word and not checked: most proxies stand in a private network. What it is
/// asked to connect to is checked like any other target.
#[derive(Clone)]
pub(crate) struct ProxyWay {
    proxy: Arc<Proxy>,
    url: Uri,
    connector: HttpsConnector<HttpConnector>,
}

/// A proxy did not do its part. The cause is text: it holds no credentials.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the proxy {problem}: {cause}")]
pub(crate) struct ProxyFailure {
    pub(crate) problem: ProxyProblem,
    pub(crate) cause: String,
}

impl ProxyFailure {
    pub(crate) fn new(problem: ProxyProblem, cause: impl Into<String>) -> Self {
        Self { problem, cause: cause.into() }
    }

    fn caused_by(problem: ProxyProblem, error: &dyn Error) -> Self {
        Self::new(problem, chain(error))
    }
}

impl ProxyWay {
    /// Prepares the way. `tls` is for proxies that are spoken to in TLS.
    pub(crate) fn new(proxy: Arc<Proxy>, tls: Arc<ClientConfig>) -> Result<Self, ProxyFailure> {
        let scheme = if proxy.scheme == ProxyScheme::Https { "https" } else { "http" };
        let url = format!("{scheme}://{}/", proxy.address()).parse().map_err(|_| {
            ProxyFailure::new(ProxyProblem::Unreachable, "its host is neither a name nor an address")
        })?;
        let mut tcp = HttpConnector::new();
        tcp::configure(&mut tcp);
        Ok(Self { proxy, url, connector: HttpsConnector::from((tcp, tls)) })
    }

    /// Connects to a target through the proxy.
    pub(crate) async fn connect(
        self,
        destination: Uri,
        allow_private: bool,
        stage: Stage,
    ) -> Result<ProxyStream, BoxError> {
        let resolved_by = match self.proxy.scheme {
            ProxyScheme::Socks5 => ResolvedBy::Here,
            ProxyScheme::Http | ProxyScheme::Https | ProxyScheme::Socks5h => ResolvedBy::Proxy,
        };
        let target = Target::read(&destination, allow_private, resolved_by)?;
        match self.proxy.scheme {
            ProxyScheme::Http | ProxyScheme::Https => {
                let stream = self.reach(&stage).await?;
                Ok(tunnel::open(stream, &target, self.proxy.login.as_ref()).await?)
            }
            ProxyScheme::Socks5h => {
                let stream = self.reach(&stage).await?;
                Ok(socks::open(stream, target, self.proxy.login.as_ref()).await?)
            }
            ProxyScheme::Socks5 => self.connect_resolved(target, allow_private, &stage).await,
        }
    }

    /// Resolves the target's name here, and asks the proxy for one address after another.
    async fn connect_resolved(
        self,
        target: Target,
        allow_private: bool,
        stage: &Stage,
    ) -> Result<ProxyStream, BoxError> {
        let addresses = match &target.host {
            TargetHost::Address(address) => vec![SocketAddr::new(*address, target.port)],
            TargetHost::Name(name) => GuardedResolver::new(allow_private).resolve(name, target.port).await?,
        };
        let mut failure = None;
        for address in addresses.into_iter().take(MOST_ADDRESSES) {
            let pinned = Target { host: TargetHost::Address(address.ip()), port: address.port() };
            let stream = self.reach(stage).await?;
            match socks::open(stream, pinned, self.proxy.login.as_ref()).await {
                Ok(stream) => return Ok(stream),
                // Another address may be reachable where this one is not, and nothing else is worth a second try.
                Err(refusal) if refusal.problem == ProxyProblem::Target => failure = Some(refusal),
                Err(other) => return Err(other.into()),
            }
        }
        Err(failure.expect("a resolved name has an address").into())
    }

    /// Connects to the proxy itself.
    async fn reach(&self, stage: &Stage) -> Result<ProxyStream, ProxyFailure> {
        stage.reaching_proxy();
        let unreachable =
            |error: BoxError| ProxyFailure::caused_by(ProxyProblem::Unreachable, error.as_ref());
        let mut connector = self.connector.clone();
        std::future::poll_fn(|cx| connector.poll_ready(cx)).await.map_err(unreachable)?;
        let stream = connector.call(self.url.clone()).await.map_err(unreachable)?;
        stage.asked_proxy();
        Ok(stream)
    }
}

impl fmt::Debug for ProxyWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyWay({}://{})", self.proxy.scheme, self.proxy.address())
    }
}

/// An error with its causes in one line; those that only repeat the one before are left out.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// How many of a name's addresses are tried, each over a connection to the proxy of its own.
const MOST_ADDRESSES: usize = 4;
