//! The command line on a folder where no relay runs.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command as StdCommand, Stdio},
};

use assert_cmd::{Command, cargo::CommandCargoExt};
use rustix::{
    fs::{Mode, OFlags},
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};
use serde_json::Value;
use tempfile::TempDir;

/// A data folder, and the program run on it.
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
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    fn ok(&self) -> &str {
        assert_eq!(self.code, 0, "{}", self.err);
        &self.out
    }
}

fn bench() -> Bench {
    Bench { folder: tempfile::tempdir().expect("a temporary folder") }
}

impl Bench {
    fn dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::cargo_bin("posthaste").expect("the program is built");
        command.current_dir(self.folder.path()).args(line.split_whitespace()).arg("--data").arg(self.dir());
        command.env("POSTHASTE_SERVER__EVENTS_LISTEN", "off");
        command
    }

    fn run(&self, line: &str) -> Ran {
        ran(&mut self.command(line))
    }

    fn with_account(self) -> Self {
        self.run(ADD).ok();
        self
    }

    fn with_key(self) -> Self {
        self.run("keys create --name team").ok();
        self
    }
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().expect("the program runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("what is printed is text");
    Ran {
        code: output.status.code().expect("it was not killed"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

const ADD: &str = "accounts add --preset anthropic-compatible --name one --base-url http://127.0.0.1:9 \
                   --api-key sk-ant-dummy --priority 3";

#[test]
fn init_makes_a_folder_that_only_its_owner_may_read() {
    let bench = bench();
    let made = bench.run("init --json").json();
    assert_eq!(made["made"].as_array().unwrap().len(), 3, "{made}");
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(bench.dir()), 0o700);
    assert_eq!(mode(bench.dir().join("master.key")), 0o600);
    let key = fs::read(bench.dir().join("master.key")).unwrap();
    assert!(bench.run("init").ok().contains("nothing to do"));
    assert_eq!(fs::read(bench.dir().join("master.key")).unwrap(), key);
}

#[test]
fn the_first_account_makes_the_folder_and_says_so() {
    let bench = bench();
    let added = bench.run(&format!("{ADD} --json"));
    let account = added.json();
    assert_eq!((account["name"].as_str(), account["priority"].as_u64()), (Some("one"), Some(3)));
    assert!(added.err.contains("made data folder") && added.err.contains("private"), "{}", added.err);
    assert!(!added.out.contains("dummy") && !added.err.contains("dummy"));
    let again = bench.run(ADD);
    assert_eq!((again.code, again.err.contains("`one` exists already")), (4, true), "{}", again.err);
}

#[test]
fn looking_at_an_empty_place_makes_nothing() {
    let bench = bench();
    for line in ["accounts list", "keys list", "keys usage x", "status", "accounts delete x"] {
        let ran = bench.run(line);
        assert_eq!(ran.code, 3, "{line}: {}", ran.err);
        assert!(
            ran.err.starts_with("error: nothing is kept in") && ran.err.contains("hint: "),
            "{}",
            ran.err
        );
    }
    assert!(!bench.dir().exists());
}

#[test]
fn a_refused_first_command_makes_nothing() {
    let bench = bench();
    fs::write(bench.folder.path().join("wrong.toml"), "[accounting]\nprice_file = 'missing.json'\n").unwrap();
    let no_redis = [("POSTHASTE_DATA__STORE", "redis"), ("POSTHASTE_DATA__REDIS_URL", "redis://127.0.0.1:9")];
    let refused = [
        bench.run("accounts add --preset anthropic --name none"),
        bench.run("keys create --name x --expires-at 2001-01-01"),
        bench.run(&format!("{ADD} --config wrong.toml")),
        ran(bench.command("init").env("POSTHASTE_VAULT__MASTER_KEY_FILE", "wrong.toml")),
        ran(bench.command("init").envs(no_redis)),
    ];
    for ran in &refused {
        assert!(ran.code == 1 || ran.code == 2, "{}", ran.err);
    }
    assert!(!bench.dir().exists());
    let no_redis = &refused.last().unwrap().err;
    assert!(no_redis.contains("connection refused") && !no_redis.contains("Os {"), "{no_redis}");
}

#[test]
fn client_keys_of_a_person_are_kept_within_what_the_person_may_have() {
    let bench = bench();
    bench.run("users create ada --max-keys 1").ok();
    let made = bench.run("users keys create ada laptop --limit requests=10/day --json").json();
    assert!(made["key"].as_str().unwrap().starts_with("cr_"), "{made}");
    let full = bench.run("users keys create ada phone");
    assert_eq!(full.code, 1, "{}", full.err);
    assert!(full.err.contains("`ada` may have 1"), "{}", full.err);
    let listed = bench.run("users keys list ada");
    assert!(listed.ok().contains("laptop") && listed.ok().contains("active"), "{}", listed.out);
    let shown = bench.run("keys show ada/laptop --json").json();
    assert_eq!((&shown["id"], &shown["owner"]), (&made["id"], &Value::from("ada")));
    assert_eq!(bench.run("users keys revoke ada phone").code, 3);
    assert!(bench.run("users keys revoke ada laptop").ok().contains("closed for good"));
    assert!(bench.run("users keys list ada").ok().contains("revoked"));
    for unknown in ["list nobody", "create nobody laptop", "revoke nobody laptop"] {
        assert_eq!(bench.run(&format!("users keys {unknown}")).code, 3, "{unknown}");
    }
}

#[test]
fn a_file_in_the_folders_place_is_called_a_file() {
    let bench = bench();
    fs::write(bench.dir(), "not a folder").unwrap();
    for line in ["init", "accounts list", ADD, "status"] {
        let ran = bench.run(line);
        assert_eq!(
            (ran.code, ran.err.contains("is a file; name a folder")),
            (1, true),
            "{line}: {}",
            ran.err
        );
    }
}

#[test]
fn a_folder_that_others_may_enter_is_told() {
    let bench = bench().with_account();
    assert_eq!(bench.run("accounts list").err, "");
    fs::set_permissions(bench.dir(), fs::Permissions::from_mode(0o750)).unwrap();
    for line in ["accounts list", "init"] {
        let told = bench.run(line).err;
        assert_eq!(told.matches("has mode 0750").count(), 1, "{line}: {told}");
        assert!(told.contains("chmod 700"), "{told}");
    }
}

#[test]
fn a_damaged_store_is_told_in_plain_words() {
    let bench = bench().with_account();
    fs::write(bench.dir().join("posthaste.db"), [b'x'; 8192]).unwrap();
    let ran = bench.run("accounts list");
    assert_eq!(ran.code, 1);
    assert!(ran.err.starts_with("error: the store cannot be read: opening "), "{}", ran.err);
}

#[test]
fn errors_are_json_where_json_is_asked_for() {
    let bench = bench();
    let error = |line: &str, code| {
        let ran = bench.run(line);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{line}: {}", ran.err);
        let value: Value = serde_json::from_str(&ran.err).unwrap_or_else(|e| panic!("{e}: {}", ran.err));
        value["error"].clone()
    };
    let empty = error("accounts list --json", 3);
    assert_eq!((empty["kind"].as_str(), &empty["causes"]), (Some("not_found"), &serde_json::json!([])));
    assert!(empty["hint"].as_str().unwrap().contains("posthaste init"), "{empty}");
    let flag = error("accounts list --json --nonsense", 2);
    assert_eq!(flag["message"], "unexpected argument '--nonsense' found");
    assert!(flag["hint"].as_str().unwrap().contains("Usage:"), "{flag}");
    let none = error("accounts --json", 2);
    assert!(none["message"].as_str().unwrap().contains("requires a subcommand"), "{none}");
    let config = error("config check --json --config missing.toml", 2);
    assert_eq!((config["kind"].as_str(), config["hint"].is_null()), (Some("invalid"), true));
    assert_eq!(config["causes"].as_array().unwrap().len(), 1);
    bench.run(ADD).ok();
    assert_eq!(error(&format!("{ADD} --json"), 4)["kind"], "conflict");
}

#[test]
fn accounts_are_listed_shown_switched_changed_and_deleted() {
    let bench = bench().with_account();
    let list = bench.run("accounts list --json").json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert!(bench.run("accounts list").ok().contains("anthropic-compatible"));
    let id = list[0]["id"].as_str().unwrap();
    assert_eq!(bench.run(&format!("accounts show {id} --json")).json(), list[0]);
    assert!(bench.run("accounts show one").ok().contains("kept sealed"));
    assert_eq!(bench.run("accounts disable one --json").json()["enabled"], false);
    assert_eq!(bench.run("accounts enable one --json").json()["enabled"], true);
    let changed = bench
        .run("accounts update one --name uno --priority 9 --allow claude-*,x --map claude-*=small --json")
        .json();
    assert_eq!((changed["name"].as_str(), changed["priority"].as_u64()), (Some("uno"), Some(9)));
    assert_eq!(changed["models"]["allow"], serde_json::json!(["claude-*", "x"]));
    assert_eq!(changed["model_map"][0]["to"], "small");
    let cleared = ran(bench.command("accounts update uno --no-map --json").arg("--allow="));
    assert_eq!(cleared.json()["models"]["allow"], serde_json::json!([]));
    bench.run("accounts delete uno").ok();
    assert_eq!(bench.run("accounts show uno").code, 3);
    assert!(bench.run("accounts list").ok().contains("no accounts yet"));
}

#[test]
fn an_api_key_comes_from_standard_input_or_a_file() {
    let bench = bench();
    let stdin = ran(bench
        .command("accounts add --preset anthropic --name stdin --api-key - --json")
        .write_stdin("sk-ant-dummy\n"));
    assert_eq!(stdin.json()["has_credential"], true);
    let path = bench.folder.path().join("key");
    fs::write(&path, "sk-ant-dummy\n").unwrap();
    let file = bench.run("accounts add --preset anthropic --name file --api-key-file key --json");
    assert_eq!(file.json()["has_credential"], true);
    let none = bench.run("accounts add --preset anthropic --name none");
    assert_eq!((none.code, none.err.starts_with("error: api-key: is needed")), (2, true), "{}", none.err);
    assert!(none.err.contains("--auth none"), "{}", none.err);
}

#[test]
fn an_api_key_typed_at_a_terminal_is_asked_for_and_not_shown() {
    let bench = bench();
    let (mut keyboard, terminal) = terminal();
    let echoes = |terminal: &File| tcgetattr(terminal).unwrap().local_modes.contains(LocalModes::ECHO);
    assert!(echoes(&terminal));
    let mut command = StdCommand::cargo_bin("posthaste").unwrap();
    let line = "accounts add --preset anthropic --name typed --api-key - --json";
    command.current_dir(bench.folder.path()).args(line.split_whitespace()).arg("--data").arg(bench.dir());
    command.stdin(terminal.try_clone().unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut asked = [0; 7];
    child.stderr.as_mut().unwrap().read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"API key");
    assert!(!echoes(&terminal));
    keyboard.write_all(b"sk-ant-dummy\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let account: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(account["has_credential"], true);
    assert!(echoes(&terminal));
    let mut shown = [0; 64];
    let read = keyboard.read(&mut shown).unwrap();
    assert_eq!(&shown[..read], b"\r\n");
}

/// A pseudo-terminal: the side of whoever sits at it, and the side of the program.
fn terminal() -> (File, File) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&keyboard).expect("it may be used");
    unlockpt(&keyboard).expect("it may be opened");
    let name = ptsname(&keyboard, Vec::new()).expect("it has a name");
    let path = name.into_string().expect("its name is text");
    let terminal =
        rustix::fs::open(path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other side opens");
    (File::from(keyboard), File::from(terminal))
}

#[test]
fn log_lines_in_a_pipe_have_no_colours() {
    let bench = bench();
    let log = log_until(&bench, "serve --listen 127.0.0.1:0", "listening on ");
    assert!(log.contains("stopping") && !log.contains('\u{1b}'), "{log}");
}

#[test]
fn the_demo_asks_nobody_to_care_for_what_it_throws_away() {
    let log = log_until(&bench(), "demo --listen 127.0.0.1:0", "The relay stays up");
    assert!(log.contains("stopping"), "{log}");
    assert!(!log.contains("made ") && !log.contains("WARN"), "{log}");
}

/// What a command that goes on running logs, if it is stopped when it prints a line that starts so.
fn log_until(bench: &Bench, line: &str, end: &str) -> String {
    let mut command = StdCommand::cargo_bin("posthaste").expect("the program is built");
    command.current_dir(bench.folder.path()).args(line.split_whitespace()).arg("--data").arg(bench.dir());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut printed = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let came = printed.any(|line| line.expect("what is printed is text").starts_with(end));
    // It may have ended by itself, and then says below why.
    let _ = kill_process(Pid::from_child(&child), Signal::TERM);
    let output = child.wait_with_output().expect("it ends");
    let log = String::from_utf8(output.stderr).expect("what is logged is text");
    assert!(came, "{log}");
    log
}

#[test]
fn wrong_inputs_are_usage_errors() {
    let bench = bench();
    for line in [
        "accounts add --preset nobody --name x",
        "accounts add --preset anthropic --name x --api-key k --priority 101",
        "accounts add --preset anthropic --name x --api-key k --auth basic",
        "accounts add --preset anthropic-compatible --name x --api-key k --base-url http://10.0.0.1",
        "keys create --name x --expires-at tomorrow",
        "keys create --name x --expires-at 2001-01-01",
        "keys create --name x --never-expires --expires-after-first-use 3",
        "accounts",
        "nonsense",
    ] {
        let ran = bench.run(line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line}: {}", ran.err);
    }
}

#[test]
fn a_test_of_a_dead_upstream_fails_with_advice() {
    let bench = bench().with_account();
    let ran = bench.run("accounts test one --json");
    assert_eq!(ran.code, 1);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["ok"], false);
    assert!(
        ran.err.contains(r#""causes":["could not connect"#) && ran.err.contains(r#""hint":"nothing answers"#),
        "{}",
        ran.err
    );
}

#[test]
fn presets_need_no_folder() {
    let bench = bench();
    assert!(bench.run("accounts presets").ok().contains("anthropic-compatible"));
    assert!(bench.run("accounts presets --json").json().as_array().unwrap().len() >= 3);
    assert!(!bench.dir().exists());
}

#[test]
fn a_client_key_is_shown_once_then_listed_changed_revoked_and_deleted() {
    let bench = bench();
    let created = bench.run("keys create --name team --json").json();
    let (id, key) = (created["id"].as_str().unwrap(), created["key"].as_str().unwrap());
    assert!(key.starts_with("cr_") && key.len() == 67);
    for line in ["keys list --json", "keys show team --json", "keys list", "keys show team"] {
        let out = bench.run(line);
        assert!(out.ok().contains(id) && !out.out.contains(&key[3..]), "{line}: {}", out.out);
    }
    let stored = fs::read(bench.dir().join("posthaste.db")).unwrap();
    assert!(!stored.windows(key.len()).any(|window| window == key.as_bytes()));
    let changed = bench.run("keys update team --enabled false --expires-at 2099-01-31 --json").json();
    assert_eq!(
        (changed["state"]["status"].as_str(), changed["expires_at"].as_str()),
        (Some("disabled"), Some("2099-01-31T00:00:00Z"))
    );
    assert_eq!(bench.run(&format!("keys revoke {id} --json")).json()["state"]["status"], "revoked");
    let again = bench.run("keys update team --enabled true");
    assert_eq!((again.code, again.err.contains("revoked, and that is for good")), (2, true), "{}", again.err);
    bench.run("keys delete team").ok();
    assert!(!bench.run("keys list").ok().contains("team"));
    assert_eq!(bench.run("keys show team --json").json()["state"]["status"], "deleted");
    bench.run("keys create --name team").ok();
    let taken = bench.run(&format!("keys restore {id}"));
    assert!(taken.code != 0 && taken.err.contains("choose another name"), "{}", taken.err);
    bench.run(&format!("keys restore {id} --name again")).ok();
    let again = bench.run("keys delete again --json").json();
    assert_eq!(again["id"], id);
    bench.run("keys purge again").ok();
    assert_eq!(bench.run("keys show again").code, 3);
    let secret = bench.run("keys regenerate team --json").json()["key"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("cr_"));
    assert!(!bench.run("keys list --deleted").ok().contains("team"));
}

#[test]
fn a_new_key_for_people_stands_alone_on_the_first_line() {
    let bench = bench();
    let out = bench.run("keys create --name team");
    assert!(out.ok().lines().next().unwrap().starts_with("cr_"), "{}", out.out);
}

#[test]
fn usage_of_an_unused_key_is_nothing() {
    let bench = bench().with_key();
    let usage = bench.run("keys usage team --json").json();
    assert_eq!(
        (usage["totals"]["attempts"].as_u64(), usage["totals"]["cost"].as_str()),
        (Some(0), Some("$0.00"))
    );
    assert!(bench.run("keys usage team").ok().contains("ATTEMPTS"));
    assert_eq!(bench.run("keys usage nobody --json").code, 3);
}

#[test]
fn statistics_of_unused_books_are_nothing() {
    let bench = bench().with_key();
    let stats = bench.run("stats --by day,key --since 7d --key team --json").json();
    assert_eq!(
        (stats["totals"]["attempts"].as_u64(), stats["rows"].as_array().map(Vec::len)),
        (Some(0), Some(0))
    );
    assert!(bench.run("stats").ok().contains("UNPRICED"));
    assert_eq!(bench.run("stats --by colour").code, 2);
    assert_eq!(bench.run("stats --key nobody").code, 3);
}

#[test]
fn owners_and_teams_are_made_shown_and_removed() {
    let bench = bench().with_key();
    assert_eq!(bench.run("keys update team --owner alice").code, 2);
    bench.run("teams set crew --limit cost=25/month").ok();
    let owner = bench.run("owners set alice --limit requests=100/day --team crew --json").json();
    assert_eq!((owner["name"].as_str(), owner["team"].as_str()), (Some("alice"), Some("crew")));
    assert_eq!(bench.run("keys update team --owner alice --json").json()["owner"], "alice");
    assert!(bench.run("owners show alice").ok().contains("team"));
    assert!(bench.run("teams list").ok().contains("alice"));
    assert_eq!(bench.run("owners delete alice").code, 4);
    bench.run("keys update team --owner=").ok();
    bench.run("owners delete alice").ok();
    bench.run("teams delete crew").ok();
    assert_eq!(bench.run("owners show alice").code, 3);
}

#[test]
fn cards_are_made_redeemed_once_taken_back_and_withdrawn() {
    let bench = bench();
    bench.run("keys create --name team --limit cost=10/total").ok();
    assert_eq!(bench.run("cards create").code, 2);
    let made = bench.run("cards create --quota 2.5 --count 3 --lasts 90d --note paid --json").json();
    let code = |number: usize| made[number]["code"].as_str().unwrap();
    let hint = |number: usize| made[number]["hint"].as_str().unwrap();
    assert!(code(0).starts_with("phc-") && code(0).ends_with(hint(0)));
    let redeemed = ran(bench.command("cards redeem team - --json").write_stdin(code(0))).json();
    assert_eq!(
        (redeemed["key_name"].as_str(), redeemed["gives"]["quota"].as_u64()),
        (Some("team"), Some(2_500_000_000))
    );
    let again = bench.run(&format!("cards redeem team {}", code(0)));
    assert!(again.code == 4 && again.err.contains("redeemed already"), "{}", again.err);
    let unknown = bench.run("cards redeem team phc-nothing");
    assert!(unknown.code == 3 && unknown.err.contains("six groups of four"), "{}", unknown.err);
    let amount = || bench.run("keys show team --json").json()["policy"]["limits"][0]["amount"].as_u64();
    assert_eq!(amount(), Some(12_500_000_000));
    assert!(
        bench.run("cards show").code == 2
            && bench.run(&format!("cards show {}", hint(0))).ok().contains("team")
    );
    for line in ["cards list", "cards list --json", "cards redemptions --key team", "cards stats"] {
        let out = bench.run(line);
        assert!(!out.ok().contains(code(0)) && !out.out.contains(code(1)), "{line}: {}", out.out);
    }
    let redemption = redeemed["id"].as_str().unwrap();
    let back = bench.run(&format!("cards take-back {redemption}"));
    assert!(back.ok().contains("$2.50"), "{}", back.out);
    assert_eq!(amount(), Some(10_000_000_000));
    assert_eq!(bench.run(&format!("cards take-back {redemption}")).code, 4);
    assert!(bench.run(&format!("cards revoke {}", hint(1))).ok().contains("withdrawn"));
    let refused = bench.run(&format!("cards redeem team {}", code(1)));
    assert!(refused.code == 4 && refused.err.contains("ask whoever gave it"), "{}", refused.err);
    bench.run(&format!("cards delete {}", hint(2))).ok();
    assert_eq!(bench.run(&format!("cards show {}", hint(2))).code, 3);
    let limits = bench.run("cards limits --most-quota 11 --json").json();
    assert_eq!(
        (limits["most_quota"].as_u64(), limits["most_days"].as_u64()),
        (Some(11_000_000_000), Some(90))
    );
    assert!(bench.run("cards limits").ok().contains("$11.00"));
}

#[test]
fn rates_are_set_and_given_back_to_the_configuration() {
    let bench = bench().with_key();
    let rate = |text: &str| {
        let rates = bench.run(text).json();
        let rates = rates.as_array().unwrap().iter();
        let found = rates.filter(|rate| rate["provider"] == "open-ai").collect::<Vec<_>>()[0].clone();
        (found["rate"].as_str().unwrap().to_owned(), found["set"].as_bool().unwrap())
    };
    assert_eq!(rate("pricing set-rate open-ai 1.25 --json"), ("1.25".to_owned(), true));
    assert!(bench.run("pricing rates").ok().contains("1.25"));
    assert_eq!(bench.run("pricing set-rate open-ai dear").code, 2);
    assert_eq!(bench.run("pricing set-rate nobody 1").code, 2);
    assert_eq!(rate("pricing rates --json"), ("1.25".to_owned(), true));
    assert_eq!(rate("pricing set-rate open-ai config --json"), ("1".to_owned(), false));
}

#[test]
fn status_tells_that_no_relay_runs() {
    let bench = bench().with_account().with_key();
    let status = bench.run("status --json").json();
    assert_eq!((&status["server"], status["keys"]["active"].as_u64()), (&Value::Null, Some(1)));
    assert!(bench.run("status").ok().contains("not running"));
}

#[test]
fn configuration_is_checked_and_shown_without_secrets() {
    let bench = bench();
    fs::write(bench.folder.path().join("posthaste.toml"), "[server]\nlisten = '127.0.0.1:1'\n").unwrap();
    assert!(bench.run("config check").ok().contains("posthaste.toml"));
    let shown =
        ran(bench.command("config show --json").env("POSTHASTE_SERVER__METRICS_TOKEN", "sk-ant-dummy"));
    assert_eq!(shown.json()["server"]["listen"], "127.0.0.1:1");
    assert_eq!(shown.json()["server"]["metrics_token"], "(secret)");
    assert!(bench.run("config show").ok().contains("[server]\nlisten = \"127.0.0.1:1\""));
    fs::write(bench.folder.path().join("other.toml"), "[server]\nlisen = 'x'\n[relay]\nattempts = 0\n")
        .unwrap();
    let wrong = bench.run("config check --config other.toml");
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.err.contains("other.toml:2: server.lisen: unknown key; did you mean `listen`?"),
        "{}",
        wrong.err
    );
    let missing = bench.run("config check --config missing.toml");
    assert_eq!(
        (missing.code, missing.err.contains("missing.toml cannot be read")),
        (2, true),
        "{}",
        missing.err
    );
}

#[test]
fn the_reference_is_the_one_in_the_docs() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/CONFIG.md");
    assert_eq!(bench().run("config reference").ok(), fs::read_to_string(docs).unwrap());
}

