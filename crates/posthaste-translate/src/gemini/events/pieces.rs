//! Arguments that Vertex streams in pieces, each a value with its place
//! (`streamFunctionCallArguments`, <https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling>).
//!
//! The pieces say where a value stands, not what JSON is written, so the object is built and told as a whole.

use serde::Deserialize;
use serde_json::{Map, Number, Value, value::RawValue};

use crate::json::Str;

/// The arguments so far.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    root: Map<String, Value>,
    /// How many bytes were taken.
    taken: usize,
}

impl Pieces {
    /// Takes a piece; whether there was a place for it.
    pub(super) fn push(&mut self, raw: &RawValue) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct PieceIn<'a> {
            #[serde(borrow)]
            json_path: Str<'a>,
            #[serde(borrow)]
            string_value: Option<Str<'a>>,
            number_value: Option<Number>,
            bool_value: Option<bool>,
        }
        self.taken = self.taken.saturating_add(raw.get().len());
        let Ok(piece) = serde_json::from_str::<PieceIn<'_>>(raw.get()) else { return false };
        let Some(place) =
            path(&piece.json_path).filter(|_| self.taken <= MOST).and_then(|path| self.place(&path))
        else {
            return false;
        };
        match (piece.string_value, piece.number_value, piece.bool_value) {
            // A text goes on where it was left.
            (Some(text), ..) => match place {
                Value::String(before) => before.push_str(&text),
                place => *place = Value::String(text.into_string()),
            },
            (None, Some(number), _) => *place = Value::Number(number),
            (None, None, Some(truth)) => *place = Value::Bool(truth),
            (None, None, None) => *place = Value::Null,
        }
        true
    }

    /// The whole object.
    pub(super) fn into_json(self) -> String {
        Value::Object(self.root).to_string()
    }

    fn place(&mut self, path: &[Step]) -> Option<&mut Value> {
        let (Step::Name(first), rest) = path.split_first()? else { return None };
        let mut place = self.root.entry(first.clone()).or_insert(Value::Null);
        for step in rest {
            place = match step {
                Step::Name(name) => {
                    if !place.is_object() {
                        *place = Value::Object(Map::new());
                    }
                    place.as_object_mut()?.entry(name.clone()).or_insert(Value::Null)
                }
                Step::Index(index) => {
                    if !place.is_array() {
                        *place = Value::Array(Vec::new());
                    }
                    let list = place.as_array_mut()?;
                    if *index == list.len() {
                        list.push(Value::Null);
                    }
                    list.get_mut(*index)?
                }
            };
        }
        Some(place)
    }
}

/// As much as a single frame may hold.
const MOST: usize = 16 * 1024 * 1024;

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

/// Reads `$.name[0]['other name']`; `None` for anything else that RFC 9535 allows.
fn path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut path = Vec::new();
    while !rest.is_empty() {
        if path.len() == DEEPEST {
            return None;
        }
        if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            path.push(Step::Name(name[..end].to_owned()));
            rest = &name[end..];
        } else if let Some(quoted) = rest.strip_prefix("['") {
            let end = quoted.find("']")?;
            path.push(Step::Name(quoted[..end].replace("\\'", "'")));
            rest = &quoted[end + 2..];
        } else {
            let index = rest.strip_prefix('[')?;
            let end = index.find(']')?;
            path.push(Step::Index(index[..end].parse().ok()?));
            rest = &index[end + 1..];
        }
    }
    (!path.is_empty()).then_some(path)
}

/// Deeper than any real schema, and no danger to the stack.
const DEEPEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn built(pieces: &[&str]) -> String {
        let mut built = Pieces::default();
        for piece in pieces {
            assert!(built.push(serde_json::from_str(piece).unwrap()), "{piece}");
        }
        built.into_json()
    }

    #[test]
    fn texts_go_on_and_places_are_made() {
        let pieces = [
            r#"{"jsonPath":"$.city","stringValue":"Bos","willContinue":true}"#,
            r#"{"jsonPath":"$.city","stringValue":"ton"}"#,
            r#"{"jsonPath":"$.days[0].high","numberValue":21.50}"#,
            r#"{"jsonPath":"$.days[1]['a b']","boolValue":true}"#,
            r#"{"jsonPath":"$.none","nullValue":"NULL_VALUE"}"#,
        ];
        assert_eq!(built(&pieces), r#"{"city":"Boston","days":[{"high":21.5},{"a b":true}],"none":null}"#);
        assert_eq!(built(&[]), "{}");
    }

    #[test]
    fn odd_places_take_nothing() {
        let deep = format!("$.a{}", "[0]".repeat(100_000));
        for odd in ["", "$", "a", "$.a[5]", "$[0]", "$.a[-1]", "$.a[", "$['a", "$..a[*]", &deep] {
            let mut pieces = Pieces::default();
            let piece = format!(r#"{{"jsonPath":"{odd}","stringValue":"x"}}"#);
            assert!(!pieces.push(serde_json::from_str(&piece).unwrap()), "{odd}");
        }
    }
}
