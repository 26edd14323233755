//! Mutation testing: changes the code of metering and limits bit by bit, and counts of how many changes the tests tell.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::setup;
use crate::shell::{cargo, works};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// Packages or source files; metering and the files of limits by default
    what: Vec<String>,
    /// Only mutants whose line fits this regular expression, such as `in check_limits$`
    #[arg(long)]
    only: Option<String>,
}

/// Tests what the mutants of each package, or of single files of it, are worth; an error when too many of them survive.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let program = setup::cargo_mutants(workspace)?;
    let chosen: Vec<_> = match options.what.as_slice() {
        [] => DEFAULT.iter().map(|what| (*what).to_owned()).collect(),
        what => what.to_vec(),
    };
    let mut found = Found::default();
    for (package, files) in by_package(workspace, &chosen)? {
        test(workspace, &program, options, &package, &files)?;
        found.add(&output(workspace, &package).join("mutants.out"))?;
    }
    print!("{}", found.table());
    found.verdict()
}

/// The files that were named of each package; none for the whole package.
fn by_package(workspace: &Workspace, chosen: &[String]) -> Result<BTreeMap<String, Vec<String>>> {
    let mut packages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for what in chosen {
        let file = Path::new(what);
        if file.extension().is_none_or(|extension| extension != "rs") {
            packages.entry(what.clone()).or_default();
            continue;
        }
        ensure!(workspace.root().join(file).is_file(), "there is no file {what} below the workspace's root");
        let folders: Vec<_> = file.iter().take(2).collect();
        let package = folders.get(1).and_then(|name| name.to_str());
        let package = package.with_context(|| format!("{what} is in no package"))?;
        packages.entry(package.to_owned()).or_default().push(what.clone());
    }
    Ok(packages)
}

/// Works on a copy, so that nothing that git tracks is changed. Dependencies are kept for the next run.
fn test(
    workspace: &Workspace,
    program: &Path,
    options: &Options,
    package: &str,
    files: &[String],
) -> Result<()> {
    let output = output(workspace, package);
    fs::create_dir_all(&output).with_context(|| format!("{} cannot be made", output.display()))?;
    let mut command = Command::new(program);
    command.current_dir(workspace.root()).arg("mutants").args(SETTINGS).arg("--package").arg(package);
    command.args(files.iter().flat_map(|file| ["--file", file]));
    command.args(options.only.iter().flat_map(|only| ["--re", only]));
    command.arg("--output").arg(&output);
    if works(cargo(workspace).args(["nextest", "--version"])) {
        command.args(["--test-tool", "nextest"]);
    }
    let tests = TESTS.iter().find(|(of, _)| *of == package).map_or(&[][..], |(_, tests)| *tests);
    command.arg("--").args(tests);
    command.env("CARGO_TARGET_DIR", workspace.target().join("mutants/build"));
    // A mutant differs by one expression: what the compiler keeps of the last one makes its build several times faster.
    command.env("CARGO_INCREMENTAL", "1").env("CARGO_PROFILE_DEV_DEBUG", "0");
    println!("Testing the mutants of {package}; how it goes is told in {}", output.display());
    let status = command.stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("{} could not be started", program.display()))?;
    // 2 and 3 say that mutants survived or hung, of which the verdict is ours.
    ensure!(matches!(status.code(), Some(0 | 2 | 3)), "cargo-mutants ended with {status}");
    Ok(())
}

fn output(workspace: &Workspace, package: &str) -> PathBuf {
    workspace.target().join("mutants").join(package)
}

/// How many mutants of each file were killed, and which survived. Those that do not compile say nothing.
#[derive(Debug, Default)]
struct Found {
    files: BTreeMap<String, (usize, usize)>,
    survivors: Vec<String>,
}

impl Found {
    /// Reads the lists that cargo-mutants writes. A mutant that makes a test hang is killed as well.
    fn add(&mut self, folder: &Path) -> Result<()> {
        for list in ["caught.txt", "timeout.txt", "missed.txt"] {
            let path = folder.join(list);
            let text =
                fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            for line in text.lines() {
                self.note(line, list == "missed.txt");
            }
        }
        Ok(())
    }

