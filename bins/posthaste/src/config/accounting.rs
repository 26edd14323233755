//! `[accounting]`

use std::{path::PathBuf, time::Duration};

use posthaste_core::ModelName;
use posthaste_storage::Retention;

use super::{
    ByteSize, ConfigError,
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
        /// How much of the books may wait in the data folder while Redis is away, with `data.store = "redis"`. Beyond it new
        /// requests wait until Redis takes rows again. 16MiB or more.
        spool_limit: ByteSize = "1GiB",
        /// How long rows that Redis has are kept in the data folder all the same, within `spool_limit`. Should Redis lose what it
        /// had (a flush, a fail-over to a server that was far behind, an older back-up), those are booked again. Rows as old
        /// as `keep_rows` never are.
        spool_keep: Duration = "7d",
        /// A file with prices that takes the place of the built-in price book.
        price_file: Option<PathBuf> = unset,
        /// A file of the same form that goes over the price book: its rows replace and add single models, its `aliases`
        /// are names of your own for models, its `vendors` tell whose models have which names.
        models_file: Option<PathBuf> = unset,
        /// What is done about a model without a price, with an alarm in the log: `unpriced` serves and books it without a cost,
        /// marked as such; `refuse` does not serve it; `assume` books the price of `assumed_model`, marked as such.
        unknown_models: UnknownModels = "unpriced",
        /// The model whose price counts for those that have none, where `unknown_models` is `assume`.
        assumed_model: Option<String> = unset,
        /// How long the row of each attempt is kept. 1d or more; what is older is dropped within the hour, in small steps.
        /// The sums below do not change with it.
        keep_rows: Duration = "90d",
        /// How long sums by the hour are kept. 1d or more.
        keep_hours: Duration = "90d",
        /// How long sums by the day are kept. 1d or more.
        keep_days: Duration = "730d",
        /// How long sums by the month are kept; for ever when unset. 31d or more.
        keep_months: Option<Duration> = unset,
    }
}

impl Accounting {
    /// How long the books are kept.
    pub(crate) fn retention(&self) -> Retention {
        Retention {
            rows: Some(self.keep_rows),
            hours: Some(self.keep_hours),
            days: Some(self.keep_days),
            months: self.keep_months,
        }
    }

    pub(super) fn finish(&self, errors: &mut Vec<ConfigError>) {
        if !(SHORTEST_FLUSH..=LONGEST_FLUSH).contains(&self.flush_every) {
            let [given, least, most] = [self.flush_every, SHORTEST_FLUSH, LONGEST_FLUSH].map(show_duration);
            let problem = format!("`{given}` is not a time from {least} to {most}");
            errors.push(ConfigError::new("accounting.flush_every", None, problem));
        }
        if self.spool_limit < LEAST_SPOOL {
            let problem = format!("`{}` is less than {LEAST_SPOOL}", self.spool_limit);
            errors.push(ConfigError::new("accounting.spool_limit", None, problem));
        }
        let kept = [
            ("accounting.keep_rows", Some(self.keep_rows), DAY),
            ("accounting.keep_hours", Some(self.keep_hours), DAY),
            ("accounting.keep_days", Some(self.keep_days), DAY),
            ("accounting.keep_months", self.keep_months, 31 * DAY),
        ];
        for (path, keep, least) in kept {
            if let Some(keep) = keep.filter(|keep| *keep < least) {
                let [given, least] = [keep, least].map(show_duration);
                errors.push(ConfigError::new(path, None, format!("`{given}` is shorter than {least}")));
            }
        }
        let assumes = matches!(self.unknown_models, UnknownModels::Assume);
        match &self.assumed_model {
            None if assumes => {
                let problem = "is needed, since `accounting.unknown_models` is `assume`";
                errors.push(ConfigError::new("accounting.assumed_model", None, problem));
            }
            Some(name) if ModelName::parse(name).is_err() => {
                let problem = format!("`{name}` is no name of a model");
                errors.push(ConfigError::new("accounting.assumed_model", None, problem));
            }
            _ => {}
        }
    }
}

/// A row that comes again, after its writer was not sure that it was booked, must still be there to be known.
const DAY: Duration = Duration::from_secs(86_400);

const SHORTEST_FLUSH: Duration = Duration::from_millis(1);

/// Several groups of rows.
const LEAST_SPOOL: ByteSize = ByteSize(16 << 20);

/// The most that a crash may cost in relaxed books.
const LONGEST_FLUSH: Duration = Duration::from_millis(100);

choice! {
    /// What is done about a model without a price.
    UnknownModels {
        Unpriced = "unpriced": "It is served, and booked without a cost.",
        Refuse = "refuse": "It is not served.",
        Assume = "assume": "It is served, and booked at the price of another one.",
    }
}

choice! {
    /// When a ledger row is on disk.
    Durability {
        Relaxed = "relaxed": "Shortly after the answer's end.",
        Strict = "strict": "Before the answer's last bytes leave.",
    }
}
