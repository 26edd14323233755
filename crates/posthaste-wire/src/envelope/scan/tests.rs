use std::collections::HashMap;

use proptest::{collection::vec, prelude::*};
use rstest::rstest;
use serde::de::IgnoredAny;

use super::*;

const LEVELS: usize = 128;

type Members<'a> = Vec<(String, &'a str)>;

fn scanned(text: &str) -> Result<(Members<'_>, bool), Stop> {
    let mut members = Vec::new();
    let mut scan = Scan::new(text, LEVELS);
    scan.members(|name, value| members.push((name.to_owned(), value)))?;
    Ok((members, scan.is_sealed()))
}

/// Whether `serde_json` takes it, which the upstream's own reader is taken to agree with.
fn is_object(text: &str) -> bool {
    serde_json::from_str::<HashMap<String, IgnoredAny>>(text).is_ok()
}

#[test]
fn members_are_handed_out_with_the_text_of_their_values() {
    let text = r#" { "a" : [1, {"b": "}"}] , "\u0062":"\"" ,"c":-0.5e+3,"d":{},"e":[ ],"f":null } "#;
    let (members, sealed) = scanned(text).unwrap();
    let members: Vec<_> = members.iter().map(|(name, value)| (&**name, *value)).collect();
    assert_eq!(
        members,
        [
            ("a", r#"[1, {"b": "}"}]"#),
            ("b", r#""\"""#),
            ("c", "-0.5e+3"),
            ("d", "{}"),
            ("e", "[ ]"),
            ("f", "null"),
        ]
    );
    assert!(!sealed);
}

#[rstest]
#[case(r#"{"a":[{"type":"thinking","signature":"x"}]}"#, true)]
#[case(r#"{"a":{"encrypted_content":null}}"#, true)]
#[case(r#"{"a":[{"thoughtSignature":"x"}]}"#, true)]
#[case(r#"{"a":[{"type":"redacted_thinking"}]}"#, true)]
#[case(r#"{"a":"{\"signature\":1}"}"#, false)]
#[case(r#"{"a":"the signature"}"#, false)]
fn what_only_its_maker_can_read_is_seen(#[case] text: &str, #[case] sealed: bool) {
    assert_eq!(scanned(text).unwrap().1, sealed);
}

#[rstest]
#[case(r#"{"a":01}"#)]
#[case(r#"{"a":1.}"#)]
#[case(r#"{"a":.5}"#)]
#[case(r#"{"a":-}"#)]
#[case(r#"{"a":1e}"#)]
#[case(r#"{"a":+1}"#)]
#[case(r#"{"a":[1,]}"#)]
#[case(r#"{"a":{"b":1,}}"#)]
#[case(r#"{"a":[}]"#)]
#[case(r#"{"a":[1}"#)]
#[case(r#"{"a":{"b"]}"#)]
#[case(r#"{"a" 1}"#)]
#[case(r#"{"a":tru}"#)]
#[case(r#"{"a":"\x"}"#)]
#[case(r#"{"a":"\u00g0"}"#)]
#[case(r#"{"a":"\u00"#)]
#[case(r#"{"\ud800":1}"#)]
#[case(r#"{"a":1}}"#)]
#[case("{\"a\":\"\n\"}")]
#[case(r#"{a:1}"#)]
#[case("")]
fn what_is_no_json_is_not_taken(#[case] text: &str) {
    assert_eq!(scanned(text), Err(Stop::NotJson));
    assert!(!is_object(text));
}

#[test]
fn brackets_in_strings_and_siblings_are_no_nesting() {
    let quoted = format!(r#"{{"a":"{}\"{}\\"}}"#, "[".repeat(200), "{".repeat(200));
    assert!(scanned(&quoted).is_ok());
    let siblings = format!(r#"{{"a":[{}[]]}}"#, "[],{},".repeat(500));
    assert!(scanned(&siblings).is_ok());
    let empty = format!(r#"{{"a":{}{{}}{}}}"#, "[".repeat(LEVELS - 2), "]".repeat(LEVELS - 2));
    assert!(scanned(&empty).is_ok());
    assert_eq!(scanned(&empty.replace("{}", "[[]]")), Err(Stop::TooDeep));
}

/// Wherever it ends, within a block or in what is left over, and whatever stands before its end.
#[test]
fn a_string_ends_where_it_ends() {
    for length in 0..300 {
        let plain: String = "~ a\u{7f}é!".chars().cycle().take(length).collect();
        for (last, is_whole) in [
            ("", true),
            (r"\\", true),
            (r"\n", true),
            (r"\u00e9", true),
            (r"\", false),
            (r"\x", false),
            ("\u{1f}", false),
        ] {
            for rest in [",\"b\":1}".to_owned(), format!(",\"b\":\"{}\"}}", "x".repeat(200)), "}".to_owned()]
            {
                let text = format!("{{\"a\":\"{plain}{last}\"{rest}");
                let members = scanned(&text).map(|(members, _)| members);
                if is_whole {
                    assert_eq!(members.unwrap()[0].1, format!("\"{plain}{last}\""));
                } else {
                    assert_eq!(members, Err(Stop::NotJson), "{text}");
                }
            }
        }
    }
}

/// Pieces of JSON in an order that often makes no sense.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\"a\"",
            "\"\\u0041\"",
            "1",
            "-2.5e7",
            "0",
            "true",
            "null",
            " ",
            "\n",
            "é",
            "\u{1}",
            "\"a\":",
            "{}",
            "[]",
        ])
        .prop_map(str::to_owned),
        ".{0,3}",
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn it_takes_what_serde_takes(value in any_text(), name in any_text()) {
        for text in [format!("{{\"a\":{value}}}"), format!("{{\"b\":[{value}],{name}:1}}"), value] {
            prop_assert_eq!(scanned(&text).is_ok(), is_object(&text), "{}", text);
        }
    }

}

proptest! {
    #[test]
    fn values_are_found_whole(fields in vec((any::<String>(), any::<Option<Vec<String>>>()), 0..6), space in "[ \\t\\r\\n]{0,2}") {
        let written: Vec<_> = fields
            .iter()
            .map(|(name, value)| (serde_json::json!(name).to_string(), serde_json::json!(value).to_string()))
            .collect();
        let members: Vec<_> =
            written.iter().map(|(name, value)| format!("{space}{name}{space}:{space}{value}{space}")).collect();
        let text = format!("{{{}}}", members.join(","));
        let (found, _) = scanned(&text).unwrap();
        let expected: Vec<_> =
            fields.iter().zip(&written).map(|((name, _), (_, value))| (name.clone(), value.as_str())).collect();
        prop_assert_eq!(found, expected);
    }
}
