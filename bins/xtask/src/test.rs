//! Every check of the project, as CI runs them.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Args;

use crate::budget::{self, Build};
use crate::report::Report;
use crate::shell::{cargo, run as shell_run, works};
use crate::workspace::Workspace;
use crate::{bench, docs, fuzz, layering, setup, smoke};

#[derive(Args)]
pub(crate) struct Options {
    /// Also check what takes long, or needs a release build or the network: each client with each upstream, the vendors'
    /// agents, long orders of claims and settlements, streams cut at every byte, relays that stand still for longer than their leases,
    /// whether the time of a comparison tells of a secret, what requests cost in instructions, the benchmark's programs, the fuzz targets, security advisories
    #[arg(long)]
    all: bool,
}

/// Runs all steps in order of the time they take to fail, and says at the end how many passed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    let mut report = Report::default();
    sources(workspace, &mut report);
    let servers = report.step("setup: redis-server, slapd, nginx", setup::servers);
    tests(workspace, &mut report, servers);
    program(workspace, &mut report, options.all);
    if options.all {
        extras(workspace, &mut report);
    }
    println!("\n=== summary\n{}", report.summary());
    Ok(if report.clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What can be said without running anything of ours.
fn sources(workspace: &Workspace, report: &mut Report) {
    report.step("formatting", || shell_run(cargo(workspace).args(["fmt", "--all", "--check"])));
    report.step("clippy", || {
        shell_run(
            cargo(workspace)
                .args(["clippy", "--locked", "--workspace", "--all-targets"])
                .args(["--", "-D", "warnings"]),
        )
    });
    report.step("documentation", || {
        shell_run(cargo(workspace).env("RUSTDOCFLAGS", "-D warnings").args([
            "doc",
            "--locked",
            "--workspace",
            "--no-deps",
            "--document-private-items",
        ]))
    });
    deny(workspace, report, "licences, bans and sources", &["licenses", "bans", "sources"], true);
}

/// `cargo deny` is not installed from here: building it takes longer than all the tests.
fn deny(workspace: &Workspace, report: &mut Report, name: &'static str, checks: &[&str], offline: bool) {
    if !works(cargo(workspace).args(["deny", "--version"])) {
        return report.not_checked(name, "cargo-deny is not installed (`cargo install --locked cargo-deny`)");
    }
    report.step(name, || {
        let offline = offline.then_some("--offline");
        shell_run(cargo(workspace).arg("deny").args(offline).arg("check").args(checks))
    });
}

fn tests(workspace: &Workspace, report: &mut Report, servers: bool) {
    report.step("layering", || layering(workspace));
    if !servers {
        return report.not_checked("tests", "there is no redis-server, slapd or nginx");
    }
    report.step("tests", || {
        if works(cargo(workspace).args(["nextest", "--version"])) {
            return shell_run(cargo(workspace).args(["nextest", "run", "--locked", "--workspace"]));
        }
        println!("cargo-nextest is not installed: `cargo test` does the same, slower");
        shell_run(cargo(workspace).args(["test", "--locked", "--workspace", "--lib", "--bins", "--tests"]))
    });
    report
        .step("doctests", || shell_run(cargo(workspace).args(["test", "--locked", "--workspace", "--doc"])));
    examples(workspace, report);
}

fn examples(workspace: &Workspace, report: &mut Report) {
    let programs = workspace.example_programs();
    if programs.is_empty() {
        return report.not_checked("examples", "there is no program below examples/");
    }
    report.step("examples", || {
        build(workspace)?;
        programs
            .iter()
            .try_for_each(|program| shell_run(&mut Command::new(workspace.program("debug", program))))
    });
}

/// Everything with the features that the tests were built with, so that hardly anything is built again. Building one package alone would
/// give its dependencies other features, and take as long as the tests.
fn build(workspace: &Workspace) -> Result<()> {
    let all = ["build", "--locked", "--workspace", "--bins", "--examples", "--tests"];
    shell_run(cargo(workspace).args(all))
}

/// What is seen from outside: the built program, with real clients.
fn program(workspace: &Workspace, report: &mut Report, all: bool) {
    let binary = workspace.binary("debug");
    let built = report.step("build", || {
        // With its own features alone it has to be sound as well: that is how it ships.
        shell_run(cargo(workspace).args(["check", "--locked", "--package", "posthaste"]))?;
        build(workspace)
    });
    if !built {
        for name in [
            "generated documents",
            "what requests cost",
            "the console for everybody",
            "the admin API against its description",
            "end-to-end tests",
            "demo",
        ] {
            report.not_checked(name, "the program was not built");
        }
        return;
    }
    report.step("generated documents", || docs::check_all(workspace, &binary));
    match setup::program("valgrind", "valgrind") {
        Err(error) => {
            report.not_checked("what requests cost", format!("valgrind cannot be installed: {error:#}"));
        }
        Ok(()) => {
            report.step("what requests cost", || budget::check(workspace, Build::Debug));
        }
    }
    report.step("the console for everybody", || {
        let axe = setup::node(workspace)?.join("node_modules/axe-core/axe.min.js");
        shell_run(
            cargo(workspace)
                .env("POSTHASTE_AXE", axe)
                // As the other tests are built, so that it is there already.
                .args(["test", "--locked", "--workspace", "--test", "server"])
                .args(["--", "--ignored", "pages_can_be_used_by_everybody"]),
        )
    });
    report.step("the admin API against its description", || {
        let mut compared = Command::new(setup::schemathesis(workspace)?);
        compared.env("POSTHASTE_BIN", &binary);
        shell_run(compared.arg(workspace.root().join("e2e/schema/fuzz_admin.py")))
    });
    report.step("end-to-end tests", || {
        let mut pytest = pytest(workspace, &binary)?;
        shell_run(pytest.args(["-m", if all { "not agents" } else { "not agents and not long" }]))
    });
    if all {
        agents(workspace, report, &binary);
    }
    report.step("demo", || smoke::demo(&binary));
}

/// The vendors' agents, as far as they can be installed here.
fn agents(workspace: &Workspace, report: &mut Report, binary: &Path) {
    const NAME: &str = "agents";
    match setup::agents(workspace) {
        Err(error) => report.not_checked(NAME, format!("they cannot be installed: {error:#}")),
        Ok(folder) => {
            report.step(NAME, || {
                let mut pytest = pytest(workspace, binary)?;
                shell_run(pytest.env("POSTHASTE_E2E_AGENTS", folder).args(["-m", "agents"]))
            });
        }
    }
}

/// pytest in `e2e/`, told where everything is.
fn pytest(workspace: &Workspace, binary: &Path) -> Result<Command> {
    let mut command = Command::new(setup::python(workspace)?);
    command
        .current_dir(workspace.root().join("e2e"))
        .env("POSTHASTE_BIN", binary)
        .env("POSTHASTE_SANDBOX_BIN", workspace.example("debug", SANDBOX_SERVER))
        .env("POSTHASTE_E2E_NODE", setup::node(workspace)?)
        .args(["-m", "pytest", "-q"]);
    Ok(command)
}

fn extras(workspace: &Workspace, report: &mut Report) {
    deny(workspace, report, "advisories", &["advisories"], false);
    report.step("long orders of steps", || {
        shell_run(cargo(workspace).args([
            "test",
            "--locked",
            "--package",
            "posthaste-storage",
            "--package",
            "posthaste-storage-sqlite",
            "--package",
            "posthaste-storage-redis",
            "--lib",
            "--tests",
            "every_long_order",
            "--",
            "--ignored",
        ]))
    });
    for (name, package, test, part) in LONG {
        report.step(name, || {
            let run = ["test", "--locked", "--package", package, "--test", test, part, "--", "--ignored"];
            shell_run(cargo(workspace).args(run))
        });
    }
    // It wants a release build, which takes longer than the tests on a machine that has none yet.
    report.step("what requests cost, optimised", || budget::check(workspace, Build::Release));
    report.step("benchmark programs", || bench::check(workspace));
    if !fuzz::installed(workspace) {
        return report.not_checked("fuzz targets", fuzz::NOT_INSTALLED);
    }
    report.step("fuzz targets", || fuzz::check(workspace));
}

/// Long tests that are not asked for otherwise: the step, the package, its test, and a part of their names.
const LONG: [(&str, &str, &str, &str); 5] = [
    ("streams cut at every byte", "posthaste-gateway", "reliability", "at_every_byte_for_every_client"),
    ("the time of comparisons with secrets", "posthaste-vault", "timing", "x3_"),
    ("relays that die or stand still", "posthaste", "server", "fleet::killed"),
    ("calls on the disk that fail", "posthaste-storage-sqlite", "disk", "s9_every_call"),
    ("power cuts", "posthaste-storage-sqlite", "disk", "s11_thousands"),
];

/// The sandbox over HTTP, an example of `posthaste-testkit`.
const SANDBOX_SERVER: &str = "sandbox-server";
