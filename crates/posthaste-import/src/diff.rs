//! Comparing a record as it is here with one as it is to be.

use serde::Serialize;
use serde_json::Value;

use crate::report::Difference;

/// The fields that differ. What is in `left_alone` is not compared: it changes here by itself, or is compared elsewhere.
pub(crate) fn differences<T: Serialize>(here: &T, there: &T, left_alone: &[&str]) -> Vec<Difference> {
    let [here, there] = [here, there].map(|record| serde_json::to_value(record).unwrap_or_default());
    let mut found = Vec::new();
    compare(String::new(), &here, &there, left_alone, &mut found);
    found
}

fn compare(path: String, here: &Value, there: &Value, left_alone: &[&str], found: &mut Vec<Difference>) {
    if here == there || left_alone.contains(&path.as_str()) {
        return;
    }
    // A step into the record, and one into its settings; deeper, the whole is told.
    let depth = if path.is_empty() { 0 } else { path.matches('.').count() + 1 };
    if let (Value::Object(mine), Value::Object(theirs)) = (here, there)
        && depth < 2
    {
        let names: std::collections::BTreeSet<_> = mine.keys().chain(theirs.keys()).collect();
        for name in names {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let [mine, theirs] = [mine, theirs].map(|map| map.get(name).unwrap_or(&Value::Null));
            compare(path, mine, theirs, left_alone, found);
        }
        return;
    }
    found.push(Difference { field: path, here: short(here), there: short(there) });
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// More of a value than this is not shown.
const MOST: usize = 120;
