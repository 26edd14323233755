//! Whether a schema needs no lowering, without building its tree: what most tools send to most providers.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::SchemaProfile;
use crate::json::Str;

/// Whether a schema is plain enough to see at once that a profile takes it as it is. A `false` says nothing: whatever is
/// not the common case is left to the lowering itself.
pub(super) fn is_plain(text: &str, profile: SchemaProfile) -> bool {
    if !matches!(profile, SchemaProfile::GeminiJsonSchema | SchemaProfile::Plain) {
        return false;
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Check { level: 0 }.deserialize(&mut deserializer).is_ok()
}

/// Reads one schema; an error is "not plain".
#[derive(Clone, Copy)]
struct Check {
    level: usize,
}

impl<'de> DeserializeSeed<'de> for Check {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.level > MOST_LEVELS {
            return Err(de::Error::custom("too deep"));
        }
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Check {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain schema")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let below = Self { level: self.level + 1 };
        let mut kind = None;
        let mut names = Vec::new();
        let mut required = Vec::new();
        let mut seen = 0_u32;
        while let Some(Str(key)) = map.next_key()? {
            let keyword = PLAIN.iter().position(|plain| *plain == key);
            let bit = 1 << keyword.ok_or_else(|| de::Error::custom("not plain"))?;
            if seen & bit != 0 {
                return Err(de::Error::custom("doubled"));
            }
            seen |= bit;
            match &*key {
                "type" => kind = Some(map.next_value::<Str<'de>>()?),
                "properties" => map.next_value_seed(Named { of: below, names: &mut names })?,
                "items" => map.next_value_seed(below)?,
                "required" => required = map.next_value::<Vec<Str<'de>>>()?,
                "additionalProperties" => drop(map.next_value::<bool>()?),
                "enum" => map.next_value_seed(Values)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let has = |keyword: &str| {
            PLAIN.iter().position(|plain| *plain == keyword).is_some_and(|at| seen & (1 << at) != 0)
        };
        let is_typed = kind.as_deref().is_some_and(|kind| TYPES.contains(&kind));
        let is_whole = kind.as_deref() != Some("array") || has("items");
        let known = |name: &Str<'_>| names.iter().any(|one: &Str<'_>| **one == **name);
        let is_few = names.len().max(required.len()) <= FEW;
        let is_single = |list: &[Str<'_>]| {
            list.iter().enumerate().all(|(at, one)| list[..at].iter().all(|other| **other != **one))
        };
        let is_named = || required.iter().all(known) && is_single(&names) && is_single(&required);
        if is_typed && is_whole && is_few && is_named() {
            return Ok(());
        }
        Err(de::Error::custom("not plain"))
    }
}

/// The values of `properties`.
struct Named<'n, 'de> {
    of: Check,
    names: &'n mut Vec<Str<'de>>,
}

impl<'de> DeserializeSeed<'de> for Named<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Named<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("schemas by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key()? {
            self.names.push(name);
            map.next_value_seed(self.of)?;
        }
        Ok(())
    }
}

/// A list of at least one value.
struct Values;

impl<'de> DeserializeSeed<'de> for Values {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Values {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if list.next_element::<IgnoredAny>()?.is_none() {
            return Err(de::Error::custom("no values"));
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// More names than this are looked up in maps, which the tree has.
const FEW: usize = 64;

/// Far below where lowering would cut.
const MOST_LEVELS: usize = 24;

const TYPES: &[&str] = &["array", "boolean", "integer", "null", "number", "object", "string"];

/// Keywords that both profiles take as they are, less those with schemas in a list.
const PLAIN: &[&str] = &[
    "additionalProperties",
    "default",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
    "uniqueItems",
];
