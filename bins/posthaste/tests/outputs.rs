//! What commands print, for people and for programs, as snapshots: one for each noun.
//!
//! What differs from run to run is masked. A command that stands nowhere here has to be among those that are left out, with where
//! it is looked at instead.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeSet, fs};

use assert_cmd::Command;
use regex::Regex;
use tempfile::TempDir;

/// What is run, in order, on one folder where no relay runs. Lines begin with the noun; `--json` is for programs.
const RUN: &[&str] = &[
    "init",
    "accounts presets",
    "accounts add --preset anthropic --name main --api-key sk-ant-dummy --priority 10",
    "accounts add --preset openai --name spare --api-key sk-dummy --json",
    "accounts list",
    "accounts list --json",
    "accounts show main",
    "accounts show main --json",
    "accounts update main --weight 3 --tag paid",
    "accounts disable main",
    "accounts enable main",
    "accounts errors main",
    "accounts show nobody",
    "accounts show nobody --json",
    "accounts delete spare --yes",
    "pools create --name fast --strategy weighted --limit concurrency=8",
    "pools list",
    "pools show fast",
    "pools show fast --json",
    "pools update fast --retry conservative",
    "accounts update main --pool fast",
    "routes create --model house-model --to claude-sonnet-4-5@pool:fast --to claude-haiku-4-5",
    "routes list",
    "routes show house-model",
    "routes list --json",
    "routes try house-model",
    "routes try house-model --json",
    "routes try house-model --dialect latin",
    "routes update house-model --to claude-sonnet-4-5",
    "routes delete house-model --yes",
    "owners set ada --limit cost=20/day",
    "owners list",
    "owners show ada",
    "teams set research --limit cost=100/month",
    "teams list",
    "teams show research --json",
    "keys create --name team --limit cost=5/day --limit concurrency=2 --tag ci --owner ada --bind pool:fast",
    "keys create --name other --json",
    "keys list",
    "keys list --json",
    "keys show team",
    "keys show team --json",
    "keys update team --add-tag late --multiplier 1.5",
    "keys update team --limit nonsense",
    "keys update team --limit nonsense --json",
    "keys usage team",
    "keys regenerate other --yes",
    "keys delete other",
    "keys restore other",
    "keys revoke other --yes",
    "keys delete other",
    "keys purge other --yes",
    "keys list --deleted",
    "cards create --quota 5 --time 30d --count 2 --note trial",
    "cards list",
    "cards list --json",
    "cards stats",
    "cards limits --most-quota 100",
    "cards redemptions",
    "users create grace --role operator --password-file password --display-name Grace",
    "users list",
    "users list --json",
    "users show grace",
    "users update grace --max-keys 3",
    "users sessions grace",
    "users logout grace",
    "users keys create grace laptop --limit requests=10/5h",
    "users keys list grace",
    "users keys revoke grace laptop",
    "users reset-password grace --password-file password",
    "users delete grace --yes",
    "admin create chief --password-file password",
    "admin reset-password chief --password-file password",
    "tokens create ci --scope keys:read --lasts 30d",
    "tokens list",
    "tokens list --json",
    "tokens delete ci --yes",
    "channels add ops --kind webhook --target https://hooks.example.com/x --key dummy-signing-key",
    "channels list",
    "channels show ops",
    "channels show ops --json",
    "channels update ops --least critical",
    "channels deliveries ops",
    "channels remove ops --yes",
    "pricing show claude-sonnet-4-5",
    "pricing show claude-sonnet-4-5 --json",
    "pricing set anthropic/house-model --input 3 --output 15 --note agreed",
    "pricing own",
    "pricing unset anthropic/house-model --yes",
    "pricing set-rate anthropic 1.2",
    "pricing rates",
    "pricing unknown",
    "pricing recompute --from 2020-01-01 --dry-run",
    "requests list",
    "requests list --json",
    "explain 01a22142-5f67-75ef-8a5a-00042e641da9",
    "stats",
    "stats --json",
    "status",
    "status --json",
    "health",
    "audit verify",
    "audit list --json --limit 2",
    "config check",
    "data backup",
    "data backups",
    "data verify",
    "data verify --json",
    "data export --to export.json",
    "data import export.json",
    "data cleanup --dry-run",
];

