//! Names that are unique and that operators can type.

use std::collections::HashMap;

use uuid::Uuid;

/// Gives out names within one kind of record.
pub(crate) struct Names(HashMap<String, Uuid>);

impl Names {
    /// With the names that records have already.
    pub(crate) fn taken(names: impl Iterator<Item = (String, Uuid)>) -> Self {
        Self(names.collect())
    }

    /// Whether another record has the name.
    pub(crate) fn is_of_another(&self, name: &str, id: Uuid) -> bool {
        self.0.get(name).is_some_and(|owner| *owner != id)
    }

    /// The name for a record that was called `wanted`: that one, or with a part of the record's identity behind it where it
    /// belongs to another.
    pub(crate) fn give(&mut self, wanted: &str, otherwise: &str, id: Uuid) -> String {
        let plain = plain(wanted).unwrap_or_else(|| otherwise.to_owned());
        let short: String = id.simple().to_string().chars().take(8).collect();
        let behind = |text: &str, tail: &str| {
            let kept: String = text.chars().take(MOST - tail.chars().count()).collect();
            format!("{}{tail}", kept.trim_end())
        };
        let tries = [behind(&plain, ""), behind(&plain, &format!(" ({short})")), format!("{otherwise} {id}")];
        let free = |name: &String| self.0.get(name).is_none_or(|owner| *owner == id);
        let [.., last] = &tries;
        let name = tries.iter().find(|name| free(name)).unwrap_or(last).clone();
        self.0.insert(name.clone(), id);
        name
    }
}

/// The text as a name; `None` where nothing is left of it.
fn plain(text: &str) -> Option<String> {
    let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let name = visible.trim();
    (!name.is_empty() && Uuid::try_parse(name).is_err()).then(|| name.to_owned())
}

/// As long as names may be here, in characters.
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_bounded_and_printable() {
        let [one, two] = [0x11, 0x22].map(|byte| Uuid::from_bytes([byte; 16]));
        let mut names = Names::taken([("there".to_owned(), Uuid::nil())].into_iter());
        assert_eq!(names.give(" team\na ", "key", one), "team a");
        assert_eq!(names.give("team a", "key", one), "team a");
        assert_eq!(names.give("team a", "key", two), "team a (22222222)");
        assert!(names.is_of_another("team a", two) && !names.is_of_another("team a", one));
        assert_eq!(names.give("there", "key", two), "there (22222222)");
        assert_eq!(names.give("", "key", one), "key");
        assert_eq!(names.give(&one.to_string(), "key", two), "key (22222222)");
        let long = names.give(&"ü".repeat(100), "key", one);
        assert_eq!(long.chars().count(), 64);
        assert_eq!(names.give(&"ü".repeat(100), "key", two).chars().count(), 64);
    }
}
