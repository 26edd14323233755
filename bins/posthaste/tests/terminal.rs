//! The program at a terminal: what it asks, what it hides, what moves while one waits, and how the terminal is left.
//!
//! A shell stands between terminal and program, as it does for people. It tells how the program ended, and whether the
//! terminal still shows what is typed.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use assert_cmd::cargo::CommandCargoExt;
use rexpect::session::{PtySession, spawn_command};
use tempfile::TempDir;

/// A home with a data folder, and the program in it.
struct Home {
    folder: TempDir,
}

/// A program at a terminal.
struct Terminal {
    session: PtySession,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs it at no terminal.
    fn run(&self, line: &str) -> Output {
        let program = Command::cargo_bin("posthaste").unwrap();
        self.at(program).args(line.split_whitespace()).output().unwrap()
    }

    fn ok(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it at a terminal of this many columns.
    fn terminal(&self, columns: u16, line: &str) -> Terminal {
        let program = Command::cargo_bin("posthaste").unwrap();
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("stty sane rows 40 cols {columns}; {SHELL}")).arg("sh");
        shell.arg(program.get_program()).args(line.split_whitespace());
        Terminal { session: spawn_command(self.at(shell), Some(PATIENCE)).unwrap() }
    }

    fn at(&self, mut command: Command) -> Command {
        command.current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.folder.path()).env("TERM", "xterm").env("PATH", "/usr/bin:/bin");
        command.env("POSTHASTE_DATA__DIR", self.path("data")).env("POSTHASTE_SERVER__EVENTS_LISTEN", "off");
        command
    }
}

