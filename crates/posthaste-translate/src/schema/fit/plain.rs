//! Old servers and compatible ones: one type a schema.

use std::borrow::Cow;

use super::{listed_items, part, replace, says_nothing};
use crate::schema::{
    Pass,
    tree::{Object, Schema, Value},
    types,
};

pub(super) fn object(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    additional_properties(object, pass);
    types::infer(object);
    let names = types::of(object);
    if names.len() > 1 {
        let name = names.iter().find(|name| !types::is(name, "null")).unwrap_or(&names[0]);
        let name = types::write(&[name]);
        pass.degraded("type", "written as its first type");
        object.insert(Cow::Borrowed("type"), name);
    } else if let Some(Value::Data(json)) = object.get("type")
        && json.starts_with('[')
    {
        let name = types::write(&names);
        object.insert(Cow::Borrowed("type"), name);
    }
    listed_items(object, pass);
}

fn additional_properties(object: &mut Object<'_>, pass: &mut Pass<'_>) {
    let Some(Value::Schema(schema)) = object.get_mut("additionalProperties") else { return };
    replace(schema, pass, part);
    if says_nothing(schema) {
        *schema = Schema::Bool(true);
    }
}
