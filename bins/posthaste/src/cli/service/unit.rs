//! The unit's text: that of the package with paths of this machine.

use std::path::{Path, PathBuf};

use super::super::Failure;

/// A service.
pub(super) struct Unit {
    pub(super) program: PathBuf,
    pub(super) data: PathBuf,
    pub(super) config: Option<PathBuf>,
    /// The user that a service of the machine runs as; `None` for a service of the user who installs it.
    pub(super) run_as: Option<String>,
}

impl Unit {
    /// What the file says.
    ///
    /// # Errors
    /// When a path cannot stand in a unit.
    pub(super) fn text(&self) -> Result<String, Failure> {
        let mut lines = vec![MARK.to_owned()];
        for line in PACKAGED.lines().skip(1) {
            let is_second_gap = line.is_empty() && lines.last().is_some_and(String::is_empty);
            if is_second_gap || self.run_as.is_none() && !is_for_users(line) {
                continue;
            }
            self.line(line, &mut lines)?;
        }
        Ok(lines.join("\n") + "\n")
    }

    /// The data folder as one of systemd's own, which makes it and gives it to the user: `NAME` of `/var/lib/NAME`.
    pub(super) fn state_folder(&self) -> Option<&str> {
        let name = self.data.strip_prefix("/var/lib").ok()?.to_str()?;
        (!name.is_empty() && !name.contains('/')).then_some(name)
    }

    /// A path of it that a service of the machine does not see (`ProtectHome`, systemd.exec(5)).
    pub(super) fn in_a_home(&self) -> Option<&Path> {
        let paths = [Some(&self.program), Some(&self.data), self.config.as_ref()];
        let mut paths = paths.into_iter().flatten().map(PathBuf::as_path);
        paths.find(|path| ["/home", "/root", "/run/user"].iter().any(|home| path.starts_with(home)))
    }

    fn line(&self, line: &str, lines: &mut Vec<String>) -> Result<(), Failure> {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        match name {
            "ExecStart" => {
                // A dollar begins a variable there.
                let program = word(&self.program)?.replace('$', "$$");
                lines.push(format!("ExecStart={program} serve"));
            }
            "Environment" => {
                lines.push(format!("Environment={}", setting("POSTHASTE_DATA__DIR", &self.data)?));
                if let Some(config) = &self.config {
                    lines.push(format!("Environment={}", setting("POSTHASTE_CONFIG", config)?));
                }
            }
            "EnvironmentFile" if self.run_as.is_none() => {
                lines.push("EnvironmentFile=-%E/posthaste/environment".to_owned());
            }
            "User" => lines.extend(self.run_as.as_ref().map(|user| format!("User={user}"))),
            "WorkingDirectory" => lines.push(format!("WorkingDirectory={}", specified(&self.data)?)),
            "StateDirectory" => match self.state_folder() {
                Some(name) => lines.push(format!("StateDirectory={}", specified(Path::new(name))?)),
                None => lines.push(format!("ReadWritePaths={}", word(&self.data)?)),
            },
            "StateDirectoryMode" if self.state_folder().is_none() => {}
            "WantedBy" if self.run_as.is_none() => lines.push("WantedBy=default.target".to_owned()),
            _ => lines.push(if value.is_empty() { line.to_owned() } else { format!("{name}={value}") }),
        }
        Ok(())
    }
}

/// What a service of a user may have: its manager makes no folders of the machine's and mounts nothing without rights to,
/// and knows nothing of the network.
fn is_for_users(line: &str) -> bool {
    let name = line.split('=').next().unwrap_or_default();
    let not = [
        "After",
        "Wants",
        "LimitNOFILE",
        "User",
        "WorkingDirectory",
        "StateDirectory",
        "StateDirectoryMode",
        "RemoveIPC",
        "CapabilityBoundingSet",
        "AmbientCapabilities",
        "# What it may touch",
    ];
    !not.contains(&name) && !name.starts_with("Protect") && !name.starts_with("Private")
}

/// `NAME=path`, as one word.
fn setting(name: &str, path: &Path) -> Result<String, Failure> {
    let path = specified(path)?;
    Ok(quoted(&format!("{name}={path}")))
}

/// A path as one word.
fn word(path: &Path) -> Result<String, Failure> {
    specified(path).map(|path| quoted(&path))
}

/// A path in which nothing is taken for a specifier (systemd.unit(5)).
fn specified(path: &Path) -> Result<String, Failure> {
    match path.to_str().filter(|text| !text.chars().any(char::is_control)) {
        Some(text) => Ok(text.replace('%', "%%")),
        None => Err(Failure::usage(format!("the path {} cannot stand in a unit", path.display()))),
    }
}

/// Quotes (systemd.syntax(7)), where they are needed.
fn quoted(text: &str) -> String {
    if text.chars().all(|c| c.is_alphanumeric() || "/._-=%".contains(c)) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The first line of what we wrote.
pub(super) const MARK: &str = "# Written by `posthaste service install`. Changes of your own belong into `systemctl [--user] edit posthaste`.";
const PACKAGED: &str = include_str!("../../../../../packaging/posthaste.service");
