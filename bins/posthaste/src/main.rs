//! The `posthaste` program.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    posthaste::memory::keep_pages_small();
    posthaste::cli::main()
}
