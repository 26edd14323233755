//! Where the top-level members of an object stand.

use std::{fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::EditError;

/// The members of an object, found without building any of them.
pub(super) struct Members<'a> {
    text: &'a str,
    /// Where the first member's name begins; just past the opening brace when there is none.
    pub(super) first: usize,
    /// The members in their order.
    pub(super) list: Vec<Member>,
}

/// One member: the offsets of its name's opening quote and of its value.
pub(super) struct Member {
    pub(super) key: usize,
    key_end: usize,
    pub(super) value: Range<usize>,
}

impl<'a> Members<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, EditError> {
        let text = std::str::from_utf8(body).map_err(|_| EditError::NotAnObject)?;
        let brace = text.bytes().position(|byte| !byte.is_ascii_whitespace());
        let Some(brace) = brace.filter(|brace| body[*brace] == b'{') else {
            return Err(EditError::NotAnObject);
        };
        let Pairs(pairs) = serde_json::from_str(text).map_err(|_| EditError::NotAnObject)?;
        let offset = |raw: &RawValue| raw.get().as_ptr().addr() - text.as_ptr().addr();
        let list = pairs.into_iter().map(|(key, value)| {
            let (key_start, value_start) = (offset(key), offset(value));
            Member {
                key: key_start,
                key_end: key_start + key.get().len(),
                value: value_start..value_start + value.get().len(),
            }
        });
        let list: Vec<Member> = list.collect();
        Ok(Self { text, first: list.first().map_or(brace + 1, |member| member.key), list })
    }

    /// The place of the member with this name.
    pub(super) fn position(&self, name: &'static str) -> Result<Option<usize>, EditError> {
        let mut places = (0..self.list.len()).filter(|place| self.is_named(&self.list[*place], name));
        match (places.next(), places.next()) {
            (_, Some(_)) => Err(EditError::Repeated(name)),
            (place, None) => Ok(place),
        }
    }

    fn is_named(&self, member: &Member, name: &str) -> bool {
        let quoted = &self.text[member.key..member.key_end];
        if quoted.contains('\\') {
            // A name that escapes half a surrogate pair is none of ours.
            return serde_json::from_str::<String>(quoted).is_ok_and(|read| read == name);
        }
        quoted.get(1..quoted.len() - 1) == Some(name)
    }
}

/// Names with their quotes, and values, as they stand in the text.
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs<'de>, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}
