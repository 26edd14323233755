//! The machine that the program runs on, where AWS's own settings are looked for.

use std::{env, io, path::Path, process::Stdio};

use async_trait::async_trait;
use posthaste_vault::aws_chain::Machine;
use tokio::{fs, process::Command};

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
