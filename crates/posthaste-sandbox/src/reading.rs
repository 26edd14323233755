//! Reading JSON so that an error can name its place, in the manner of each vendor.

use std::marker::PhantomData;

use serde_json::{Map, Value};

use crate::error::ApiError;

/// How a vendor writes places, and what it says about values that it does not like.
pub(crate) trait Manner {
    /// The place of `key` in the object at `path`.
    fn key(path: &str, key: &str) -> String {
        if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
    }

    /// The place of an item in the list at `path`.
    fn item(path: &str, index: usize) -> String {
        format!("{path}[{index}]")
    }

    /// The value of `key`, in every spelling that the vendor takes.
    fn find<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
        value.get(key)
    }

    /// Whether `written` is one of the vendor's spellings of `key`.
    fn spells(written: &str, key: &str) -> bool {
        written == key
    }

    fn missing(path: &str) -> ApiError;
    fn mistyped(path: &str, expected: Kind, found: &Value) -> ApiError;
    fn too_small(path: &str, least: u64, found: &Value) -> ApiError;
    fn not_among(path: &str, found: &str, options: &[&str]) -> ApiError;
    /// `path` is the place of the object that holds the unknown `key`.
    fn unknown(path: &str, key: &str) -> ApiError;
    fn error(path: &str, message: &str) -> ApiError;
}

/// What a value should have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Boolean,
    Integer,
    Number,
    Object,
    List,
    TextOrList,
}

/// A value and where it stands in the request.
pub(crate) struct Place<'a, M> {
    value: &'a Value,
    path: String,
    manner: PhantomData<fn() -> M>,
}

impl<'a, M: Manner> Place<'a, M> {
    pub(crate) const fn root(value: &'a Value) -> Self {
        Self::at(value, String::new())
    }

    /// A value that stands at `path`.
    pub(crate) const fn at(value: &'a Value, path: String) -> Self {
        Self { value, path, manner: PhantomData }
    }

    pub(crate) const fn value(&self) -> &'a Value {
        self.value
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The value of `key`; `null` counts as absent.
    pub(crate) fn key(&self, key: &str) -> Option<Self> {
        let value = M::find(self.value, key).filter(|value| !value.is_null())?;
        Some(Self::at(value, M::key(&self.path, key)))
    }

    pub(crate) fn required(&self, key: &str) -> Result<Self, ApiError> {
        self.key(key).ok_or_else(|| M::missing(&M::key(&self.path, key)))
    }

    /// The same value, with one more name in its path: some vendors name a union's chosen member there.
    pub(crate) fn chosen(&self, member: &str) -> Self {
        Self::at(self.value, M::key(&self.path, member))
    }

    pub(crate) fn text(&self) -> Result<&'a str, ApiError> {
        self.value.as_str().ok_or_else(|| self.mistyped(Kind::Text))
    }

    pub(crate) fn boolean(&self) -> Result<bool, ApiError> {
        self.value.as_bool().ok_or_else(|| self.mistyped(Kind::Boolean))
    }

    pub(crate) fn integer(&self, least: u64) -> Result<u64, ApiError> {
        let number = self.value.as_i64().or_else(|| self.value.as_u64().map(|_| i64::MAX));
        let number = number.ok_or_else(|| self.mistyped(Kind::Integer))?;
        u64::try_from(number)
            .ok()
            .filter(|number| *number >= least)
            .ok_or_else(|| M::too_small(&self.path, least, self.value))
    }

    pub(crate) fn number(&self) -> Result<f64, ApiError> {
        self.value.as_f64().ok_or_else(|| self.mistyped(Kind::Number))
    }

    pub(crate) fn object(&self) -> Result<&'a Map<String, Value>, ApiError> {
        self.value.as_object().ok_or_else(|| self.mistyped(Kind::Object))
    }

    pub(crate) fn list(&self) -> Result<Vec<Self>, ApiError> {
        let items = self.value.as_array().ok_or_else(|| self.mistyped(Kind::List))?;
        let place = |(index, value)| Self::at(value, M::item(&self.path, index));
        Ok(items.iter().enumerate().map(place).collect())
    }

    /// A text that is one of these.
    pub(crate) fn among(&self, options: &[&str]) -> Result<&'a str, ApiError> {
        let text = self.text()?;
        if options.contains(&text) { Ok(text) } else { Err(M::not_among(&self.path, text, options)) }
    }

    /// Refuses every field that is not among these.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        let unknown = self.object()?.keys().find(|written| !known.iter().any(|key| M::spells(written, key)));
        unknown.map_or(Ok(()), |key| Err(M::unknown(&self.path, key)))
    }

    pub(crate) fn mistyped(&self, expected: Kind) -> ApiError {
        M::mistyped(&self.path, expected, self.value)
    }

    /// An error about this place.
    pub(crate) fn error(&self, message: &str) -> ApiError {
        M::error(&self.path, message)
    }

    /// Reads an optional field.
    pub(crate) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Self) -> Result<T, ApiError>,
    ) -> Result<Option<T>, ApiError> {
        self.key(key).map(|place| read(&place)).transpose()
    }

    /// Reads the items of an optional list.
    pub(crate) fn items<T>(
        &self,
        key: &str,
        read: impl FnMut(&Self) -> Result<T, ApiError>,
    ) -> Result<Vec<T>, ApiError> {
        let Some(list) = self.key(key) else { return Ok(Vec::new()) };
        list.list()?.iter().map(read).collect()
    }
}
