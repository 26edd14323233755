//! The machine's AWS keys, on machines that are made up: nothing of the one that runs the tests is read.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod files;
mod machine_services;
mod roles;
mod support;