    /// A line is `path:line:column: what was changed`.
    fn note(&mut self, line: &str, survived: bool) {
        let file = line.split(':').next().unwrap_or(line);
        let (killed, surviving) = self.files.entry(file.to_owned()).or_default();
        if survived {
            *surviving += 1;
            self.survivors.push(line.to_owned());
        } else {
            *killed += 1;
        }
    }

    fn sum(&self) -> (usize, usize) {
        self.files.values().fold((0, 0), |sum, file| (sum.0 + file.0, sum.1 + file.1))
    }

    fn table(&self) -> String {
        let mut lines = vec!["| file | killed | survived |".to_owned(), "|---|---|---|".to_owned()];
        lines.extend(
            self.files
                .iter()
                .map(|(file, (killed, survived))| format!("| `{file}` | {killed} | {survived} |")),
        );
        lines.extend(self.survivors.iter().map(|survivor| format!("survived: {survivor}")));
        lines.join("\n") + "\n"
    }

    /// An error when fewer than nine of ten were killed, or when there was nothing to kill.
    fn verdict(&self) -> Result<()> {
        let (killed, survived) = self.sum();
        let all = killed + survived;
        ensure!(all > 0, "there was no mutant to test: nothing was checked");
        println!("{killed} of {all} mutants killed");
        if killed * 10 < all * 9 {
            bail!("fewer than nine of ten mutants were killed");
        }
        Ok(())
    }
}

/// Metering, and what limits are made of elsewhere.
const DEFAULT: [&str; 7] = [
    "posthaste-metering",
    "crates/posthaste-core/src/limit.rs",
    "crates/posthaste-core/src/money.rs",
    "crates/posthaste-storage/src/places.rs",
    "crates/posthaste-gateway/src/limits.rs",
    "crates/posthaste-gateway/src/shares.rs",
    "crates/posthaste-gateway/src/thresholds.rs",
];

/// A mutant that loops is ended, and the order is that of the files.
const SETTINGS: [&str; 7] =
    ["--timeout", "60", "--minimum-test-timeout", "30", "--no-shuffle", "--colors", "never"];

/// Of a package with many tests, those of limits and money: to link and run all others would take a day.
const TESTS: [(&str, &[&str]); 1] = [(
    "posthaste-gateway",
    &["--lib", "--test", "limits", "--test", "money", "--test", "owners", "--test", "records"],
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_tested_by_their_package() {
        let workspace = Workspace::find().expect("the workspace");
        let chosen = DEFAULT.map(str::to_owned);
        let packages = by_package(&workspace, &chosen).expect("all of them are there");
        let names: Vec<_> = packages.iter().map(|(name, files)| (name.as_str(), files.len())).collect();
        let expected = [
            ("posthaste-core", 2),
            ("posthaste-gateway", 3),
            ("posthaste-metering", 0),
            ("posthaste-storage", 1),
        ];
        assert_eq!(names, expected);
        let gone = ["crates/posthaste-core/src/gone.rs".to_owned()];
        assert!(by_package(&workspace, &gone).is_err());
    }

    #[test]
    fn survivors_are_counted_by_file_and_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |list: &str, text: &str| fs::write(folder.path().join(list), text).expect("a list");
        write("caught.txt", "src/a.rs:1:2: replace + with -\nsrc/a.rs:1:2: replace + with *\n");
        write("timeout.txt", "src/b.rs:7:7: delete !\n");
        write("missed.txt", "src/a.rs:9:9: replace f with ()\n");
        let mut found = Found::default();
        found.add(folder.path()).expect("all lists are there");
        assert_eq!(found.sum(), (3, 1));
        let table = found.table();
        assert!(table.contains("| `src/a.rs` | 2 | 1 |\n| `src/b.rs` | 1 | 0 |"), "{table}");
        assert!(table.contains("survived: src/a.rs:9:9: replace f with ()"), "{table}");
    }

    #[test]
    fn nine_of_ten_are_enough_and_nothing_is_not() {
        let found = |killed, survived| Found {
            files: BTreeMap::from([("a.rs".to_owned(), (killed, survived))]),
            survivors: Vec::new(),
        };
        assert!(found(9, 1).verdict().is_ok());
        assert!(found(89, 11).verdict().is_err());
        assert!(found(0, 0).verdict().is_err());
    }
}
