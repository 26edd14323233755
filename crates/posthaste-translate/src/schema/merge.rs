//! Two schemas as the one that takes what both take.

use std::{borrow::Cow, collections::HashSet};

use indexmap::map::Entry;
use serde_json::Number;

use super::{
    Pass,
    tree::{Named, Object, Schema, Value, list, string},
    types,
};
use crate::json::compact;

/// Merges two schemas; where they cannot both be said, the first stands and the loss is told.
pub(super) fn both<'a>(first: Schema<'a>, second: Schema<'a>, pass: &mut Pass<'_>) -> Schema<'a> {
    match (first, second) {
        (Schema::Bool(true), other) | (other, Schema::Bool(true)) => other,
        (Schema::Bool(false), _) | (_, Schema::Bool(false)) => Schema::Bool(false),
        (Schema::Object(first), Schema::Object(second)) => Schema::Object(objects(first, second, pass)),
    }
}

fn objects<'a>(mut first: Object<'a>, second: Object<'a>, pass: &mut Pass<'_>) -> Object<'a> {
    if first.is_empty() {
        return second;
    }
    // A reference that was left stands alone.
    if first.contains_key("$ref") || second.contains_key("$ref") {
        if first != second {
            conflict(pass);
        }
        return first;
    }
    for (key, theirs) in second {
        match first.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(theirs);
            }
            Entry::Occupied(mut mine) => {
                let key = mine.key().clone();
                value(&key, mine.get_mut(), theirs, pass);
            }
        }
    }
    first
}

fn value<'a>(key: &str, mine: &mut Value<'a>, theirs: Value<'a>, pass: &mut Pass<'_>) {
    match (key, mine, theirs) {
        // Words about the schema: the outer ones are the nearer ones.
        (
            "title" | "description" | "default" | "examples" | "example" | "deprecated" | "readOnly"
            | "writeOnly",
            ..,
        ) => {}
        (_, Value::Named(mine), Value::Named(theirs)) => named(mine, theirs, pass),
        (_, Value::Schema(mine), Value::Schema(theirs)) => {
            let first = std::mem::replace(mine, Schema::Bool(true));
            *mine = both(first, theirs, pass);
        }
        (_, Value::Data(mine), Value::Data(theirs)) => {
            if *mine == theirs {
                return;
            }
            // Texts are read again at every merge; a thousand members must not make that a thousand times a million.
            let merged = if pass.pay(mine.len() + theirs.len()) { data(key, mine, &theirs) } else { None };
            match merged {
                Some(merged) => *mine = merged,
                None => conflict(pass),
            }
        }
        (_, mine, theirs) => {
            if *mine != theirs {
                conflict(pass);
            }
        }
    }
}

fn named<'a>(mine: &mut Named<'a>, theirs: Named<'a>, pass: &mut Pass<'_>) {
    for (name, schema) in theirs {
        match mine.entry(name) {
            Entry::Vacant(vacant) => {
                vacant.insert(schema);
            }
            Entry::Occupied(mut occupied) => {
                let first = std::mem::replace(occupied.get_mut(), Schema::Bool(true));
                occupied.insert(both(first, schema, pass));
            }
        }
    }
}

/// Both texts as one; `None` where there is none.
fn data<'a>(key: &str, mine: &str, theirs: &str) -> Option<Cow<'a, str>> {
    let merged = match key {
        "required" => union(mine, theirs)?,
        "enum" => intersection(mine, theirs)?,
        "type" => types::write(&types::common(&types::read(mine)?, &types::read(theirs)?)?),
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => {
            return tighter(mine, theirs, |mine, theirs| mine >= theirs);
        }
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => {
            return tighter(mine, theirs, |mine, theirs| mine <= theirs);
        }
        "uniqueItems" => Value::text("true"),
        _ => return None,
    };
    match merged {
        Value::Data(json) => Some(json),
        Value::Schema(_) | Value::Named(_) | Value::List(_) => None,
    }
}

fn union<'a>(mine: &str, theirs: &str) -> Option<Value<'a>> {
    let mut names = super::tree::elements(mine)?;
    let mut seen: HashSet<_> = names.iter().filter_map(|name| string(name)).collect();
    for name in super::tree::elements(theirs)? {
        if seen.insert(string(name)?) {
            names.push(name);
        }
    }
    Some(list(&names))
}

fn intersection<'a>(mine: &str, theirs: &str) -> Option<Value<'a>> {
    let theirs = super::tree::elements(theirs)?;
    let theirs: HashSet<_> = theirs.into_iter().map(compact).collect();
    let mut values = super::tree::elements(mine)?;
    values.retain(|value| theirs.contains(&compact(value)));
    (!values.is_empty()).then(|| list(&values))
}

fn tighter<'a>(mine: &str, theirs: &str, keep: impl Fn(f64, f64) -> bool) -> Option<Cow<'a, str>> {
    let number = |json: &str| serde_json::from_str::<Number>(json).ok()?.as_f64();
    let kept = if keep(number(mine)?, number(theirs)?) { mine } else { theirs };
    Some(Cow::Owned(kept.to_owned()))
}

fn conflict(pass: &mut Pass<'_>) {
    pass.broken("allOf", "merged in part");
}
