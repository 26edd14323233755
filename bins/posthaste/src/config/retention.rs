//! `[retention]`

use std::time::Duration;

use posthaste_admin::data::Cleanup;
use posthaste_storage::ErrorBounds;

use super::{Config, ConfigError, section::section, units::show_duration};

section! {
    /// How long what happened is kept. Of the books it is told by `accounting.keep_rows` and its neighbours, of records of
    /// requests and their bodies by `records.keep`. What is older is forgotten within the hour, in small steps.
    "retention" => RetentionRules {
        /// How long the audit log is kept; a day longer at most. 30d or more. Where it begins is told by an entry of its own, so
        /// that `audit verify` still finds every change.
        audit: Duration = "1095d",
        /// How long it is kept what became of messages to channels, of which there are 100 for each channel. 1h or more.
        deliveries: Duration = "30d",
        /// How long an account's failures are remembered. 1h to 366d.
        account_errors: Duration = "30d",
        /// How many failures of each account are remembered; the oldest go first. 0 to 10000; with 0 none is.
        account_errors_most: u32 = "100",
        /// How long a deleted client key can be restored, from its deletion on; then its record is dropped, and what it used stays
        /// in the books. 1h or more. Unset, for ever.
        deleted_keys: Option<Duration> = unset,
    }
}

impl RetentionRules {
    pub(super) fn finish(&self, errors: &mut Vec<ConfigError>) {
        let lengths = [
            ("retention.audit", self.audit, 30 * DAY, None),
            ("retention.deliveries", self.deliveries, HOUR, None),
            ("retention.account_errors", self.account_errors, HOUR, Some(366 * DAY)),
        ];
        let keys = self.deleted_keys.map(|given| ("retention.deleted_keys", given, HOUR, None));
        for (path, given, least, most) in lengths.into_iter().chain(keys) {
            if given < least {
                let [given, least] = [given, least].map(show_duration);
                errors.push(ConfigError::new(path, None, format!("`{given}` is shorter than {least}")));
            } else if let Some(most) = most.filter(|most| given > *most) {
                let [given, most] = [given, most].map(show_duration);
                errors.push(ConfigError::new(path, None, format!("`{given}` is longer than {most}")));
            }
        }
        if self.account_errors_most > MOST_ERRORS {
            let problem = format!("`{}` is more than {MOST_ERRORS}", self.account_errors_most);
            errors.push(ConfigError::new("retention.account_errors_most", None, problem));
        }
    }

    /// How failures of accounts are remembered; `None` where none is.
    pub fn error_bounds(&self) -> Option<ErrorBounds> {
        let most = usize::try_from(self.account_errors_most).ok().filter(|most| *most > 0)?;
        Some(ErrorBounds { most, keep: self.account_errors })
    }
}

impl Config {
    /// How long everything is kept.
    pub fn cleanup(&self) -> Cleanup {
        Cleanup {
            books: self.accounting.retention(),
            requests: self.records.rules().map(|rules| (rules.keep, rules.most)),
            audit: Some(self.retention.audit),
            deliveries: Some(self.retention.deliveries),
            account_errors: Some(self.retention.account_errors),
            deleted_keys: self.retention.deleted_keys,
        }
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Some 10 MB of an account's.
const MOST_ERRORS: u32 = 10_000;
