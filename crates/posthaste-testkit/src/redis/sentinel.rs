//! A master, its replica, and the Sentinels that watch over them.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{
    SpawnedRedis,
    ask::{answers_ping, ask, wait_for},
    free_port, spawn_redis_with,
};

/// Starts a master, a replica and as many Sentinels on free ports of 127.0.0.1, and waits until the replica follows and
/// each Sentinel knows of everybody; they take a master for dead after a second and a half. All end when the value is dropped.
///
/// # Panics
/// When the program is missing or they do not find each other.
pub fn spawn_redis_sentinel(sentinels: usize) -> SpawnedRedisSentinel {
    let master = spawn_redis_with(&[]);
    let port = master.port().to_string();
    let replica = spawn_redis_with(&["--replicaof", "127.0.0.1", &port, "--repl-diskless-sync-delay", "0"]);
    let quorum = sentinels / 2 + 1;
    let sentinels: Vec<_> = (0..sentinels).map(|_| Sentinel::start(master.port(), quorum)).collect();
    let set = SpawnedRedisSentinel { servers: [master, replica], sentinels };
    wait_for("the replica", || set.servers[1].command("INFO replication").contains("master_link_status:up"));
    wait_for("the Sentinels", || {
        set.sentinels.iter().all(|sentinel| sentinel.knows(1, set.sentinels.len() - 1))
    });
    set
}

/// A running set; see [`spawn_redis_sentinel`].
#[derive(Debug)]
pub struct SpawnedRedisSentinel {
    servers: [SpawnedRedis; 2],
    sentinels: Vec<Sentinel>,
}

impl SpawnedRedisSentinel {
    /// Its address, with every Sentinel named:
    /// `redis-sentinel://127.0.0.1:PORT?sentinelServiceName=posthaste&node=127.0.0.1:PORT…`.
    pub fn url(&self) -> String {
        let (first, others) = self.sentinels.split_first().expect("there is a Sentinel");
        let others: String = others.iter().map(|other| format!("&node=127.0.0.1:{}", other.port)).collect();
        format!("redis-sentinel://127.0.0.1:{}?sentinelServiceName={SERVICE}{others}", first.port)
    }

    /// The server that the Sentinels tell clients to use.
    ///
    /// # Panics
    /// When they tell of none of ours.
    pub fn master(&self) -> &SpawnedRedis {
        &self.servers[self.master_number()]
    }

    /// The other server.
    ///
    /// # Panics
    /// As [`master`](Self::master).
    pub fn replica(&self) -> &SpawnedRedis {
        &self.servers[1 - self.master_number()]
    }

    /// Kills the master and waits until the Sentinels have put the replica in its place.
    ///
    /// # Panics
    /// When they do not.
    pub fn fail_over(&mut self) {
        let dead = self.master_number();
        self.servers[dead].kill();
        self.wait_for_master(1 - dead);
    }

    /// Starts the server that [`fail_over`](Self::fail_over) killed, and waits until it follows the new master.
    ///
    /// # Panics
    /// When it does not.
    pub fn bring_back(&mut self) {
        let back = 1 - self.master_number();
        self.servers[back].restart();
        let returned = &self.servers[back];
        // A Sentinel tells it so as well, once it has heard of it for eight seconds without a gap: on a busy machine, never.
        let told = returned.command(&format!("REPLICAOF 127.0.0.1 {}", self.master().port()));
        assert_eq!(told, "OK", "the old master can follow");
        wait_for("the old master", || returned.command("INFO replication").contains("master_link_status:up"));
    }

    /// Lets the Sentinels change master and replica, which both live on.
    ///
    /// # Panics
    /// When they do not.
    pub fn swap(&self) {
        let old = self.master_number();
        // A Sentinel refuses while it has not heard of the replica for some seconds.
        wait_for("a Sentinel that swaps", || {
            self.sentinels[0].asked(&format!("SENTINEL failover {SERVICE}")) == "OK"
        });
        self.wait_for_master(1 - old);
    }

    fn wait_for_master(&self, new: usize) {
        wait_for("the fail-over", || {
            self.sentinels.iter().all(|sentinel| sentinel.master() == self.servers[new].port().to_string())
                && self.servers[new].command("INFO replication").contains("role:master")
        });
    }

    fn master_number(&self) -> usize {
        let port = self.sentinels[0].master();
        let known = self.servers.iter().position(|server| server.port().to_string() == port);
        known.unwrap_or_else(|| panic!("the Sentinel tells of {port}"))
    }
}

#[derive(Debug)]
struct Sentinel {
    child: Child,
    port: u16,
    /// Where it keeps its configuration, which it rewrites.
    _folder: TempDir,
}

impl Sentinel {
    fn start(master: u16, quorum: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (port, file) = (free_port(), folder.path().join("sentinel.conf"));
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {SERVICE} 127.0.0.1 {master} {quorum}\n\
             sentinel down-after-milliseconds {SERVICE} 1500\nsentinel failover-timeout {SERVICE} 3000\n",
            folder.path().display()
        );
        fs::write(&file, settings).expect("a temporary folder can be written to");
        let child = Command::new("redis-server")
            .arg(&file)
            .arg("--sentinel")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server can be run");
        let sentinel = Self { child, port, _folder: folder };
        wait_for("a Sentinel", || answers_ping(port));
        sentinel
    }

    fn asked(&self, line: &str) -> String {
        ask(self.port, line).unwrap_or_else(|error| panic!("the Sentinel at port {}: {error}", self.port))
    }

    /// The port of the master, as clients are told it.
    fn master(&self) -> String {
        let address = self.asked(&format!("SENTINEL get-master-addr-by-name {SERVICE}"));
        address.lines().nth(1).unwrap_or_default().to_owned()
    }

    fn knows(&self, replicas: usize, others: usize) -> bool {
        let told = self.asked(&format!("SENTINEL master {SERVICE}"));
        told.contains(&format!("num-slaves\n{replicas}"))
            && told.contains(&format!("num-other-sentinels\n{others}"))
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what was asked for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const SERVICE: &str = "posthaste";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replica_takes_over_and_the_old_master_follows() {
        let mut set = spawn_redis_sentinel(1);
        assert_eq!(set.master().command("SET a 1"), "OK");
        assert!(set.replica().command("SET a 2").starts_with("-READONLY"));
        let old = set.master().port();
        set.fail_over();
        assert_ne!(set.master().port(), old);
        assert_eq!(set.master().command("SET b 1"), "OK");
        set.bring_back();
        assert_eq!(set.replica().port(), old);
        set.swap();
        assert_eq!(set.master().port(), old);
    }
}
