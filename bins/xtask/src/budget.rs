//! What requests may cost, in instructions: counted under valgrind, which counts the same on a busy machine and on an idle one,
//! and compared with `bench/budget.toml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::setup;
use crate::shell::{cargo, run as shell_run};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// Write what was counted into the budget
    #[arg(long)]
    write: bool,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let counted = count_all(workspace)?;
    let file = workspace.root().join(FILE);
    if options.write {
        println!("{FILE} was written");
        return fs::write(&file, in_toml(&counted)).with_context(|| format!("{FILE} cannot be written"));
    }
    compare(&counted, &read(&file)?)
}

/// Fails when a form of requests costs more than its budget and [`TOLERANCE`].
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    run(workspace, &Options { write: false })
}

fn count_all(workspace: &Workspace) -> Result<BTreeMap<String, u64>> {
    setup::program("valgrind", "valgrind")?;
    // Beside the product, so that both are made of the same libraries.
    let build =
        ["build", "--locked", "--release", "--package", "posthaste", "--package", PROGRAM, "--bin", PROGRAM];
    shell_run(cargo(workspace).args(build))?;
    let program = workspace.program("release", PROGRAM);
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

fn read(file: &Path) -> Result<BTreeMap<String, u64>> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entry = |line: &str| {
        let (name, number) = line.split_once('=').with_context(|| format!("{FILE}: `{line}`"))?;
        let number = number.trim().replace('_', "");
        Ok((name.trim().to_owned(), number.parse().with_context(|| format!("{FILE}: `{line}`"))?))
    };
    lines.map(entry).collect()
}

fn in_toml(counted: &BTreeMap<String, u64>) -> String {
    let mut text = HEAD.to_owned();
    for (name, number) in counted {
        writeln!(text, "{name} = {}", grouped(*number)).expect("writing to a String cannot fail");
    }
    text
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
# or with 50 events. `cargo xtask budget` counts them and fails at 5 % more; with --write it writes this file.

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
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("budget.toml");
        let counted = costs(&[("json", 1_234_567), ("stream", 999), ("translated", 1_000)]);
        fs::write(&file, in_toml(&counted)).unwrap();
        assert!(in_toml(&counted).contains("json = 1_234_567\nstream = 999\ntranslated = 1_000\n"));
        assert_eq!(read(&file).unwrap(), counted);
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
