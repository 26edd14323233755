//! Names of models, and patterns over them.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text cannot be a model's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelNameError {
    /// The name is empty.
    #[error("the model name is empty")]
    Empty,
    /// The name is longer than [`ModelName::MAX_BYTES`].
    #[error("the model name is longer than {} bytes", ModelName::MAX_BYTES)]
    TooLong,
    /// The name holds a control character.
    #[error("the model name holds a control character")]
    ControlCharacter,
}

/// A model's name as clients or vendors write it; cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModelName(Arc<str>);

impl ModelName {
    /// The longest name taken, in bytes: Bedrock's ARNs reach 2,048, everything else stays far below.
    pub const MAX_BYTES: usize = 2_048;

    /// Checks a name.
    ///
    /// # Errors
    /// When it is empty, too long or holds control characters.
    pub fn parse(name: &str) -> Result<Self, ModelNameError> {
        if name.is_empty() {
            return Err(ModelNameError::Empty);
        }
        if name.len() > Self::MAX_BYTES {
            return Err(ModelNameError::TooLong);
        }
        if name.chars().any(char::is_control) {
            return Err(ModelNameError::ControlCharacter);
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl Borrow<str> for ModelName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for ModelName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ModelName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).map_err(serde::de::Error::custom)
    }
}

/// A model name in which `*` stands for any text, such as `claude-*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct ModelPattern(String);

impl ModelPattern {
    /// Takes any text; without `*` it matches that one name only.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `name` fits, upper and lower case told apart.
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|head| name.strip_prefix(head)) else { return false };
        let Some(tail) = parts.next_back() else { return rest.is_empty() };
        for part in parts {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert_eq!(ModelName::parse("claude-opus-4-8").unwrap().as_str(), "claude-opus-4-8");
        assert_eq!(ModelName::parse(""), Err(ModelNameError::Empty));
        assert_eq!(ModelName::parse("a\nb"), Err(ModelNameError::ControlCharacter));
        assert_eq!(ModelName::parse(&"x".repeat(2_049)), Err(ModelNameError::TooLong));
    }

    #[test]
    fn a_star_matches_any_text() {
        let matches = |pattern: &str, name: &str| ModelPattern::new(pattern).matches(name);
        assert!(matches("claude-*", "claude-opus-4-8"));
        assert!(matches("*", ""));
        assert!(matches("*-4-*-preview", "gpt-4-turbo-preview"));
        assert!(matches("gpt-5", "gpt-5"));
        assert!(matches("a*a", "aa"));
        assert!(!matches("a*a", "a"));
        assert!(!matches("gpt-5", "gpt-5.4"));
        assert!(!matches("claude-*", "Claude-3"));
        assert!(!matches("*-mini", "gpt-mini-x"));
        assert!(!matches("a*b*b", "ab"));
    }
}
