//! Real proxies on free ports of 127.0.0.1, working or not.

mod socks;
mod tunnel;

use std::{
    collections::HashMap,
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use posthaste_core::{Proxy, ProxyLogin, ProxyScheme, Secret};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// A proxy that speaks HTTP `CONNECT` or SOCKS 5, counts its connections and remembers what it was asked for.
///
/// It connects to what a [`route`](Self::route) names, and to loopback addresses; everything else it refuses as
/// unreachable, so that nothing leaves this machine. It needs a tokio runtime with I/O, and ends with the value.
pub struct TestProxy {
    address: SocketAddr,
    scheme: ProxyScheme,
    shared: Arc<Shared>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

/// What a [`TestProxy`] does with those who come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyBehaviour {
    /// Its work.
    #[default]
    Works,
    /// Takes the connection and never says a word.
    Silent,
    /// Closes each connection as soon as something was said.
    HangsUp,
    /// Answers with bytes that are no proxy's.
    Babbles,
    /// Takes any login and refuses every target.
    RefusesTargets,
    /// Takes request and login, and never answers.
    NeverConnects,
}

impl TestProxy {
    /// Starts an HTTP proxy; with a login if one is given.
    ///
    /// # Panics
    /// When 127.0.0.1 cannot be listened on.
    pub async fn http(login: Option<(&str, &str)>) -> Self {
        Self::start(ProxyScheme::Http, login, None).await
    }

    /// Starts an HTTP proxy that is spoken to in TLS; see [`TestAuthority`](crate::TestAuthority) for its certificate.
    ///
    /// # Panics
    /// As [`http`](Self::http).
    pub async fn https(login: Option<(&str, &str)>, tls: Arc<ServerConfig>) -> Self {
        Self::start(ProxyScheme::Https, login, Some(TlsAcceptor::from(tls))).await
    }

    /// Starts a SOCKS 5 proxy. It takes addresses as well as names, and serves both `socks5` and `socks5h`.
    ///
    /// # Panics
    /// As [`http`](Self::http).
    pub async fn socks5(login: Option<(&str, &str)>) -> Self {
        Self::start(ProxyScheme::Socks5, login, None).await
    }

    async fn start(scheme: ProxyScheme, login: Option<(&str, &str)>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.unwrap_or_else(|error| panic!("cannot listen on 127.0.0.1: {error}"));
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            socks: scheme == ProxyScheme::Socks5,
            tls,
            login: login.map(|(user, password)| (user.to_owned(), password.to_owned())),
            behaviour: Mutex::default(),
            routes: Mutex::default(),
            accepted: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            targets: Mutex::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, scheme, shared, accepting: Mutex::new(Some(accepting)) }
    }

    /// How to reach it, with the login that it wants.
    pub fn proxy(&self) -> Proxy {
        let login = self.shared.login.clone();
        Proxy {
            scheme: self.scheme,
            host: self.address.ip().to_string(),
            port: self.address.port(),
            login: login.map(|(username, password)| ProxyLogin { username, password: Secret::new(password) }),
        }
    }

    /// The same with another login.
    pub fn proxy_as(&self, username: &str, password: &str) -> Proxy {
        let login = ProxyLogin { username: username.to_owned(), password: Secret::new(password) };
        Proxy { login: Some(login), ..self.proxy() }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects those who ask for `target` (`host:port`) to this address.
    pub fn route(&self, target: &str, to: SocketAddr) {
        self.shared.routes.lock().insert(target.to_owned(), to);
    }

    /// Behaves like this from the next connection on.
    pub fn behave(&self, behaviour: ProxyBehaviour) {
        *self.shared.behaviour.lock() = behaviour;
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// How many connections stand.
    pub fn open_connections(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Every target (`host:port`) that somebody with the right login asked for, in order.
    pub fn targets(&self) -> Vec<String> {
        self.shared.targets.lock().clone()
    }

    /// Closes the listener and every connection. Later connects are refused.
    pub async fn kill(&self) {
        let accepting = self.accepting.lock().take();
        if let Some(accepting) = accepting {
            accepting.abort();
            // The listener is closed once the task is gone; that it was cancelled is no news.
            let _ = accepting.await;
        }
    }
}

impl fmt::Debug for TestProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestProxy({}://{})", self.scheme, self.address)
    }
}

impl Drop for TestProxy {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.get_mut().take() {
            accepting.abort();
        }
    }
}

/// What the connections share.
struct Shared {
    socks: bool,
    tls: Option<TlsAcceptor>,
    login: Option<(String, String)>,
    behaviour: Mutex<ProxyBehaviour>,
    routes: Mutex<HashMap<String, SocketAddr>>,
    accepted: AtomicUsize,
    open: AtomicUsize,
    targets: Mutex<Vec<String>>,
}

impl Shared {
    /// The connection that is asked for; an error where the proxy will or can not make it.
    async fn connect(&self, target: &str, behaviour: ProxyBehaviour) -> io::Result<TcpStream> {
        self.targets.lock().push(target.to_owned());
        if behaviour == ProxyBehaviour::NeverConnects {
            std::future::pending::<()>().await;
        }
        if behaviour == ProxyBehaviour::RefusesTargets {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let route = self.routes.lock().get(target).copied();
        let loopback = || target.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback());
        match route.or_else(loopback) {
            Some(address) => TcpStream::connect(address).await,
            None => Err(io::ErrorKind::HostUnreachable.into()),
        }
    }
}

/// Ends all connections when it is dropped, since they are its tasks.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        shared.accepted.fetch_add(1, Ordering::SeqCst);
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _open = OpenGuard::new(&shared);
    stream.set_nodelay(true).expect("a fresh socket takes options");
    // How a connection ended is for the client to tell.
    let _ = match &shared.tls {
        None => speak(stream, &shared).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => speak(stream, &shared).await,
            Err(error) => Err(error),
        },
    };
}

async fn speak<S>(mut stream: S, shared: &Shared) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let behaviour = *shared.behaviour.lock();
    match behaviour {
        ProxyBehaviour::Silent => std::future::pending().await,
        ProxyBehaviour::HangsUp => tunnel::read_some(&mut stream).await,
        ProxyBehaviour::Babbles => tunnel::babble(&mut stream).await,
        _ if shared.socks => socks::serve(stream, shared, behaviour).await,
        _ => tunnel::serve(stream, shared, behaviour).await,
    }
}

/// Counts an open connection while it lives.
struct OpenGuard<'a>(&'a Shared);

impl<'a> OpenGuard<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.open.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for OpenGuard<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}
