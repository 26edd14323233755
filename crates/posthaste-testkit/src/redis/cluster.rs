//! A cluster of masters.

use super::{SpawnedRedis, ask::wait_for, free_port, spawn_redis_with};

/// Starts a cluster of three masters on free ports of 127.0.0.1 and waits until each of them knows the whole of it; that
/// takes about three seconds, most of them the servers' own caution. It is ended when the value is dropped.
///
/// Needs `redis-server` 7.0 or later, which can be told its bus port.
///
/// # Panics
/// When the program is missing or the cluster does not form.
pub fn spawn_redis_cluster() -> SpawnedRedisCluster {
    spawn_redis_cluster_of(3, &[])
}

/// As [`spawn_redis_cluster`] with as many masters, and more arguments on each one's command line.
///
/// # Panics
/// As [`spawn_redis_cluster`]; and with no master.
pub fn spawn_redis_cluster_of(masters: u16, arguments: &[&str]) -> SpawnedRedisCluster {
    let nodes: Vec<_> = (0..masters).map(|_| Node::start(arguments)).collect();
    let share = SLOTS.div_ceil(masters);
    for (number, node) in (0..).zip(&nodes) {
        let last = SLOTS.min((number + 1) * share) - 1;
        node.order(&format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1));
        node.order(&format!("CLUSTER ADDSLOTSRANGE {} {last}", number * share));
    }
    let first = &nodes[0];
    for node in &nodes[1..] {
        first.order(&format!("CLUSTER MEET 127.0.0.1 {} {}", node.redis.port(), node.bus));
    }
    let cluster = SpawnedRedisCluster { nodes, replicas: Vec::new() };
    cluster.wait_until_whole();
    cluster
}

/// As [`spawn_redis_cluster`], and each master has a replica, which the others put in its place about three seconds after
/// it died.
///
/// # Panics
/// As [`spawn_redis_cluster`].
pub fn spawn_redis_cluster_with_replicas() -> SpawnedRedisCluster {
    let mut cluster = spawn_redis_cluster();
    for number in 0..cluster.masters() {
        let replica = Node::start(&["--repl-diskless-sync-delay", "0"]);
        let (known, master) = (&cluster.nodes[0], &cluster.nodes[number]);
        known.order(&format!("CLUSTER MEET 127.0.0.1 {} {}", replica.redis.port(), replica.bus));
        let id = master.redis.command("CLUSTER MYID");
        wait_for("a replica that knows its master", || {
            replica.redis.command(&format!("CLUSTER REPLICATE {id}")) == "OK"
        });
        cluster.replicas.push(replica);
    }
    for replica in &cluster.replicas {
        wait_for("a replica", || replica.redis.command("INFO replication").contains("master_link_status:up"));
    }
    cluster.wait_until_whole();
    cluster
}

/// A running cluster; see [`spawn_redis_cluster`].
#[derive(Debug)]
pub struct SpawnedRedisCluster {
    nodes: Vec<Node>,
    /// In the order of their masters; there may be none.
    replicas: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    redis: SpawnedRedis,
    bus: u16,
}

impl Node {
    fn start(arguments: &[&str]) -> Self {
        let bus = free_port();
        let port = bus.to_string();
        // A node that has never met another does not know its own address, and tells clients none.
        let own = ["--cluster-port", &port, "--cluster-announce-ip", "127.0.0.1"];
        let mut all = vec!["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
        all.extend(own);
        all.extend(arguments);
        Self { redis: spawn_redis_with(&all), bus }
    }

    fn order(&self, line: &str) {
        let answer = self.redis.command(line);
        assert_eq!(answer, "OK", "{line}");
    }

    fn is_whole(&self, nodes: usize) -> bool {
        let info = self.redis.command("CLUSTER INFO");
        info.contains("cluster_state:ok") && info.contains(&format!("cluster_known_nodes:{nodes}\r\n"))
    }
}

impl SpawnedRedisCluster {
    /// Its address, with every node named: `redis-cluster://127.0.0.1:PORT?node=127.0.0.1:PORT&…`.
    pub fn url(&self) -> String {
        let ports: Vec<_> = self.nodes.iter().map(|node| node.redis.port()).collect();
        let others: Vec<_> = ports[1..].iter().map(|port| format!("node=127.0.0.1:{port}")).collect();
        let query = if others.is_empty() { String::new() } else { format!("?{}", others.join("&")) };
        format!("redis-cluster://127.0.0.1:{}{query}", ports[0])
    }

