//! The latest log lines of a relay, for operators who are not at its console.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::{Admin, AdminError};

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For those who look into one step.
    Trace,
    /// For those who look into one part.
    Debug,
    /// What goes on.
    Info,
    /// What somebody should look at.
    Warn,
    /// What failed.
    Error,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// Its number since the start of the process, from 1.
    pub number: u64,
    /// When it was said.
    pub at: Timestamp,
    /// How grave it is.
    pub level: LogLevel,
    /// The part of the program that said it.
    pub target: String,
    /// What it says.
    pub message: String,
    /// What it is about, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogInput {
    /// Only lines behind this number, the oldest first; without it the latest ones.
    pub after: Option<u64>,
    /// Only lines before this number, the latest of them. It does not go with `after`.
    pub before: Option<u64>,
    /// Only lines that are at least this grave.
    pub level: Option<LogLevel>,
    /// Only lines of parts of the program whose name begins like this.
    pub target: Option<String>,
    /// Only lines that hold this text, in their message or in what they are about.
    pub search: Option<String>,
    /// How many at most, 1 to 1000; 100 without it.
    pub limit: Option<usize>,
    /// For how long to wait for a line where there is none yet, 30 seconds at most. It goes with `after`.
    pub wait_seconds: Option<u64>,
}

/// Some of the lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogPage {
    /// The lines, the oldest first.
    pub lines: Vec<LogLine>,
    /// What to ask for next as `after`.
    pub next: u64,
    /// How many lines behind `after` are no longer here.
    pub missed: u64,
    /// What is logged at all: levels by part of the program.
    pub filter: String,
}

/// What is to be logged.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogFilterInput {
    /// A level, or levels by module such as `info,posthaste_gateway=debug`. It holds until the next start, or until a reload
    /// brings another `log.filter`.
    pub filter: String,
}

/// Keeps the latest lines of a process.
#[derive(Debug, Default)]
pub struct LogBook {
    ring: Mutex<Ring>,
    came: Notify,
}

#[derive(Debug, Default)]
struct Ring {
    lines: VecDeque<LogLine>,
    /// The number of the latest line.
    last: u64,
}

impl LogBook {
    /// Takes a line; its number is given here. What is too long is cut.
    pub fn push(&self, mut line: LogLine) {
        cut(&mut line.message);
        line.fields.values_mut().for_each(cut);
        {
            let mut ring = self.ring.lock();
            ring.last += 1;
            line.number = ring.last;
            if ring.lines.len() == MOST_KEPT {
                ring.lines.pop_front();
            }
            ring.lines.push_back(line);
        }
        self.came.notify_waiters();
    }

    /// The lines that are wanted, as many as there are now.
    fn page(&self, input: &LogInput) -> (Vec<LogLine>, u64, u64) {
        let limit = input.limit.unwrap_or(USUAL).clamp(1, MOST_TOLD);
        let ring = self.ring.lock();
        let wanted = |line: &&LogLine| wants(input, line);
        let Some(after) = input.after else {
            let before = |line: &&LogLine| input.before.is_none_or(|before| line.number < before);
            let earlier = ring.lines.iter().rev().filter(before);
            let latest: Vec<_> = earlier.filter(wanted).take(limit).cloned().collect();
            return (latest.into_iter().rev().collect(), ring.last, 0);
        };
        // Numbers begin anew with each process.
        let after = if after > ring.last { 0 } else { after };
        let first = ring.lines.front().map_or(ring.last + 1, |line| line.number);
        let missed = first.saturating_sub(after + 1);
        let behind = ring.lines.iter().filter(|line| line.number > after);
        let lines: Vec<_> = behind.filter(wanted).take(limit).cloned().collect();
        // Whoever got as many as wanted goes on behind the last of them; others have seen everything.
        let next = lines.last().filter(|_| lines.len() == limit).map_or(ring.last, |line| line.number);
        (lines, next, missed)
    }

    async fn wait(&self, input: &LogInput) -> (Vec<LogLine>, u64, u64) {
        let wait = Duration::from_secs(input.wait_seconds.unwrap_or(0)).min(LONGEST_WAIT);
        let deadline = Instant::now() + wait;
        loop {
            // Before looking, so that no line is missed between the look and the wait.
            let came = self.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            let page = self.page(input);
            if !page.0.is_empty() || wait.is_zero() || timeout_at(deadline, came).await.is_err() {
                return page;
            }
        }
    }
}

fn wants(input: &LogInput, line: &LogLine) -> bool {
    let holds = |text: &str| {
        line.message.contains(text)
            || line.fields.iter().any(|(name, value)| value.contains(text) || name == text)
    };
    input.level.is_none_or(|least| line.level >= least)
        && input.target.as_deref().is_none_or(|target| line.target.starts_with(target))
        && input.search.as_deref().is_none_or(holds)
}

fn cut(text: &mut String) {
    if text.len() > LONGEST_TEXT {
        text.truncate(text.floor_char_boundary(LONGEST_TEXT));
        text.push('…');
    }
}

/// The lines that are wanted.
pub(crate) async fn list(admin: &Admin, input: LogInput) -> Result<LogPage, AdminError> {
    if input.wait_seconds.is_some() && input.after.is_none() {
        return Err(AdminError::invalid(
            "wait_seconds",
            "goes with `after`, behind which lines are waited for",
        ));
    }
    if input.before.is_some() && input.after.is_some() {
        return Err(AdminError::invalid("before", "does not go with `after`"));
    }
    let runtime = admin.parts().runtime.as_ref();
    let Some((book, filter)) = runtime.and_then(|runtime| runtime.logs()) else {
        return Err(AdminError::NotFound { what: "log here: it is kept by a relay that runs".to_owned() });
    };
    let (lines, next, missed) = book.wait(&input).await;
    Ok(LogPage { lines, next, missed, filter })
}

