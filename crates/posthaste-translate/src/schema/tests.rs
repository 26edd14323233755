use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    SchemaProfile::{self, Full, GeminiJsonSchema, GeminiSchema, OpenAiStrict, Plain},
    check, lower, strictable,
};
use crate::{ir::Json, loss::Losses};

mod properties;

const CUT_DOWN: [SchemaProfile; 4] = [OpenAiStrict, GeminiSchema, GeminiJsonSchema, Plain];

/// The lowered text and its losses.
fn lowered(text: &str, profile: SchemaProfile) -> (String, Vec<String>) {
    let schema = Json::parse(text).unwrap();
    let mut losses = Losses::default();
    let lowered = lower(&schema, profile, "p", &mut losses);
    (lowered.as_str().to_owned(), losses.as_slice().iter().map(ToString::to_string).collect())
}

/// Lowers a schema as the only property of an object, which is required.
fn property(schema: &str, profile: SchemaProfile) -> (String, Vec<String>) {
    let head = r#"{"type":"object","properties":{"x":"#;
    let tail = match profile {
        OpenAiStrict => r#"},"required":["x"],"additionalProperties":false}"#,
        _ => r#"},"required":["x"]}"#,
    };
    let (text, losses) = lowered(&format!("{head}{schema}{tail}"), profile);
    let inner = text.strip_prefix(head).and_then(|text| text.strip_suffix(tail));
    (inner.unwrap_or_else(|| panic!("{text}")).to_owned(), losses)
}

fn check(schema: &str, profile: SchemaProfile, expected: &str, losses: &[&str]) {
    let (text, lost) = property(schema, profile);
    assert_eq!(text, expected, "{profile:?}");
    assert_eq!(lost, losses, "{profile:?}: {schema}");
}

#[test]
fn what_a_profile_takes_comes_back_borrowed() {
    let schema = Json::parse(
        r#"{"type": "object", "properties": {"const": {"type": "string", "enum": ["a"]},
            "n": {"type": "array", "items": {"type": "integer", "minimum": 1.50}}},
            "required": ["const", "n"], "additionalProperties": false}"#,
    )
    .unwrap();
    for profile in [Full, OpenAiStrict, GeminiJsonSchema, Plain] {
        let mut losses = Losses::default();
        assert!(matches!(lower(&schema, profile, "p", &mut losses), Cow::Borrowed(_)), "{profile:?}");
        assert!(losses.as_slice().is_empty());
    }
    let anything = Json::parse(r#"{"$schema":"x","not":{"$ref":"y"},"type":5}"#).unwrap();
    assert!(matches!(lower(&anything, Full, "p", &mut Losses::default()), Cow::Borrowed(_)));
}