    /// How many masters there are.
    pub fn masters(&self) -> usize {
        self.nodes.len()
    }

    /// One of the masters, from 0, in the order of their slots.
    pub fn master(&self, number: usize) -> &SpawnedRedis {
        &self.nodes[number].redis
    }

    /// One of the masters, to be killed or restarted; it remembers its slots.
    pub fn master_mut(&mut self, number: usize) -> &mut SpawnedRedis {
        &mut self.nodes[number].redis
    }

    /// The number of the master that had a key's slot at the start, and the slot.
    pub fn home(&self, key: &str) -> (usize, u16) {
        let slot = self.nodes[0].redis.command(&format!("CLUSTER KEYSLOT {key}"));
        let slot: u16 = slot.parse().expect("a slot is a number");
        let share = SLOTS.div_ceil(u16::try_from(self.nodes.len()).expect("few masters"));
        (usize::from(slot / share), slot)
    }

    /// Waits until every master sees all slots served and all nodes.
    ///
    /// # Panics
    /// When that does not come.
    pub fn wait_until_whole(&self) {
        let nodes = self.nodes.len() + self.replicas.len();
        wait_for("the whole cluster", || {
            self.nodes.iter().chain(&self.replicas).all(|node| node.is_whole(nodes))
        });
    }

    /// Waits until a master's replica has all that the master has written until now. (`WAIT` tells that only to the
    /// connection that wrote.)
    ///
    /// # Panics
    /// When that does not come, or there is no replica.
    pub fn wait_until_copied(&self, number: usize) {
        let written = offset(&self.nodes[number], "master_repl_offset");
        wait_for("the replica's copy", || offset(&self.replicas[number], "slave_repl_offset") >= written);
    }

    /// Kills a master and waits until its replica has its slots.
    ///
    /// # Panics
    /// When that does not come, or there is no replica.
    pub fn fail_over(&mut self, number: usize) {
        self.nodes[number].redis.kill();
        let heir = &self.replicas[number];
        wait_for("the fail-over", || {
            heir.redis.command("INFO replication").contains("role:master")
                && heir.redis.command("CLUSTER INFO").contains("cluster_state:ok")
        });
    }

    /// The server that has the slots which a master had at the start.
    pub fn heir(&self, number: usize) -> &SpawnedRedis {
        let first = &self.nodes[number].redis;
        if first.process_id().is_some() { first } else { &self.replicas[number].redis }
    }
}

/// How many bytes of its stream of changes a node has come to.
fn offset(node: &Node, name: &str) -> u64 {
    let info = node.redis.command("INFO replication");
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {info}"))
}

const SLOTS: u16 = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_masters_share_the_slots_and_one_comes_back() {
        let mut cluster = spawn_redis_cluster();
        assert_eq!(cluster.masters(), 3);
        for (key, home) in [("foo", 12_182), ("bar", 5_061), ("{foo}:x", 12_182)] {
            let (master, slot) = cluster.home(key);
            assert_eq!(slot, home);
            assert_eq!(cluster.master(master).command(&format!("SET {key} 1")), "OK");
            let other = cluster.master((master + 1) % 3);
            assert!(other.command(&format!("GET {key}")).starts_with("-MOVED"));
        }
        cluster.master_mut(1).restart();
        cluster.wait_until_whole();
        assert!(cluster.url().starts_with("redis-cluster://127.0.0.1:"));
    }

    #[test]
    fn a_replica_takes_the_place_of_its_master() {
        let mut cluster = spawn_redis_cluster_with_replicas();
        let (number, _) = cluster.home("foo");
        assert_eq!(cluster.heir(number).command("SET foo 1"), "OK");
        cluster.wait_until_copied(number);
        cluster.fail_over(number);
        assert_eq!(cluster.heir(number).command("GET foo"), "1");
    }
}
