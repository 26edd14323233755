//! The tests of `docs/RELIABILITY.md`, named by the ids of its table: `cargo nextest run -p posthaste-gateway u9_`.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

#[path = "../support/mod.rs"]
mod support;

mod books;
mod counts;
mod credentials;
mod cuts;
mod ends;
mod errors;
mod held;
mod identities;
mod left;
mod limited;
mod outage;
mod passing;
mod recording;
mod side;
mod silence;
mod slow;
mod storm;
mod thinking;
mod unreachable;

use posthaste_testkit::heard;
