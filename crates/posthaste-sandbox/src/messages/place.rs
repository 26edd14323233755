//! Reading JSON so that an error can name its place, as the vendor's errors do (`messages.0.content.1.text: …`).

use serde_json::{Map, Value};

use crate::error::ApiError;

/// A value and where it stands in the request.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Place<'a> {
    pub(super) const fn root(value: &'a Value) -> Self {
        Self { value, path: String::new() }
    }

    pub(super) const fn value(&self) -> &'a Value {
        self.value
    }

    /// The value of `key`; `null` counts as absent.
    pub(super) fn key(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self { value, path: self.path_of(key) })
    }

    pub(super) fn required(&self, key: &str) -> Result<Self, ApiError> {
        self.key(key).ok_or_else(|| ApiError::invalid(format!("{}: Field required", self.path_of(key))))
    }

    /// The same value, with one more name in its path: the vendor names a union's chosen member there.
    pub(super) fn chosen(&self, member: &str) -> Self {
        Self { value: self.value, path: self.path_of(member) }
    }

    pub(super) fn text(&self) -> Result<&'a str, ApiError> {
        self.value.as_str().ok_or_else(|| self.error("Input should be a valid string"))
    }

    pub(super) fn boolean(&self) -> Result<bool, ApiError> {
        self.value.as_bool().ok_or_else(|| self.error("Input should be a valid boolean"))
    }

    pub(super) fn integer(&self, least: u64) -> Result<u64, ApiError> {
        let number = self.value.as_i64().or_else(|| self.value.as_u64().map(|_| i64::MAX));
        let number = number.ok_or_else(|| self.error("Input should be a valid integer"))?;
        u64::try_from(number)
            .ok()
            .filter(|number| *number >= least)
            .ok_or_else(|| self.error(&format!("Input should be greater than or equal to {least}")))
    }

    pub(super) fn object(&self) -> Result<&'a Map<String, Value>, ApiError> {
        self.value.as_object().ok_or_else(|| self.error("Input should be a valid dictionary"))
    }

    pub(super) fn list(&self) -> Result<Vec<Self>, ApiError> {
        let items = self.value.as_array().ok_or_else(|| self.error("Input should be a valid list"))?;
        let place =
            |(index, value): (usize, &'a Value)| Self { value, path: self.path_of(&index.to_string()) };
        Ok(items.iter().enumerate().map(place).collect())
    }

    /// An error that begins with this place.
    pub(super) fn error(&self, message: &str) -> ApiError {
        if self.path.is_empty() {
            ApiError::invalid(message)
        } else {
            ApiError::invalid(format!("{}: {message}", self.path))
        }
    }

    fn path_of(&self, part: &str) -> String {
        if self.path.is_empty() { part.to_owned() } else { format!("{}.{part}", self.path) }
    }
}