impl Terminal {
    /// Waits for a text, and gives what came before it.
    fn sees(&mut self, text: &str) -> String {
        self.session.exp_string(text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn types(&mut self, text: &str) {
        self.session.send(text).unwrap();
        self.session.flush().unwrap();
    }

    /// Waits for the program's end, and gives what came before it. The terminal shows what is typed then, as it did before.
    fn ends(mut self, code: u8) -> String {
        let (before, how) =
            self.session.exp_regex("\\[ended [^\\]]*\\]").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(how, format!("[ended {code}, echo on]"), "{before}");
        before
    }
}

/// It goes on after Ctrl-C, which the program alone is to be ended by.
const SHELL: &str = r#"trap : INT QUIT; "$@"; code=$?; case " $(stty -a) " in *" -echo "*) echo=off;; *) echo=on;; esac; echo "[ended $code, echo $echo]""#;
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const CTRL_BACKSLASH: &str = "\u{1c}";
/// ECMA-48: `CUP` and `ED`, the whole screen anew.
const WIPED: &str = "\u{1b}[H\u{1b}[2J";
/// Milliseconds that anything may take on a machine with much to do.
const PATIENCE: u64 = 60_000;

const SETUP: &str = "clients setup codex --url http://relay.test:3001 --key cr_dummy0123456789";

#[test]
fn a_question_is_answered_no_unless_somebody_says_yes() {
    for (typed, code) in [("\n", 1), ("n\n", 1), ("what\n", 1), (CTRL_D, 1), (CTRL_C, 130)] {
        let home = Home::new();
        let mut terminal = home.terminal(100, SETUP);
        terminal.sees("change the settings of codex? [y/N] ");
        terminal.types(typed);
        let said = terminal.ends(code);
        assert!(code == 130 || said.contains("nothing was changed"), "{typed:?}: {said}");
        assert!(!home.path(".codex").exists(), "{typed:?}");
    }
    let home = Home::new();
    let mut terminal = home.terminal(100, SETUP);
    terminal.sees("[y/N] ");
    terminal.types("y\n");
    terminal.ends(0);
    assert!(fs::read_to_string(home.path(".codex/config.toml")).unwrap().contains("relay.test"));
}

#[test]
fn nobody_is_asked_who_has_said_yes_before() {
    let home = Home::new();
    let said = home.terminal(100, &format!("{SETUP} --yes")).ends(0);
    assert!(!said.contains("[y/N]"), "{said}");
    assert!(home.path(".codex/config.toml").exists());
}

#[test]
fn nobody_is_asked_at_no_terminal_and_nothing_is_done() {
    let home = Home::new();
    let output = home.run(SETUP);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("--yes"), "{said}");
    assert!(!home.path(".codex").exists());
}

const ADD: &str = "accounts add --preset anthropic --name typed --api-key -";
const ASKED: &str = "API key (not shown; end with Enter): ";

#[test]
fn a_secret_that_is_typed_is_not_shown() {
    let home = Home::new();
    let mut terminal = home.terminal(100, ADD);
    terminal.sees(ASKED);
    terminal.types("sk-ant-dummy-typed\n");
    let said = terminal.ends(0);
    assert!(said.contains("kept sealed") && !said.contains("sk-ant-dummy"), "{said}");
    // What is said next stands on a line of its own.
    assert!(said.starts_with("\r\n"), "{said:?}");
}

#[test]
fn a_slip_in_a_secret_can_be_taken_back() {
    let home = Home::new();
    let mut terminal = home.terminal(100, ADD);
    terminal.sees(ASKED);
    // Ctrl-U forgets the line: what is left is no key.
    terminal.types("sk-ant-dummy\u{15}\n");
    let said = terminal.ends(2);
    assert!(said.contains("api-key"), "{said}");
}

#[test]
fn a_terminal_shows_what_is_typed_after_a_secret_was_not_given() {
    for (typed, code) in [(CTRL_C, 130), (CTRL_BACKSLASH, 131), (CTRL_D, 2)] {
        let home = Home::new();
        home.ok("init");
        let mut terminal = home.terminal(100, ADD);
        terminal.sees(ASKED);
        terminal.types(typed);
        terminal.ends(code);
        let mut terminal = home.terminal(100, ADD);
        terminal.sees(ASKED);
        terminal.types("sk-ant-half");
        terminal.types(typed);
        // In the middle of a line the end of the input only hands over what was typed.
        if typed == CTRL_D {
            terminal.types(typed);
            terminal.ends(0);
        } else {
            assert!(!terminal.ends(code).contains("half"));
            assert!(home.ok("accounts list").contains("no accounts yet"));
        }
    }
}

#[test]
fn nothing_is_put_to_sleep_while_a_secret_is_typed() {
    let home = Home::new();
    let mut terminal = home.terminal(100, "clients setup codex --url http://relay.test:3001 --key - --yes");
    terminal.sees("(not shown; end with Enter): ");
    terminal.types("cr_dum\u{1a}my0123456789\n");
    let said = terminal.ends(0);
    assert!(!said.contains("dummy"), "{said}");
    let settings = fs::read_to_string(home.path(".codex/config.toml")).unwrap();
    assert!(settings.contains("\"cr_dummy0123456789\""), "{settings}");
}

#[test]
fn every_secret_of_a_command_is_asked_for_and_can_be_refused() {
    let home = Home::new();
    let line = "accounts add --preset bedrock --name aws --region us-east-1 --aws-access-key-id AKIAIOSFODNN7EXAMPLE \
                --aws-secret-access-key - --proxy -";
    let mut terminal = home.terminal(100, line);
    terminal.sees("AWS secret access key (not shown; end with Enter): ");
    terminal.types("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n");
    let between = terminal.sees("proxy URL (not shown; end with Enter): ");
    assert!(!between.contains("EXAMPLEKEY"), "{between}");
    terminal.types(CTRL_C);
    terminal.ends(130);
}

#[test]
fn what_moves_while_one_waits_moves_at_a_terminal_alone() {
    let home = Home::new();
    home.ok("accounts add --preset sandbox --name one");
    let mut terminal = home.terminal(100, "data backup --to first.db");
    let before = terminal.sees("| copying and checking\u{1b}[K");
    assert!(before.ends_with('\r'), "{before:?}");
    let said = terminal.ends(0);
    // The line is empty again before the result.
    let (_, result) = said.rsplit_once("\r\u{1b}[K").unwrap_or_else(|| panic!("{said:?}"));
    assert!(result.contains("first.db") && !result.contains("copying"), "{said:?}");

    let mut terminal = home.terminal(100, "data verify");
    terminal.sees("] ");
    let said = terminal.ends(0);
    assert!(said.contains("\r\u{1b}[K"), "{said:?}");

    for line in ["data backup --to second.db", "data verify"] {
        let output = home.run(line);
        assert!(output.status.success(), "{output:?}");
        for bytes in [&output.stdout, &output.stderr] {
            assert!(!bytes.contains(&b'\r') && !bytes.contains(&0x1b), "{line}: {output:?}");
        }
    }
    let said = home.terminal(100, "data backup --to third.db --json").ends(0);
    assert!(!said.contains("copying"), "{said}");
}

#[test]
fn a_table_fits_the_terminal_and_is_as_wide_as_it_needs_elsewhere() {
    let home = Home::new();
    let name = "a-name-that-takes-a-good-part-of-the-line-by-itself";
    home.ok(&format!("accounts add --preset sandbox --name {name}"));
    let said = home.terminal(72, "accounts list").ends(0);
    let widest = said.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
    assert!(widest <= 72, "{widest}\n{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let piped = home.ok("accounts list");
    assert!(piped.lines().any(|line| line.contains(name)), "{piped}");
    assert!(!piped.contains('\u{1b}'), "{piped:?}");
}

#[test]
fn colours_are_for_terminals_and_for_those_who_want_them() {
    let home = Home::new();
    assert!(home.terminal(100, "accounts --help").ends(0).contains("\u{1b}["));
    assert!(!home.ok("accounts --help").contains('\u{1b}'));

    let mut terminal = home.terminal(200, "serve --listen 127.0.0.1:0");
    let log = terminal.sees("listening on http://");
    assert!(log.contains("\u{1b}["), "{log:?}");
    terminal.types(CTRL_C);
    terminal.ends(0);
}

#[test]
fn what_is_watched_is_drawn_anew_and_left_with_ctrl_c() {
    let home = Home::new();
    home.ok("init");
    let mut terminal = home.terminal(100, "status --watch");
    terminal.sees(WIPED);
    terminal.sees("accounts     0");
    home.ok("accounts add --preset sandbox --name one");
    terminal.sees(WIPED);
    terminal.sees("accounts     1");
    terminal.types(CTRL_C);
    terminal.ends(130);

    let mut terminal = home.terminal(100, "status --watch --json");
    let before = terminal.sees("\"accounts\":[");
    assert!(!before.contains('\u{1b}'), "{before:?}");
    terminal.types(CTRL_C);
    terminal.ends(130);
}

#[test]
fn a_login_is_given_up_with_ctrl_c() {
    let home = Home::new();
    for how in ["--paste", "--device"] {
        let mut terminal = home.terminal(100, &format!("accounts login --preset sandbox --name one {how}"));
        terminal.sees("sandbox");
        terminal.types(CTRL_C);
        let said = terminal.ends(1);
        assert!(said.contains("the login was given up"), "{said}");
    }
    assert!(home.ok("accounts list").contains("no accounts yet"));
}
