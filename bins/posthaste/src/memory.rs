//! The process's memory: how the kernel backs the heap, and how much of it there is.

/// Keeps the kernel from backing the heap with huge pages, of which a relay at rest touches little: with them an idle
/// relay took 34 MB of memory instead of 19 MB (measured 2026-11-23, x86-64, pages of 2 MB).
///
/// The allocator asks for none (its feature `no_thp`), which is enough where the kernel is set to `madvise`. This is for
/// kernels set to `always`. Call it first of all: pages that are there already stay as they are. A kernel that refuses
/// is no trouble; [`note_page_size`] tells about it once there is a log.
pub fn keep_pages_small() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// The memory that the process has in use (its resident set), where the system tells: Linux does.
pub fn resident_bytes() -> Option<u64> {
    if cfg!(target_os = "linux") {
        resident(&std::fs::read_to_string("/proc/self/status").ok()?)
    } else {
        None
    }
}

/// Of the text of `/proc/PID/status` (proc(5)), whose unit is always 1024 bytes.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Notes in the log whether [`keep_pages_small`] was refused.
pub fn note_page_size() {
    #[cfg(target_os = "linux")]
    if !rustix::thread::transparent_huge_pages_are_disabled().unwrap_or_default() {
        tracing::debug!("huge pages could not be switched off: the process may take more memory");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resident_set_is_read_in_bytes() {
        let status = "Name:\tposthaste\nVmHWM:\t   20480 kB\nVmRSS:\t   19456 kB\nThreads:\t3\n";
        assert_eq!(resident(status), Some(19_456 * 1_024));
        assert_eq!(resident("Name:\tposthaste\n"), None);
        if cfg!(target_os = "linux") {
            assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
        }
    }
}
