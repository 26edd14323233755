//! `posthaste service`: the relay as a service of systemd.

mod unit;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command as Process,
};

use clap::{Args, Subcommand};
use serde_json::json;

use self::unit::{MARK, Unit};
use super::{Failure, Global, Output, ask::confirmed, load};
use crate::config::ProcessEnv;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write the unit and have it start with the machine, or with --user at log-in; `service start` starts it
    Install(Install),
    /// Stop the service and remove its unit; the data folder stays
    Uninstall(Uninstall),
    /// Start it
    Start(Whose),
    /// Stop it: answers under way may end
    Stop(Whose),
    /// Stop and start it
    Restart(Whose),
    /// What systemd says of it; fails when it does not run
    Status(Whose),
    /// Its log
    Logs(Logs),
}

/// Whose service it is.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct Whose {
    /// The service of your own user instead of the machine's
    #[arg(long)]
    user: bool,
}

#[derive(Args, Debug)]
pub(super) struct Install {
    #[command(flatten)]
    whose: Whose,
    /// The user of the machine that it runs as
    #[arg(long, value_name = "USER", default_value = "posthaste", conflicts_with = "user")]
    run_as: String,
    /// Print the unit and change nothing
    #[arg(long)]
    print: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Args, Debug)]
pub(super) struct Uninstall {
    #[command(flatten)]
    whose: Whose,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Args, Debug)]
pub(super) struct Logs {
    #[command(flatten)]
    whose: Whose,
    /// Go on with what comes
    #[arg(long, short)]
    follow: bool,
    /// So many of the last lines
    #[arg(long, short = 'n', value_name = "LINES", default_value_t = 100)]
    lines: u32,
}

pub(super) fn run(command: &Command, global: &Global, out: &Output) -> Result<(), Failure> {
    match command {
        Command::Install(asked) => install(asked, global, out),
        Command::Uninstall(asked) => uninstall(asked, out),
        Command::Start(whose) => whose.systemctl(&["start", SERVICE]),
        Command::Stop(whose) => whose.systemctl(&["stop", SERVICE]),
        Command::Restart(whose) => whose.systemctl(&["restart", SERVICE]),
        Command::Status(whose) => whose.systemctl(&["status", "--no-pager", SERVICE]),
        Command::Logs(asked) => {
            let lines = asked.lines.to_string();
            let mut words = vec!["--unit", SERVICE, "--no-pager", "--lines", &lines];
            words.extend(asked.follow.then_some("--follow"));
            asked.whose.call("journalctl", &words)
        }
    }
}

impl Whose {
    /// Where its units lie (systemd.unit(5)).
    fn folder(self) -> Result<PathBuf, Failure> {
        if self.user {
            Ok(home_folder("XDG_CONFIG_HOME", ".config")?.join("systemd/user"))
        } else {
            Ok(SYSTEM.into())
        }
    }

    fn systemctl(self, words: &[&str]) -> Result<(), Failure> {
        self.call("systemctl", words)
    }

    /// Has systemd do something; it speaks for itself on the terminal.
    fn call(self, program: &str, words: &[&str]) -> Result<(), Failure> {
        let mut command = Process::new(program);
        command.args(self.user.then_some("--user")).args(words);
        let status = command.status().map_err(|error| {
            let failure = Failure::failed(format!("{program} cannot be run")).caused_by(error.to_string());
            match error.kind() {
                io::ErrorKind::NotFound => {
                    failure.hint("this machine has no systemd: run `posthaste serve` by what it has")
                }
                _ => failure,
            }
        })?;
        if status.success() {
            return Ok(());
        }
        let line = [&[program], words].concat().join(" ");
        Err(Failure::failed(format!("`{line}` ended with {status}")))
    }
}

fn install(asked: &Install, global: &Global, out: &Output) -> Result<(), Failure> {
    let unit = unit(asked, global)?;
    let text = unit.text()?;
    if asked.print {
        return out.raw("unit", &text);
    }
    let folder = asked.whose.folder()?;
    let path = folder.join(SERVICE);
    let before = read(&path)?;
    if before.as_deref() != Some(&text) {
        if before.as_deref().is_some_and(|before| !before.starts_with(MARK)) {
            return Err(Failure::conflict(format!("{} was not written by this command", path.display()))
                .hint("move it away, or change it by hand; `--print` shows what this command would write"));
        }
        if !asked.yes && !confirmed(&text, &format!("write {} and enable it", path.display()))? {
            return Err(Failure::failed("nothing was changed"));
        }
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&path, &text))
            .map_err(|error| refused(&path, &error))?;
    }
    asked.whose.systemctl(&["daemon-reload"])?;
    asked.whose.systemctl(&["enable", SERVICE])?;
    let (more, who) = match &unit.run_as {
        Some(user) => ("", format!("sudo -u {user} ")),
        None => (" --user", String::new()),
    };
    let data = unit.data.display();
    out.show(&json!({ "unit": path.display().to_string(), "data": data.to_string() }), || {
        format!(
            "wrote {}\nnext: posthaste service start{more}\n\
             its commands: {who}posthaste --data {data} …",
            path.display(),
        )
    })
}

