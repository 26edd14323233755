//! `[accounting]`

use std::{path::PathBuf, time::Duration};

use super::{
    ConfigError,
    section::{choice, section},
    units::show_duration,
};

section! {
    /// The books.
    "accounting" => Accounting {
        /// When a row is on disk: `relaxed` within `flush_every` after the answer's end (a crash may lose that much),
        /// `strict` before the answer's last bytes leave.
        durability: Durability = "relaxed",
        /// How often rows are written, in groups. 1ms to 100ms.
        flush_every: Duration = "20ms",
        /// A file with prices that takes the place of the built-in price book.
        price_file: Option<PathBuf> = unset,
        /// A file of the same form that goes over the price book: its rows replace and add single models, its `aliases`
        /// are names of your own for models, its `vendors` tell whose models have which names.
        models_file: Option<PathBuf> = unset,
    }
}

impl Accounting {
    pub(super) fn finish(&self, errors: &mut Vec<ConfigError>) {
        if !(SHORTEST_FLUSH..=LONGEST_FLUSH).contains(&self.flush_every) {
            let [given, least, most] = [self.flush_every, SHORTEST_FLUSH, LONGEST_FLUSH].map(show_duration);
            let problem = format!("`{given}` is not a time from {least} to {most}");
            errors.push(ConfigError::new("accounting.flush_every", None, problem));
        }
    }
}

const SHORTEST_FLUSH: Duration = Duration::from_millis(1);

/// The most that a crash may cost in relaxed books.
const LONGEST_FLUSH: Duration = Duration::from_millis(100);

choice! {
    /// When a ledger row is on disk.
    Durability {
        Relaxed = "relaxed": "Shortly after the answer's end.",
        Strict = "strict": "Before the answer's last bytes leave.",
    }
}
