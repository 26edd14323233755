//! What the chain reads of the machine.

use std::{io, path::Path};

use async_trait::async_trait;

/// The machine that the relay runs on, as far as AWS keys may be found there.
#[async_trait]
pub trait Machine: Send + Sync + 'static {
    /// A variable of the environment; `None` when it is not set or is no text.
    fn variable(&self, name: &str) -> Option<String>;

    /// A file's text.
    ///
    /// # Errors
    /// When it cannot be read or is no text.
    async fn file(&self, path: &Path) -> io::Result<String>;

    /// What a command prints, which the operator's own AWS settings name (`credential_process`). Dropping the future ends the
    /// command.
    ///
    /// # Errors
    /// When it cannot be started, fails, or prints no text.
    async fn output(&self, command: &str) -> io::Result<String>;
}
