//! What a translation lost, as the books keep it.

use std::fmt::{self, Write};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
};

/// A few short texts, each `field: what became of it`, in one allocation; an empty list has none.
///
/// Fields may be named by clients and vendors, hence the bounds. A list that had to leave something out ends with the
/// entry `…`, and so does a text that was cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LossList(Box<str>);

impl LossList {
    /// The most entries of a list.
    pub const MOST_ENTRIES: usize = 64;

    /// The most bytes of a list's text.
    pub const MOST_BYTES: usize = 2_048;

    /// Writes losses down: the field's name, and what became of it.
    pub fn of<F: fmt::Display, R: fmt::Display>(losses: impl IntoIterator<Item = (F, R)>) -> Self {
        let mut list = Builder::default();
        for (field, reason) in losses {
            if list.full {
                break;
            }
            list.push(&format!(
                "{}: {}",
                shortened(field, MOST_OF_A_PART),
                shortened(reason, MOST_OF_A_PART)
            ));
        }
        list.finish()
    }

    /// Reads what [`as_str`](Self::as_str) gave. Whatever else the text is, the list keeps within its bounds.
    pub fn from_text(text: &str) -> Self {
        let mut list = Builder::default();
        for entry in text.split(SEPARATOR) {
            list.push_foreign(entry);
        }
        list.finish()
    }

    /// The list as one text, an entry a line: what stores keep.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(SEPARATOR).filter(|entry| !entry.is_empty())
    }
}

impl Serialize for LossList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for LossList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = LossList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of losses")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<LossList, A::Error> {
        let mut list = Builder::default();
        while let Some(entry) = entries.next_element::<String>()? {
            list.push_foreign(&entry);
        }
        Ok(list.finish())
    }
}

/// A list under way.
#[derive(Default)]
struct Builder {
    text: String,
    entries: usize,
    full: bool,
}

impl Builder {
    /// Takes an entry that may be anybody's text.
    fn push_foreign(&mut self, entry: &str) {
        if !self.full && !entry.is_empty() {
            self.push(&shortened(entry, MOST_OF_AN_ENTRY));
        }
    }

    /// Takes an entry; the first that finds no room makes the list full.
    fn push(&mut self, entry: &str) {
        if self.has_room_for(entry) {
            self.append(entry);
            return;
        }
        while !self.has_room_for(MORE) {
            self.pop();
        }
        self.append(MORE);
        self.full = true;
    }

    fn has_room_for(&self, entry: &str) -> bool {
        let separator = usize::from(self.entries > 0);
        self.entries < LossList::MOST_ENTRIES
            && self.text.len() + separator + entry.len() <= LossList::MOST_BYTES
    }

    fn append(&mut self, entry: &str) {
        if self.entries > 0 {
            self.text.push(SEPARATOR);
        }
        self.text.push_str(entry);
        self.entries += 1;
    }

    fn pop(&mut self) {
        self.text.truncate(self.text.rfind(SEPARATOR).unwrap_or(0));
        self.entries = self.entries.saturating_sub(1);
    }

    fn finish(self) -> LossList {
        LossList(self.text.into_boxed_str())
    }
}

/// The value's text in at most `most` bytes, on one line.
fn shortened(value: impl fmt::Display, most: usize) -> String {
    let mut line = Line { text: String::new(), most };
    // An error says that the line is over its bound, which is seen below.
    let _ = write!(line, "{value}");
    if line.text.len() > most {
        while line.text.len() + MORE.len() > most {
            line.text.pop();
        }
        line.text.push_str(MORE);
    }
    line.text
}

/// Takes text until it is over its bound, control characters as their escapes.
struct Line {
    text: String,
    most: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.text.len() > self.most {
                return Err(fmt::Error);
            }
            if character.is_control() {
                self.text.extend(character.escape_default());
            } else {
                self.text.push(character);
            }
        }
        Ok(())
    }
}

/// Entries hold no control characters, hence no line feed.
const SEPARATOR: char = '\n';

/// Stands for what was left out.
const MORE: &str = "…";

