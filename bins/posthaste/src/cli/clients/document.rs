//! Files of settings in which single values are changed and everything else stays as it was written.

use jsonc_parser::{
    ParseOptions,
    cst::{CstInputValue, CstObject, CstRootNode},
};
use toml_edit::{DocumentMut, InlineTable, Item, Key, Table, TableLike};

use super::known::Form;

/// A file that was read.
pub(super) enum Document {
    Json(CstRootNode),
    Toml(Box<DocumentMut>),
    /// Lines with their ends.
    Env(Vec<String>),
}

/// Why a file cannot be changed; the words are for people.
pub(super) type Refused = String;

impl Document {
    /// Reads a file; an empty text is an empty file of any form.
    pub(super) fn parse(form: Form, text: &str) -> Result<Self, Refused> {
        match form {
            Form::Json => CstRootNode::parse(text, &json_with_comments())
                .map(Self::Json)
                .map_err(|error| format!("it is no JSON: {error}")),
            Form::Toml => text
                .parse::<DocumentMut>()
                .map(|document| Self::Toml(Box::new(document)))
                // The first line of the error quotes none of the file.
                .map_err(|error| format!("it is no TOML: {}", error.message())),
            Form::Env => Ok(Self::Env(text.split_inclusive('\n').map(str::to_owned).collect())),
        }
    }

    /// The text at a place, if there is one.
    pub(super) fn get(&self, at: &[&str]) -> Result<Option<String>, Refused> {
        let Some((name, path)) = at.split_last() else { return Ok(None) };
        match self {
            Self::Json(root) => {
                let Some(value) = json_object(root, path).and_then(|object| object.get(name)?.value()) else {
                    return Ok(None);
                };
                let text = value.as_string_lit().and_then(|text| text.decoded_value().ok());
                text.map(Some).ok_or_else(|| no_text(at))
            }
            Self::Toml(document) => {
                let Some(item) = toml_table(document, path).and_then(|table| table.get(name)) else {
                    return Ok(None);
                };
                item.as_str().map(|text| Some(text.to_owned())).ok_or_else(|| no_text(at))
            }
            Self::Env(lines) => Ok(lines.iter().rev().find_map(|line| assigned(line, name)).map(unquoted)),
        }
    }

    /// Puts a text at a place.
    pub(super) fn set(&mut self, at: &[&str], value: &str) -> Result<(), Refused> {
        // What is no text there is not ours to replace.
        if self.get(at)?.as_deref() == Some(value) {
            return Ok(());
        }
        let Some((name, path)) = at.split_last() else { return Ok(()) };
        match self {
            Self::Json(root) => {
                let mut object = root.object_value_or_create().ok_or("it is no JSON object")?;
                for step in path {
                    object = object
                        .object_value_or_create(step)
                        .ok_or_else(|| format!("`{step}` is no object"))?;
                }
                let value = CstInputValue::String(value.to_owned());
                match object.get(name) {
                    Some(found) => found.set_value(value),
                    None => drop(object.append(name, value)),
                }
            }
            Self::Toml(document) => {
                let mut table: &mut dyn TableLike = document.as_table_mut();
                let mut made: fn() -> Item = toml_implicit_table;
                for step in path {
                    let item = table.entry(step).or_insert_with(made);
                    if item.is_inline_table() {
                        made = toml_inline_table;
                    }
                    table = item.as_table_like_mut().ok_or_else(|| format!("`{step}` is no table"))?;
                }
                match table.get_mut(name) {
                    Some(Item::Value(found)) => {
                        // What stands around it, such as a comment, stays.
                        let decor = found.decor().clone();
                        *found = value.into();
                        *found.decor_mut() = decor;
                    }
                    _ => drop(table.insert(name, toml_edit::value(value))),
                }
            }
            Self::Env(lines) => put_line(lines, name, &format!("{name}={value}")),
        }
        Ok(())
    }

    /// Puts at a place what another document has there; a line as it is written there. `false` when it has nothing.
    pub(super) fn take_over(&mut self, at: &[&str], other: &Self) -> Result<bool, Refused> {
        let Some(value) = other.get(at)? else { return Ok(false) };
        match (self, other, at) {
            (Self::Env(lines), Self::Env(others), [name]) => {
                let line = others.iter().rev().find(|line| assigned(line, name).is_some());
                line.into_iter().for_each(|line| put_line(lines, name, line));
            }
            (document, ..) => document.set(at, &value)?,
        }
        Ok(true)
    }

