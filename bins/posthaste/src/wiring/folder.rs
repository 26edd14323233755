//! The data folder.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
};

use anyhow::{Context, ensure};

/// Refuses what cannot become a data folder.
pub(super) fn check(dir: &Path) -> anyhow::Result<()> {
    ensure!(
        !dir.exists() || dir.is_dir(),
        "the data folder {} is a file; name a folder with --data",
        dir.display()
    );
    Ok(())
}

/// Makes it when it is not there yet.
pub(super) fn make(dir: &Path, made: &mut Vec<String>) -> anyhow::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("the data folder {} cannot be made", dir.display()))?;
    made.push(format!("data folder {}", dir.display()));
    Ok(())
}

/// What to tell of a folder whose mode lets others in.
pub(super) fn open_to_others(dir: &Path) -> Option<String> {
    let mode = fs::metadata(dir).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        format!(
            "the data folder {0} has mode {mode:04o}, which lets other users in; close it: chmod 700 {0}",
            dir.display()
        )
    })
}
