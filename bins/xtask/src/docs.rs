//! Documents that are written by the program itself, or by a test of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::shell::{self, cargo, read};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing; fail when a file is not what the program would write
    #[arg(long)]
    check: bool,
}

/// A file, and the arguments of `posthaste` that print it.
struct Generated {
    file: &'static str,
    arguments: &'static [&'static str],
}

/// A file with a part that a test writes when it is asked to, and compares otherwise.
struct Tested {
    file: &'static str,
    package: &'static str,
    test: &'static str,
}

/// Builds the program and has it write its documents.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    shell::run(cargo(workspace).args(["build", "--locked", "--package", "posthaste"]))?;
    if options.check {
        check_all(workspace, &workspace.binary("debug"))?;
        TESTED.iter().try_for_each(|tested| tested.check(workspace))
    } else {
        write_all(workspace)?;
        TESTED.iter().try_for_each(|tested| tested.write(workspace))
    }
}

/// Compares every generated file with what the program prints now. Those of tests are compared where tests run.
pub(crate) fn check_all(workspace: &Workspace, binary: &Path) -> Result<()> {
    let mut stale = Vec::new();
    for generated in GENERATED {
        let wanted = generated.text(binary)?;
        let Ok(found) = fs::read_to_string(workspace.root().join(generated.file)) else {
            stale.push(format!("{} (missing)", generated.file));
            continue;
        };
        if let Some(line) = first_difference(&found, &wanted) {
            stale.push(format!("{} (line {line})", generated.file));
        }
    }
    if !stale.is_empty() {
        bail!("stale: {}; run `cargo xtask docs` and commit the result", stale.join(", "));
    }
    Ok(())
}

fn write_all(workspace: &Workspace) -> Result<()> {
    for generated in GENERATED {
        let path = workspace.root().join(generated.file);
        fs::write(&path, generated.text(&workspace.binary("debug"))?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        println!("wrote {}", generated.file);
    }
    Ok(())
}

impl Generated {
    fn text(&self, binary: &Path) -> Result<String> {
        let text = read(Command::new(binary).args(self.arguments))?;
        if text.is_empty() {
            bail!("`posthaste {}` printed nothing", self.arguments.join(" "));
        }
        Ok(text)
    }
}

impl Tested {
    fn check(&self, workspace: &Workspace) -> Result<()> {
        shell::run(&mut self.command(workspace))
    }

    fn write(&self, workspace: &Workspace) -> Result<()> {
        shell::run(self.command(workspace).env(WRITE, "1"))?;
        println!("wrote {}", self.file);
        Ok(())
    }

    fn command(&self, workspace: &Workspace) -> Command {
        let mut command = cargo(workspace);
        command.args(["test", "--locked", "--quiet", "--package", self.package, "--test", self.test]);
        command
    }
}

/// Tells a test to write its part of a document.
const WRITE: &str = "POSTHASTE_WRITE_DOCS";

/// The number of the first line that differs, if any.
fn first_difference(found: &str, wanted: &str) -> Option<usize> {
    if found == wanted {
        return None;
    }
    let same = found.lines().zip(wanted.lines()).take_while(|(a, b)| a == b).count();
    Some(same + 1)
}

const GENERATED: &[Generated] = &[Generated { file: "docs/CONFIG.md", arguments: &["config", "reference"] }];

const TESTED: &[Tested] = &[
    Tested { file: "docs/DIALECTS.md", package: "posthaste-translate", test: "conformance" },
    Tested { file: "docs/PROVIDERS.md", package: "posthaste-provider", test: "presets_page" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_do_not_differ() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
    }

    #[test]
    fn the_first_differing_line_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
    }

    #[test]
    fn a_missing_last_line_is_a_difference() {
        assert_eq!(first_difference("a\n", "a\nb\n"), Some(2));
        assert_eq!(first_difference("a", "a\n"), Some(2));
    }
}
