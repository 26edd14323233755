//! A schema as a tree that knows which of its values are schemas and which are data.
//!
//! Only what stands at a schema's position is taken apart; everything else stays the text it was. So a property that is
//! called `const` cannot be mistaken for the keyword, nor can a default value that happens to look like a schema.

use std::{borrow::Cow, cell::Cell, fmt};

use indexmap::IndexMap;
use serde::{
    Deserialize, Serialize, Serializer,
    de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;

use crate::json::Str;

/// A schema.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Schema<'a> {
    /// Takes everything, or nothing.
    Bool(bool),
    Object(Object<'a>),
}

/// The keywords of a schema, in the order they came; of a doubled one the last counts.
pub(super) type Object<'a> = IndexMap<Cow<'a, str>, Value<'a>>;

/// Schemas by name, as under `properties`.
pub(super) type Named<'a> = IndexMap<Cow<'a, str>, Schema<'a>>;

/// What a keyword holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Schema(Schema<'a>),
    Named(Named<'a>),
    List(Vec<Schema<'a>>),
    /// Anything but schemas, as JSON text.
    Data(Cow<'a, str>),
}

impl<'a> Schema<'a> {
    /// Reads a schema. Parts of a wrong shape are left out, which the second value tells.
    ///
    /// # Errors
    /// When the text nests deeper than serde_json goes, or a key is no text (a lone surrogate).
    pub(super) fn read(text: &'a str) -> Result<(Self, bool), serde_json::Error> {
        let malformed = Cell::new(false);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = Seed { shape: Shape::Schema, malformed: &malformed }.deserialize(&mut deserializer)?;
        let schema = match value {
            Some(Value::Schema(schema)) => schema,
            _ => Schema::Bool(true),
        };
        Ok((schema, malformed.get()))
    }

    pub(super) fn object(members: impl IntoIterator<Item = (&'static str, Value<'a>)>) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (Cow::Borrowed(key), value)).collect())
    }

    /// A schema of one type, given as JSON text.
    pub(super) fn of_type(json: &'static str) -> Self {
        Self::object([("type", Value::text(json))])
    }
}

impl<'a> Value<'a> {
    pub(super) fn text(json: &'static str) -> Self {
        Self::Data(Cow::Borrowed(json))
    }

    /// A value made here, such as a changed description.
    pub(super) fn made(value: &impl Serialize) -> Self {
        Self::Data(Cow::Owned(serde_json::to_string(value).expect("strings and lists of them are JSON")))
    }

    pub(super) fn data(&self) -> Option<&str> {
        match self {
            Self::Data(json) => Some(json),
            _ => None,
        }
    }

    /// The text of a JSON string.
    pub(super) fn string(&self) -> Option<Cow<'_, str>> {
        string(self.data()?)
    }

    /// The elements of a JSON list, each as its text.
    pub(super) fn elements(&self) -> Option<Vec<&str>> {
        elements(self.data()?)
    }
}

pub(super) fn string(json: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Str<'_>>(json).ok().map(|text| text.0)
}

pub(super) fn elements(json: &str) -> Option<Vec<&str>> {
    let elements = serde_json::from_str::<Vec<&RawValue>>(json).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// A list of JSON texts as one.
pub(super) fn list<'a>(elements: &[impl AsRef<str>]) -> Value<'a> {
    let mut json = String::from("[");
    for (position, element) in elements.iter().enumerate() {
        if position > 0 {
            json.push(',');
        }
        json.push_str(element.as_ref());
    }
    json.push(']');
    Value::Data(Cow::Owned(json))
}

/// Whether the value is one of a list's elements, whatever the spelling of its white space.
pub(super) fn holds(elements: &[&str], value: &str) -> bool {
    elements.iter().any(|element| crate::json::compact(element) == crate::json::compact(value))
}

/// What a keyword's value looks like when it is well formed.
#[derive(Clone, Copy)]
enum Shape {
    Schema,
    Named,
    List,
    /// `items`, which older drafts write as a list.
    SchemaOrList,
    Data,
}

impl Shape {
    fn of(keyword: &str) -> Self {
        match keyword {
            "additionalItems"
            | "additionalProperties"
            | "contains"
            | "contentSchema"
            | "else"
            | "if"
            | "not"
            | "propertyNames"
            | "then"
            | "unevaluatedItems"
            | "unevaluatedProperties" => Self::Schema,
            "$defs" | "definitions" | "dependentSchemas" | "patternProperties" | "properties" => Self::Named,
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => Self::List,
            "items" => Self::SchemaOrList,
            _ => Self::Data,
        }
    }
}

/// Reads one value of a known shape; `None` where it has another.
#[derive(Clone, Copy)]
struct Seed<'c> {
    shape: Shape,
    malformed: &'c Cell<bool>,
}

