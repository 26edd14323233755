//! `posthaste demo`

use crate::Config;

/// Runs the relay with an imitation provider and a throw-away store.
///
/// # Errors
/// When it cannot start.
#[expect(clippy::unused_async, reason = "the signature is settled before the wiring")]
pub async fn run(_config: Config) -> anyhow::Result<()> {
    anyhow::bail!("not wired yet")
}
