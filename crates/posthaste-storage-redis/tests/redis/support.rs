//! A redis-server of the tests' own.

use std::{
    error::Error,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    pin::Pin,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use posthaste_core::Timestamp;
use posthaste_storage::{Claim, Expect, Half, LeaseId, LeaseRef, RecordKind, StorageError, Stores};
use posthaste_storage_redis::{RedisOptions, RedisStores};
use tempfile::TempDir;
use uuid::Uuid;

/// A server on a free port of the loopback, with a temporary folder; it ends when this is dropped.
pub(crate) struct Server {
    port: u16,
    arguments: Vec<String>,
    folder: TempDir,
    child: Option<Child>,
}

impl Server {
    /// Starts a server that keeps nothing on disk.
    pub(crate) fn start() -> Self {
        Self::with(&["--save", ""])
    }

    /// Starts a server with further settings.
    pub(crate) fn with(settings: &[&str]) -> Self {
        let mut last = String::new();
        // Between looking for a free port and taking it, another process may be quicker.
        for _ in 0..5 {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let arguments = settings.iter().map(|&setting| setting.to_owned()).collect();
            let mut server = Self { port: free_port(), arguments, folder, child: None };
            match server.try_run() {
                Ok(()) => return server,
                Err(why) => last = why,
            }
        }
        panic!("redis-server did not start: {last}");
    }

    /// The server's port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How to reach it, with a prefix that no other test has.
    pub(crate) fn options(&self) -> RedisOptions {
        options(format!("redis://127.0.0.1:{}", self.port))
    }

    /// Fresh stores on it.
    pub(crate) async fn stores(&self) -> RedisStores {
        RedisStores::connect(self.options()).await.expect("a running server takes connections")
    }

    /// Ends the server as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("our own child can be killed");
            child.wait().expect("our own child can be waited for");
        }
    }

    /// Starts it again on the same port and folder.
    pub(crate) fn run(&mut self) {
        if let Err(why) = self.try_run() {
            panic!("redis-server did not start again: {why}");
        }
    }

    /// The process, while it runs.
    pub(crate) fn process(&self) -> rustix::process::Pid {
        let child = self.child.as_ref().expect("the server runs");
        rustix::process::Pid::from_child(child)
    }

    /// Sends one command in the inline form and gives the whole answer.
    pub(crate) fn command(&self, line: &str) -> String {
        ask(self.port, line).expect("a running server answers")
    }

    fn try_run(&mut self) -> Result<(), String> {
        let log: PathBuf = self.folder.path().join("log");
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--logfile"])
            .arg(&log)
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("redis-server cannot be run ({error}): install redis-server"));
        self.child = Some(child);
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            if ask(self.port, "PING").is_ok_and(|answer| answer.contains("PONG") || answer.contains("NOAUTH"))
            {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        Err(std::fs::read_to_string(log).unwrap_or_default())
    }
}

/// How to reach servers, with a prefix that no other test has.
pub(crate) fn options(url: String) -> RedisOptions {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    RedisOptions { prefix: format!("test{number}"), ..RedisOptions::new(url) }
}

/// Fresh stores for a promise of the contract, and what keeps them alive.
pub(crate) fn fresh(url: String) -> Pin<Box<dyn Future<Output = (Stores, RedisStores)>>> {
    Box::pin(async move {
        let redis = RedisStores::connect(options(url)).await.expect("running servers take connections");
        (redis.stores(), redis)
    })
}

/// Writes a configuration record.
pub(crate) async fn write(stores: &Stores) -> Result<Uuid, StorageError> {
    let id = Uuid::now_v7();
    stores.config.put(RecordKind::Account, id, None, "{}".to_owned(), Expect::Absent).await.map(|_| id)
}

/// Reserves for an owner.
pub(crate) async fn claim_for(stores: &Stores, owner: Uuid) -> Result<LeaseRef, StorageError> {
    let lease = LeaseId::generate();
    let claim = Claim { half: Half::Caller, owner, lease, ttl: Duration::from_secs(60), checks: Vec::new() };
    assert!(stores.admission.reserve(&claim, Timestamp::from_secs(1_790_000_000)).await?.is_granted());
    Ok(claim.lease_ref())
}

/// Tries until it holds; a promise about the end, not about the time.
pub(crate) async fn eventually(mut holds: impl AsyncFnMut() -> bool) {
    let patience = tokio::time::timeout(Duration::from_secs(60), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    patience.await.expect("it should hold within the patience");
}

/// All that can be printed of an error and its causes.
pub(crate) fn texts(error: &StorageError) -> String {
    let mut texts = format!("{error:?}");
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        texts.push_str(&format!("\n{error}"));
        cause = error.source();
    }
    texts
}

#[track_caller]
pub(crate) fn assert_unavailable(error: StorageError) {
    assert!(matches!(error, StorageError::Unavailable { .. }), "{error:?}");
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}

fn ask(port: u16, line: &str) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    connection.write_all(format!("{line}\r\nQUIT\r\n").as_bytes())?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

const START_LIMIT: Duration = Duration::from_secs(10);