impl<'c> Seed<'c> {
    fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// Whoever reads the text next may take the other one.
    fn doubled(self, is: bool) {
        if is {
            self.malformed.set(true);
        }
    }

    fn wrong<T>(self) -> Option<T> {
        self.malformed.set(true);
        None
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Option<Value<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        if matches!(self.shape, Shape::Data) {
            let raw = <&RawValue>::deserialize(deserializer)?;
            return Ok(Some(Value::Data(Cow::Borrowed(raw.get()))));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Option<Value<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a schema")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        match self.shape {
            Shape::Schema | Shape::SchemaOrList => Ok(Some(Value::Schema(Schema::Bool(value)))),
            _ => Ok(self.wrong()),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        match self.shape {
            Shape::Schema | Shape::SchemaOrList => {
                let mut object = Object::new();
                while let Some(Str(key)) = map.next_key()? {
                    let replaced = match map.next_value_seed(self.shaped(Shape::of(&key)))? {
                        Some(value) => object.insert(key, value),
                        None => object.shift_remove(&key),
                    };
                    self.doubled(replaced.is_some());
                }
                Ok(Some(Value::Schema(Schema::Object(object))))
            }
            Shape::Named => {
                let mut named = Named::new();
                while let Some(Str(key)) = map.next_key()? {
                    let schema = map.next_value_seed(self.shaped(Shape::Schema))?;
                    let replaced = named.insert(key, anything_else(schema));
                    self.doubled(replaced.is_some());
                }
                Ok(Some(Value::Named(named)))
            }
            Shape::List | Shape::Data => {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(self.wrong())
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        if !matches!(self.shape, Shape::List | Shape::SchemaOrList) {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(self.wrong());
        }
        let mut schemas = Vec::new();
        while let Some(schema) = list.next_element_seed(self.shaped(Shape::Schema))? {
            schemas.push(anything_else(schema));
        }
        Ok(Some(Value::List(schemas)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(self.wrong())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(self.wrong())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(self.wrong())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(self.wrong())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(self.wrong())
    }
}

/// What stands where a schema should and is none says nothing about values.
fn anything_else<'a>(value: Option<Value<'a>>) -> Schema<'a> {
    match value {
        Some(Value::Schema(schema)) => schema,
        _ => Schema::Bool(true),
    }
}

impl Serialize for Schema<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for (key, value) in object {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Schema(schema) => schema.serialize(serializer),
            Self::Named(named) => serializer.collect_map(named),
            Self::List(schemas) => serializer.collect_seq(schemas),
            Self::Data(json) => serde_json::from_str::<&RawValue>(json)
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_read() {
        let text = r#"{"b":{"$ref":1.50},"type":"object","properties":{"const":{"enum":[1e3,"\ud800"]},"a":true},"items":[{}]}"#;
        let (schema, malformed) = Schema::read(text).unwrap();
        assert_eq!(serde_json::to_string(&schema).unwrap(), text);
        assert!(!malformed);
    }

    #[test]
    fn wrong_shapes_are_left_out_and_told() {
        let (schema, malformed) =
            Schema::read(r#"{"properties":5,"anyOf":{"a":[1]},"items":"x","not":[[]],"type":"object"}"#)
                .unwrap();
        assert_eq!(serde_json::to_string(&schema).unwrap(), r#"{"type":"object"}"#);
        assert!(malformed);
    }

    #[test]
    fn of_a_doubled_keyword_the_last_counts_whatever_its_spelling() {
        let (schema, malformed) = Schema::read(r#"{"type":"string","t\u0079pe":"object"}"#).unwrap();
        assert!(malformed);
        assert_eq!(serde_json::to_string(&schema).unwrap(), r#"{"type":"object"}"#);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        assert!(Schema::read(r#"{"\ud800":1}"#).is_err());
        let deep = format!("{}true{}", r#"{"items":"#.repeat(5_000), "}".repeat(5_000));
        assert!(Schema::read(&deep).is_err());
    }
}