/// What is looked at elsewhere.
const ELSEWHERE: &[(&str, &str)] = &[
    ("accounts balance", "asks a vendor: tests/server/tried.rs"),
    ("accounts login", "asks a vendor: tests/server/logins"),
    ("accounts refresh", "asks a vendor: tests/server/logins"),
    ("accounts reset", "needs a relay: tests/server"),
    ("accounts test", "asks a vendor: tests/server/tried.rs"),
    ("audit export", "one line for each entry, as `audit list --json` has them"),
    ("cards delete", "needs what a run makes: tests/server/cards.rs"),
    ("cards redeem", "needs what a run makes: tests/server/cards.rs"),
    ("cards revoke", "needs what a run makes: tests/server/cards.rs"),
    ("cards show", "needs what a run makes: tests/server/cards.rs"),
    ("cards take-back", "needs what a run makes: tests/server/cards.rs"),
    ("channels test", "asks a service: tests/server/notices.rs"),
    ("clients remove", "writes settings of clients: tests/clients.rs"),
    ("clients setup", "writes settings of clients: tests/clients.rs"),
    ("completions", "made by clap_complete: tests/cli.rs"),
    ("config reload", "needs a relay: tests/server/reloading.rs"),
    ("config show", "every setting, and the machine's own: tests/cli.rs"),
    ("data move", "needs Redis: tests/data.rs"),
    ("data restore", "takes the folder's place: tests/data.rs"),
    ("debug", "tells of the machine: tests/server/support.rs"),
    ("demo", "is a relay: the smoke test"),
    ("doctor", "tells of the machine: tests/server/doctor.rs"),
    ("import crs", "needs a predecessor: tests/import.rs"),
    ("keys test", "needs a relay: tests/server/tried.rs"),
    ("logs filter", "needs a relay: tests/server/logs.rs"),
    ("man", "made by clap_mangen: tests/cli.rs"),
    ("owners delete", "as `pools delete`"),
    ("pools delete", "of one that is used: tests/cli.rs"),
    ("pricing status", "tells of the build: tests/server/prices.rs"),
    ("pricing update", "needs a list: tests/server/prices.rs"),
    ("serve", "is a relay: tests/server"),
    ("service install", "tests/service.rs"),
    ("service logs", "tests/service.rs"),
    ("service restart", "tests/service.rs"),
    ("service start", "tests/service.rs"),
    ("service status", "tests/service.rs"),
    ("service stop", "tests/service.rs"),
    ("service uninstall", "tests/service.rs"),
    ("teams delete", "as `pools delete`"),
    ("upgrade", "needs a relay: tests/server/upgrading.rs"),
    ("users drop-second-factor", "needs a second factor: tests/server/people.rs"),
    ("users test-sign-in", "asks a directory or a provider: tests/server/people.rs, tests/server/oidc.rs"),
];