#[test]
fn a_wrong_or_missing_master_key_changes_nothing() {
    let bench = bench().with_account();
    let key = bench.dir().join("master.key");
    let right = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let missing = bench.run("accounts list");
    assert_eq!((missing.code, missing.err.contains("put the right one back")), (1, true), "{}", missing.err);
    assert!(!key.exists());
    let wrong = ran(bench.command("accounts list").env("POSTHASTE_VAULT__MASTER_KEY", "0".repeat(64)));
    assert_eq!(wrong.code, 1);
    let hex = String::from_utf8(right).unwrap();
    let given = ran(bench.command("accounts list --json").env("POSTHASTE_VAULT__MASTER_KEY", hex));
    assert_eq!(given.json().as_array().unwrap().len(), 1);
}

#[test]
fn a_memory_store_without_a_relay_holds_nothing() {
    let bench = bench();
    let ran = ran(bench.command("keys create --name team").env("POSTHASTE_DATA__STORE", "memory"));
    assert_eq!((ran.code, ran.err.contains("memory store")), (3, true), "{}", ran.err);
}

#[test]
fn help_names_the_exit_codes() {
    let help = bench().run("--help");
    assert!(help.ok().contains("Exit codes:"));
}

#[test]
fn the_built_in_imitation_serves_at_once() {
    let bench = bench();
    bench.run("accounts add --preset sandbox --name play").ok();
    let report = bench.run("accounts test play --json").json();
    assert_eq!((report["ok"].as_bool(), report["status"].as_u64()), (Some(true), Some(200)), "{report}");
}

