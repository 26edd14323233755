//! The program as it is shipped: optimised as a whole (the profile `dist`), and laid out by what it does under load.
//!
//! A request passes through so much code, each part of it once, that the processor waits for the next instructions more than for
//! anything else. A profile of where the program goes lets the compiler put what runs beside each other, and the rest elsewhere
//! (<https://doc.rust-lang.org/rustc/profile-guided-optimization.html>).

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};
use clap::Args;

use crate::shell::{cargo, read, run as shell_run, works};
use crate::workspace::Workspace;
use crate::{bench, setup};

#[derive(Args)]
pub(crate) struct Options {
    /// Seconds of each load from which the profile is taken
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Leave the symbols in, to look at it with a profiler
    #[arg(long)]
    symbols: bool,
}

/// Builds the program twice and loads it in between.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    setup::program("python3", "python3")?;
    let merger = profile_merger()?;
    let folder = workspace.target().join("pgo");
    let (counts, profile) = (folder.join("counts"), folder.join("posthaste.profdata"));
    if counts.exists() {
        fs::remove_dir_all(&counts).with_context(|| format!("{} cannot be emptied", counts.display()))?;
    }
    let counting = build(workspace, options, "-Cprofile-generate", &counts)?;
    println!("Taking a profile of {}", counting.display());
    let mut load = bench::tools(workspace, "bench.py")?;
    load.env("POSTHASTE_BIN", counting).args(["run", "posthaste", "--reps", "1", "--scenario", LOADS]);
    shell_run(load.args(["--seconds", &options.seconds.to_string()]))?;
    shell_run(Command::new(merger).arg("merge").arg("--output").arg(&profile).arg(&counts))?;
    let built = build(workspace, options, "-Cprofile-use", &profile)?;
    let shipped = workspace.binary("dist");
    if let Some(parent) = shipped.parent() {
        fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
    }
    fs::copy(&built, &shipped).with_context(|| format!("{} cannot be copied", built.display()))?;
    println!("ready: {}", shipped.display());
    Ok(())
}

/// Builds the program with one more flag of the compiler's. With `--target` it reaches neither build scripts nor macros; and as
/// cargo leaves flags out of what names a symbol, both builds call a function the same.
fn build(workspace: &Workspace, options: &Options, flag: &str, file: &Path) -> Result<PathBuf> {
    let host = read(Command::new("rustc").args(["--print", "host-tuple"]))?;
    let (host, folder) = (host.trim(), workspace.target().join("pgo"));
    let mut command = cargo(workspace);
    command
        .args(["build", "--locked", "--profile", "dist", "--package", "posthaste", "--target", host])
        .arg("--target-dir")
        .arg(&folder)
        .env("CARGO_ENCODED_RUSTFLAGS", format!("{flag}={}", file.display()));
    if options.symbols {
        command.env("CARGO_PROFILE_DIST_STRIP", "false");
    }
    shell_run(&mut command)?;
    Ok(folder.join(host).join("dist/posthaste"))
}

/// The compiler's own `llvm-profdata`, installed if need be: another version's cannot read the counts.
fn profile_merger() -> Result<PathBuf> {
    let library = read(Command::new("rustc").args(["--print", "target-libdir"]))?;
    let beside =
        Path::new(library.trim()).parent().context("the compiler's library has no folder above it")?;
    let merger = beside.join("bin").join("llvm-profdata").with_extension(env::consts::EXE_EXTENSION);
    if !works(Command::new(&merger).arg("--version")) {
        shell_run(Command::new("rustup").args(["component", "add", "llvm-tools"]))?;
    }
    Ok(merger)
}

/// Each client's API to an upstream of the same and of the others: whole, streamed, and with a long request.
const LOADS: &str = "messages-json,messages-sse,messages-200k,chat-json,chat-sse,chat-200k,responses-json,responses-sse,\
                     responses-200k,gemini-json,gemini-sse,gemini-200k";
