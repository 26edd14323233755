//! Fuzzing: builds the targets of `fuzz/` and runs them, seeded with the fixtures.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::shell::{cargo, read, run as shell_run, works};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// The target (`fuzz/README.md` names them); all of them, one after another, by default
    target: Option<String>,
    /// Seconds of each target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// Runs the targets to the end or to the first finding.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    if !installed(workspace) {
        bail!("{NOT_INSTALLED}");
    }
    let targets = targets(workspace)?;
    let chosen: Vec<_> = match &options.target {
        None => targets,
        Some(name) if targets.contains(name) => vec![name.clone()],
        Some(name) => bail!("there is no target {name}: {}", targets.join(", ")),
    };
    let dictionary = dictionary(workspace)?;
    chosen.iter().try_for_each(|target| fuzz(workspace, target, options.seconds, &dictionary))
}

/// Formatting, lints and a build of every target: nothing is run.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let manifest = workspace.root().join("fuzz/Cargo.toml");
    shell_run(cargo(workspace).args(["fmt", "--all", "--check", "--manifest-path"]).arg(&manifest))?;
    shell_run(
        cargo(workspace)
            .args(["clippy", "--locked", "--all-targets", "--manifest-path"])
            .arg(&manifest)
            .arg("--target-dir")
            .arg(build_folder(workspace))
            .args(["--", "-D", "warnings"]),
    )?;
    shell_run(&mut cargo_fuzz(workspace, "build"))
}

/// Whether `cargo fuzz` is there. It is not installed from here: building it takes longer than the check.
pub(crate) fn installed(workspace: &Workspace) -> bool {
    works(cargo(workspace).args(["fuzz", "--version"]))
}

/// What to say where it is not.
pub(crate) const NOT_INSTALLED: &str = "cargo-fuzz is not installed (`cargo install --locked cargo-fuzz`)";

fn fuzz(workspace: &Workspace, target: &str, seconds: u32, dictionary: &Path) -> Result<()> {
    // What was found before comes first: libFuzzer writes new inputs into the first folder.
    let corpus = build_folder(workspace).join("corpus").join(target);
    fs::create_dir_all(&corpus).with_context(|| format!("{} cannot be made", corpus.display()))?;
    let mut command = cargo_fuzz(workspace, "run");
    command.arg(target).arg(corpus).args(seeds(workspace, target)?).arg("--").args(LIBFUZZER);
    command.arg(format!("-max_total_time={seconds}")).arg(format!("-dict={}", dictionary.display()));
    shell_run(&mut command)
}

/// `cargo fuzz` as the stable toolchain takes it: without a sanitizer, since those are unstable.
fn cargo_fuzz(workspace: &Workspace, task: &str) -> Command {
    let mut command = cargo(workspace);
    command.args(["fuzz", task, "--sanitizer", "none", "--target-dir"]).arg(build_folder(workspace));
    command
}

fn build_folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("fuzz")
}

fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let listed = read(cargo(workspace).args(["fuzz", "list"]))?;
    Ok(listed.lines().map(str::to_owned).collect())
}

/// The folders that a target starts from: its own seeds, where no fixture is of its kind, else fixtures.
fn seeds(workspace: &Workspace, target: &str) -> Result<Vec<PathBuf>> {
    let own = workspace.root().join("fuzz/seeds").join(target);
    if own.is_dir() {
        return Ok(vec![own]);
    }
    let mut folders = Vec::new();
    for dialect in folders_in(&workspace.root().join("fixtures"))? {
        for kind in folders_in(&dialect)? {
            let shape = kind.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if wants(target, &dialect, shape) {
                folders.push(kind);
            }
        }
    }
    Ok(folders)
}

/// Whether a target reads what lies in `fixtures/<dialect>/<kind>`.
fn wants(target: &str, dialect: &Path, kind: &str) -> bool {
    match target {
        "sse" => kind == "stream",
        "json_array" => kind == "stream" && dialect.ends_with("gemini-generate"),
        "event_stream" => {
            kind == "stream"
                && (dialect.ends_with("bedrock-converse") || dialect.ends_with("anthropic-messages"))
        }
        "splices" => kind != "stream",
        "anthropic" => dialect.ends_with("anthropic-messages"),
        "chat" => dialect.ends_with("open-ai-chat"),
        "responses" => dialect.ends_with("open-ai-responses"),
        "gemini" => dialect.ends_with("gemini-generate"),
        "converse" => dialect.ends_with("bedrock-converse"),
        _ => true,
    }
}

/// The short texts of all fixtures, as libFuzzer's dictionary: the names of fields, types and events.
fn dictionary(workspace: &Workspace) -> Result<PathBuf> {
    let mut words = BTreeSet::new();
    for dialect in folders_in(&workspace.root().join("fixtures"))? {
        for kind in folders_in(&dialect)? {
            for file in entries(&kind)?.iter().filter(|file| file.extension().is_none_or(|ext| ext != "md")) {
                let text = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
                words.extend(quoted(&text).map(<[u8]>::to_vec));
            }
        }
    }
    let mut lines = String::from(EVENT_STREAM_WORDS);
    for word in words {
        writeln!(lines, "\"\\\"{}\\\"\"", word.escape_ascii())?;
    }
    let path = build_folder(workspace).join("words.dict");
    fs::create_dir_all(build_folder(workspace))?;
    fs::write(&path, lines).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}

/// The words in quotes: identifiers of at most `LONGEST` letters.
fn quoted(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_word = |word: &[u8]| {
        (1..=LONGEST).contains(&word.len())
            && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-$/".contains(byte))
            && word.iter().any(u8::is_ascii_alphabetic)
    };
    text.split(|byte| *byte == b'"').filter(move |word| is_word(word))
}

fn folders_in(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut paths = listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// Inputs up to 64 KiB; what takes 10 s or 2 GiB is a finding, and what takes 2 s is shown.
const LIBFUZZER: [&str; 5] =
    ["-max_len=65536", "-timeout=10", "-report_slow_units=2", "-rss_limit_mb=2048", "-print_final_stats=1"];

/// Headers of AWS event streams: the length of the name, the name, the type 7 (a text), its length, the text.
const EVENT_STREAM_WORDS: &str = r#""\x0d:message-type\x07\x00\x05event"
"\x0d:message-type\x07\x00\x09exception"
"\x0d:message-type\x07\x00\x05error"
"\x0b:event-type\x07\x00\x05chunk"
"\x0b:error-code\x07\x00\x01e"
"\x0e:error-message\x07\x00\x01m"
"\x0f:exception-type\x07\x00\x13throttlingException"
"#;

const LONGEST: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_body_are_its_names_and_short_texts() {
        let words: Vec<_> =
            quoted(br#"{"type": "tool_use", "text": "two words", "n": "1", "e": ""}"#).collect();
        assert_eq!(words, [&b"type"[..], b"tool_use", b"text", b"n", b"e"]);
    }

    #[test]
    fn every_target_starts_from_something() {
        let workspace = Workspace::find().expect("the workspace");
        let folder = entries(&workspace.root().join("fuzz/fuzz_targets")).expect("the targets");
        assert!(folder.len() >= 11);
        for path in folder {
            let target = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
            assert!(!seeds(&workspace, &target).expect("the folders").is_empty(), "{target}");
        }
    }
}
