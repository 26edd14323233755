//! Log-ins by a real OpenLDAP server.
#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod asking;
mod examining;
mod groups;
mod reaching;
mod support;