    /// Takes out what is at a place.
    pub(super) fn remove(&mut self, at: &[&str]) {
        let Some((name, path)) = at.split_last() else { return };
        match self {
            Self::Json(root) => {
                if let Some(found) = json_object(root, path).and_then(|object| object.get(name)) {
                    found.remove();
                }
            }
            Self::Toml(document) => {
                let Some(table) = toml_table_mut(document, path) else { return };
                let above = toml_above(table, name);
                table.remove(name);
                // Comments go to the end, since what they stood at is gone.
                if above.contains('#') {
                    let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
                    document.set_trailing(ended(trailing) + &above);
                }
            }
            Self::Env(lines) => lines.retain(|line| assigned(line, name).is_none()),
        }
    }

    /// Whether something with nothing in it is at a place.
    pub(super) fn is_empty_at(&self, at: &[&str]) -> bool {
        match self {
            Self::Json(root) => json_object(root, at).is_some_and(|object| object.properties().is_empty()),
            Self::Toml(document) => toml_table(document, at).is_some_and(TableLike::is_empty),
            Self::Env(_) => false,
        }
    }

    /// Whether nothing is left that somebody may want, such as a comment.
    pub(super) fn is_blank(&self) -> bool {
        self.text().chars().all(|c| c.is_whitespace() || matches!(c, '{' | '}'))
    }

    /// Whether something that holds others is at a place.
    pub(super) fn has(&self, at: &[&str]) -> bool {
        match self {
            Self::Json(root) => json_object(root, at).is_some(),
            Self::Toml(document) => toml_table(document, at).is_some(),
            Self::Env(_) => at.is_empty(),
        }
    }

    /// The file as it is now.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Json(root) => ended(root.to_string()),
            Self::Toml(document) => document.to_string(),
            Self::Env(lines) => ended(lines.concat()),
        }
    }
}

/// Puts a line in the place of the last one that sets the name, or at the end.
fn put_line(lines: &mut Vec<String>, name: &str, line: &str) {
    let line = ended(line.to_owned());
    if let Some(found) = lines.iter_mut().rev().find(|line| assigned(line, name).is_some()) {
        *found = line;
        return;
    }
    if let Some(last) = lines.last_mut() {
        *last = ended(std::mem::take(last));
    }
    lines.push(line);
}

/// With an end of its last line, if there is any.
fn ended(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn no_text(at: &[&str]) -> Refused {
    format!("`{}` is no text", at.join("."))
}

fn json_object(root: &CstRootNode, path: &[&str]) -> Option<CstObject> {
    path.iter().try_fold(root.object_value()?, |object, step| object.object_value(step))
}

fn toml_table<'a>(document: &'a DocumentMut, path: &[&str]) -> Option<&'a dyn TableLike> {
    let root: &dyn TableLike = document.as_table();
    path.iter().try_fold(root, |table, step| table.get(step)?.as_table_like())
}

fn toml_table_mut<'a>(document: &'a mut DocumentMut, path: &[&str]) -> Option<&'a mut dyn TableLike> {
    let root: &mut dyn TableLike = document.as_table_mut();
    path.iter().try_fold(root, |table, step| table.get_mut(step)?.as_table_like_mut())
}

/// The lines above a setting or a table that are no settings.
fn toml_above(table: &dyn TableLike, name: &str) -> String {
    let decor = match table.get(name) {
        Some(Item::Table(inner)) => Some(inner.decor()),
        _ => table.key(name).map(Key::leaf_decor),
    };
    decor.and_then(|decor| decor.prefix()?.as_str()).unwrap_or_default().to_owned()
}

/// A table that gets no line of its own: only those do that hold a value.
fn toml_implicit_table() -> Item {
    let mut table = Table::new();
    table.set_implicit(true);
    Item::Table(table)
}

/// A table for another one that is written on one line.
fn toml_inline_table() -> Item {
    toml_edit::value(InlineTable::new())
}

/// What a line assigns to a name.
fn assigned<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.strip_prefix(name)?.trim_start().strip_prefix('=').map(str::trim)
}

fn unquoted(value: &str) -> String {
    let inner = |quote| value.strip_prefix(quote).and_then(|value: &str| value.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value).to_owned()
}

/// JSON as agents read it: with comments and commas at the end, and nothing else of JSON5.
fn json_with_comments() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}
