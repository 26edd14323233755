//! What requests may cost, in instructions: counted under valgrind, which counts the same on a busy machine and on an idle one,
//! and compared with `bench/budget.toml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Deserialize;

use crate::setup;
use crate::shell::{cargo, run as shell_run};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// Count what the tests were built as, without optimisation, which CI has at hand
    #[arg(long)]
    debug: bool,
    /// Write what was counted into the budget
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let build = if options.debug { Build::Debug } else { Build::Release };
    let file = workspace.root().join(FILE);
    let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut budgets: Budgets = toml::from_str(&text).with_context(|| FILE.to_owned())?;
    setup::program("valgrind", "valgrind")?;
    let counted = count_all(workspace, build)?;
    if !options.write {
        return compare(&counted, budgets.of(build));
    }
    *budgets.of(build) = counted;
    println!("{FILE} was written");
    fs::write(&file, budgets.in_toml()).with_context(|| format!("{FILE} cannot be written"))
}

/// Fails when a form of requests costs more than its budget and [`TOLERANCE`].
pub(crate) fn check(workspace: &Workspace, build: Build) -> Result<()> {
    run(workspace, &Options { debug: build == Build::Debug, write: false })
}

/// How the program is built that is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// As the program ships.
    Release,
    /// As the tests are, with their features, so that hardly anything is built for it.
    Debug,
}

/// Instructions of one request of each form, for each [`Build`].
#[derive(Default, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budgets {
    release: BTreeMap<String, u64>,
    debug: BTreeMap<String, u64>,
}

impl Budgets {
    fn of(&mut self, build: Build) -> &mut BTreeMap<String, u64> {
        match build {
            Build::Release => &mut self.release,
            Build::Debug => &mut self.debug,
        }
    }

    fn in_toml(&self) -> String {
        let mut text = HEAD.to_owned();
        for (table, counted) in [("release", &self.release), ("debug", &self.debug)] {
            writeln!(text, "\n[{table}]").expect("writing to a String cannot fail");
            for (name, number) in counted {
                writeln!(text, "{name} = {}", grouped(*number)).expect("writing to a String cannot fail");
            }
        }
        text
    }
}

fn count_all(workspace: &Workspace, build: Build) -> Result<BTreeMap<String, u64>> {
    let (folder, how): (_, &[&str]) = match build {
        // Beside the product, so that both are made of the same libraries.
        Build::Release => {
            ("release", &["--release", "--package", "posthaste", "--package", PROGRAM, "--bin", PROGRAM])
        }
        Build::Debug => ("debug", &["--workspace", "--bins", "--examples", "--tests"]),
    };
    shell_run(cargo(workspace).args(["build", "--locked"]).args(how))?;
    let program = workspace.program(folder, PROGRAM);
    FORMS.into_iter().map(|form| Ok((form.name.to_owned(), count(&program, form)?))).collect()
}

/// The instructions of one request: what more of them take than fewer, so that starting does not count.
fn count(program: &Path, form: Form) -> Result<u64> {
    let (few, many) = (collected(program, form, FEW)?, collected(program, form, MANY)?);
    ensure!(many > few, "`{}`: {MANY} requests took fewer instructions than {FEW}", form.name);
    Ok((many - few) / u64::from(MANY - FEW))
}

fn collected(program: &Path, form: Form, requests: u32) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    valgrind.arg(requests.to_string()).arg("with").args([form.shape, form.accounts]);
    let output = valgrind.stdin(Stdio::null()).output().context("valgrind could not be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{}` ended with {}:\n{said}", form.name, output.status);
    let number =
        said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, number)| number.trim());
    let number = number.with_context(|| format!("valgrind counted nothing:\n{said}"))?;
    number.parse().with_context(|| format!("valgrind counted `{number}`"))
}

fn compare(counted: &BTreeMap<String, u64>, budget: &BTreeMap<String, u64>) -> Result<()> {
    ensure!(
        counted.keys().eq(budget.keys()),
        "{FILE} is about other forms than those that are counted: write it anew with --write"
    );
    let mut over = Vec::new();
    for ((name, counted), budget) in counted.iter().zip(budget.values()) {
        let change = (*counted as f64 / *budget as f64 - 1.0) * 100.0;
        println!("{name:<24} {counted:>9} of {budget:>9} ({change:+.1} %)");
        if counted * 100 > budget * (100 + TOLERANCE) {
            over.push(name.as_str());
        } else if counted * 100 < budget * (100 - TOLERANCE) {
            println!("  cheaper than its budget: --write keeps it so");
        }
    }
    if !over.is_empty() {
        bail!(
            "more than {TOLERANCE} % over the budget: {}. Mend it, or say in the change why it is worth that, with --write",
            over.join(", ")
        );
    }
    Ok(())
}

/// In groups of three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join("_")
}

/// One form of requests.
#[derive(Clone, Copy)]
struct Form {
    name: &'static str,
    shape: &'static str,
    accounts: &'static str,
}

const fn form(name: &'static str, shape: &'static str, accounts: &'static str) -> Form {
    Form { name, shape, accounts }
}

const FORMS: [Form; 5] = [
    form("json", "json", "3"),
    form("json-2000-accounts", "json", "2000"),
    form("stream", "stream", "3"),
    form("translated", "translated", "3"),
    form("translated-stream", "translated-stream", "3"),
];

const FILE: &str = "bench/budget.toml";
const HEAD: &str = "# Instructions of one request within the relay, records and books included, without HTTP: a body of 1 KB, answered whole
# or with 50 events. `cargo xtask budget` counts them as the program ships and, with --debug, as the tests are built, and
# fails at 5 % more; with --write it writes this file.
";
const PROGRAM: &str = "request-cost";

/// In percent.
const TOLERANCE: u64 = 5;

/// Whole batches of what the program writes at once.
const FEW: u32 = 64;
const MANY: u32 = 320;

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
        of.iter().map(|&(name, number)| (name.to_owned(), number)).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let release = costs(&[("json", 1_234_567), ("stream", 999), ("translated-stream", 1_000)]);
        let mut budgets = Budgets { release, debug: costs(&[("json", 1_000_000)]) };
        let text = budgets.in_toml();
        assert!(
            text.contains("\n[release]\njson = 1_234_567\nstream = 999\ntranslated-stream = 1_000\n"),
            "{text}"
        );
        assert_eq!(toml::from_str::<Budgets>(&text).unwrap(), budgets);
        assert_eq!(*budgets.of(Build::Debug), costs(&[("json", 1_000_000)]));
    }

    #[test]
    fn more_than_five_percent_over_fails_and_names_the_form() {
        let budget = costs(&[("json", 1_000), ("stream", 1_000)]);
        compare(&costs(&[("json", 1_050), ("stream", 10)]), &budget).unwrap();
        let error = compare(&costs(&[("json", 1_051), ("stream", 1_000)]), &budget).unwrap_err();
        assert!(error.to_string().contains("json") && !error.to_string().contains("stream"), "{error}");
    }

    #[test]
    fn a_budget_of_other_forms_is_refused() {
        compare(&costs(&[("json", 1)]), &costs(&[("stream", 1)])).unwrap_err();
    }
}
