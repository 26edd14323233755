//! What columns hold, in the types of the books.

use posthaste_core::{ModelName, ProviderKind, Terms, Usage};
use rusqlite::Row;

use crate::error::{UnknownName, unreadable};

/// Reads the counts of a row or a roll-up; the terms are a row's alone.
pub(crate) fn usage(row: &Row<'_>) -> Result<Usage, rusqlite::Error> {
    Ok(Usage {
        input: unsigned(row, "input")?,
        output: unsigned(row, "output")?,
        cache_read: unsigned(row, "cache_read")?,
        cache_write_5m: unsigned(row, "cache_write_5m")?,
        cache_write_1h: unsigned(row, "cache_write_1h")?,
        reasoning: unsigned(row, "reasoning")?,
        web_searches: unsigned(row, "web_searches")?,
        input_audio: unsigned(row, "input_audio")?,
        cache_read_audio: unsigned(row, "cache_read_audio")?,
        output_audio: unsigned(row, "output_audio")?,
        input_image: unsigned(row, "input_image")?,
        output_image: unsigned(row, "output_image")?,
        terms: Terms::default(),
    })
}

/// Reads a number whose 64 bits were kept as a signed one.
pub(crate) fn unsigned(row: &Row<'_>, column: &'static str) -> Result<u64, rusqlite::Error> {
    row.get(column).map(i64::cast_unsigned)
}

/// Reads a model's name.
pub(crate) fn model(row: &Row<'_>, column: &'static str) -> Result<ModelName, rusqlite::Error> {
    ModelName::parse(row.get_ref(column)?.as_str()?).map_err(unreadable)
}

/// Reads a provider's name.
pub(crate) fn provider(row: &Row<'_>) -> Result<ProviderKind, rusqlite::Error> {
    named(row, "provider", &ProviderKind::ALL, ProviderKind::as_str)
}

/// Finds the member whose name the column holds.
pub(crate) fn named<T: Copy>(
    row: &Row<'_>,
    column: &'static str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, rusqlite::Error> {
    let text = row.get_ref(column)?.as_str()?;
    let found = all.iter().copied().find(|member| name(*member) == text);
    found.ok_or_else(|| UnknownName { column, text: text.to_owned() }.into())
}
