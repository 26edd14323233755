//! How the kernel backs the heap.

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

/// Notes in the log whether [`keep_pages_small`] was refused.
pub fn note_page_size() {
    #[cfg(target_os = "linux")]
    if !rustix::thread::transparent_huge_pages_are_disabled().unwrap_or_default() {
        tracing::debug!("huge pages could not be switched off: the process may take more memory");
    }
}