fn uninstall(asked: &Uninstall, out: &Output) -> Result<(), Failure> {
    let path = asked.whose.folder()?.join(SERVICE);
    let Some(text) = read(&path)? else {
        return Err(Failure::not_found(format!("there is no {}", path.display()))
            .hint("`--user` is the service of your own user"));
    };
    if !text.starts_with(MARK) {
        return Err(Failure::conflict(format!("{} was not written by this command", path.display()))
            .hint("remove it by hand, or with the package that it belongs to"));
    }
    if !asked.yes && !confirmed("", &format!("stop the service and remove {}", path.display()))? {
        return Err(Failure::failed("nothing was changed"));
    }
    asked.whose.systemctl(&["disable", "--now", SERVICE])?;
    fs::remove_file(&path).map_err(|error| refused(&path, &error))?;
    asked.whose.systemctl(&["daemon-reload"])?;
    out.show(&json!({ "removed": path.display().to_string() }), || {
        format!("removed {}; the data folder is as it was", path.display())
    })
}

/// The unit for what is asked: this program, with the data folder and the configuration file that the command line names.
fn unit(asked: &Install, global: &Global) -> Result<Unit, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::failed("this program's path is not known").caused_by(error.to_string()))?;
    // Before the file says something of the data folder, it has to be in order.
    let config = load(global)?;
    let data = if global.data.is_some() || global.config.is_some() {
        config.data.dir.clone()
    } else if asked.whose.user {
        home_folder("XDG_DATA_HOME", ".local/share")?.join("posthaste")
    } else {
        PathBuf::from("/var/lib/posthaste")
    };
    let run_as = (!asked.whose.user).then(|| asked.run_as.clone());
    let config = global.config.as_deref().map(whole).transpose()?;
    let unit = Unit { program, data: whole(&data)?, config, run_as };
    if unit.run_as.is_none() || asked.print {
        return Ok(unit);
    }
    if let Some(hidden) = unit.in_a_home() {
        return Err(Failure::usage(format!(
            "{} lies in a home folder, which the service does not see",
            hidden.display()
        ))
        .hint("put it elsewhere, such as /usr/local/bin or /var/lib, or install with --user"));
    }
    if !knows_user(&asked.run_as) {
        return Err(Failure::usage(format!("run-as: this machine has no user `{}`", asked.run_as)).hint(
            format!(
                "`useradd --system --shell /usr/sbin/nologin {}` makes it, or name another one",
                asked.run_as
            ),
        ));
    }
    if unit.state_folder().is_none() && !unit.data.is_dir() {
        let dir = unit.data.display();
        return Err(Failure::usage(format!("there is no folder {dir}"))
            .hint(format!("`install --directory --mode 0700 --owner {} {dir}` makes it", asked.run_as)));
    }
    Ok(unit)
}

/// Whether the machine has a user of this name; directories are asked as well, by `id`.
fn knows_user(name: &str) -> bool {
    let known = Process::new("id").arg("--user").arg("--").arg(name).output();
    known.is_ok_and(|output| output.status.success())
}

/// A folder below the user's home, or where the variable says.
fn home_folder(variable: &str, otherwise: &str) -> Result<PathBuf, Failure> {
    let named =
        |name| ProcessEnv.named(name).filter(|value| Path::new(value).is_absolute()).map(PathBuf::from);
    named(variable).or_else(|| Some(named("HOME")?.join(otherwise))).ok_or_else(|| {
        Failure::usage("the variable HOME is not set, so your own services are not to be found")
    })
}

fn whole(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::usage(format!("{} is no path", path.display())).caused_by(error.to_string())
    })
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(path, &error)),
    }
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    let failure =
        Failure::failed(format!("{} cannot be changed", path.display())).caused_by(error.to_string());
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            failure.hint("run this as root for the machine's service, or with --user for your own")
        }
        _ => failure,
    }
}

const SERVICE: &str = "posthaste.service";
/// For units of the machine's administrator; packages have theirs in /usr/lib.
const SYSTEM: &str = "/etc/systemd/system";
