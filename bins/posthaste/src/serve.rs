//! `posthaste serve`

use crate::Config;

/// Runs the relay until it is told to stop.
///
/// # Errors
/// When it cannot start.
#[expect(clippy::unused_async, reason = "the signature is settled before the wiring")]
pub async fn run(_config: Config) -> anyhow::Result<()> {
    anyhow::bail!("not wired yet")
}
