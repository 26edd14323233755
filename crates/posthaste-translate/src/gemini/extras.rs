//! Extras of objects that the neutral form takes apart, written back where they came from.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::spelling::camel;
use crate::{
    ir::{Extra, Json, Weight},
    json::{self, Rest},
};

/// Holds the candidates but the first, which the neutral form has no room for.
pub(super) const OTHER_CANDIDATES: &str = "candidates.*";

/// Paths of the objects that are taken apart, the longer before the shorter.
const HOMES: [&str; 6] = [
    OTHER_CANDIDATES,
    "generationConfig.thinkingConfig.",
    "generationConfig.",
    "toolConfig.functionCallingConfig.",
    "toolConfig.",
    "candidates.",
];

/// The extras that belong to the object at `home`; the empty path is the body itself.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) home: &'static str,
    pub(super) extras: &'a [Extra],
}

impl<'a> At<'a> {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Whether a field is among them.
    pub(super) fn has(&self, field: &str) -> bool {
        self.iter().any(|(name, _)| camel(name) == field)
    }

    fn iter(self) -> impl Iterator<Item = (&'a str, &'a Json)> {
        self.extras.iter().filter_map(move |extra| {
            let home = HOMES.into_iter().find(|home| extra.field.starts_with(home)).unwrap_or("");
            (home == self.home).then(|| (&extra.field[home.len()..], &extra.value))
        })
    }
}

impl Serialize for At<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.iter() {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Fields that are not named, with the path of the object that held them; `weigh` gets the name in camelCase.
pub(super) fn extras(home: &str, rest: Rest<'_>, weigh: impl Fn(&str, &str) -> Weight) -> Vec<Extra> {
    let mut extras = json::extras(rest, |field, value| weigh(&camel(field), value.get()));
    extras.iter_mut().for_each(|extra| extra.field.insert_str(0, home));
    extras
}

/// A field that is neutral already, kept as it came for its own dialect.
pub(super) fn kept(field: &str, value: Json) -> Extra {
    Extra { field: field.to_owned(), value, weight: Weight::Trivial }
}
