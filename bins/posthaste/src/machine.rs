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
