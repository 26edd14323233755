#![doc = include_str!("../README.md")]

mod answers;
mod authority;
mod chance;
mod clock;
mod disk;
mod estate;
mod faulty;
pub mod heard;
mod preload;
mod proxy;
mod records;
mod redis;
mod sandbox_server;
mod shifted;
mod slapd;
mod transport;
mod upstream;

pub use answers::{anthropic_error, anthropic_json, anthropic_sse};
pub use authority::{TestAuthority, TlsFront};
pub use chance::Chance;
pub use clock::FakeClock;
pub use disk::{DiskFault, DiskTrace, FaultyDisk, beside};
pub use estate::{Estate, EstateSize};
pub use faulty::{FaultyWay, WayFault};
pub use proxy::{ProxyBehaviour, TestProxy};
pub use records::{AccountSetters, ClientKeySetters, account, client_key, client_key_secret};
pub use redis::{
    SpawnedRedis, SpawnedRedisCluster, SpawnedRedisSentinel, spawn_redis, spawn_redis_cluster,
    spawn_redis_cluster_of, spawn_redis_cluster_with_replicas, spawn_redis_sentinel, spawn_redis_with,
};
pub use sandbox_server::SandboxServer;
pub use shifted::ShiftedClock;
pub use slapd::{SpawnedSlapd, spawn_slapd};
pub use transport::{MemoryTransport, Reply, Sent};
pub use upstream::{Abort, Gate, Received, Script, ScriptedUpstream};