#[test]
fn what_is_kept_in_redis_is_there_for_another_folder_with_the_same_master_key() {
    let redis = posthaste_testkit::spawn_redis();
    let (here, there) = (bench(), bench());
    let run = |bench: &Bench, line: &str| {
        ran(bench
            .command(line)
            .env("POSTHASTE_DATA__STORE", "redis")
            .env("POSTHASTE_DATA__REDIS_URL", redis.url())
            .env("POSTHASTE_VAULT__MASTER_KEY", "1".repeat(64)))
    };
    run(&here, ADD).ok();
    let account = run(&there, "accounts show one --json").json();
    assert_eq!(account["name"], "one");
    assert!(!there.dir().join("master.key").exists());
}

#[test]
fn what_keeps_a_redis_from_being_used_is_told_with_the_setting_to_change() {
    let sentinels = posthaste_testkit::spawn_redis_sentinel(1);
    let bench = bench();
    let run = |url: String| {
        ran(bench.command("init").env("POSTHASTE_DATA__STORE", "redis").env("POSTHASTE_DATA__REDIS_URL", url))
    };
    let refused = run(sentinels.replica().url());
    assert!(
        refused.err.contains("data.redis_url") && refused.err.contains("name its master"),
        "{}",
        refused.err
    );
    run(sentinels.url()).ok();
    let names = sentinels.master().command("INFO keyspace");
    assert!(names.contains("db0:keys="), "{names}");
}
