//! Relays in bad weather, and relays that are killed: the long form of tests of the server.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::setup;
use crate::shell::{cargo, run as shell_run};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// How long each run lasts
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// What goes wrong and when: the same seed has the same faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Relays on one Redis; on the embedded store there is one
    #[arg(long, default_value_t = 3)]
    relays: u64,
    /// On which store; both by default, one after the other
    #[arg(long)]
    store: Option<Store>,
    /// Instead of bad weather: kill a relay on the embedded store so many times under load
    #[arg(long)]
    kills: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Store {
    Embedded,
    Redis,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if let Some(kills) = options.kills {
        return test(workspace, options, "as_many_kills_as_it_is_told", &[("KILLS", kills.to_string())]);
    }
    let stores = options.store.map_or(vec![Store::Embedded, Store::Redis], |store| vec![store]);
    for store in stores {
        let name = match store {
            Store::Embedded => "embedded",
            Store::Redis => {
                setup::servers()?;
                "redis"
            }
        };
        test(workspace, options, "weather_as_it_is_told", &[("STORE", name.to_owned())])?;
    }
    Ok(())
}

/// Runs one test of the server as this task was told; what it prints is the report.
fn test(workspace: &Workspace, options: &Options, name: &str, more: &[(&str, String)]) -> Result<()> {
    let mut command = cargo(workspace);
    // As the other tests are built, so that it is there already.
    command.args(["test", "--locked", "--workspace", "--test", "server", name]);
    command.args(["--", "--ignored", "--nocapture"]);
    let told = [("SECONDS", options.seconds), ("SEED", options.seed), ("RELAYS", options.relays)];
    for (name, value) in told {
        command.env(format!("POSTHASTE_CHAOS_{name}"), value.to_string());
    }
    for (name, value) in more {
        command.env(format!("POSTHASTE_CHAOS_{name}"), value);
    }
    shell_run(&mut command)
}
