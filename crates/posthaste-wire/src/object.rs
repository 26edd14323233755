//! JSON objects that are changed and written again, with every value spelled as it came.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;

/// An object's members in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object(Vec<(String, Box<RawValue>)>);

impl Object {
    /// The member of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.iter().find_map(|(other, value)| (other == name).then_some(&**value))
    }

    /// The text of the member of this name; `None` when it is no text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// The object that is the member of this name; `None` when it is none.
    pub(crate) fn object(&self, name: &str) -> Option<Self> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }

    /// Gives a member this value, where it stands; a missing one comes last.
    pub(crate) fn set(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        if let Ok(value) = serde_json::value::to_raw_value(value) {
            self.put(name.to_owned(), value);
        }
    }

    /// Takes a member out, and those that repeat its name.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Box<RawValue>> {
        let position = self.0.iter().position(|(other, _)| other == name)?;
        let value = self.0.remove(position).1;
        self.0.retain(|(other, _)| other != name);
        Some(value)
    }

    /// Takes another object's members over, but for those that are `null`.
    pub(crate) fn take_over(&mut self, other: Self) {
        for (name, value) in other.0 {
            if value.get() != "null" || self.get(&name).is_none() {
                self.put(name, value);
            }
        }
    }

    /// Appends a text to the member of this name.
    pub(crate) fn append(&mut self, name: &str, piece: &str) {
        let mut text = self.text(name).unwrap_or_default();
        text.push_str(piece);
        self.set(name, &text);
    }

    /// The members in their order.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    fn put(&mut self, name: String, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut object = Object::default();
                while let Some((name, value)) = map.next_entry()? {
                    object.0.push((name, value));
                }
                Ok(object)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_keeps_its_place_and_its_spelling() {
        let mut object: Object = serde_json::from_str(r#"{"z":1.50,"a":[1e2],"t":"x","n":2}"#).unwrap();
        object.append("t", "y\"");
        object.set("new", &true);
        object.remove("n");
        object.take_over(serde_json::from_str(r#"{"a":null,"z":2.0,"u":null}"#).unwrap());
        let written = serde_json::to_string(&object).unwrap();
        assert_eq!(written, r#"{"z":2.0,"a":[1e2],"t":"xy\"","new":true,"u":null}"#);
    }
}
