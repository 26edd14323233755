//! What holds for every schema.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CUT_DOWN, lowered};
use crate::{
    ir::Json,
    loss::Losses,
    schema::{
        Pass,
        SchemaProfile::{self, Full, GeminiJsonSchema, GeminiSchema, OpenAiStrict, Plain},
        check, through_tree,
    },
};

/// What a schema may not hold at a schema's position.
fn forbidden(profile: SchemaProfile) -> &'static [&'static str] {
    match profile {
        Full => &[],
        OpenAiStrict => {
            &["oneOf", "allOf", "not", "if", "patternProperties", "default", "prefixItems", "$id", "nullable"]
        }
        GeminiSchema => &[
            "$ref",
            "$defs",
            "definitions",
            "const",
            "oneOf",
            "allOf",
            "not",
            "if",
            "patternProperties",
            "default",
            "prefixItems",
            "$id",
            "exclusiveMinimum",
            "additionalProperties",
        ],
        GeminiJsonSchema => &["const", "oneOf", "allOf", "not", "if", "patternProperties", "$id"],
        Plain => &[
            "$ref",
            "$defs",
            "definitions",
            "const",
            "oneOf",
            "allOf",
            "not",
            "if",
            "patternProperties",
            "prefixItems",
            "$id",
        ],
    }
}

/// Walks by position, written apart from the code under test.
fn walk(schema: &Value, root: &Value, profile: SchemaProfile) {
    let Value::Object(object) = schema else {
        assert!(schema.is_boolean() && profile == GeminiJsonSchema, "{profile:?}: {schema}");
        return;
    };
    for keyword in forbidden(profile) {
        assert!(!object.contains_key(*keyword), "{profile:?}: {schema}");
    }
    let is_type = |name: &str| match &object.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(names)) => names.iter().any(|one| one == name),
        _ => false,
    };
    if matches!(profile, GeminiSchema | Plain) {
        assert!(object.get("type").is_none_or(Value::is_string), "{profile:?}: {schema}");
    }
    if profile != GeminiJsonSchema {
        assert!(!is_type("array") || object.get("items").is_some_and(Value::is_object), "{schema}");
        let says = ["type", "anyOf", "enum", "const", "$ref"].iter().any(|key| object.contains_key(*key));
        assert!(says, "{profile:?}: {schema}");
    }
    if profile == GeminiSchema {
        assert!(
            object.get("enum").is_none_or(|values| values.as_array().unwrap().iter().all(Value::is_string))
        );
    }
    if profile != Plain
        && let Some(Value::Array(names)) = object.get("required")
    {
        let known = |name: &Value| object["properties"].get(name.as_str().unwrap()).is_some();
        assert!(names.iter().all(known), "{profile:?}: {schema}");
    }
    if let Some(reference) = object.get("$ref") {
        assert_eq!(object.len(), 1, "{schema}");
        let pointer = reference.as_str().and_then(|reference| reference.strip_prefix('#'));
        assert!(root.pointer(pointer.unwrap()).is_some(), "{root}");
    }
    if profile == OpenAiStrict && is_type("object") {
        assert_eq!(object["additionalProperties"], false);
        let properties = object["properties"].as_object().unwrap();
        assert_eq!(object["required"].as_array().unwrap().len(), properties.len(), "{schema}");
    }
    for keyword in ["properties", "$defs", "definitions"] {
        let named = object.get(keyword).and_then(Value::as_object);
        named.into_iter().flatten().for_each(|(_, schema)| walk(schema, root, profile));
    }
    for keyword in ["anyOf", "prefixItems"] {
        let listed = object.get(keyword).and_then(Value::as_array);
        listed.into_iter().flatten().for_each(|schema| walk(schema, root, profile));
    }
    if let Some(schema) = object.get("items") {
        walk(schema, root, profile);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lowering_is_done_once_and_leaves_nothing_refused(schema in schema()) {
        let text = schema.to_string();
        for profile in CUT_DOWN {
            let (once, _) = lowered(&text, profile);
            let parsed: Value = serde_json::from_str(&once).unwrap();
            walk(&parsed, &parsed, profile);
            let (twice, losses) = lowered(&once, profile);
            prop_assert_eq!(&once, &twice, "{:?} from {}", profile, text);
            prop_assert!(
                losses.iter().all(|loss| loss.contains("at the root")),
                "{:?}: {:?} from {}", profile, losses, once
            );
        }
    }

    #[test]
    fn what_is_plain_at_first_sight_is_what_lowering_leaves_alone(schema in plain()) {
        let schema = Json::parse(&schema.to_string()).unwrap();
        for profile in CUT_DOWN {
            if check::is_plain(schema.as_str(), profile) {
                let mut losses = Losses::default();
                let lowered = through_tree(&schema, &mut Pass::new(&schema, profile, "p", &mut losses));
                prop_assert_eq!(lowered, None, "{:?}: {:?}", profile, schema);
                prop_assert!(losses.as_slice().is_empty(), "{:?}: {:?}", profile, losses);
            }
        }
    }

    #[test]
    fn no_text_makes_lowering_panic(text in "[\\[\\]{}:,\"a-z$#/0-9]{0,60}", schema in schema(), cut in any::<prop::sample::Index>()) {
        let mut mutated = schema.to_string();
        mutated.truncate((0..=cut.index(mutated.len() + 1)).rev().find(|at| mutated.is_char_boundary(*at)).unwrap_or(0));
        for text in [text, mutated] {
            if Json::parse(&text).is_ok() {
                CUT_DOWN.into_iter().for_each(|profile| drop(lowered(&text, profile)));
            }
        }
    }
}

