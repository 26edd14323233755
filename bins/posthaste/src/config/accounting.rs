//! `[accounting]`

use std::{path::PathBuf, time::Duration};

use super::section::{choice, section};

section! {
    /// The books.
    "accounting" => Accounting {
        /// When a row is on disk: `relaxed` within `flush_every` after the answer's end (a crash may lose that much),
        /// `strict` before the answer's last bytes leave.
        durability: Durability = "relaxed",
        /// How often rows are written, in groups.
        flush_every: Duration = "20ms",
        /// A file with prices that takes the place of the built-in price book.
        price_file: Option<PathBuf> = unset,
    }
}

choice! {
    /// When a ledger row is on disk.
    Durability {
        Relaxed = "relaxed": "Shortly after the answer's end.",
        Strict = "strict": "Before the answer's last bytes leave.",
    }
}
