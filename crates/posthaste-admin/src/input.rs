//! Inputs, checked.

use std::{borrow::Cow, fmt};

use posthaste_core::{Account, Limit, ModelMap, ModelName, ModelPattern, ModelRules, Secret};
use posthaste_metering::check_limits;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::AdminError;

/// A secret on its way between an operator and the vault. Unlike [`Secret`] it serialises, which is its purpose: send it
/// over nothing but the admin socket, or to the operator who is to know it. It is never printed by `Debug`.
#[derive(Clone)]
pub struct Disclosed(Secret);

impl Disclosed {
    /// Takes a secret that is to travel.
    pub fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// The secret inside.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

impl fmt::Debug for Disclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disclosed(…)")
    }
}

impl Serialize for Disclosed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Disclosed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

impl JsonSchema for Disclosed {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "password" })
    }
}

/// A line of a model map as operators write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelMapping {
    /// The client's name; `*` stands for any text.
    pub from: String,
    /// The upstream's name.
    pub to: String,
}

/// A name by which a record can be told from its kind.
pub(crate) fn name(name: &str) -> Result<String, AdminError> {
    let refuse =
        |message: &str| Err(AdminError::invalid("name", format!("`{}` {message}", name.escape_debug())));
    if name.trim().is_empty() {
        return Err(AdminError::invalid("name", "is empty; give a name"));
    }
    if name.trim() != name || name.chars().any(char::is_control) {
        return refuse("starts or ends with a space or holds a control character; leave those out");
    }
    if name.chars().count() > MAX_NAME {
        return refuse(&format!("is longer than {MAX_NAME} characters; choose a shorter one"));
    }
    if Uuid::try_parse(name).is_ok() {
        return refuse("looks like an id, by which records are also named; choose another");
    }
    Ok(name.to_owned())
}

pub(crate) fn priority(priority: Option<u32>) -> Result<u8, AdminError> {
    let Some(priority) = priority else { return Ok(Account::DEFAULT_PRIORITY) };
    match u8::try_from(priority) {
        Ok(priority @ 1..=100) => Ok(priority),
        _ => Err(AdminError::invalid("priority", format!("{priority} is not from 1 (first) to 100 (last)"))),
    }
}

/// Limits that can be counted.
pub(crate) fn limits(limits: &[Limit]) -> Result<Vec<Limit>, AdminError> {
    check_limits(limits).map_err(|error| AdminError::invalid("limits", error.to_string()))?;
    Ok(limits.to_vec())
}

/// The day of the month on which a plan renews.
pub(crate) fn plan_day(day: Option<u8>) -> Result<Option<u8>, AdminError> {
    match day {
        Some(day) if !(1..=31).contains(&day) => {
            Err(AdminError::invalid("plan_day", format!("{day} is not a day of a month, 1 to 31")))
        }
        day => Ok(day),
    }
}

pub(crate) fn secret(field: &'static str, secret: &Disclosed) -> Result<Secret, AdminError> {
    let text = secret.secret().expose().trim();
    if text.is_empty() {
        return Err(AdminError::invalid(field, "is empty; give the key that the provider gave you"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(AdminError::invalid(field, "holds a space or a line break; enter it again without"));
    }
    Ok(Secret::new(text))
}

pub(crate) fn model_rules(allow: &[String], deny: &[String]) -> Result<ModelRules, AdminError> {
    Ok(ModelRules { allow: patterns("allow", allow)?, deny: patterns("deny", deny)? })
}

pub(crate) fn patterns(field: &'static str, patterns: &[String]) -> Result<Vec<ModelPattern>, AdminError> {
    patterns.iter().map(|text| pattern(field, text)).collect()
}

pub(crate) fn model_map(lines: &[ModelMapping]) -> Result<ModelMap, AdminError> {
    let line = |line: &ModelMapping| Ok((pattern("model_map", &line.from)?, model("model_map", &line.to)?));
    lines.iter().map(line).collect::<Result<_, _>>().map(ModelMap)
}

pub(crate) fn model(field: &'static str, name: &str) -> Result<ModelName, AdminError> {
    ModelName::parse(name).map_err(|error| AdminError::invalid(field, error.to_string()))
}

/// A pattern is a model's name in which stars may stand.
fn pattern(field: &'static str, text: &str) -> Result<ModelPattern, AdminError> {
    model(field, text.trim()).map(|name| ModelPattern::new(name.as_str()))
}

const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert_eq!(name("team a").unwrap(), "team a");
        let long = "x".repeat(65);
        for text in ["", " ", " a", "a\n", "0190c0de-0000-7000-8000-000000000001", &long] {
            assert!(matches!(name(text), Err(AdminError::Invalid { field: "name", .. })), "{text:?}");
        }
    }

    #[test]
    fn priorities_are_checked() {
        assert_eq!(priority(None).unwrap(), 50);
        assert_eq!(priority(Some(1)).unwrap(), 1);
        assert!(priority(Some(0)).is_err());
        assert!(priority(Some(101)).is_err());
        assert!(priority(Some(300)).is_err());
    }

    #[test]
    fn a_secret_is_trimmed_and_a_broken_one_refused_without_being_repeated() {
        let disclosed = |text: &str| Disclosed::new(Secret::new(text));
        assert_eq!(secret("api_key", &disclosed("sk-ant-dummy\n")).unwrap().expose(), "sk-ant-dummy");
        let error = secret("api_key", &disclosed("sk-ant\ndummy")).unwrap_err();
        assert!(!error.to_string().contains("dummy"), "{error}");
        assert!(!format!("{:?}", disclosed("canary")).contains("canary"));
    }
}