/// Has other lines logged.
pub(crate) async fn set_filter(admin: &Admin, input: LogFilterInput) -> Result<LogPage, AdminError> {
    let Some(runtime) = &admin.parts().runtime else {
        return Err(AdminError::NotFound { what: "log here: it is kept by a relay that runs".to_owned() });
    };
    runtime.set_log_filter(&input.filter).map_err(|why| AdminError::invalid("filter", why))?;
    list(admin, LogInput { limit: Some(1), ..LogInput::default() }).await
}

/// Some megabytes at most.
const MOST_KEPT: usize = 2_000;
/// Of a message or a value, in bytes.
const LONGEST_TEXT: usize = 2_000;
const USUAL: usize = 100;
const MOST_TOLD: usize = 1_000;
const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn line(level: LogLevel, target: &str, message: &str) -> LogLine {
        LogLine {
            number: 0,
            at: Timestamp::EPOCH,
            level,
            target: target.to_owned(),
            message: message.to_owned(),
            fields: BTreeMap::from([("account".to_owned(), "one".to_owned())]),
        }
    }

    fn book(lines: usize) -> LogBook {
        let book = LogBook::default();
        for number in 1..=lines {
            let level = if number % 2 == 0 { LogLevel::Warn } else { LogLevel::Info };
            book.push(line(level, "posthaste_gateway::settle", &format!("line {number}")));
        }
        book
    }

    fn numbers(page: &(Vec<LogLine>, u64, u64)) -> Vec<u64> {
        page.0.iter().map(|line| line.number).collect()
    }

    #[test]
    fn without_a_beginning_the_latest_are_told() {
        let page = book(10).page(&LogInput { limit: Some(3), ..LogInput::default() });
        assert_eq!((numbers(&page), page.1, page.2), (vec![8, 9, 10], 10, 0));
        assert!(book(0).page(&LogInput::default()).0.is_empty());
    }

    #[test]
    fn whoever_goes_back_sees_each_line_once() {
        let book = book(10);
        let (mut before, mut seen) = (None, Vec::new());
        loop {
            let input =
                LogInput { before, limit: Some(4), level: Some(LogLevel::Warn), ..LogInput::default() };
            let page = book.page(&input);
            let Some(first) = page.0.first() else { break };
            before = Some(first.number);
            seen.extend(numbers(&page).into_iter().rev());
        }
        assert_eq!(seen, [10, 8, 6, 4, 2]);
    }

    #[test]
    fn whoever_follows_gets_each_line_once() {
        let book = book(10);
        let (mut after, mut seen) = (0, Vec::new());
        loop {
            let page = book.page(&LogInput { after: Some(after), limit: Some(4), ..LogInput::default() });
            if page.0.is_empty() {
                break;
            }
            seen.extend(numbers(&page));
            after = page.1;
        }
        assert_eq!(seen, (1..=10).collect::<Vec<_>>());
        assert_eq!(after, 10);
    }

    #[test]
    fn what_was_forgotten_is_told_as_missed() {
        let book = book(MOST_KEPT + 5);
        let page = book.page(&LogInput { after: Some(2), limit: Some(1), ..LogInput::default() });
        assert_eq!((numbers(&page), page.2), (vec![6], 3));
        // A number of another process.
        let page = book.page(&LogInput { after: Some(1_000_000), limit: Some(1), ..LogInput::default() });
        assert_eq!(numbers(&page), [6]);
    }

    #[test]
    fn lines_are_chosen_by_level_part_and_text() {
        let book = book(4);
        book.push(line(LogLevel::Error, "posthaste_vault", "cannot open"));
        let ask = |input: LogInput| numbers(&book.page(&input));
        assert_eq!(ask(LogInput { level: Some(LogLevel::Warn), ..LogInput::default() }), [2, 4, 5]);
        assert_eq!(ask(LogInput { target: Some("posthaste_v".into()), ..LogInput::default() }), [5]);
        assert_eq!(ask(LogInput { search: Some("line 3".into()), ..LogInput::default() }), [3]);
        assert_eq!(ask(LogInput { search: Some("one".into()), ..LogInput::default() }), [1, 2, 3, 4, 5]);
        assert_eq!(ask(LogInput { search: Some("two".into()), ..LogInput::default() }), [0; 0]);
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let book = LogBook::default();
        book.push(line(LogLevel::Info, "x", &"é".repeat(LONGEST_TEXT)));
        let kept = &book.page(&LogInput::default()).0[0];
        assert_eq!(kept.message.chars().count(), LONGEST_TEXT / 2 + 1);
    }

    #[tokio::test]
    async fn whoever_waits_is_told_of_the_next_line_that_is_wanted() {
        let book = Arc::new(book(2));
        let input = LogInput {
            after: Some(2),
            level: Some(LogLevel::Error),
            wait_seconds: Some(30),
            ..LogInput::default()
        };
        let waiting = tokio::spawn({
            let book = Arc::clone(&book);
            async move { book.wait(&input).await }
        });
        tokio::task::yield_now().await;
        book.push(line(LogLevel::Info, "x", "not this"));
        tokio::task::yield_now().await;
        book.push(line(LogLevel::Error, "x", "this"));
        assert_eq!(numbers(&waiting.await.unwrap()), [4]);
    }
}
