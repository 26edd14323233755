//! The benchmark: builds what is compared and runs `bench/bench.py`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::setup;
use crate::shell::{cargo, run as shell_run};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// One short repetition, to see that all works; the figures mean little
    #[arg(long)]
    quick: bool,
    /// Scenarios, joined by commas; all by default (`bench/README.md` names them)
    #[arg(long)]
    scenario: Option<String>,
    /// Targets beside direct and nginx, joined by commas
    #[arg(long, default_value = "hyper,rust-floor,posthaste")]
    targets: String,
    /// Repetitions of each scenario and target
    #[arg(long, default_value_t = 3)]
    reps: u32,
    /// Seconds of each repetition
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Also write the table to this file, below a line about the machine
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Measures and prints the table.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let (reps, seconds) = if options.quick { (1, 1.0) } else { (options.reps, options.seconds) };
    let mut command = driver(workspace)?;
    command.arg("run").args(options.targets.split(','));
    command.args(["--reps", &reps.to_string(), "--seconds", &seconds.to_string()]);
    if let Some(scenario) = &options.scenario {
        command.args(["--scenario", scenario]);
    }
    if let Some(out) = &options.out {
        command.arg("--out").arg(std::path::absolute(out)?);
    }
    shell_run(&mut command)
}

/// Formatting, lints and one proxied request per target and API: nothing is measured.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let manifest = workspace.root().join("bench/Cargo.toml");
    shell_run(cargo(workspace).args(["fmt", "--all", "--check", "--manifest-path"]).arg(&manifest))?;
    shell_run(
        cargo(workspace)
            .args(["clippy", "--locked", "--all-targets", "--manifest-path"])
            .arg(&manifest)
            .args(["--target-dir"])
            .arg(workspace.target().join("bench"))
            .args(["--", "-D", "warnings"]),
    )?;
    shell_run(driver(workspace)?.args(["check", "direct", "nginx", "hyper", "rust-floor", "posthaste"]))
}

/// `bench.py` with everything built that it starts.
fn driver(workspace: &Workspace) -> Result<Command> {
    setup::program("nginx", "nginx-light")?;
    setup::program("python3", "python3")?;
    shell_run(cargo(workspace).args(["build", "--locked", "--release", "--package", "posthaste"]))?;
    let build = workspace.target().join("bench");
    shell_run(
        cargo(workspace)
            .args(["build", "--locked", "--release", "--manifest-path", "bench/Cargo.toml", "--target-dir"])
            .arg(&build),
    )?;
    let mut command = Command::new("python3");
    command
        .arg(workspace.root().join("bench/bench.py"))
        .env("BENCH_BUILD", build)
        .env("BENCH_WORK", workspace.target().join("bench-work"))
        .env("POSTHASTE_BIN", workspace.binary("release"));
    Ok(command)
}
