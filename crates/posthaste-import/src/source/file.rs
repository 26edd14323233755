//! The predecessor's exports: v1.0 (`data-transfer.js`), v2.0 (`data-transfer-enhanced.js`), and its sync export.

use serde_json::Value;

use super::{known, sync};
use crate::{
    ImportError,
    found::{AccountKind, Counts, Fields, Flaw, Found, FoundAccount, FoundRecord, FoundUsage},
};

/// Reads an export of whichever form.
///
/// # Errors
/// [`ImportError::File`] when it is none, or one whose secrets were masked.
pub fn read_file(text: &str) -> Result<Found, ImportError> {
    let root: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        ImportError::File(format!("it is no JSON (line {}, column {})", error.line(), error.column()))
    })?;
    if root.pointer("/data/exportedAt").is_some() || root.pointer("/data/claudeConsoleAccounts").is_some() {
        return Ok(sync::read(&root["data"]));
    }
    match root.pointer("/metadata/version").and_then(Value::as_str) {
        Some("1.0" | "2.0") => transfer(root),
        Some(other) => Err(ImportError::File(format!("its version is {other}; 1.0 and 2.0 are known"))),
        None => Err(ImportError::File("it has no version of an export".to_owned())),
    }
}

fn transfer(mut root: Value) -> Result<Found, ImportError> {
    if root.pointer("/metadata/sanitized") == Some(&Value::Bool(true)) {
        let what = "its keys and secrets are masked; export again without --sanitize";
        return Err(ImportError::File(what.to_owned()));
    }
    let decrypted = root.pointer("/metadata/decrypted") == Some(&Value::Bool(true));
    let mut data = root["data"].take();
    let mut found = Found::default();
    for (name, kind) in
        [("claudeAccounts", AccountKind::ClaudeOfficial), ("geminiAccounts", AccountKind::Gemini)]
    {
        for record in records(&mut found.flaws, name, data[name].take()) {
            found.accounts.push(FoundAccount {
                kind,
                id: record.id,
                fields: record.fields,
                sealed: !decrypted,
            });
        }
    }
    for mut record in records(&mut found.flaws, "apiKeys", data["apiKeys"].take()) {
        if let Some(stats) = record.fields.take("usageStats") {
            found.usage.insert(record.id.clone(), usage(&stats));
        }
        found.keys.push(record);
    }
    for (at, item) in data["admins"].as_array().into_iter().flatten().enumerate() {
        let fields = Fields::of(item.clone());
        match fields.text("username").map(|name| name.into_owned()) {
            Some(id) => found.admins.push(FoundRecord { id, fields }),
            None => found
                .flaws
                .push(Flaw { place: format!("admins[{at}]"), what: "it has no username".to_owned() }),
        }
    }
    known::count(
        &mut found.others,
        known::GLOBAL_USAGE,
        u64::from(data.get("globalModelStats").is_some_and(Value::is_object)),
    );
    Ok(found)
}

/// The records of a list, each with its id.
fn records(flaws: &mut Vec<Flaw>, list: &str, value: Value) -> Vec<FoundRecord> {
    let Value::Array(items) = value else { return Vec::new() };
    let mut records = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let mut fields = Fields::of(item);
        match fields.take("id").and_then(|id| id.as_str().map(str::to_owned)) {
            Some(id) if !id.is_empty() => records.push(FoundRecord { id, fields }),
            _ => flaws.push(Flaw { place: format!("{list}[{at}]"), what: "it has no id".to_owned() }),
        }
    }
    records
}

/// What v2.0 tells of a client key's use.
fn usage(stats: &Value) -> FoundUsage {
    let mut usage = FoundUsage { total: counts(&stats["total"]), ..FoundUsage::default() };
    for (model, periods) in object(&stats["models"]) {
        for (day, count) in object(&periods["daily"]) {
            usage.days.insert((day.clone(), model.clone()), counts(count));
        }
        for (month, count) in object(&periods["monthly"]) {
            usage.months.insert((month.clone(), model.clone()), counts(count));
        }
    }
    usage.set_money(number(&stats["costTotal"]), None);
    for (day, billed) in object(&stats["costDaily"]) {
        number(billed).into_iter().for_each(|billed| usage.set_day(day, billed));
    }
    for (week, billed) in object(&stats["opusWeekly"]) {
        number(billed).into_iter().for_each(|billed| usage.set_week(week, billed));
    }
    usage
}

fn counts(value: &Value) -> Counts {
    Counts::of(&Fields::of(value.clone()))
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}
