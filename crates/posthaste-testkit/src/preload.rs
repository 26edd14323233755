//! Libraries that are loaded before a program's own, so that its calls of the C library come to them first.

use std::{fs, path::PathBuf, process::Command};

use tempfile::TempDir;

/// Compiles one, into a folder that is there as long as it is used.
pub(crate) fn compile(source: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("source.c");
    fs::write(&path, source).expect("the folder is ours");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(library(&folder)).arg(path).arg("-ldl");
    let output = compiler.output().unwrap_or_else(|error| {
        panic!("could not start cc ({error}): install it, on Debian with `apt-get install gcc`")
    });
    assert!(output.status.success(), "cc: {}", String::from_utf8_lossy(&output.stderr));
    folder
}

/// Where it is.
pub(crate) fn library(folder: &TempDir) -> PathBuf {
    folder.path().join("preloaded.so")
}
