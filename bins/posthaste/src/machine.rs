//! The machine that the program runs on, where AWS's own settings are looked for.

use std::{env, io, path::Path, process::Stdio};

use async_trait::async_trait;
use posthaste_vault::aws_chain::Machine;
use tokio::{fs, process::Command};

/// What this machine is called, for operators.
pub(crate) fn host_name() -> String {
    // Linux tells it here (proc(5)); containers and shells elsewhere set the variable.
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    told.or_else(|| ThisMachine.variable("HOSTNAME")).unwrap_or_else(|| "unknown".to_owned())
}

/// Who runs this program, for the audit log.
pub(crate) fn own_user() -> String {
    user_name(rustix::process::getuid().as_raw())
}

/// What the machine calls a user. Where its list does not have the number (a directory's users, a container's), the number is told.
pub(crate) fn user_name(id: u32) -> String {
    let listed = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    listed_name(&listed, id).unwrap_or_else(|| format!("user {id}"))
}

/// A line is `name:password:number:…` (passwd(5)).
fn listed_name(listed: &str, id: u32) -> Option<String> {
    listed.lines().find_map(|line| {
        let mut parts = line.split(':');
        let (name, number) = (parts.next()?, parts.nth(1)?);
        (number.parse() == Ok(id) && !name.is_empty()).then(|| name.to_owned())
    })
}

/// This machine, as the program's user sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThisMachine;

#[async_trait]
impl Machine for ThisMachine {
    fn variable(&self, name: &str) -> Option<String> {
        env::var_os(name).and_then(|value| value.into_string().ok())
    }

    async fn file(&self, path: &Path) -> io::Result<String> {
        fs::read_to_string(path).await
    }

    /// By the shell, as AWS's own programs do
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>, checked 2026-11-26).
    async fn output(&self, command: &str) -> io::Result<String> {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(command).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let output = shell.output().await?;
        if !output.status.success() {
            return Err(io::Error::other(format!("it ended with {}", output.status)));
        }
        String::from_utf8(output.stdout).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_have_the_names_of_the_machine_s_list() {
        let listed = "root:x:0:0:root:/root:/bin/sh\nbroken\nada:x:1000:1000::/home/ada:/bin/sh\n:x:7:7:::\n";
        assert_eq!(listed_name(listed, 0).as_deref(), Some("root"));
        assert_eq!(listed_name(listed, 1000).as_deref(), Some("ada"));
        assert_eq!(listed_name(listed, 7), None);
        assert_eq!(listed_name("", 0), None);
    }
}
