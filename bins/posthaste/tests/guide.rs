//! The commands of `docs/ACCOUNTS.md`, run by a shell as they stand.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use assert_cmd::{Command, cargo::cargo_bin};

const GUIDE: &str = include_str!("../../../docs/ACCOUNTS.md");

/// What asks a vendor, or takes away what later commands change. How these are read is tested beside the command line.
const LEFT_OUT: [&str; 5] = ["test", "login", "refresh", "balance", "delete"];

#[test]
fn every_account_of_the_guide_can_be_added() {
    let folder = tempfile::tempdir().unwrap();
    let imitated = |line: &str| line.starts_with("posthaste accounts test imitation");
    let left_out = |line: &str| {
        !imitated(line)
            && LEFT_OUT.iter().any(|what| line.starts_with(&format!("posthaste accounts {what} ")))
    };
    let lines: Vec<_> =
        GUIDE.lines().filter(|line| line.starts_with("posthaste ") && !left_out(line)).collect();
    let adding = lines.iter().filter(|line| line.contains(" accounts add ")).count();
    assert!(adding > 25, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| imitated(line)).count(), 5, "{lines:?}");
    for line in lines {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(line).env("PATH", path()).env("POSTHASTE_DATA__DIR", folder.path().join("data"));
        let ran =
            shell.current_dir(folder.path()).write_stdin("dummy-0123456789-0123456789-0123456789\n").output();
        let ran = ran.unwrap();
        assert!(ran.status.success(), "{line}\n{}", String::from_utf8_lossy(&ran.stderr));
    }
}

/// The program's folder first.
fn path() -> OsString {
    let program = cargo_bin("posthaste");
    let folder = program.parent().map(Path::to_owned).unwrap();
    let others = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = [folder].into_iter().chain(env::split_paths(&others)).collect();
    env::join_paths(folders).unwrap()
}
