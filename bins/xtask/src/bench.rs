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
    /// Scenarios, joined by commas; all by default (`bench/README.md` names them). `operators`, `pages`, `viewers` and `levels` are each one by itself
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
    /// The data folder that the scenarios `operators` and `pages` measure; it is made and filled when it is not there
    #[arg(long)]
    data: Option<PathBuf>,
}

/// The books of a large relay, to measure with.
#[derive(Args)]
pub(crate) struct BooksOptions {
    /// The data folder; it is made when it is not there
    #[arg(long)]
    to: PathBuf,
    /// Client keys
    #[arg(long, default_value_t = 10_000)]
    keys: usize,
    /// Accounts
    #[arg(long, default_value_t = 5_000)]
    accounts: usize,
    /// Rows of the books
    #[arg(long, default_value_t = 10_000_000)]
    rows: usize,
}

/// Fills a data folder with the records and the books of a large relay.
pub(crate) fn generate_books(workspace: &Workspace, options: &BooksOptions) -> Result<()> {
    shell_run(cargo(workspace).args(["build", "--locked", "--release", "--package", "posthaste"]))?;
    let generator = generator(workspace)?;
    if !options.to.join("posthaste.db").exists() {
        shell_run(Command::new(workspace.binary("release")).arg("init").arg("--data").arg(&options.to))?;
    }
    let mut command = Command::new(generator);
    command.arg("--to").arg(&options.to);
    for (name, count) in
        [("--keys", options.keys), ("--accounts", options.accounts), ("--rows", options.rows)]
    {
        command.args([name, &count.to_string()]);
    }
    shell_run(&mut command)
}

fn generator(workspace: &Workspace) -> Result<PathBuf> {
    let package = ["--package", "posthaste-storage-sqlite", "--example", "generate_books"];
    shell_run(cargo(workspace).args(["build", "--locked", "--release"]).args(package))?;
    Ok(workspace.example("release", "generate_books"))
}

/// Measures lists, searches and charts on the books of a large relay, and the relay beside them.
fn operators(workspace: &Workspace, options: &Options) -> Result<()> {
    let generator = generator(workspace)?;
    let folder = options.data.clone().unwrap_or_else(|| workspace.target().join("bench-books"));
    let mut command = driver_of(workspace, "operators.py")?;
    command.env("BENCH_GENERATOR", generator).arg(std::path::absolute(folder)?);
    if options.quick {
        command.args(["--repeat", "5", "--seconds", "1", "--reps", "1"]);
        command.args(["--keys", "200", "--accounts", "100", "--rows", "50000"]);
    } else {
        command.args(["--reps", &options.reps.to_string(), "--seconds", &options.seconds.to_string()]);
    }
    if let Some(out) = &options.out {
        command.arg("--out").arg(std::path::absolute(out)?);
    }
    shell_run(&mut command)
}

/// Measures the console's pages on the books of a large relay.
fn pages(workspace: &Workspace, options: &Options) -> Result<()> {
    let folder = options.data.clone().unwrap_or_else(|| workspace.target().join("bench-books"));
    if !folder.join("posthaste.db").exists() {
        let (keys, accounts, rows) =
            if options.quick { (200, 100, 50_000) } else { (10_000, 5_000, 10_000_000) };
        generate_books(workspace, &BooksOptions { to: folder.clone(), keys, accounts, rows })?;
    }
    let mut command = driver_of(workspace, "pages.py")?;
    command.arg(std::path::absolute(folder)?);
    if options.quick {
        command.args(["--repeat", "5", "--paints", "2"]);
    }
    if let Some(out) = &options.out {
        command.arg("--out").arg(std::path::absolute(out)?);
    }
    shell_run(&mut command)
}

/// Measures what those who watch a relay cost it.
fn viewers(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut command = driver_of(workspace, "viewers.py")?;
    let (reps, seconds) = if options.quick { (1, 2.0) } else { (options.reps, options.seconds) };
    command.args(["--reps", &reps.to_string(), "--seconds", &seconds.to_string()]);
    if let Some(out) = &options.out {
        command.arg("--out").arg(std::path::absolute(out)?);
    }
    shell_run(&mut command)
}

/// Measures ten thousand streams, clients that vanish or drip, an outage, and a start with many records.
fn levels(workspace: &Workspace, options: &Options) -> Result<()> {
    let generator = generator(workspace)?;
    let mut command = driver_of(workspace, "levels.py")?;
    command.env("BENCH_GENERATOR", generator);
    if options.quick {
        command.args(["--streams", "500", "--sockets", "500", "--seconds", "3", "--starts", "2"]);
    }
    if let Some(out) = &options.out {
        command.arg("--out").arg(std::path::absolute(out)?);
    }
    shell_run(&mut command)
}

/// Measures and prints the table.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    match options.scenario.as_deref() {
        Some("operators") => return operators(workspace, options),
        Some("pages") => return pages(workspace, options),
        Some("viewers") => return viewers(workspace, options),
        Some("levels") => return levels(workspace, options),
        _ => {}
    }
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
    driver_of(workspace, "bench.py")
}

/// A program of `bench/` with everything built that it starts.
fn driver_of(workspace: &Workspace, program: &str) -> Result<Command> {
    setup::program("nginx", "nginx-light")?;
    setup::program("python3", "python3")?;
    let mut command = tools(workspace, program)?;
    let binary = match std::env::var_os("POSTHASTE_BIN") {
        Some(given) => std::path::absolute(given)?,
        None => {
            shell_run(cargo(workspace).args(["build", "--locked", "--release", "--package", "posthaste"]))?;
            workspace.binary("release")
        }
    };
    command.env("POSTHASTE_BIN", binary);
    Ok(command)
}

/// The same, without Posthaste.
pub(crate) fn tools(workspace: &Workspace, program: &str) -> Result<Command> {
    let build = workspace.target().join("bench");
    shell_run(
        cargo(workspace)
            .args(["build", "--locked", "--release", "--manifest-path", "bench/Cargo.toml", "--target-dir"])
            .arg(&build),
    )?;
    let mut command = Command::new("python3");
    command
        .arg(workspace.root().join("bench").join(program))
        .env("BENCH_BUILD", build)
        .env("BENCH_WORK", workspace.target().join("bench-work"));
    Ok(command)
}
