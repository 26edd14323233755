//! What can go wrong with a spool.

use std::{io, path::PathBuf, sync::Arc};

/// A spool's failure, named for what the caller can do next.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process has the folder.
    #[error("another relay has the spool {}: one relay to a data folder", folder.display())]
    Held {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder cannot be used.
    #[error("the spool {} cannot be used", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// As much waits as may: the rows are not in the spool.
    #[error("the spool is full: {waiting} bytes wait, and {limit} may")]
    Full {
        /// Bytes that wait.
        waiting: u64,
        /// Bytes that may.
        limit: u64,
    },
    /// The disk did not take the rows: they are not in the spool.
    #[error("the spool cannot be written")]
    Unwritten(#[source] Arc<io::Error>),
    /// A row cannot be put into bytes.
    #[error("a ledger row cannot be written as JSON")]
    Row(#[source] serde_json::Error),
    /// The spool was closed.
    #[error("the spool is closed")]
    Closed,
}