/// Schemas that are often plain.
fn plain() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string", "description": "d", "format": "uri", "default": {"$ref": "x"}})),
        Just(json!({"type": "integer", "enum": [1, null], "exclusiveMinimum": 0})),
        Just(json!({"type": "array", "uniqueItems": true})),
        Just(json!({"enum": []})),
        Just(json!({"type": "null", "enum": []})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let named = prop::collection::btree_map("[abc]", inner.clone(), 0..4);
        let required = prop::collection::vec("[abc]", 0..3);
        prop_oneof![
            inner.prop_map(|items| json!({"type": "array", "items": items})),
            (named, required, any::<bool>()).prop_map(|(named, required, open)| {
                json!({"type": "object", "properties": named, "required": required, "additionalProperties": open})
            }),
        ]
    })
}

/// Schemas of every keyword in right and wrong shapes, with references to some of their own places.
fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => object(Just(json!({"type": "string"})).boxed()),
        1 => prop_oneof![Just(json!(true)), Just(json!(false)), Just(json!({})), Just(json!(5)), Just(json!(null))],
    ];
    let inner = leaf.prop_recursive(4, 40, 4, |inner| object(inner.boxed()));
    (inner.clone(), prop::collection::btree_map("[AB]", inner, 0..3)).prop_map(|(mut root, defs)| {
        if let Value::Object(root) = &mut root {
            root.insert("$defs".into(), json!(defs));
        }
        root
    })
}

fn object(inner: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop::collection::vec(member(inner), 0..5)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
        .boxed()
}

fn member(inner: BoxedStrategy<Value>) -> impl Strategy<Value = (String, Value)> {
    let of = |keys: &'static [&'static str], value: BoxedStrategy<Value>| {
        (prop::sample::select(keys), value).prop_map(|(key, value)| (key.to_owned(), value))
    };
    let scalar = prop_oneof![
        Just(json!(null)),
        Just(json!(1)),
        Just(json!(2.5)),
        Just(json!("a")),
        Just(json!("")),
        Just(json!(true)),
        Just(json!({"$ref": "x"})),
    ];
    let names = prop::collection::vec(prop::sample::select(&["a", "b", "const", "$ref"][..]), 0..4);
    let named =
        prop::collection::btree_map("a|b|const|\\$ref", inner.clone(), 0..4).prop_map(|named| json!(named));
    let listed = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array);
    let one = prop::sample::select(
        &["string", "number", "integer", "object", "array", "null", "boolean", "STRING", "any"][..],
    );
    let types = prop_oneof![3 => one.clone().prop_map(|name| json!(name)), 1 => prop::collection::vec(one, 0..4).prop_map(|names| json!(names))];
    prop_oneof![
        4 => of(&["type"], types.boxed()),
        4 => of(&["properties", "properties", "patternProperties", "$defs", "definitions"], named.boxed()),
        4 => of(&["allOf", "anyOf", "oneOf", "prefixItems", "items"], listed.boxed()),
        3 => of(&["items", "additionalProperties", "not", "if", "contains"], inner.clone()),
        2 => of(&["required", "enum", "propertyOrdering"], names.prop_map(|names| json!(names)).boxed()),
        2 => of(&["enum", "examples"], prop::collection::vec(scalar.clone(), 0..4).prop_map(Value::Array).boxed()),
        3 => of(&["const", "default", "title", "description", "format", "minimum", "exclusiveMinimum", "maxItems", "nullable", "$id", "x-own"], scalar.boxed()),
        2 => of(&["$ref"], prop::sample::select(&["#", "#/$defs/A", "#/$defs/B", "#/$defs/A/items", "#/properties/a", "#/anyOf/0", "http://x"][..]).prop_map(|to| json!(to)).boxed()),
        1 => of(&["properties", "items", "anyOf", "required", "type", "description"], inner),
    ]
}