#[test]
fn the_common_case_needs_no_tree() {
    let schema = r#"{"type":"object","properties":{"const":{"type":"string","enum":["a"]},"n":{"type":"array","items":{"type":"integer","minimum":1.50}}},"required":["n"],"additionalProperties":false}"#;
    for profile in [GeminiJsonSchema, Plain] {
        assert!(check::is_plain(schema, profile));
        for (plain, other) in [
            (r#""n"]"#, r#""m"]"#),
            (r#""n"]"#, r#""n","n"]"#),
            (r#""enum":["a"]"#, r#""const":"a""#),
            (r#""enum":["a"]"#, r#""type":"string""#),
            (r#""items":{"#, r#""contains":{"#),
            (r#""type":"integer""#, r#""type":"int""#),
            (r#"["a"]"#, "[]"),
        ] {
            assert!(!check::is_plain(&schema.replace(plain, other), profile), "{other}");
        }
    }
}

#[test]
fn names_of_properties_and_data_are_no_keywords() {
    let text = r#"{"type":"object","properties":{"$ref":{"type":"string"},"const":{"type":"integer"},"oneOf":{"type":"string","enum":["$ref"]},"title":{"type":"object","properties":{"not":{"type":"null"}},"required":["not"],"additionalProperties":false}},"required":["$ref","const","oneOf","title"],"additionalProperties":false}"#;
    for profile in [OpenAiStrict, GeminiJsonSchema, Plain] {
        assert_eq!(lowered(text, profile), (text.to_owned(), vec![]));
    }
    let data = r##"{"type":"object","default":{"$ref":"#/x","const":1},"enum":[{"oneOf":[]}],"examples":[{"not":{}}]}"##;
    for profile in [GeminiJsonSchema, Plain] {
        check(data, profile, data, &[]);
    }
}

#[test]
fn references_are_written_out_with_what_stands_beside_them() {
    let text = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A","description":"outer"}},"required":["a"],"$defs":{"A":{"type":"string","description":"inner","minLength":1.0}}}"##;
    let written = r#"{"type":"object","properties":{"a":{"description":"outer","type":"string","minLength":1.0}},"required":["a"]}"#;
    assert_eq!(lowered(text, GeminiSchema), (written.to_owned(), vec![]));
    assert_eq!(lowered(text, Plain), (written.to_owned(), vec![]));
    let (json_schema, losses) = lowered(text, GeminiJsonSchema);
    assert_eq!(
        json_schema,
        format!("{},{}", written.strip_suffix('}').unwrap(), text.split_once("],").unwrap().1)
    );
    assert!(losses.is_empty());
}

#[test]
fn references_that_stand_alone_stay_where_definitions_do() {
    let text = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A"},"b":{"$ref":"#"}},"required":["a","b"],"additionalProperties":false,"$defs":{"A":{"type":"string"}}}"##;
    for profile in [OpenAiStrict, GeminiJsonSchema] {
        assert_eq!(lowered(text, profile), (text.to_owned(), vec![]));
    }
    let root = r##"{"$ref":"#/$defs/A","$defs":{"A":{"type":"object","properties":{"n":{"$ref":"#/$defs/A"}},"required":["n"],"additionalProperties":false}}}"##;
    let (text, losses) = lowered(root, OpenAiStrict);
    let text: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(text["type"], "object");
    assert_eq!(text["properties"]["n"], json!({"$ref": "#/$defs/A"}));
    assert!(losses.is_empty());
}

#[test]
fn recursion_is_cut_after_three_rounds() {
    let text = r##"{"type":"object","properties":{"t":{"$ref":"#/$defs/T"}},"$defs":{"T":{"type":"object","properties":{"next":{"$ref":"#/$defs/T"}}}}}"##;
    for profile in [GeminiSchema, Plain] {
        let (text, losses) = lowered(text, profile);
        assert_eq!(text.matches("next").count(), 3);
        assert!(text.contains(r#"{"next":{"type":"object"}}"#), "{text}");
        assert_eq!(losses, ["p.$ref: cut to an object where it recurs"]);
    }
    let (text, losses) = lowered(r##"{"$ref":"#"}"##, Plain);
    assert_eq!(text, r#"{"type":"object"}"#);
    assert_eq!(losses.len(), 1);
}

#[test]
fn a_reference_that_leads_nowhere_is_told() {
    let told = ["p.$ref: left out where it leads outside the schema"];
    for profile in CUT_DOWN.into_iter().filter(|profile| *profile != OpenAiStrict) {
        check(r#"{"$ref":"https://x/y"}"#, profile, r#"{"type":"object"}"#, &told);
        check(r##"{"$ref":"#/$defs/no","type":"string"}"##, profile, r#"{"type":"string"}"#, &told);
    }
}

#[test]
fn hostile_schemas_stay_bounded() {
    // Thirty definitions, each twice the one before: a billion leaves when written out.
    let mut text = r##"{"type":"object","properties":{"x":{"$ref":"#/$defs/d0"}},"$defs":{"##.to_owned();
    for level in 0..30 {
        let next = level + 1;
        text.push_str(&format!(
            r##""d{level}":{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/d{next}"}},"b":{{"$ref":"#/$defs/d{next}"}}}}}},"##
        ));
    }
    text.push_str(r#""d30":{"type":"string"}}}"#);
    let chain: String = (0..2_000).map(|n| format!(r##""c{n}":{{"$ref":"#/$defs/c{}"}},"##, n + 1)).collect();
    let chain = format!(r##"{{"properties":{{"x":{{"$ref":"#/$defs/c0"}}}},"$defs":{{{chain}"z":{{}}}}}}"##);
    let merges = format!(
        r##"{{"allOf":[{}],"$defs":{{"r":{{"required":[{}"z"]}}}}}}"##,
        vec![r##"{"$ref":"#/$defs/r"}"##; 3_000].join(","),
        (0..3_000).map(|n| format!(r#""{n}","#)).collect::<String>()
    );
    let deep = format!("{}true{}", r#"{"items":"#.repeat(5_000), "}".repeat(5_000));
    let odd = format!("{}true{}", r#"{"anyOf":["#.repeat(62), "]}".repeat(62));
    let nested: String = (0..2_000)
        .map(|n| {
            format!(
                r##""c{n}":{{"properties":{{"p":{{"allOf":[{{"$ref":"#/$defs/c{}"}},true]}}}}}},"##,
                n + 1
            )
        })
        .collect();
    let nested = format!(r##"{{"$ref":"#/$defs/c0","$defs":{{{nested}"z":{{}}}}}}"##);
    let unknown: String = (0..50_000).map(|n| format!(r#""k{n}":{n},"#)).collect();
    let unknown = format!(r#"{{{unknown}"type":"object","default":1,"$schema":"x","not":{{}}}}"#);
    for text in [text, chain, merges, deep, odd, nested, unknown] {
        for profile in CUT_DOWN {
            let (lowered, losses) = lowered(&text, profile);
            assert!(lowered.len() < 2_000_000, "{profile:?} {}", lowered.len());
            assert!(profile == OpenAiStrict || profile == GeminiJsonSchema || !losses.is_empty());
        }
    }
}

#[test]
fn all_of_is_merged() {
    let schema = r#"{"description":"d","allOf":[{"type":"object","properties":{"a":{"type":"number","minimum":1}},"required":["a"]},{"properties":{"a":{"type":["integer","null"],"minimum":2.50},"b":{"type":"string"}},"required":["b","a"]}]}"#;
    let merged = r#"{"description":"d","type":"object","properties":{"a":{"type":"integer","minimum":2.50},"b":{"type":"string"}},"required":["a","b"]}"#;
    for profile in [GeminiSchema, GeminiJsonSchema, Plain] {
        check(schema, profile, merged, &[]);
    }
    let conflict = r#"{"allOf":[{"type":"string","pattern":"a"},{"type":"string","pattern":"b"}]}"#;
    for profile in CUT_DOWN {
        check(conflict, profile, r#"{"type":"string","pattern":"a"}"#, &["p.allOf: merged in part"]);
    }
}

#[test]
fn one_of_is_written_as_any_of() {
    let schema = r#"{"oneOf":[{"type":"string"},{"type":"integer"}]}"#;
    for profile in CUT_DOWN {
        check(
            schema,
            profile,
            r#"{"anyOf":[{"type":"string"},{"type":"integer"}]}"#,
            &["p.oneOf: written as anyOf"],
        );
    }
}

#[test]
fn constants_become_an_enum_of_one() {
    check(r#"{"const":"a"}"#, GeminiSchema, r#"{"type":"string","enum":["a"]}"#, &[]);
    check(r#"{"const":"a"}"#, GeminiJsonSchema, r#"{"enum":["a"]}"#, &[]);
    check(r#"{"const":1.50}"#, Plain, r#"{"type":"number","enum":[1.50]}"#, &[]);
    check(r#"{"type":"string","const":"a"}"#, OpenAiStrict, r#"{"type":"string","const":"a"}"#, &[]);
}

#[test]
fn numbers_to_choose_from_are_told_in_words_to_gemini() {
    let told = ["p.enum: told in the description where it is not of strings"];
    check(
        r#"{"type":"integer","enum":[1,2],"description":"How many."}"#,
        GeminiSchema,
        r#"{"type":"integer","description":"How many. One of: 1, 2."}"#,
        &told,
    );
    check(r#"{"const":true}"#, GeminiSchema, r#"{"type":"boolean","description":"Always true."}"#, &told);
    check(r#"{"type":"integer","enum":[1,2]}"#, Plain, r#"{"type":"integer","enum":[1,2]}"#, &[]);
}

#[test]
fn type_lists_become_what_each_reader_knows() {
    let nullable = r#"{"type":["string","null"],"enum":["a",null]}"#;
    check(nullable, GeminiSchema, r#"{"type":"string","enum":["a"],"nullable":true}"#, &[]);
    check(nullable, GeminiJsonSchema, nullable, &[]);
    check(
        r#"{"type":["null","string"]}"#,
        Plain,
        r#"{"type":"string"}"#,
        &["p.type: written as its first type"],
    );
    check(
        r#"{"description":"d","type":["string","integer","array","null"],"minLength":1,"maximum":9.0,"enum":["x"]}"#,
        GeminiSchema,
        r#"{"description":"d","anyOf":[{"type":"string","minLength":1,"enum":["x"]},{"type":"integer","maximum":9.0},{"type":"array","items":{"type":"string"}}],"nullable":true}"#,
        &["p.items: a list of anything is written as one of strings"],
    );
}

#[test]
fn null_beside_one_branch_is_nullable_to_gemini() {
    let optional =
        r#"{"anyOf":[{"type":"string","description":"inner"},{"type":"null"}],"description":"outer"}"#;
    check(optional, GeminiSchema, r#"{"description":"outer","type":"string","nullable":true}"#, &[]);
    check(optional, Plain, optional, &[]);
    check(
        r#"{"anyOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]}"#,
        GeminiSchema,
        r#"{"anyOf":[{"type":"string"},{"type":"integer"}],"nullable":true}"#,
        &[],
    );
}

#[test]
fn refused_keywords_are_left_out_and_named() {
    let schema = r#"{"type":"object","properties":{},"required":[],"additionalProperties":false,"not":{"type":"string"},"if":{},"then":{},"else":{},"patternProperties":{"a":{}},"dependentRequired":{"a":["b"]},"unevaluatedProperties":false,"$comment":"c","$id":"i","$schema":"s"}"#;
    let named =
        ["not", "if", "then", "else", "patternProperties", "dependentRequired", "unevaluatedProperties"];
    for profile in CUT_DOWN {
        let (text, losses) = property(schema, profile);
        let text: Value = serde_json::from_str(&text).unwrap();
        for keyword in named.iter().chain(&["$comment", "$id", "$schema"]) {
            assert_eq!(text.get(keyword), None, "{profile:?}");
        }
        for keyword in named {
            assert!(
                losses.contains(&format!("p.{keyword}: dropped, no counterpart")),
                "{profile:?} {losses:?}"
            );
        }
        assert!(!losses.iter().any(|loss| loss.contains("p.$")), "{losses:?}");
    }
}

#[test]
fn bounds_that_gemini_does_not_know_are_told_in_words() {
    check(
        r#"{"type":"number","exclusiveMinimum":0.50,"exclusiveMaximum":1e3,"multipleOf":5,"minimum":0}"#,
        GeminiSchema,
        r#"{"type":"number","minimum":0,"description":"Greater than 0.50. Less than 1e3. A multiple of 5."}"#,
        &[
            "p.exclusiveMinimum: told in the description",
            "p.exclusiveMaximum: told in the description",
            "p.multipleOf: told in the description",
        ],
    );
    let bounded = r#"{"type":"number","exclusiveMinimum":0.50,"multipleOf":5}"#;
    for profile in [OpenAiStrict, GeminiJsonSchema, Plain] {
        check(bounded, profile, bounded, &[]);
    }
}

#[test]
fn formats_stay_where_they_are_known() {
    let told = ["p.format: told in the description"];
    let uri = r#"{"type":"string","format":"uri"}"#;
    for profile in [GeminiSchema, OpenAiStrict] {
        check(uri, profile, r#"{"type":"string","description":"Format: uri."}"#, &told);
        let time = r#"{"type":"string","format":"date-time"}"#;
        check(time, profile, time, &[]);
    }
    check(uri, Plain, uri, &[]);
}

#[test]
fn tuples_and_lists_of_anything_get_items() {
    let tuple = r#"{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"},{"type":"string"}],"minItems":3}"#;
    let list = r#"{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"integer"}]},"minItems":3}"#;
    for profile in [OpenAiStrict, GeminiSchema, Plain] {
        check(tuple, profile, list, &["p.prefixItems: written as a list of any of its items"]);
        for items in
            [r#"{"type":"array"}"#, r#"{"type":"array","items":{}}"#, r#"{"type":"array","items":true}"#]
        {
            let told = ["p.items: a list of anything is written as one of strings"];
            check(items, profile, r#"{"type":"array","items":{"type":"string"}}"#, &told);
        }
    }
    check(tuple, GeminiJsonSchema, tuple, &[]);
    check(
        r#"{"type":"array","items":[{"type":"string"}]}"#,
        GeminiJsonSchema,
        r#"{"type":"array","prefixItems":[{"type":"string"}]}"#,
        &[],
    );
}

#[test]
fn schemas_that_take_anything_are_written_as_something() {
    for any in ["true", "{}"] {
        check(any, GeminiSchema, r#"{"type":"string"}"#, &["p: a value of any type is written as a string"]);
        check(any, Plain, r#"{"type":"object"}"#, &["p: a value of any type is written as an object"]);
        let scalars = r#"{"type":["string","number","boolean","null"]}"#;
        check(any, OpenAiStrict, scalars, &["p: a value of any type is written as a scalar"]);
        check(any, GeminiJsonSchema, any, &[]);
    }
    let (text, _) = lowered(
        r#"{"type":"object","properties":{"a":false,"b":{"type":"null"}},"required":["a","b"]}"#,
        Plain,
    );
    assert_eq!(text, r#"{"type":"object","properties":{"b":{"type":"null"}},"required":["b"]}"#);
    for root in ["true", "null", "5", "\"x\"", "[]", "{}"] {
        assert_eq!(lowered(root, GeminiSchema).0, r#"{"type":"object"}"#, "{root}");
    }
}

#[test]
fn a_branch_that_takes_anything_makes_the_others_idle() {
    let schema = r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}"#;
    let (text, losses) = property(schema, GeminiSchema);
    assert_eq!(text, r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}"#);
    assert_eq!(losses.len(), 2);
}

#[test]
fn required_names_only_properties() {
    let schema = r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["b","a"]}"#;
    let kept = r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}"#;
    for profile in [GeminiSchema, GeminiJsonSchema] {
        check(schema, profile, kept, &["p.required: written without names that are no properties"]);
    }
    check(schema, Plain, schema, &[]);
}

#[test]
fn strict_objects_are_closed_and_complete() {
    let (text, losses) = lowered(
        r##"{"type":"object","properties":{"a":{"type":"string","enum":["x"],"default":"x"},"b":{"$ref":"#/$defs/B"},"c":{"anyOf":[{"type":"string"},{"type":"integer"}]},"d":{"type":"number"}},"required":["d"],"$defs":{"B":{"type":"object","properties":{}}}}"##,
        OpenAiStrict,
    );
    assert_eq!(
        text,
        r##"{"type":"object","properties":{"a":{"type":["string","null"],"enum":["x",null]},"b":{"anyOf":[{"$ref":"#/$defs/B"},{"type":"null"}]},"c":{"anyOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]},"d":{"type":"number"}},"required":["d","a","b","c"],"$defs":{"B":{"type":"object","properties":{},"additionalProperties":false,"required":[]}},"additionalProperties":false}"##
    );
    assert_eq!(
        losses,
        [
            "p.default: dropped, no counterpart",
            "p.additionalProperties: closed to keys that are not named",
            "p.required: optional properties are written as nullable",
        ]
    );
}

#[test]
fn strictable_tells_what_strict_mode_cannot_say() {
    let strictable = |text: &str| strictable(&Json::parse(text).unwrap());
    assert!(strictable(r#"{"type":"object","properties":{"a":{"type":"string","default":"x"}}}"#));
    assert!(strictable(
        r##"{"$ref":"#/$defs/A","$defs":{"A":{"type":"object","properties":{"n":{"$ref":"#/$defs/A"}}}}}"##
    ));
    for text in [
        r#"{"type":"object"}"#,
        r#"{"type":"object","properties":{"a":{}}}"#,
        r#"{"type":"object","properties":{"a":{"type":"object","additionalProperties":{"type":"string"}}}}"#,
        r#"{"type":"object","properties":{"a":{"type":"array"}}}"#,
        r#"{"type":"object","properties":{"a":{"type":"string","not":{"const":"x"}}}}"#,
        r#"{"anyOf":[{"type":"object","properties":{"a":{"type":"string"}}}]}"#,
        r#"{"type":"string"}"#,
        "true",
        "[]",
    ] {
        assert!(!strictable(text), "{text}");
    }
}

#[test]
fn malformed_parts_are_told() {
    let (text, losses) = lowered(r#"{"type":"object","properties":5}"#, GeminiJsonSchema);
    assert_eq!(text, r#"{"type":"object"}"#);
    assert_eq!(losses, ["p: written without malformed parts"]);
    check(
        r#"{"type":"any"}"#,
        Plain,
        r#"{"type":"object"}"#,
        &["p.type: left out where it names no type", "p: a value of any type is written as an object"],
    );
}
