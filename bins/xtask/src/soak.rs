//! What a relay remembers of keys, accounts, models and conversations that come and go, for days of its own clock.

use anyhow::Result;
use clap::Args;

use crate::shell::{cargo, run as shell_run};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// Rounds after the warm-up, each a day of the relay's clock
    #[arg(long, default_value_t = 40)]
    rounds: u64,
    /// Client keys that come and go in each round; accounts, models and conversations are in proportion
    #[arg(long, default_value_t = 500)]
    keys: u64,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut command = cargo(workspace);
    // As the other tests are built, so that it is there already.
    command.args(["test", "--locked", "--workspace", "--test", "soak"]);
    command.args(["as_long_as_it_is_told", "--", "--ignored", "--nocapture"]);
    command.env("POSTHASTE_SOAK_ROUNDS", options.rounds.to_string());
    command.env("POSTHASTE_SOAK_KEYS", options.keys.to_string());
    shell_run(&mut command)
}
