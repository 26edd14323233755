//! `posthaste data` on a folder, with a relay on it and without.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command as StdCommand, Stdio},
};

use assert_cmd::{Command, cargo::CommandCargoExt};
use posthaste_core::{RequestId, Timestamp};
use posthaste_storage::contract::row;
use posthaste_storage_sqlite::SqliteStores;
use serde_json::Value;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.err);
        serde_json::from_str(&self.out).unwrap()
    }

    fn ok(&self) -> &str {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        &self.out
    }

    fn refused(&self, code: i32, why: &str) {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        assert!(self.err.contains(why), "{}", self.err);
    }
}

impl Bench {
    /// A folder with an account, a key and some rows in its books.
    async fn furnished() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        bench.run(ADD).ok();
        bench.run("keys create --name team").ok();
        let rows: Vec<_> = (0..5).map(|_| row()).collect();
        bench.append(&rows).await;
        bench
    }

    async fn append(&self, rows: &[posthaste_core::AttemptRow]) {
        let opened = SqliteStores::open(&self.dir().join("posthaste.db")).unwrap();
        opened.stores().ledger.append(rows).await.unwrap();
        opened.close().await.unwrap();
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, line: &str) -> Ran {
        self.run_on(&self.dir(), line)
    }

    fn run_on(&self, data: &Path, line: &str) -> Ran {
        let mut command = Command::cargo_bin("posthaste").unwrap();
        command.current_dir(self.folder.path()).args(line.split_whitespace()).arg("--data").arg(data);
        ran(&mut command)
    }

    /// Starts the program and does not wait for its end.
    fn spawn(&self, line: &str) -> Child {
        let mut command = StdCommand::cargo_bin("posthaste").unwrap();
        command.current_dir(self.folder.path()).args(line.split_whitespace()).arg("--data").arg(self.dir());
        command.env("POSTHASTE_SERVER__EVENTS_LISTEN", "off");
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn serve(&self) -> Relay {
        let mut child = self.spawn("serve --listen 127.0.0.1:0");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("listening"), "{line}");
        Relay(child)
    }

    /// A folder for another relay that has only the master key.
    fn elsewhere(&self) -> PathBuf {
        let dir = self.path("elsewhere");
        fs::create_dir(&dir).unwrap();
        fs::copy(self.dir().join("master.key"), dir.join("master.key")).unwrap();
        dir
    }

    fn sql(file: &Path, sql: &str) {
        rusqlite::Connection::open(file).unwrap().execute_batch(sql).unwrap();
    }

    fn names(dir: &Path) -> Vec<String> {
        let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

struct Relay(Child);

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const ADD: &str = "accounts add --preset anthropic-compatible --name one --base-url http://127.0.0.1:9 \
                   --api-key sk-ant-dummy";

#[tokio::test]
async fn a_back_up_is_private_new_and_in_order() {
    let bench = Bench::furnished().await;
    let made = bench.run("data backup --to copy.db --json").json();
    assert_eq!(made["holds_master_key"], false);
    let copy = bench.path("copy.db");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&copy).unwrap();
    bench.run("data backup --to copy.db").refused(4, "exists already");
    let verified = bench.run("data verify copy.db --json").json();
    assert_eq!(verified["findings"]["rows"], 5);
    assert_eq!(verified["findings"]["secrets"], 1);
    assert_eq!(verified["ok"], true);
    assert_eq!(fs::read(&copy).unwrap(), before, "looking changes nothing");
    assert_eq!(Bench::names(&bench.dir()), ["master.key", "posthaste.db"]);
}

