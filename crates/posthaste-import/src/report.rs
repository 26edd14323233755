//! What an import would do or has done, for people and for programs. No secret is in it.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;
use uuid::Uuid;

use crate::{found::Flaw, secrets::Unreadable};

/// The parts that an import has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Pools, made of groups and for bindings.
    Pools,
    /// Accounts.
    Accounts,
    /// Owners, made of users.
    Owners,
    /// People who log in, made of users and administrators.
    People,
    /// Client keys.
    Keys,
    /// Opening balances of the books and of limits.
    Usage,
    /// Channels that notices are brought to, made of webhook settings.
    Channels,
}

impl Part {
    /// Every part, in the order in which they are written.
    pub const ALL: [Self; 7] =
        [Self::Pools, Self::Accounts, Self::Owners, Self::People, Self::Keys, Self::Usage, Self::Channels];

    /// What it is called on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pools => "pools",
            Self::Accounts => "accounts",
            Self::Owners => "owners",
            Self::People => "people",
            Self::Keys => "keys",
            Self::Usage => "usage",
            Self::Channels => "channels",
        }
    }

    /// Reads [`as_str`](Self::as_str)'s form.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.as_str() == name)
    }
}

/// How a record stands to what is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is not here yet.
    New,
    /// It is here and differs.
    Changed,
    /// It is here as it is there.
    Same,
}

/// One record.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its identity here.
    pub id: Uuid,
    /// Its name here.
    pub name: String,
    /// What it is to be, in a few words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// How it stands.
    pub state: State,
    /// What differs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// Whether a secret of it could not be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unreadable: bool,
    /// What the operator should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Which.
    pub field: String,
    /// What is here.
    pub here: String,
    /// What is there.
    pub there: String,
}

/// Something that is not taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What.
    pub what: String,
    /// How many.
    pub count: u64,
}

impl LeftOut {
    /// One of something.
    pub(crate) fn one(what: impl Into<String>) -> Self {
        Self { what: what.into(), count: 1 }
    }
}

/// The whole report.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Records by part.
    pub parts: BTreeMap<Part, Vec<Entry>>,
    /// Secrets that cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// What is not taken over.
    pub left_out: Vec<LeftOut>,
    /// What is not in order at the source.
    pub flaws: Vec<Flaw>,
}

impl Report {
    /// How many records of a part are in a state.
    pub fn count(&self, part: Part, state: State) -> usize {
        self.parts.get(&part).into_iter().flatten().filter(|entry| entry.state == state).count()
    }

    /// Whether everything is here as it is there.
    pub fn is_all_same(&self) -> bool {
        self.parts.values().flatten().all(|entry| entry.state == State::Same)
    }

    /// The report for people: what is new or differs line by line, up to a number of lines a part, and the rest counted.
    pub fn text(&self, most: usize) -> String {
        let mut text = String::new();
        for (part, entries) in &self.parts {
            let counts = [State::New, State::Changed, State::Same].map(|state| self.count(*part, state));
            let [new, changed, same] = counts;
            let _ = writeln!(text, "{}: {new} new, {changed} changed, {same} the same", part.as_str());
            lines(&mut text, entries, most);
        }
        section(&mut text, "secrets that cannot be read", &self.unreadable, most, |unreadable| {
            format!("{}, {}: {}", unreadable.account, unreadable.field, unreadable.why)
        });
        section(&mut text, "not taken over", &self.left_out, most, |left_out| match left_out.count {
            1 => left_out.what.clone(),
            count => format!("{} ({count})", left_out.what),
        });
        section(&mut text, "not in order there", &self.flaws, most, |flaw| {
            format!("{}: {}", flaw.place, flaw.what)
        });
        text
    }
}

fn lines(text: &mut String, entries: &[Entry], most: usize) {
    let told: Vec<_> = entries.iter().filter(|entry| entry.state != State::Same).collect();
    for entry in told.iter().take(most) {
        let sign = if entry.state == State::New { '+' } else { '~' };
        let about = if entry.about.is_empty() { String::new() } else { format!(": {}", entry.about) };
        let _ = writeln!(text, "  {sign} {}{about}", entry.name);
        for Difference { field, here, there } in &entry.differences {
            let _ = writeln!(text, "      {field}: {here} -> {there}");
        }
        for note in &entry.notes {
            let _ = writeln!(text, "      ! {note}");
        }
    }
    more(text, told.len(), most);
}

fn section<T>(text: &mut String, title: &str, items: &[T], most: usize, line: impl Fn(&T) -> String) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, "{title}:");
    for item in items.iter().take(most) {
        let _ = writeln!(text, "  - {}", line(item));
    }
    more(text, items.len(), most);
}

fn more(text: &mut String, all: usize, most: usize) {
    if all > most {
        let _ = writeln!(text, "  … and {} more; --json tells all", all - most);
    }
}
