//! A TCP server that answers HTTP/1.1 as a script says, wrongly too.

mod connection;
mod gate;
mod received;
mod script;

use std::{
    collections::VecDeque,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
};

pub use gate::Gate;
pub use received::Received;
pub use script::Script;

/// A real server on a free port of 127.0.0.1 whose answers are [`Script`]s.
///
/// It needs a tokio runtime with time and I/O, and ends with the value.
pub struct ScriptedUpstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Mutex<Option<JoinHandle<()>>>,
}

impl ScriptedUpstream {
    /// Starts it. The closure is asked once a request, after the scripts that were [enqueued](Self::enqueue).
    ///
    /// # Panics
    /// When 127.0.0.1 cannot be listened on.
    pub async fn start(script: impl Fn(&Received) -> Script + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            fallback: Box::new(script),
            queue: Mutex::default(),
            received: watch::Sender::default(),
            aborts: watch::Sender::default(),
            open: AtomicUsize::new(0),
            connections: Mutex::default(),
        });
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
        let address = listener.local_addr().expect("a bound listener has an address");
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, accepting: Mutex::new(Some(accepting)) }
    }

    /// Starts it without a closure: a request for which nothing was [enqueued](Self::enqueue) gets a 500 that says so.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn queued() -> Self {
        Self::start(|_| Script::text(500, "the test enqueued no script for this request")).await
    }

    /// Adds the answer to the next request that has none yet.
    pub fn enqueue(&self, script: Script) {
        self.shared.queue.lock().push_back(script);
    }

    /// `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request that arrived whole, in the order of their arrival.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.borrow().clone()
    }

    /// Waits for the `count`th request and gives all that came.
    ///
    /// # Panics
    /// When it has not come within 10 s.
    pub async fn wait_received(&self, count: usize) -> Vec<Received> {
        wait_for(&self.shared.received, count, "requests").await
    }

    /// How many connections stand.
    pub fn open_connections(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// How many exchanges the client left before their script had ended.
    pub fn aborted(&self) -> usize {
        self.shared.aborts.borrow().len()
    }

    /// Waits until the client has left `count` exchanges early and tells about them.
    ///
    /// # Panics
    /// When it has not within 10 s.
    pub async fn wait_aborted(&self, count: usize) -> Vec<Abort> {
        wait_for(&self.shared.aborts, count, "aborted exchanges").await
    }

    /// Closes the listener and every connection, as the end of a process would. Later connects are refused.
    pub async fn kill(&self) {
        let accepting = self.accepting.lock().take();
        if let Some(accepting) = accepting {
            accepting.abort();
            // The listener is closed once the task is gone; that it was cancelled is no news.
            let _ = accepting.await;
        }
        let mut connections = std::mem::take(&mut *self.shared.connections.lock());
        connections.shutdown().await;
    }

    /// Listens on the same port again after [`kill`](Self::kill); a running server goes on as it is.
    ///
    /// # Panics
    /// When another process took the port in between.
    pub async fn revive(&self) {
        if self.accepting.lock().is_none() {
            let listener = listen(self.address).await;
            let accepting = tokio::spawn(accept(listener, Arc::clone(&self.shared)));
            *self.accepting.lock() = Some(accepting);
        }
    }
}

impl fmt::Debug for ScriptedUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedUpstream").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for ScriptedUpstream {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.get_mut().take() {
            accepting.abort();
        }
        self.shared.connections.lock().abort_all();
    }
}

/// An exchange that the client left before its script had ended.
#[derive(Clone, Debug)]
pub struct Abort {
    /// The path that was asked for.
    pub path: String,
    /// When the server noticed.
    pub noticed: Instant,
}

/// What the connections share.
struct Shared {
    fallback: Box<dyn Fn(&Received) -> Script + Send + Sync>,
    queue: Mutex<VecDeque<Script>>,
    received: watch::Sender<Vec<Received>>,
    aborts: watch::Sender<Vec<Abort>>,
    open: AtomicUsize,
    connections: Mutex<JoinSet<()>>,
}

impl Shared {
    fn script_for(&self, request: Received) -> Script {
        let queued = self.queue.lock().pop_front();
        let script = queued.unwrap_or_else(|| (self.fallback)(&request));
        self.received.send_modify(|received| received.push(request));
        script
    }

    fn aborted(&self, path: String) {
        self.aborts.send_modify(|aborts| aborts.push(Abort { path, noticed: Instant::now() }));
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let connection = connection::serve(stream, Arc::clone(&shared));
        let mut connections = shared.connections.lock();
        connections.spawn(connection);
        while connections.try_join_next().is_some() {}
    }
}

async fn listen(address: SocketAddr) -> TcpListener {
    TcpListener::bind(address).await.unwrap_or_else(|error| panic!("cannot listen on {address}: {error}"))
}

async fn wait_for<T: Clone>(list: &watch::Sender<Vec<T>>, count: usize, what: &str) -> Vec<T> {
    let mut changes = list.subscribe();
    let enough = changes.wait_for(|list| list.len() >= count);
    match tokio::time::timeout(WAIT, enough).await {
        Ok(found) => found.expect("the sender is borrowed, so it lives").clone(),
        Err(_) => panic!("waited {WAIT:?} for {count} {what}, saw {}", list.borrow().len()),
    }
}

const WAIT: Duration = Duration::from_secs(10);