/// By a relay that runs and without one, into the same folder, of which the oldest go.
#[tokio::test]
async fn back_ups_without_a_name_go_into_a_folder_that_keeps_so_many() {
    let bench = Bench::furnished().await;
    fs::write(bench.path("posthaste.toml"), "[data]\nkeep_backups = 2\n").unwrap();
    let run = |line: &str| bench.run(&format!("{line} --config posthaste.toml --json")).json();
    assert_eq!(run("data backups"), serde_json::json!([]));
    let first = run("data backup");
    let path = PathBuf::from(first["path"].as_str().unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(path.with_file_name("mine.db"), "not a back-up").unwrap();
    let second = run("data backup");
    let mut child = bench.spawn("serve --listen 127.0.0.1:0 --config posthaste.toml");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let relay = Relay(child);
    let third = run("data backup");
    let names: Vec<_> = run("data backups").as_array().unwrap().iter().map(|at| at["name"].clone()).collect();
    assert_eq!(names, [third["name"].clone(), second["name"].clone()]);
    assert!(!path.exists() && path.with_file_name("mine.db").exists());
    let verify = format!("data verify {}", third["path"].as_str().unwrap());
    bench.run(&verify).ok();
    drop(relay);
}

#[tokio::test]
async fn a_back_up_of_a_running_relay_can_be_restored_once_it_has_stopped() {
    let bench = Bench::furnished().await;
    let relay = bench.serve();
    assert!(bench.run("data backup --to copy.db").ok().contains("master key is not in it"));
    bench.run("keys create --name later").ok();
    bench.run("data verify").ok();
    bench.run("data restore copy.db").refused(1, "another relay runs");
    assert!(bench.run("keys list").ok().contains("later"));
    drop(relay);

    let restored = bench.run("data restore copy.db --json").json();
    let keys = bench.run("keys list").ok().to_owned();
    assert!(keys.contains("team") && !keys.contains("later"), "{keys}");
    let replaced = PathBuf::from(restored["replaced"].as_str().unwrap());
    let replaced = format!("data restore {}", replaced.display());
    bench.run(&replaced).ok();
    assert!(bench.run("keys list").ok().contains("later"), "the replaced store is kept whole");
    bench.run("data verify").ok();
}

#[tokio::test]
async fn a_back_up_is_restored_elsewhere_with_the_master_key_only() {
    let bench = Bench::furnished().await;
    bench.run("data backup --to copy.db").ok();
    let keyless = bench.path("keyless");
    bench.run_on(&keyless, "data restore copy.db").refused(1, "there is no master key");
    assert!(!keyless.exists());

    let other = bench.path("other");
    bench.run_on(&other, "init").ok();
    let before = Bench::names(&other);
    let store = fs::read(other.join("posthaste.db")).unwrap();
    bench.run_on(&other, "data restore copy.db").refused(1, "the master key does not open this store");
    bench.run_on(&other, "data verify copy.db").refused(1, "the master key does not open this store");
    assert_eq!(fs::read(other.join("posthaste.db")).unwrap(), store);
    let after: Vec<_> = Bench::names(&other).into_iter().filter(|name| name != "admin.lock").collect();
    assert_eq!(after, before);

    let dir = bench.elsewhere();
    bench.run_on(&dir, "data restore copy.db").ok();
    assert!(bench.run_on(&dir, "accounts list").ok().contains("one"));
    assert_eq!(bench.run_on(&dir, "data verify --json").json()["findings"]["rows"], 5);
}

#[tokio::test]
async fn newer_damaged_and_foreign_files_are_refused_before_anything_is_changed() {
    let bench = Bench::furnished().await;
    bench.run("data backup --to newer.db").ok();
    Bench::sql(&bench.path("newer.db"), "PRAGMA user_version = 99");
    Bench::sql(&bench.path("foreign.db"), "CREATE TABLE theirs (x)");
    fs::write(bench.path("notes.txt"), "not a database ".repeat(500)).unwrap();
    let before = fs::read(bench.dir().join("posthaste.db")).unwrap();
    for (file, why) in [
        ("newer.db", "schema 99, and this release knows schemas up to"),
        ("foreign.db", "another program's database"),
        ("notes.txt", "cannot be read"),
    ] {
        bench.run(&format!("data restore {file}")).refused(1, why);
        bench.run(&format!("data verify {file}")).refused(1, why);
    }
    bench.run("data restore nothing.db").refused(3, "there is no file");
    assert_eq!(fs::read(bench.dir().join("posthaste.db")).unwrap(), before);
    let replaced = |name: &String| name.contains("replaced") || name.contains("unfinished");
    assert!(!Bench::names(&bench.dir()).iter().any(replaced));
}

#[tokio::test]
async fn what_is_wrong_is_told_and_is_not_restored_unasked() {
    let bench = Bench::furnished().await;
    bench.run("data backup --to bad.db").ok();
    let bad = bench.path("bad.db");
    Bench::sql(&bad, "UPDATE rollup SET cost_nanos = cost_nanos + 1 WHERE period = 'day'");
    Bench::sql(&bad, "UPDATE record SET body = '{}' WHERE kind = 'client_key'");
    Bench::sql(
        &bad,
        "UPDATE record SET body = json_set(body, '$.credential', 'AQAAAAEAAAA') WHERE kind = 'account'",
    );
    let verified = bench.run("data verify bad.db");
    verified.refused(1, "problems were found");
    for what in ["roll-up of the day", "client_key", "/credential"] {
        assert!(verified.out.contains(what), "{what}: {}", verified.out);
    }
    let before = fs::read(bench.dir().join("posthaste.db")).unwrap();
    bench.run("data restore bad.db").refused(1, "not in order");
    assert_eq!(fs::read(bench.dir().join("posthaste.db")).unwrap(), before);
    assert!(bench.run("data restore bad.db --despite-problems").ok().contains("roll-up of the day"));
    bench.run("data verify").refused(1, "problems were found");
}

#[tokio::test]
async fn a_damaged_row_is_named_and_the_rest_can_be_restored() {
    let bench = Bench::furnished().await;
    bench.run("data backup --to bad.db").ok();
    let first = "request_id = (SELECT min(request_id) FROM attempt)";
    Bench::sql(
        &bench.path("bad.db"),
        &format!("UPDATE attempt SET row = zeroblob(length(row)) WHERE {first}"),
    );
    let verified = bench.run("data verify bad.db");
    verified.refused(1, "problems were found");
    assert!(verified.out.contains("the books: attempt 1 of request"), "{}", verified.out);
    bench.run("data restore bad.db").refused(1, "not in order");
    bench.run("data restore bad.db --despite-problems").ok();
    bench.run("data backup --to again.db").ok();
    let verified = bench.run("data verify again.db");
    verified.refused(1, "problems were found");
    assert!(verified.out.contains("4 ledger rows"), "{}", verified.out);
}

#[tokio::test]
async fn whoever_kills_a_back_up_finds_no_half_one() {
    let bench = Bench::furnished().await;
    let rows: Vec<_> = (0..20_000).map(|_| row()).collect();
    bench.append(&rows).await;
    fs::create_dir(bench.path("backups")).unwrap();
    let mut child = bench.spawn("data backup --to backups/copy.db");
    while Bench::names(&bench.path("backups")).is_empty() && child.try_wait().unwrap().is_none() {}
    child.kill().unwrap();
    child.wait().unwrap();
    if bench.path("backups/copy.db").exists() {
        // It was faster than the kill; then it has to be whole.
        bench.run("data verify backups/copy.db").ok();
    } else {
        bench.run("data backup --to backups/copy.db").ok();
        bench.run("data verify backups/copy.db").ok();
    }
}

#[tokio::test]
async fn cleaning_up_forgets_what_is_too_old_and_says_so_beforehand() {
    let bench = Bench::furnished().await;
    let long_ago: Timestamp = "2001-02-03T04:05:06Z".parse().unwrap();
    let mut old = row();
    old.request_id = RequestId::least_at(long_ago);
    old.started_at = long_ago;
    bench.append(&[old]).await;
    let counted = bench.run("data cleanup --dry-run --json").json();
    assert_eq!(counted["forgotten"]["rows"], 1);
    assert_eq!(bench.run("data verify --json").json()["findings"]["rows"], 6, "counting forgets nothing");
    let cleaned = bench.run("data cleanup --json").json();
    assert_eq!(cleaned["forgotten"], counted["forgotten"]);
    assert!(cleaned["forgotten"]["rollups"].as_u64().unwrap() >= 1);
    let left = bench.run("data verify --json").json();
    assert_eq!(left["findings"]["rows"], 5, "what is left is in order");
    assert!(bench.run("data cleanup").ok().contains("nothing is older"));
}

#[tokio::test]
async fn an_export_with_secrets_moves_a_relay_and_its_keys_go_on_working() {
    let bench = Bench::furnished().await;
    fs::write(bench.path("phrase"), "a dummy passphrase\n").unwrap();
    let card = bench.run("cards create --quota 5 --json").json();
    bench.run("keys update team --limit cost=1/total").ok();
    bench.run("pricing set-rate open-ai 2").ok();
    bench.run("data export --to out.json --with-secrets --passphrase-file phrase").ok();
    let text = fs::read_to_string(bench.path("out.json")).unwrap();
    assert!(!text.contains("sk-ant-dummy"));
    assert_eq!(fs::metadata(bench.path("out.json")).unwrap().permissions().mode() & 0o777, 0o600);
    bench.run("data export --to out.json").refused(4, "exists already");

    let other = bench.path("other");
    let dry = bench.run_on(&other, "data import out.json --passphrase-file phrase");
    assert!(dry.ok().contains("4 new") && dry.out.contains("--apply"), "{}", dry.out);
    assert!(!other.exists(), "looking makes nothing");
    bench.run_on(&other, "data import out.json --apply").refused(2, "passphrase-file");
    bench.run_on(&other, "data import out.json --apply --passphrase-file phrase").ok();
    let again = bench.run_on(&other, "data import out.json --apply --passphrase-file phrase");
    assert!(again.ok().contains("4 the same"), "{}", again.out);
    bench.run_on(&other, &format!("cards redeem team {}", card[0]["code"].as_str().unwrap())).ok();
    assert!(bench.run_on(&other, "pricing rates --json").ok().contains(r#""rate": "2""#));
    assert_eq!(bench.run_on(&other, "data verify --json").json()["findings"]["secrets"], 1);
    let fingerprint = |data: &Path| {
        let export = bench.run_on(data, "data export --to - --json").json();
        export["pepper_fingerprint"].clone()
    };
    assert_eq!(fingerprint(&other), fingerprint(&bench.dir()));
}

#[tokio::test]
async fn an_import_says_what_differs_and_keeps_out_what_cannot_work() {
    let bench = Bench::furnished().await;
    let export = bench.run("data export --to out.json --json").json();
    assert_eq!(export["left_out"][0]["name"], "one");
    bench.run("accounts update one --priority 7").ok();
    let dry = bench.run("data import out.json --json").json();
    let account = &dry["records"][0];
    assert_eq!((account["fate"].as_str(), account["kind"].as_str()), (Some("changed"), Some("account")));
    assert!(account["why"].as_str().unwrap().contains("priority"), "{account}");
    bench.run("data import out.json --apply").ok();
    bench.run("data verify").ok();

    let other = bench.path("other");
    bench.run_on(&other, ADD).ok();
    let before = bench.run_on(&other, "accounts list").ok().to_owned();
    let refused = bench.run_on(&other, "data import out.json --apply");
    refused.refused(4, "nothing was written");
    assert!(refused.out.contains("CONFLICT") && refused.out.contains("make it anew"), "{}", refused.out);
    assert_eq!(bench.run_on(&other, "accounts list").ok(), before);
    fs::write(bench.path("newer.json"), r#"{"format":"posthaste-export","version":3}"#).unwrap();
    bench.run("data import newer.json").refused(2, "version 3");
}

#[tokio::test]
async fn people_tokens_channels_and_the_audit_log_move_along() {
    let bench = Bench::furnished().await;
    fs::write(bench.path("phrase"), "a dummy passphrase\n").unwrap();
    bench.run("admin create ada --password correct-horse-battery").ok();
    let token = bench.run("tokens create ci --scope keys:read --json").json();
    let token = token["token"].as_str().unwrap();
    bench.run("channels add ops --kind slack --target https://hooks.slack.test/dummy-path").ok();
    let masked = bench.run("data export --to - --json");
    let masked = masked.ok();
    for secret in ["argon2", "dummy-path", token] {
        assert!(!masked.contains(secret), "{secret}");
    }
    let told = bench.run("data export --to masked.json");
    assert!(told.ok().contains("left out: the login of user `ada`"), "{}", told.out);
    bench.run("data export --to out.json --with-secrets --passphrase-file phrase").ok();
    let other = bench.path("other");
    bench.run_on(&other, "data import out.json --apply --passphrase-file phrase").ok();
    assert_eq!(bench.run_on(&other, "users show ada --json").json()["role"], "owner");
    assert_eq!(bench.run_on(&other, "tokens list --json").json()[0]["name"], "ci");
    assert_eq!(bench.run_on(&other, "channels show ops --json").json()["enabled"], true);
    let again = bench.run_on(&other, "data import out.json --passphrase-file phrase");
    assert!(again.ok().contains("0 new, 0 changed"), "{}", again.out);

    let log = bench.run("audit verify --json").json();
    let redis = posthaste_testkit::spawn_redis();
    let moved = bench.run(&format!("data move --to {} --json", redis.url())).json();
    assert_eq!(moved["moved"]["entries"], log["entries"], "{moved}");
    let on_redis = |line: &str| {
        let mut command = Command::cargo_bin("posthaste").unwrap();
        command.current_dir(bench.folder.path()).args(line.split_whitespace()).arg("--data").arg(bench.dir());
        command.env("POSTHASTE_DATA__STORE", "redis").env("POSTHASTE_DATA__REDIS_URL", redis.url());
        ran(&mut command)
    };
    assert_eq!(on_redis("audit verify --json").json(), log, "the chain holds there");
    let found = on_redis("data verify --json").json();
    assert_eq!(found["findings"]["audit"], log["entries"], "{found}");
    on_redis("keys create --name later").ok();
    on_redis("data move --to sqlite:back.db").ok();
    let back = bench.run("data verify back.db --json").json();
    assert_eq!(back["findings"]["audit"].as_u64(), log["entries"].as_u64().map(|entries| entries + 1));

    // Whoever writes into the log of a back-up is found out.
    bench.run("data backup --to copy.db").ok();
    Bench::sql(
        &bench.path("copy.db"),
        "UPDATE journal SET text = replace(text, 'ada', 'eve') WHERE name = 'audit'",
    );
    let changed = bench.run("data verify copy.db --json");
    assert!(changed.out.contains("audit log, entry"), "{}", changed.out);
    bench.run("data restore copy.db").refused(1, "");
}

#[tokio::test]
async fn a_store_moves_to_redis_and_back() {
    let bench = Bench::furnished().await;
    let redis = posthaste_testkit::spawn_redis();
    let relay = bench.serve();
    bench.run(&format!("data move --to {}", redis.url())).refused(1, "another relay runs");
    drop(relay);
    let before = fs::read(bench.dir().join("posthaste.db")).unwrap().len();
    let moved = bench.run(&format!("data move --to {} --json", redis.url())).json();
    assert_eq!((moved["moved"]["written"].as_u64(), moved["moved"]["rows"].as_u64()), (Some(3), Some(5)));
    let again = bench.run(&format!("data move --to {} --json", redis.url())).json();
    assert_eq!(again["moved"]["written"], 0);
    assert_eq!(fs::read(bench.dir().join("posthaste.db")).unwrap().len(), before);

    let on_redis = |line: &str| {
        let mut command = Command::cargo_bin("posthaste").unwrap();
        command.current_dir(bench.folder.path()).args(line.split_whitespace()).arg("--data").arg(bench.dir());
        command.env("POSTHASTE_DATA__STORE", "redis").env("POSTHASTE_DATA__REDIS_URL", redis.url());
        ran(&mut command)
    };
    assert!(on_redis("accounts list").ok().contains("one"));
    assert_eq!(on_redis("data verify --json").json()["findings"]["rows"], 5);
    on_redis("data move --to sqlite:back.db").ok();
    let back = bench.run("data verify back.db --json").json();
    assert_eq!((back["findings"]["rows"].as_u64(), back["findings"]["secrets"].as_u64()), (Some(5), Some(1)));
    let stats = |ran: Ran| ran.json()["rows"].clone();
    assert_eq!(stats(on_redis("stats --by month --json")), stats(bench.run("stats --by month --json")));

    let other = bench.path("other");
    bench.run_on(&other, "init").ok();
    bench.run_on(&other, &format!("data move --to {}", redis.url())).refused(4, "another relay's store");
}

#[test]
fn an_empty_place_is_told() {
    let bench = Bench { folder: tempfile::tempdir().unwrap() };
    for line in ["data backup --to x.db", "data verify", "data cleanup"] {
        bench.run(line).refused(3, "nothing is kept in");
    }
    assert!(!bench.dir().exists());
}
