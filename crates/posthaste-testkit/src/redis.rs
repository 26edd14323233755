//! Redis servers of the test's own: one, a cluster, or a master with a replica and Sentinels.

mod ask;
mod cluster;
mod sentinel;

use std::{
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use self::ask::{answers_ping, ask};
pub use self::{
    cluster::{
        SpawnedRedisCluster, spawn_redis_cluster, spawn_redis_cluster_of, spawn_redis_cluster_with_replicas,
    },
    sentinel::{SpawnedRedisSentinel, spawn_redis_sentinel},
};

/// Starts an empty `redis-server` on a free port of 127.0.0.1, without persistence, and waits until it answers.
///
/// It is ended when the value is dropped.
///
/// # Panics
/// When the program is missing or does not come up: tests that need Redis fail, they are never skipped.
pub fn spawn_redis() -> SpawnedRedis {
    spawn_redis_with(&[])
}

/// As [`spawn_redis`], with more arguments on the command line, such as `--maxmemory`.
///
/// # Panics
/// As [`spawn_redis`].
pub fn spawn_redis_with(arguments: &[&str]) -> SpawnedRedis {
    let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    // Another process may take the port between our look and the server's bind; then another port is tried.
    let (port, child) = (0..PORT_TRIES)
        .find_map(|_| {
            let port = free_port();
            Some((port, start(port, &dir, &arguments)?))
        })
        .unwrap_or_else(|| panic!("redis-server did not come up at {PORT_TRIES} ports with {arguments:?}"));
    SpawnedRedis { child: Some(child), port, arguments, dir }
}

/// A running `redis-server`; see [`spawn_redis`].
#[derive(Debug)]
pub struct SpawnedRedis {
    child: Option<Child>,
    port: u16,
    arguments: Vec<String>,
    dir: TempDir,
}

impl SpawnedRedis {
    /// The port it listens on, at 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its address as `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends one command, written as in `redis-cli` but without quotes, and gives the answer as text: elements in lines,
    /// errors with a leading `-`, nothing as an empty text.
    ///
    /// # Panics
    /// When the server does not answer.
    pub fn command(&self, line: &str) -> String {
        ask(self.port, line).unwrap_or_else(|error| panic!("redis-server at port {}: {error}", self.port))
    }

    /// The folder that it writes to.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Its process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Kills the server as a crash would; its data in memory is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only when it has ended already, which is what was asked for.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts a server on the same port and folder again, ending a running one first. It is empty, unless the arguments
    /// let it write to its folder.
    ///
    /// # Panics
    /// When it does not come up.
    pub fn restart(&mut self) {
        self.kill();
        let child = start(self.port, &self.dir, &self.arguments);
        self.child =
            Some(child.unwrap_or_else(|| panic!("redis-server did not come back at port {}", self.port)));
    }
}

impl Drop for SpawnedRedis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts the server and waits for its PONG; `None` when it ended at once, as it does when the port is taken.
fn start(port: u16, dir: &TempDir, arguments: &[String]) -> Option<Child> {
    let mut child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no", "--dir"])
        .arg(dir.path())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("could not start redis-server ({error}): install it, on Debian with `apt-get install redis-server`"));
    for _ in 0..PING_TRIES {
        if child.try_wait().expect("a child can be asked for its state").is_some() {
            return None;
        }
        if answers_ping(port) {
            return Some(child);
        }
        thread::sleep(PING_PAUSE);
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("redis-server at port {port} answered no PING within {:?}", PING_PAUSE * PING_TRIES);
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has a free port");
    listener.local_addr().expect("a bound listener has an address").port()
}

const PORT_TRIES: usize = 5;
const PING_TRIES: u32 = 500;
const PING_PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spawned_server_answers_until_it_is_dropped() {
        let redis = spawn_redis();
        let port = redis.port();
        assert_eq!(redis.url(), format!("redis://127.0.0.1:{port}"));
        assert!(answers_ping(port));
        drop(redis);
        assert!(!answers_ping(port));
    }

    #[test]
    fn it_comes_back_on_the_same_port() {
        let mut redis = spawn_redis_with(&["--requirepass", "dummy"]);
        redis.kill();
        assert!(!answers_ping(redis.port()));
        redis.restart();
        assert!(answers_ping(redis.port()));
    }
}
