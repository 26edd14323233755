#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer task talks on the terminal")]

mod bench;
mod budget;
mod chaos;
mod dist;
mod docs;
mod fuzz;
mod mutants;
mod report;
mod sbom;
mod setup;
mod shell;
mod simulate;
mod smoke;
mod soak;
mod test;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::shell::cargo;
use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer tasks of Posthaste")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check, as CI does
    Test(test::Options),
    /// Measure Posthaste beside nginx and a bare hyper proxy
    Bench(bench::Options),
    /// Count the instructions of requests and compare them with the budget
    Budget(budget::Options),
    /// Build the program as it is shipped, laid out by a profile of its work
    Dist(dist::Options),
    /// Fill a data folder with the records and books of a large relay, to measure with
    #[command(hide = true)]
    GenerateBooks(bench::BooksOptions),
    /// Compare the scheduler's strategies in virtual time
    Simulate(simulate::Options),
    /// Run relays in bad weather, or kill one again and again, and look at what is left
    Chaos(chaos::Options),
    /// Have keys, accounts, models and conversations come and go for days of a relay's clock
    Soak(soak::Options),
    /// Feed mutated bodies and streams to every reader
    Fuzz(fuzz::Options),
    /// Change the code of metering and limits and count of how many changes the tests tell
    Mutants(mutants::Options),
    /// List everything that the program is built from (CycloneDX)
    Sbom(sbom::Options),
    /// Write the generated documents again
    Docs(docs::Options),
    /// Compare the crates' dependencies with the table of layers
    Layering,
    /// Install what the tests need: a Redis server, nginx, valgrind, Python, Node's packages and the real SDKs
    Setup,
}

fn main() -> ExitCode {
    match run(&Cli::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &Task) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    match task {
        Task::Test(options) => return test::run(&workspace, options),
        Task::Bench(options) => bench::run(&workspace, options)?,
        Task::Budget(options) => budget::run(&workspace, options)?,
        Task::Dist(options) => dist::run(&workspace, options)?,
        Task::GenerateBooks(options) => bench::generate_books(&workspace, options)?,
        Task::Simulate(options) => simulate::run(&workspace, options)?,
        Task::Chaos(options) => chaos::run(&workspace, options)?,
        Task::Soak(options) => soak::run(&workspace, options)?,
        Task::Fuzz(options) => fuzz::run(&workspace, options)?,
        Task::Mutants(options) => mutants::run(&workspace, options)?,
        Task::Sbom(options) => sbom::run(&workspace, options)?,
        Task::Docs(options) => docs::run(&workspace, options)?,
        Task::Layering => layering(&workspace)?,
        Task::Setup => setup::all(&workspace)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The check itself is a test, so that a plain `cargo test` runs it too.
fn layering(workspace: &Workspace) -> Result<()> {
    shell::run(cargo(workspace).args(["test", "--locked", "--quiet"]).args([
        "--package",
        "posthaste-testkit",
        "--test",
        "layering",
    ]))
}
