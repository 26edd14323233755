//! `posthaste import crs` on the command line.

use std::{fs, path::PathBuf, process::Output};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // The hash of `cr_` and 32 times `ab`.
        let export = r#"{"metadata":{"version":"2.0","decrypted":true},"data":{
            "claudeAccounts":[{"id":"aaaaaaaa-0000-4000-8000-000000000001","name":"max","isActive":"true",
                "accessToken":"canary-access","refreshToken":"canary-refresh","createdAt":"2026-01-02T00:00:00Z"}],
            "apiKeys":[{"id":"aaaaaaaa-0000-4000-8000-000000000002","name":"team a","isActive":"true",
                "apiKey":"38b82b4629cec2a4caa71024d5be18e5365acd55b40d66474c9e2e52f1ec023a",
                "totalCostLimit":"10","createdAt":"2026-01-02T00:00:00Z",
                "usageStats":{"total":{"totalRequests":"5"},"costTotal":"1.5"}}]}}"#;
        fs::write(folder.path().join("export.json"), export).expect("a file");
        fs::write(folder.path().join("key"), "0123456789abcdef0123456789abcdef\n").expect("a file");
        Self { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn run(&self, line: &str) -> Output {
        let mut command = Command::cargo_bin("posthaste").expect("the program is built");
        command.current_dir(self.folder.path()).env_remove("CRS_ENCRYPTION_KEY");
        command.args(line.split_whitespace()).arg("--data").arg(self.data());
        command.output().expect("the program runs")
    }

    fn ok(&self, line: &str) -> String {
        let output = self.run(line);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{err}");
        assert!(
            !out.contains("canary") && !out.contains("0123456789abcdef") && !err.contains("canary"),
            "{out}{err}"
        );
        out
    }

    fn refused(&self, line: &str) -> (Option<i32>, String) {
        let output = self.run(line);
        (output.status.code(), text(&output.stderr))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const LINE: &str = "import crs --file export.json --encryption-key-file key";

#[test]
fn a_look_leaves_nothing_behind_and_applying_twice_does_it_once() {
    let bench = Bench::new();
    let look = bench.ok(LINE);
    assert!(
        look.contains("+ max: anthropic at https://api.anthropic.com")
            && look.contains("+ team a: total-cost"),
        "{look}"
    );
    assert!(look.contains("nothing was written: give --apply"), "{look}");
    assert!(!bench.data().exists());

    let applied: Value = serde_json::from_str(&bench.ok(&format!("{LINE} --apply --json"))).expect("JSON");
    assert_eq!(applied["applied"]["written"]["keys"], 1);
    assert_eq!(applied["applied"]["written"]["accounts"], 1);
    assert!(bench.ok(LINE).contains("everything is here already"));
    assert!(bench.ok(&format!("{LINE} --apply")).contains("nothing to do"));
    assert!(bench.ok("keys list").contains("aaaaaaaa-0000-4000-8000-000000000002"));
    let stats: Value = serde_json::from_str(&bench.ok("stats --json")).expect("JSON");
    assert_eq!(stats["totals"]["attempts"], 5, "{stats}");
}

#[test]
fn without_the_old_key_nothing_is_made() {
    let bench = Bench::new();
    let (code, err) = bench.refused("import crs --file export.json --apply");
    assert!(code == Some(2) && err.contains("ENCRYPTION_KEY"), "{err}");
    assert!(!bench.data().exists());
    // Accounts of a decrypted export can do without.
    bench.ok("import crs --file export.json --apply --only accounts");
    assert!(bench.ok("accounts list").contains("max"));
}

#[test]
fn a_source_is_one_and_is_there() {
    let bench = Bench::new();
    assert_eq!(bench.refused("import crs").0, Some(2));
    assert_eq!(bench.refused("import crs --file export.json --redis redis://localhost").0, Some(2));
    assert_eq!(bench.refused("import crs --file nothing.json").0, Some(2));
    let (code, err) = bench.refused("import crs --redis redis://:canary@127.0.0.1:1");
    assert!(code == Some(1) && !err.contains("canary"), "{err}");
    let (code, err) = bench.refused("import crs --file export.json --timezone Nowhere/At-All");
    assert!(code == Some(2) && err.contains("time zone"), "{err}");
    let (code, err) = bench.refused("import crs --file export.json --only everything");
    assert!(
        code == Some(2) && err.contains("pools, accounts, owners, people, keys, usage, channels"),
        "{err}"
    );
}
