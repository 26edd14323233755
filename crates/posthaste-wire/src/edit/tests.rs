use posthaste_core::FaultKind;
use proptest::{collection::vec, prelude::*};
use rstest::rstest;
use serde_json::{Map, json};

use super::*;

fn apply(edits: &Edits, body: &str) -> String {
    let edited = edits.apply(&Bytes::copy_from_slice(body.as_bytes())).unwrap();
    String::from_utf8(edited.payload.to_bytes().to_vec()).unwrap()
}

#[rstest]
#[case::in_place(r#"{"a":1, "b" : [2] ,"c":3}"#, r#"{"a":1, "b" : "x" ,"c":3}"#)]
#[case::spelled_with_escapes(r#"{"\u0062":2}"#, r#"{"\u0062":"x"}"#)]
#[case::missing("{ \"a\":1\n}\n", "{ \"a\":1,\"b\":\"x\"\n}\n")]
#[case::empty(" { } ", " {\"b\":\"x\" } ")]
#[case::only_the_top_level(r#"{"a":{"b":1}}"#, r#"{"a":{"b":1},"b":"x"}"#)]
fn a_member_is_set(#[case] body: &str, #[case] expected: &str) {
    assert_eq!(apply(&Edits::new().set("b", "x"), body), expected);
}

#[rstest]
#[case::first(r#"{ "b":1, "a":2 }"#, r#"{ "a":2 }"#)]
#[case::last("{\"a\":2,\n\"b\":1\n}", "{\"a\":2\n}")]
#[case::middle(r#"{"a":2, "b":{"a":","} ,"c":3}"#, r#"{"a":2 ,"c":3}"#)]
#[case::alone(r#"{ "b":1 }"#, "{  }")]
#[case::missing(r#"{"a":"\"b\":1"}"#, r#"{"a":"\"b\":1"}"#)]
fn a_member_is_removed_with_its_comma(#[case] body: &str, #[case] expected: &str) {
    assert_eq!(apply(&Edits::new().remove("b"), body), expected);
}

