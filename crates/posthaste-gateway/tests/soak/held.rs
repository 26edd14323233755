//! What a process holds.

use std::fs;

use crate::support::Rig;

#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) resident_kib: u64,
    /// What was asked of the allocator and not given back.
    pub(crate) heap_kib: u64,
    pub(crate) descriptors: usize,
    pub(crate) tasks: usize,
    pub(crate) conversations: u64,
    /// Requests that are under way.
    pub(crate) under_way: u64,
}

impl Held {
    pub(crate) fn now(rig: &Rig, heap: usize) -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let resident_kib = resident.trim().trim_end_matches(" kB").parse().unwrap();
        Self {
            resident_kib,
            heap_kib: heap as u64 / 1_024,
            descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
            tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
            conversations: rig.relay.conversations(),
            under_way: rig.relay.in_flight(),
        }
    }
}

/// How much more memory there is for each 1,000 keys, by the straight line that fits best, and how uncertain that is (twice
/// its standard error).
pub(crate) fn slope(held: &[Held], keys: u64, of: fn(&Held) -> u64) -> (f64, f64) {
    let points: Vec<(f64, f64)> = held
        .iter()
        .enumerate()
        .map(|(round, held)| (round as f64 * keys as f64 / 1_000.0, of(held) as f64))
        .collect();
    let count = points.len() as f64;
    let (mean_x, mean_y) = (
        points.iter().map(|(x, _)| x).sum::<f64>() / count,
        points.iter().map(|(_, y)| y).sum::<f64>() / count,
    );
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let grown = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / spread;
    let off: f64 = points.iter().map(|(x, y)| (y - mean_y - grown * (x - mean_x)).powi(2)).sum();
    (grown, 2.0 * (off / (count - 2.0).max(1.0) / spread).sqrt())
}
