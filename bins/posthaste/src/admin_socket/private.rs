//! A Unix socket that only its owner may open.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process,
};

use tokio::net::{UnixListener, UnixStream};

/// A bound socket. Dropping it removes the file, unless another process has put its own there.
#[derive(Debug)]
pub(crate) struct PrivateSocket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl PrivateSocket {
    /// Binds with mode 0600, in the place of whatever stands there. It is bound beside and moved into place, so that the
    /// socket never stands there with a wider mode.
    ///
    /// # Errors
    /// When the file system refuses.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let beside = path.with_extension(format!("{}", process::id()));
        let _ = fs::remove_file(&beside);
        let listener = UnixListener::bind(&beside)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o600))?;
        let inode = fs::metadata(&beside)?.ino();
        fs::rename(&beside, path)?;
        Ok(Self { listener, path: path.to_owned(), inode })
    }

    pub(crate) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for PrivateSocket {
    fn drop(&mut self) {
        if fs::metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
