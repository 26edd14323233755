//! Operators' commands to a running relay, over a Unix socket in the data folder.
//!
//! One JSON [`Command`](posthaste_admin::Command) a line, one answer a line. Whoever may open the socket may do everything:
//! it has mode 0600, and the folder 0700.

mod client;
pub(crate) mod frame;
mod private;
mod server;

use std::path::{Path, PathBuf};

pub(crate) use self::private::PrivateSocket;
pub use client::{AdminClient, CallError};
pub use server::{AdminListener, BindError, Held, hold, serve};

/// The socket's place in a data folder.
pub fn path(data: &Path) -> PathBuf {
    data.join("admin.sock")
}
