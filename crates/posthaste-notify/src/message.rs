//! A message: one notice or several, in words, before any channel's format.

use std::sync::Arc;

use posthaste_core::{Language, Notice, Severity};

use crate::words::{self, Said};

/// What one delivery says.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) language: Language,
    /// The relay's name for itself.
    pub(crate) service: String,
    /// How much the weightiest of its notices matters.
    pub(crate) severity: Severity,
    /// Whether all of it is over.
    pub(crate) is_recovery: bool,
    /// The notices and their words. Never empty.
    pub(crate) items: Vec<Item>,
}

/// One notice of a message.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) notice: Arc<Notice>,
    pub(crate) said: Said,
}

/// A line of a message, before it is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// The title of one of several notices.
    Heading(String),
    /// A sentence.
    Text(String),
    /// Something that is known.
    Fact(&'static str, String),
    /// Nothing.
    Gap,
}

impl Message {
    /// Puts notices into words. `notices` may not be empty.
    pub(crate) fn new(service: &str, language: Language, notices: &[Arc<Notice>]) -> Self {
        let item =
            |notice: &Arc<Notice>| Item { said: words::say(language, notice), notice: Arc::clone(notice) };
        Self {
            language,
            service: words::tame(service, LONGEST_SERVICE),
            severity: notices.iter().map(|notice| notice.severity()).max().unwrap_or_default(),
            is_recovery: notices.iter().all(|notice| notice.is_recovery()),
            items: notices.iter().map(item).collect(),
        }
    }

    /// `[Warning] Posthaste: what happened`. The service's name is in every message, so that robots that ask for a word can
    /// be given it.
    pub(crate) fn title(&self) -> String {
        let what = match self.items.as_slice() {
            [one] => one.said.title.clone(),
            several => words::several(self.language, several.len()),
        };
        let mark = words::mark(self.language, self.severity, self.is_recovery);
        format!("[{mark}] {}{}{what}", self.service, words::colon(self.language))
    }

    /// What stands below the title.
    pub(crate) fn lines(&self) -> Vec<Line> {
        if let [one] = self.items.as_slice() {
            let facts = one.said.facts.iter().map(|(label, value)| Line::Fact(label, value.clone()));
            return std::iter::once(Line::Text(one.said.text.clone())).chain(facts).collect();
        }
        let mut lines = Vec::new();
        for (number, Item { notice, said }) in self.items.iter().enumerate() {
            if number > 0 {
                lines.push(Line::Gap);
            }
            let mark = words::mark(self.language, notice.severity(), notice.is_recovery());
            lines.push(Line::Heading(format!("[{mark}] {}", said.title)));
            lines.push(Line::Text(said.text.clone()));
            lines.extend(said.facts.iter().map(|(label, value)| Line::Fact(label, value.clone())));
        }
        lines
    }

    /// The lines in a format, as many as `most` takes by `measure`; what does not fit is told at the end.
    pub(crate) fn fitted(
        &self,
        most: usize,
        measure: impl Fn(&str) -> usize,
        format: impl Fn(&Line) -> String,
    ) -> String {
        let lines = self.lines();
        let note = |left: usize| format(&Line::Text(words::cut(self.language, left)));
        let (mut text, mut used) = (String::new(), 0);
        for (number, line) in lines.iter().enumerate() {
            let (line, left) = (format(line), lines.len() - number);
            let reserve = if left > 1 { measure(&note(left)) + 1 } else { 0 };
            used += measure(&line) + 1;
            if used + reserve > most {
                text.push_str(&note(left));
                return text;
            }
            text.push_str(&line);
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// A fact as `label: value`, where nothing is to be escaped.
    pub(crate) fn plain(&self, line: &Line) -> String {
        match line {
            Line::Heading(text) | Line::Text(text) => text.clone(),
            Line::Fact(label, value) => format!("{label}{}{value}", words::colon(self.language)),
            Line::Gap => String::new(),
        }
    }
}

const LONGEST_SERVICE: usize = 40;
