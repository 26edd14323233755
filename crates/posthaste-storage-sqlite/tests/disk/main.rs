//! The disk under the store fails, loses its power, or gives back something else than was written.
//!
//! A process of its own does the work, on a disk that is between it and the system's (`FaultyDisk`), and says what was
//! acknowledged into a file beside the store.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "figures for `docs/RELIABILITY.md`")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod child;
mod damaged;
mod failing;
mod power;
mod support;