struct Bench {
    folder: TempDir,
    masks: Vec<(Regex, &'static str)>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("password"), "correct horse battery\n").unwrap();
        let place = regex::escape(&folder.path().display().to_string());
        let user = std::process::Command::new("id").arg("-un").output().unwrap();
        let user = regex::escape(String::from_utf8(user.stdout).unwrap().trim());
        let (named, at_work) = (format!("\"name\": \"{user}\""), format!(r"command line \({user}\)"));
        let masks = [
            (place.as_str(), "<folder>"),
            (named.as_str(), r#""name": "<user>""#),
            (at_work.as_str(), "command line (<user>)"),
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>"),
            (r"[0-9a-f]{64}", "<hash>"),
            (r"cr_<hash>", "<client key>"),
            (r"pht_[A-Za-z0-9_-]+", "<token>"),
            (r"phc-[a-z0-9-]{12,}", "<code>"),
            (r"(?m)^ [a-z0-9]{4}( +\$)", " <hint>$1"),
            (r"(?m)^ ci +[A-Za-z0-9_-]{4} ", " ci  <hint> "),
            (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z", "<moment>"),
            (r"[0-9]{8}T[0-9]{9}Z", "<moment>"),
            (r"(?-u:\b)(team|other|laptop) +[0-9a-f]{4}(?-u:\b)", "$1  <hint>"),
            (r#""hint":( ?)"[^"]*""#, r#""hint":$1"<hint>""#),
            (r"(secret ends with|ends with) +[^ \n]+", "$1  <hint>"),
            (r"[0-9]+(?:\.[0-9]+)? (?:B|KiB|MiB)(?-u:\b)", "<size>"),
            (r#""bytes":( ?)[0-9]+"#, r#""bytes":$1<size>"#),
            (r"  +", "  "),
            (r"─+", "─"),
            (r" +\n", "\n"),
        ];
        let masks = masks.into_iter().map(|(mask, text)| (Regex::new(mask).unwrap(), text)).collect();
        Self { folder, masks }
    }

    fn run(&self, line: &str) -> String {
        let mut command = Command::cargo_bin("posthaste").unwrap();
        command.current_dir(self.folder.path()).args(line.split_whitespace());
        command
            .arg("--data")
            .arg(self.folder.path().join("data"))
            .env_remove("NO_COLOR")
            .env("COLUMNS", "120");
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut told = format!("$ posthaste {line}\n{}", text(&output.stdout));
        if !output.stderr.is_empty() {
            told.push_str(&format!("[standard error]\n{}", text(&output.stderr)));
        }
        if !output.status.success() {
            told.push_str(&format!("[ends with {}]\n", output.status.code().unwrap()));
        }
        told.push('\n');
        self.masks.iter().fold(told, |told, (mask, text)| mask.replace_all(&told, *text).into_owned())
    }

    /// Every command that has none below it, as `--help` tells them.
    fn commands(&self, path: &str, into: &mut BTreeSet<String>) {
        let help = Command::cargo_bin("posthaste")
            .unwrap()
            .args(path.split_whitespace())
            .arg("--help")
            .output()
            .unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let below = help
            .split_once("\nCommands:\n")
            .map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or_default());
        let names = below.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let names: Vec<_> =
            names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
        if names.is_empty() {
            into.insert(path.trim().to_owned());
        }
        for name in names {
            self.commands(&format!("{path} {name}"), into);
        }
    }
}

#[test]
fn commands_print_what_they_printed() {
    let bench = Bench::new();
    let mut nouns: Vec<(&str, String)> = Vec::new();
    for line in RUN {
        let told = bench.run(line);
        let noun = line.split(' ').next().unwrap();
        match nouns.iter_mut().find(|(known, _)| *known == noun) {
            Some((_, text)) => text.push_str(&told),
            None => nouns.push((noun, told)),
        }
    }
    for (noun, text) in nouns {
        insta::assert_snapshot!(noun, text.trim_end());
    }
}

#[test]
fn every_command_is_looked_at_somewhere() {
    let mut commands = BTreeSet::new();
    Bench::new().commands("", &mut commands);
    assert!(commands.len() > 100, "the walk found {}", commands.len());
    let is_run =
        |command: &str| RUN.iter().any(|line| *line == command || line.starts_with(&format!("{command} ")));
    let is_elsewhere = |command: &str| ELSEWHERE.iter().any(|(known, _)| *known == command);
    let unseen: Vec<_> =
        commands.iter().filter(|command| !is_run(command) && !is_elsewhere(command)).collect();
    assert!(unseen.is_empty(), "nobody looks at what these print: {unseen:?}");
    let gone: Vec<_> = ELSEWHERE.iter().filter(|(known, _)| !commands.contains(*known)).collect();
    assert!(gone.is_empty(), "there are no such commands: {gone:?}");
    let twice: Vec<_> = ELSEWHERE.iter().filter(|(known, _)| is_run(known)).collect();
    assert!(twice.is_empty(), "these are run here: {twice:?}");
}