/// The most bytes of a field's name and of what became of it: room for any documented path, and neither hides the other.
const MOST_OF_A_PART: usize = 120;

/// The most bytes of an entry that was read back: more than two parts and what is between them, so that these come back
/// as they are.
const MOST_OF_AN_ENTRY: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(list: &LossList) -> Vec<&str> {
        list.iter().collect()
    }

    /// What every list keeps to, and that stores and JSON give it back.
    fn assert_sound(list: &LossList) {
        assert!(list.as_str().len() <= LossList::MOST_BYTES, "{} bytes", list.as_str().len());
        assert!(list.iter().count() <= LossList::MOST_ENTRIES);
        assert_eq!(LossList::from_text(list.as_str()), *list);
        let json = serde_json::to_string(list).unwrap();
        assert_eq!(serde_json::from_str::<LossList>(&json).unwrap(), *list);
    }

    #[test]
    fn losses_are_told_in_their_order() {
        let list = LossList::of([("seed", "dropped, no counterpart"), ("tools.strict", "carried as text")]);
        assert_eq!(entries(&list), ["seed: dropped, no counterpart", "tools.strict: carried as text"]);
        assert_eq!(serde_json::to_value(&list).unwrap(), serde_json::json!(entries(&list)));
        assert_sound(&list);
    }

    #[test]
    fn nothing_lost_is_an_empty_list() {
        let none: [(&str, &str); 0] = [];
        assert_eq!(LossList::of(none), LossList::default());
        assert!(LossList::default().is_empty());
        assert!(entries(&LossList::default()).is_empty());
        assert_eq!(serde_json::to_string(&LossList::default()).unwrap(), "[]");
        assert_sound(&LossList::default());
    }

    #[test]
    fn as_many_losses_as_fit_are_all_named() {
        let list = LossList::of((0..LossList::MOST_ENTRIES).map(|number| (number, "dropped")));
        assert_eq!(list.iter().last(), Some("63: dropped"));
        assert_sound(&list);
    }

    #[test]
    fn too_many_losses_are_counted_out_and_told() {
        let list = LossList::of((0..=LossList::MOST_ENTRIES).map(|number| (number, "dropped")));
        assert_eq!(list.iter().count(), LossList::MOST_ENTRIES);
        assert_eq!(entries(&list)[62..], ["62: dropped", "…"]);
        assert_sound(&list);
    }

    #[test]
    fn too_long_a_list_is_cut_between_entries_and_told() {
        for length in 1..200 {
            let field = "ü".repeat(length);
            let list = LossList::of((0..70).map(|_| (&field, "dropped")));
            assert_sound(&list);
            let entries = entries(&list);
            let (last, others) = entries.split_last().unwrap();
            assert_eq!(*last, "…");
            assert!(others.iter().all(|entry| *entry == others[0] && entry.ends_with(": dropped")));
        }
    }

    #[test]
    fn a_long_name_does_not_hide_what_became_of_the_field() {
        let list = LossList::of([("🦀".repeat(100_000).as_str(), "dropped, unknown")]);
        assert_eq!(entries(&list), [format!("{}…: dropped, unknown", "🦀".repeat(29))]);
        assert_sound(&list);
    }

    #[test]
    fn a_name_cannot_forge_an_entry() {
        let list = LossList::of([("a\nb: dropped\r\0\u{1b}[2J", "dropped, unknown")]);
        assert_eq!(entries(&list), [r"a\nb: dropped\r\u{0}\u{1b}[2J: dropped, unknown"]);
        assert_sound(&list);
    }

    #[test]
    fn foreign_text_is_kept_within_bounds() {
        for text in ["\n\n", "x", &"long ".repeat(10_000), &"é\n".repeat(10_000), "a\r\n\u{7f}\n"] {
            assert_sound(&LossList::from_text(text));
            let json = serde_json::to_string(&[text, "", text]).unwrap();
            assert_sound(&serde_json::from_str(&json).unwrap());
        }
        assert!(serde_json::from_str::<LossList>("\"seed\"").is_err());
    }
}
