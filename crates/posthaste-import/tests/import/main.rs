//! Moving in from claude-relay-service, over data in its layout with the faults that such data has.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod exports;
mod moving;
mod people;
mod predecessor;
mod support;
