//! `posthaste.toml` as a flat list of keys with their lines.

use std::borrow::Cow;

use posthaste_admin::SettingSource;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::ConfigError,
    reader::{FileText, Given},
    section::SectionInfo,
    setting::Kind,
};

/// Reads a file's keys and notes what is no TOML or stands outside a section.
pub(super) fn read(sections: &[SectionInfo], file: &FileText, errors: &mut Vec<ConfigError>) -> Vec<Given> {
    let (table, faults) = DeTable::parse_recoverable(&file.text);
    if !faults.is_empty() {
        // Half a file gives errors that are none, so nothing more is read from it.
        errors.extend(faults.iter().map(|fault| syntax_error(file, fault)));
        return Vec::new();
    }
    let mut given = Vec::new();
    for (name, value) in table.get_ref() {
        match value.get_ref() {
            DeValue::Table(section) => {
                let header = Given { section: name.get_ref().to_string(), ..one(file, name, value) };
                given.extend(whole_section(sections, file, header, section));
            }
            _ => given.push(Given {
                section: String::new(),
                key: name.get_ref().to_string(),
                ..one(file, name, value)
            }),
        }
    }
    given.sort_by_key(|given| given.offset);
    given
}

/// A section's header and keys. Where sections such as `[oauth.claude]` are known, the tables in it are sections.
fn whole_section(
    sections: &[SectionInfo],
    file: &FileText,
    header: Given,
    table: &DeTable<'_>,
) -> Vec<Given> {
    let below = format!("{}.", header.section);
    let has_parts = sections.iter().any(|section| section.name.starts_with(&below));
    let mut given = Vec::new();
    for (name, value) in table {
        let found = one(file, name, value);
        match value.get_ref() {
            DeValue::Table(part) if has_parts => {
                let header = Given { section: format!("{below}{}", name.get_ref()), ..found };
                given.extend(whole_section(sections, file, header, part));
            }
            _ => {
                let section = header.section.clone();
                given.push(Given { section, key: name.get_ref().to_string(), ..found });
            }
        }
    }
    given.push(header);
    given
}

fn one(file: &FileText, name: &Spanned<Cow<'_, str>>, value: &Spanned<DeValue<'_>>) -> Given {
    let offset = name.span().start;
    let (kind, text) = match value.get_ref() {
        DeValue::String(text) => (Kind::Text, text.to_string()),
        DeValue::Integer(number) => (Kind::Integer, decimal(number.as_str(), number.radix())),
        DeValue::Boolean(value) => (Kind::Boolean, value.to_string()),
        other => (Kind::Other, file.text.get(value.span()).unwrap_or(kind_name(other)).to_owned()),
    };
    Given {
        section: String::new(),
        key: String::new(),
        source: SettingSource::File,
        place: place(file, offset),
        offset,
        kind: Some(kind),
        text,
    }
}

/// TOML also writes whole numbers in bases 2, 8 and 16.
fn decimal(digits: &str, radix: u32) -> String {
    i64::from_str_radix(digits, radix).map_or_else(|_| digits.to_owned(), |number| number.to_string())
}

fn kind_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
        _ => "a value",
    }
}

/// Only the parser's message: its full form repeats the line, which may hold a secret.
fn syntax_error(file: &FileText, fault: &toml::de::Error) -> ConfigError {
    let offset = fault.span().map_or(0, |span| span.start);
    ConfigError::new("", Some(place(file, offset)), format!("not valid TOML: {}", fault.message()))
}

fn place(file: &FileText, offset: usize) -> String {
    let line = file.text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1;
    format!("{}:{line}", file.path.display())
}
