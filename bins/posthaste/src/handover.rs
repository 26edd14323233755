//! Taking over from a relay that runs, so that no request is refused and no stream is cut: the next process is given the
//! listening sockets themselves, and what is held in memory; the one before serves its streams to their end.
//!
//! They talk over a Unix socket in the data folder (mode 0600), a line of JSON at a time:
//!
//! 1. the next one says who it is, and gets the sockets, with their names (`talk.rs`);
//! 2. it opens and sets up everything, then says that it is ready;
//! 3. the one before has claims wait and hands over the leases and what it knows of accounts' health;
//! 4. the next one says that it has them, and is told that they are its own;
//! 5. it says that it serves: from here on it is the one that admits, and answers what the other one asks (`elsewhere.rs`).
//!    The one before takes no more connections, and ends with its last stream.
//!
//! If either is gone before that is said, the one before goes on as if nothing had been.

mod answering;
mod descriptors;
mod elsewhere;
mod inherited;
mod look;
mod predecessor;
mod program;
mod successor;
mod talk;

use std::path::{Path, PathBuf};

pub use self::{
    inherited::{Inherited, Place},
    look::{LookError, ask_for_upgrade, look},
    predecessor::{Predecessor, TakeOverError},
    program::Program,
    successor::{HandOver, Retired, SuccessorListener, serve},
    talk::{Progress, Seen},
};

/// The socket's place in a data folder.
pub fn path(data: &Path) -> PathBuf {
    data.join("successor.sock")
}
