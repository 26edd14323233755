//! What the system grants a process, and what a relay makes of it.

use posthaste_http::BodyRoom;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Takes all descriptors that the process may have: the limit that shells and services begin with is meant for programs that
/// wait with `select`.
pub(crate) fn take_all_descriptors() {
    let granted = getrlimit(Resource::Nofile);
    // What cannot be raised stays as it is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: granted.maximum, ..granted });
}

/// How many clients' connections there may be: each may need another one to an upstream, and the relay needs some for itself.
pub(crate) fn most_connections() -> usize {
    connections_of(getrlimit(Resource::Nofile).current)
}

fn connections_of(descriptors: Option<u64>) -> usize {
    let Some(descriptors) = descriptors.and_then(|most| usize::try_from(most).ok()) else {
        return usize::MAX;
    };
    (descriptors.saturating_sub(OWN) / 2).max(1)
}

/// How much memory the bodies of requests may take up together: a quarter of what the process may have, since a body is there
/// more than once while it is translated, and never less than one of the largest.
pub(crate) fn body_room(max_body_bytes: usize) -> BodyRoom {
    let granted = memory().map_or(usize::MAX, |bytes| usize::try_from(bytes / 4).unwrap_or(usize::MAX));
    BodyRoom::of(granted.max(max_body_bytes))
}

/// What the process may have: the least of its own limit, its control group's and the machine's.
fn memory() -> Option<u64> {
    let own = [Resource::As, Resource::Data].map(|resource| getrlimit(resource).current);
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let group = read("/proc/self/cgroup").and_then(|text| {
        let path = group_of(&text)?.to_owned();
        read(&format!("/sys/fs/cgroup{path}/memory.max"))?.trim().parse().ok()
    });
    let machine = read("/proc/meminfo").and_then(|text| total_of(&text));
    own.into_iter().chain([group, machine]).flatten().min()
}

/// The path of the group in the one tree of cgroup v2 (<https://docs.kernel.org/admin-guide/cgroup-v2.html>).
fn group_of(cgroup: &str) -> Option<&str> {
    cgroup.lines().find_map(|line| line.strip_prefix("0::"))
}

/// Of `/proc/meminfo`, whose unit is always 1024 bytes.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The store's files, listeners, the runtime, the log, and connections to upstreams that wait for their next use.
const OWN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_descriptors_that_are_left_are_clients() {
        assert_eq!(connections_of(Some(100)), 30);
        assert_eq!(connections_of(Some(1_048_576)), 524_268);
        assert_eq!(connections_of(Some(10)), 1);
        assert_eq!(connections_of(None), usize::MAX);
    }

    #[test]
    fn what_the_system_grants_is_read() {
        assert_eq!(
            group_of("1:name=systemd:/old\n0::/system.slice/posthaste.service\n"),
            Some("/system.slice/posthaste.service")
        );
        assert_eq!(total_of("MemTotal:       24576 kB\nMemFree: 1 kB\n"), Some(24_576 * 1_024));
        if cfg!(target_os = "linux") {
            assert!(memory().is_some_and(|bytes| bytes > 1 << 24));
        }
    }
}
