//! A redis-server of the tests' own.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use posthaste_storage_redis::{RedisOptions, RedisStores};
use tempfile::TempDir;

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

    /// Starts a cluster of one node that has all slots.
    pub(crate) fn start_cluster_of_one() -> Self {
        let bus = free_port().to_string();
        let server = Self::with(&["--save", "", "--cluster-enabled", "yes", "--cluster-port", &bus]);
        assert!(server.command("CLUSTER ADDSLOTSRANGE 0 16383").contains("OK"));
        let deadline = Instant::now() + START_LIMIT;
        while !server.command("CLUSTER INFO").contains("cluster_state:ok") {
            assert!(Instant::now() < deadline, "the cluster does not form");
            thread::sleep(Duration::from_millis(10));
        }
        server
    }

    /// The server's port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How to reach it, with a prefix that no other test has.
    pub(crate) fn options(&self) -> RedisOptions {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        RedisOptions {
            prefix: format!("test{number}"),
            ..RedisOptions::new(format!("redis://127.0.0.1:{}", self.port))
        }
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
