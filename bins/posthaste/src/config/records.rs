//! `[records]`

use std::time::Duration;

use posthaste_gateway::RecordRules;

use super::{ConfigError, section::section, units::show_duration};

section! {
    /// What is remembered of each request, so that `posthaste explain` can tell what became of it. The books do not depend on
    /// it.
    "records" => Records {
        /// Whether anything is remembered.
        enabled: bool = "true",
        /// For how long. 1m to 366d.
        keep: Duration = "7d",
        /// The most requests that are remembered; the oldest go first. 1 to 10000000. The memory store keeps 20000 at most.
        most: u32 = "100000",
    }
}

impl Records {
    pub(super) fn finish(&self, errors: &mut Vec<ConfigError>) {
        if !(SHORTEST..=LONGEST).contains(&self.keep) {
            let [given, least, most] = [self.keep, SHORTEST, LONGEST].map(show_duration);
            let problem = format!("`{given}` is not a time from {least} to {most}");
            errors.push(ConfigError::new("records.keep", None, problem));
        }
        if !(1..=MOST).contains(&self.most) {
            let problem = format!("`{}` is not a number from 1 to {MOST}", self.most);
            errors.push(ConfigError::new("records.most", None, problem));
        }
    }

    /// As the relay takes them.
    pub fn rules(&self) -> Option<RecordRules> {
        self.enabled.then(|| RecordRules { keep: self.keep, most: u64::from(self.most) })
    }
}

const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// Some 20 GB.
const MOST: u32 = 10_000_000;
