//! The relay as a service of systemd, with a `systemctl` of the test that writes down what it is asked.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

struct Machine(TempDir);

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        let programs = machine.0.path().join("bin");
        fs::create_dir(&programs).unwrap();
        for name in ["systemctl", "journalctl"] {
            let path = programs.join(name);
            fs::write(&path, "#!/bin/sh\necho \"${0##*/} $*\" >>\"$CALLS\"\nexit \"${ENDS:-0}\"\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        machine
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_posthaste"));
        let here = self.0.path();
        command.env_clear().env("HOME", here).env("PATH", here.join("bin")).env("CALLS", here.join("calls"));
        command.current_dir(here).args(line.split_whitespace()).stdin(Stdio::null());
        command
    }

    fn run(&self, line: &str) -> Ran {
        ran(&mut self.command(line))
    }

    fn unit(&self) -> PathBuf {
        self.0.path().join(".config/systemd/user/posthaste.service")
    }

    /// What was asked of systemd since the last look.
    fn calls(&self) -> Vec<String> {
        let path = self.0.path().join("calls");
        let calls = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        calls.lines().map(str::to_owned).collect()
    }
}

fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

impl Ran {
    fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }

    fn refused(self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(self.err.contains(words), "{}", self.err);
    }
}

#[test]
fn the_machine_s_unit_is_the_packaged_one() {
    let packaged = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/posthaste.service");
    let packaged = fs::read_to_string(packaged).unwrap();
    let printed = Machine::new().run("service install --print").ok().out;
    assert!(printed.starts_with("# Written by `posthaste service install`."), "{printed}");
    let exec = format!("ExecStart={} serve", env!("CARGO_BIN_EXE_posthaste"));
    let wanted: Vec<_> = packaged
        .lines()
        .skip(1)
        .map(|line| if line.starts_with("ExecStart=") { exec.as_str() } else { line })
        .collect();
    assert_eq!(printed.lines().skip(1).collect::<Vec<_>>(), wanted);
}

#[test]
fn other_folders_and_users_are_told_in_words_that_systemd_reads_right() {
    let machine = Machine::new();
    fs::write(machine.0.path().join("my.toml"), "").unwrap();
    let mut command = machine.command("service install --print --run-as relay --config my.toml --data");
    let unit = ran(command.arg("/srv/my data%1")).ok().out;
    let config = machine.0.path().join("my.toml");
    for line in [
        "Environment=\"POSTHASTE_DATA__DIR=/srv/my data%%1\"",
        &format!("Environment=POSTHASTE_CONFIG={}", config.display()),
        "User=relay",
        "WorkingDirectory=/srv/my data%%1",
        "ReadWritePaths=\"/srv/my data%%1\"",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line} in {unit}");
    }
    assert!(!unit.contains("StateDirectory"), "{unit}");
    ran(machine.command("service install --print --data").arg("/srv/a\nUser=root"))
        .refused(2, "cannot stand in a unit");
}

#[test]
fn a_user_s_service_is_installed_used_and_removed() {
    let machine = Machine::new();
    machine.run("service install --user").refused(2, "--yes");
    assert!(!machine.unit().exists() && machine.calls().is_empty());
    for _ in 0..2 {
        machine.run("service install --user --yes").ok();
        assert_eq!(
            machine.calls(),
            ["systemctl --user daemon-reload", "systemctl --user enable posthaste.service"]
        );
    }
    let unit = fs::read_to_string(machine.unit()).unwrap();
    let data = machine.0.path().join(".local/share/posthaste");
    assert!(unit.contains(&format!("Environment=POSTHASTE_DATA__DIR={}", data.display())), "{unit}");
    assert!(unit.contains("WantedBy=default.target") && unit.contains("NoNewPrivileges=yes"), "{unit}");
    for setting in ["User=", "ProtectSystem=", "StateDirectory=", "network-online"] {
        assert!(!unit.contains(setting), "{setting} is not for users: {unit}");
    }
    for (line, call) in [
        ("service start --user", "systemctl --user start posthaste.service"),
        ("service stop --user", "systemctl --user stop posthaste.service"),
        ("service restart --user", "systemctl --user restart posthaste.service"),
        ("service status", "systemctl status --no-pager posthaste.service"),
        ("service logs -f -n 5", "journalctl --unit posthaste.service --no-pager --lines 5 --follow"),
    ] {
        machine.run(line).ok();
        assert_eq!(machine.calls(), [call]);
    }
    machine.run("service uninstall --user --yes").ok();
    assert!(!machine.unit().exists());
    assert_eq!(
        machine.calls(),
        ["systemctl --user disable --now posthaste.service", "systemctl --user daemon-reload"]
    );
    machine.run("service uninstall --user --yes").refused(3, "there is no");
}

#[test]
fn a_unit_of_somebody_else_stays() {
    let machine = Machine::new();
    fs::create_dir_all(machine.unit().parent().unwrap()).unwrap();
    fs::write(machine.unit(), "[Service]\nExecStart=/bin/true\n").unwrap();
    machine.run("service install --user --yes").refused(4, "was not written by this command");
    machine.run("service uninstall --user --yes").refused(4, "was not written by this command");
    assert_eq!(fs::read_to_string(machine.unit()).unwrap(), "[Service]\nExecStart=/bin/true\n");
    assert!(machine.calls().is_empty());
}

#[test]
fn systemd_s_refusal_and_its_absence_are_failures() {
    let machine = Machine::new();
    ran(machine.command("service status").env("ENDS", "3")).refused(1, "ended with");
    ran(machine.command("service start").env("PATH", "/nonexistent")).refused(1, "no systemd");
    // In a home folder nothing is seen by a service of the machine.
    machine.run("service install --yes --data /home/somebody/data").refused(2, "home folder");
}
