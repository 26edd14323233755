//! References written out, `allOf` merged: what is left says everything where it stands.

use std::{borrow::Cow, ptr};

use super::{
    Pass, SchemaProfile,
    merge::both,
    pointer,
    tree::{Named, Object, Schema, Value, list},
};

/// Writes out what a profile cannot read: all references or, where definitions may stay, those that lead elsewhere or have
/// other keywords beside them; `allOf`; `oneOf`; and drops what no profile but [`SchemaProfile::Full`] takes.
pub(super) fn expand<'a>(root: &Schema<'a>, pass: &mut Pass<'_>) -> Schema<'a> {
    Expander { root, pass, active: Vec::new() }.schema(root, 0, Form::Whole)
}

/// An object of which nothing is known: what a cut leaves behind.
pub(super) fn open_object<'a>() -> Schema<'a> {
    Schema::of_type("\"object\"")
}

struct Expander<'t, 'a, 'p, 'l> {
    root: &'t Schema<'a>,
    pass: &'p mut Pass<'l>,
    /// The targets of the references that are being written out.
    active: Vec<&'t Schema<'a>>,
}

/// Whether a schema may be left as a bare reference.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Whole,
    Any,
}

impl<'t, 'a> Expander<'t, 'a, '_, '_> {
    fn schema(&mut self, schema: &'t Schema<'a>, depth: usize, form: Form) -> Schema<'a> {
        let Schema::Object(object) = schema else { return schema.clone() };
        if depth > DEEPEST {
            self.pass.broken("", "cut where it nests too deeply");
            return open_object();
        }
        if !self.active.is_empty() && !self.pass.pay(cost(object)) {
            self.pass.broken("$ref", "cut to an object where it grows too large");
            return open_object();
        }
        if form == Form::Any
            && let Some(kept) = self.left_alone(object, depth)
        {
            return kept;
        }
        let mut whole = Schema::Object(self.members(object, depth));
        if let Some(reference) = object.get("$ref") {
            whole = self.with_target(whole, reference, depth);
        }
        if let Some(Value::List(members)) = object.get("allOf") {
            for member in members {
                let member = self.schema(member, depth + 1, Form::Whole);
                whole = both(whole, member, self.pass);
            }
        }
        whole
    }

    /// A reference that may stay, or the only member of an `allOf` that says nothing else.
    fn left_alone(&mut self, object: &'t Object<'a>, depth: usize) -> Option<Schema<'a>> {
        if object.len() != 1 {
            return None;
        }
        match object.first()? {
            (key, Value::List(members)) if key == "allOf" => {
                let [only] = members.as_slice() else { return None };
                Some(self.schema(only, depth + 1, Form::Any))
            }
            (key, value) if key == "$ref" && self.pass.profile.keeps_definitions() => {
                let reference = value.string()?;
                let stays =
                    pointer::is_definition(&reference) && pointer::resolve(self.root, &reference).is_some();
                stays.then(|| Schema::Object(object.clone()))
            }
            _ => None,
        }
    }

    /// The keywords beside a reference count as well.
    fn with_target(&mut self, beside: Schema<'a>, reference: &Value<'a>, depth: usize) -> Schema<'a> {
        let target = reference.string().and_then(|reference| pointer::resolve(self.root, &reference));
        let Some(target) = target else {
            self.pass.broken("$ref", "left out where it leads outside the schema");
            let bare = matches!(&beside, Schema::Object(object) if object.is_empty());
            return if bare { open_object() } else { beside };
        };
        if self.active.iter().filter(|active| ptr::eq(**active, target)).count() >= ROUNDS {
            self.pass.broken("$ref", "cut to an object where it recurs");
            return both(beside, open_object(), self.pass);
        }
        self.active.push(target);
        let target = self.schema(target, depth + 1, Form::Whole);
        self.active.pop();
        both(beside, target, self.pass)
    }

    fn members(&mut self, object: &'t Object<'a>, depth: usize) -> Object<'a> {
        let mut members = Object::with_capacity(object.len());
        for (key, value) in object {
            match &**key {
                "$ref" | "allOf" => {}
                _ if SAYS_NOTHING.contains(&&**key) => {}
                _ if REFUSED.contains(&&**key) => {
                    self.pass.unfaithful();
                    self.pass.dropped(key);
                }
                "$defs" | "definitions" => {
                    if depth == 0 && self.pass.profile.keeps_definitions() {
                        members.insert(key.clone(), self.value(value, depth));
                    }
                }
                "oneOf" if object.contains_key("anyOf") => {
                    self.pass.unfaithful();
                    self.pass.dropped("oneOf");
                }
                "oneOf" => {
                    self.pass.degraded("oneOf", "written as anyOf");
                    members.insert(Cow::Borrowed("anyOf"), self.value(value, depth));
                }
                "const" if self.pass.profile != SchemaProfile::OpenAiStrict => {
                    if let Some(only) = value.data() {
                        members.insert(Cow::Borrowed("enum"), list(&[only]));
                    }
                }
                "enum" if members.contains_key("enum") => {}
                _ => {
                    members.insert(key.clone(), self.value(value, depth));
                }
            }
        }
        members
    }

    fn value(&mut self, value: &'t Value<'a>, depth: usize) -> Value<'a> {
        match value {
            Value::Schema(schema) => Value::Schema(self.schema(schema, depth + 1, Form::Any)),
            Value::Named(named) => {
                let mut expanded = Named::with_capacity(named.len());
                for (name, schema) in named {
                    expanded.insert(name.clone(), self.schema(schema, depth + 1, Form::Any));
                }
                Value::Named(expanded)
            }
            Value::List(schemas) => {
                Value::List(schemas.iter().map(|schema| self.schema(schema, depth + 1, Form::Any)).collect())
            }
            Value::Data(_) => value.clone(),
        }
    }
}

/// Bytes that writing an object out costs, less the schemas in it, which pay for themselves.
fn cost(object: &Object<'_>) -> usize {
    let member = |(key, value): (&Cow<'_, str>, &Value<'_>)| {
        key.len()
            + MEMBER
            + match value {
                Value::Data(json) => json.len(),
                Value::Named(named) => named.keys().map(|name| name.len() + MEMBER).sum(),
                Value::Schema(_) | Value::List(_) => 0,
            }
    };
    MEMBER + object.iter().map(member).sum::<usize>()
}

/// What a member takes beside its text.
const MEMBER: usize = 16;

/// How often a reference is written out within itself: a tree of menus stays usable for three levels.
const ROUNDS: usize = 3;

/// How deep references may lead: far more than any real schema, far less than the stack holds.
const DEEPEST: usize = 128;

/// Keywords for people and registries: gone without a word.
const SAYS_NOTHING: &[&str] =
    &["$anchor", "$comment", "$dynamicAnchor", "$id", "$recursiveAnchor", "$schema", "$vocabulary"];

/// Keywords that no cut-down reader takes.
const REFUSED: &[&str] = &[
    "$dynamicRef",
    "$recursiveRef",
    "additionalItems",
    "contains",
    "contentSchema",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "not",
    "patternProperties",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