#[test]
fn all_members_but_a_new_one_are_removed() {
    let edits = Edits::new().remove("a").remove("b").insert("c", true);
    assert_eq!(apply(&edits, r#"{"a":1,"b":2}"#), r#"{"c":true}"#);
    assert_eq!(apply(&edits, r#"{"a":1,"b":2,"c":0}"#), r#"{"c":0}"#);
}

#[rstest]
#[case::kept(r#"{"o":{"p":1,"q":false}}"#, r#"{"o":{"p":1,"q":true}}"#)]
#[case::joined(r#"{"o":{ }}"#, r#"{"o":{"q":true }}"#)]
#[case::null(r#"{"o":null,"z":0}"#, r#"{"o":{"q":true},"z":0}"#)]
#[case::missing(r#"{"z":0}"#, r#"{"z":0,"o":{"q":true}}"#)]
#[case::no_object(r#"{"o":[1]}"#, r#"{"o":[1]}"#)]
fn a_member_of_a_member_is_set(#[case] body: &str, #[case] expected: &str) {
    assert_eq!(apply(&Edits::new().set_within("o", "q", true), body), expected);
}

#[test]
fn a_body_is_wrapped_after_its_changes() {
    let edits =
        Edits::new().remove("model").wrap("request", [("model", json!("m")), ("project", json!("p"))]);
    let wrapped = apply(&edits, r#"{"model":"x","contents":[]}"#);
    assert_eq!(wrapped, r#"{"model":"m","project":"p","request":{"contents":[]}}"#);
    let inner = members(&Bytes::from(wrapped), ["request", "user"]).unwrap();
    assert_eq!(inner, [Some(Bytes::from(r#"{"contents":[]}"#)), None]);
}

#[test]
fn what_stood_there_is_told() {
    let body = Bytes::from_static(br#"{"a":[1, 2],"b":null}"#);
    let edited = Edits::new().set("b", 1).remove("a").insert("c", 2).apply(&body).unwrap();
    assert_eq!(edited.former("a").unwrap(), "[1, 2]");
    assert_eq!(edited.former("b").unwrap(), "null");
    assert_eq!(edited.former("c"), None);
}

#[test]
fn a_later_change_of_a_member_replaces_an_earlier_one() {
    assert_eq!(apply(&Edits::new().set("a", 1).remove("a"), r#"{"a":0}"#), "{}");
}

#[test]
fn nothing_is_copied_but_new_values() {
    let body = Bytes::from(format!(r#"{{"model":"a","text":"{}"}}"#, "x".repeat(1000)));
    let edited = Edits::new().set("model", "b").set("stream", true).apply(&body).unwrap();
    let parts = edited.payload.parts();
    assert_eq!(parts[0].as_ptr(), body.as_ptr());
    assert_eq!(parts.iter().map(|part| part.len()).max(), parts.get(2).map(Bytes::len));
    let untouched = Edits::new().remove("none").apply(&body).unwrap();
    assert_eq!(untouched.payload.parts(), [body]);
}

#[rstest]
#[case(r#"{"a":1,"a":2}"#)]
#[case(r#"{"a":1,"b":0,"\u0061":2}"#)]
fn a_doubled_member_is_refused_where_it_matters(#[case] body: &str) {
    let body = Bytes::copy_from_slice(body.as_bytes());
    for edits in [Edits::new().set("a", 1), Edits::new().remove("a"), Edits::new().insert("a", 1)] {
        assert_eq!(edits.apply(&body).unwrap_err(), EditError::Repeated("a"));
    }
    assert_eq!(members(&body, ["a"]), Err(EditError::Repeated("a")));
    assert!(Edits::new().set("c", 1).apply(&body).is_ok());
    let fault = Fault::from(EditError::Repeated("a"));
    assert_eq!(fault.kind, FaultKind::InvalidRequest);
}

#[rstest]
#[case(b"")]
#[case(b"[1]")]
#[case(b"{\"a\":1")]
#[case(b"{\"a\":1}}")]
#[case(b"{\"a\":\"\xff\"}")]
fn what_is_no_object_is_refused(#[case] body: &'static [u8]) {
    let refused = Edits::new().set("a", 1).apply(&Bytes::from_static(body)).unwrap_err();
    assert_eq!(refused, EditError::NotAnObject);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name(), inner), 0..4).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("alpha".to_owned()), Just("beta".to_owned()), Just("gamma".to_owned()), ".{0,4}"]
}

/// Writes an object, with its names escaped or not and with or without white space.
fn spell(object: &Map<String, Value>, pretty: bool, escape: bool) -> String {
    let gap = if pretty { "\n\t " } else { "" };
    let members = object.iter().map(|(name, value)| {
        let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric());
        let name = if escape && plain {
            let units = name.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            format!("\"{}\"", units.collect::<String>())
        } else {
            Value::from(name.as_str()).to_string()
        };
        let value = if pretty { format!("{value:#}") } else { value.to_string() };
        format!("{gap}{name}{gap}:{gap}{value}{gap}")
    });
    format!("{gap}{{{gap}{}{gap}}}{gap}", members.collect::<Vec<_>>().join(","))
}

proptest! {
    #[test]
    fn changes_mean_what_they_would_mean_to_the_built_object(
        object in vec((name(), any_json()), 0..6).prop_map(|pairs| pairs.into_iter().collect::<Map<_, _>>()),
        (pretty, escape, wrap) in any::<(bool, bool, bool)>(),
        values in vec(any_json(), 3),
        kinds in vec(0..5_u8, 3),
    ) {
        let body = Bytes::from(spell(&object, pretty, escape));
        let mut edits = Edits::new();
        let mut expected = object.clone();
        for ((name, value), kind) in ["alpha", "beta", "gamma"].into_iter().zip(values).zip(kinds) {
            match kind {
                0 => {
                    edits = edits.set(name, value.clone());
                    expected.insert(name.to_owned(), value);
                }
                1 => {
                    edits = edits.insert(name, value.clone());
                    expected.entry(name.to_owned()).or_insert(value);
                }
                2 => {
                    edits = edits.remove(name);
                    expected.remove(name);
                }
                3 => {
                    edits = edits.set_within(name, "beta", value.clone());
                    let entry = expected.entry(name.to_owned()).or_insert(Value::Null);
                    if entry.is_null() {
                        *entry = json!({});
                    }
                    if let Some(inner) = entry.as_object_mut() {
                        inner.insert("beta".to_owned(), value);
                    }
                }
                _ => {}
            }
        }
        let mut expected = Value::Object(expected);
        if wrap {
            edits = edits.wrap("request", [("model", json!("m"))]);
            expected = json!({"model": "m", "request": expected});
        }
        let edited = edits.apply(&body).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Value>(&edited.payload.to_bytes()).unwrap(), expected);
        for name in ["alpha", "beta", "gamma"] {
            let now = edited.former(name).map(|text| serde_json::from_slice::<Value>(text).unwrap());
            prop_assert!(now.is_none() || now.as_ref() == object.get(name));
        }
    }

    #[test]
    fn any_bytes_are_taken_or_refused_quietly(body in vec(any::<u8>(), 0..64)) {
        let _ = Edits::new().set("a", 1).remove("b").apply(&Bytes::from(body));
    }

    #[test]
    fn texts_like_json_never_panic(body in r#"[{}\[\]":,a\\u0061n1 ]{0,40}"#) {
        let _ = Edits::new().set_within("a", "n", 1).remove("u").apply(&Bytes::from(body));
    }
}
