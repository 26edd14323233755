//! Reading answers. An answer of another shape means that something else wrote the key, or a newer release did.

use bytes::Bytes;
use fred::types::Value;

use crate::error::CallError;

/// The elements of a list.
pub(crate) fn list(value: Value) -> Result<Vec<Value>, CallError> {
    match value {
        Value::Array(elements) => Ok(elements),
        Value::Null => Ok(Vec::new()),
        other => Err(shape("a list", &other)),
    }
}

/// The elements of a list, each one read.
pub(crate) fn each<T>(
    value: Value,
    read: impl Fn(Value) -> Result<T, CallError>,
) -> Result<Vec<T>, CallError> {
    list(value)?.into_iter().map(read).collect()
}

/// A list of known length.
pub(crate) fn tuple<const N: usize>(value: Value) -> Result<[Value; N], CallError> {
    let elements = list(value)?;
    elements.try_into().map_err(|_| CallError::Unreadable(format!("expected {N} elements")))
}

/// A text.
pub(crate) fn text(value: Value) -> Result<String, CallError> {
    optional_text(value)?.ok_or_else(|| CallError::Unreadable("expected a text, found nothing".into()))
}

/// A text, or nothing.
pub(crate) fn optional_text(value: Value) -> Result<Option<String>, CallError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.to_string())),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec())
            .map(Some)
            .map_err(|_| CallError::Unreadable("expected UTF-8".into())),
        Value::Integer(number) => Ok(Some(number.to_string())),
        other => Err(shape("a text", &other)),
    }
}

/// Bytes, or nothing. What happens to be UTF-8 may come as a text.
pub(crate) fn optional_bytes(value: Value) -> Result<Option<Bytes>, CallError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.into_inner())),
        Value::Bytes(bytes) => Ok(Some(bytes)),
        other => Err(shape("bytes", &other)),
    }
}

/// Bytes.
pub(crate) fn bytes(value: Value) -> Result<Bytes, CallError> {
    optional_bytes(value)?.ok_or_else(|| CallError::Unreadable("expected bytes, found nothing".into()))
}

/// A whole number, also one that is written as text.
pub(crate) fn number<T: std::str::FromStr>(value: Value) -> Result<T, CallError> {
    text(value)?.parse().map_err(|_| CallError::Unreadable("expected a whole number".into()))
}

fn shape(expected: &str, found: &Value) -> CallError {
    CallError::Unreadable(format!("expected {expected}, found {:?}", found.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_as_texts_too() {
        assert_eq!(number::<i64>(Value::from("-9223372036854775808")).unwrap(), i64::MIN);
        assert_eq!(number::<u64>(Value::from(7)).unwrap(), 7);
        assert!(number::<u64>(Value::from("-1")).is_err());
    }

    #[test]
    fn another_shape_is_told_without_the_content() {
        let error = list(Value::from("canary")).unwrap_err().to_string();
        assert!(!error.contains("canary"), "{error}");
    }
}
