//! The program as it was called, to be called again.

use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::{Child, Command};

/// How this process was started.
#[derive(Clone, Debug)]
pub struct Program {
    file: PathBuf,
    arguments: Vec<OsString>,
}

impl Program {
    /// This process's own. Of a link, the link is taken: what it leads to may have changed when the program is called again.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn own() -> io::Result<Self> {
        let mut line = env::args_os();
        let called = PathBuf::from(line.next().ok_or(io::ErrorKind::NotFound)?);
        let file = if called.components().count() > 1 {
            std::path::absolute(called)?
        } else {
            in_path(&called).map_or_else(env::current_exe, Ok)?
        };
        Ok(Self { file, arguments: line.filter(|word| word != TAKE_OVER).collect() })
    }

    /// The file that is started.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Starts it anew, to take over from the process that runs. It gets this process's environment and output.
    ///
    /// # Errors
    /// When the file cannot be run.
    pub(super) fn start(&self) -> io::Result<Child> {
        let mut command = Command::new(&self.file);
        command.args(&self.arguments).arg(TAKE_OVER).stdin(Stdio::null());
        // In the processes' group of its own a key press at the terminal of the first would not reach it.
        command.spawn()
    }
}

fn in_path(name: &Path) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The flag of `posthaste serve`.
const TAKE_OVER: &str = "--take-over";
