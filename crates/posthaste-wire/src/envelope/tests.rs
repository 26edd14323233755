use posthaste_core::{Fault, FaultKind, ModelNameError, Origin};
use proptest::{collection::vec, prelude::*};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn peek(json: &str) -> Result<Envelope, EnvelopeError> {
    Envelope::peek(&Bytes::copy_from_slice(json.as_bytes()))
}

fn model(name: &str) -> ModelName {
    ModelName::parse(name).unwrap()
}

#[test]
fn the_facts_of_a_request_are_read() {
    let envelope = peek(
        r#" {"messages":[{"role":"user","content":"{\"model\":\"decoy\"}"}],"metadata":{"model":"decoy"},
            "stream":true,"max_tokens":64000,"model":"claude-opus-4-8"} "#,
    )
    .unwrap();
    assert_eq!(envelope.model, model("claude-opus-4-8"));
    assert!(envelope.stream);
    assert_eq!(envelope.max_tokens, Some(64_000));
}

#[rstest]
#[case::absent(r#"{"model":"m"}"#, false, None)]
#[case::null(r#"{"model":"m","stream":null,"max_tokens":null}"#, false, None)]
#[case::no_whole_number(r#"{"model":"m","stream":false,"max_tokens":1.5}"#, false, None)]
#[case::negative(r#"{"model":"m","max_tokens":-1}"#, false, None)]
#[case::huge(r#"{"model":"m","max_tokens":1e999}"#, false, None)]
#[case::text(r#"{"model":"m","max_tokens":"64"}"#, false, None)]
#[case::newer_name_first(r#"{"model":"m","max_tokens":5,"max_completion_tokens":7}"#, false, Some(7))]
#[case::newer_name_null(r#"{"model":"m","max_completion_tokens":null,"max_tokens":5}"#, false, Some(5))]
fn odd_optional_fields_are_left_to_the_upstream(
    #[case] json: &str,
    #[case] stream: bool,
    #[case] max_tokens: Option<u64>,
) {
    let envelope = peek(json).unwrap();
    assert_eq!((envelope.stream, envelope.max_tokens), (stream, max_tokens));
}

#[test]
fn names_written_with_escapes_are_read_right() {
    let envelope = peek(r#"{"mod\u0065l":"gpt\u002d5 \ud83d\udc0e","strea\u006d":true}"#).unwrap();
    assert_eq!(envelope.model, model("gpt-5 🐎"));
    assert!(envelope.stream);
}

#[rstest]
#[case("", EnvelopeError::Empty)]
#[case(" \r\n\t", EnvelopeError::Empty)]
#[case("[]", EnvelopeError::NotAnObject)]
#[case("\"model\"", EnvelopeError::NotAnObject)]
#[case("{}", EnvelopeError::MissingModel)]
#[case(r#"{"model":null}"#, EnvelopeError::MissingModel)]
#[case(r#"{"metadata":{"model":"m"}}"#, EnvelopeError::MissingModel)]
#[case(r#"{"model":""}"#, EnvelopeError::InvalidModel(ModelNameError::Empty))]
#[case(r#"{"model":"a\nb"}"#, EnvelopeError::InvalidModel(ModelNameError::ControlCharacter))]
#[case(r#"{"model":"a","model":"a"}"#, EnvelopeError::DuplicateModel)]
#[case(r#"{"model":"a","mode\u006c":"b","model":"c"}"#, EnvelopeError::DuplicateModel)]
fn what_is_no_request_is_named(#[case] json: &str, #[case] expected: EnvelopeError) {
    assert_eq!(peek(json), Err(expected));
}

#[rstest]
#[case(r#"{"model":7}"#, "model")]
#[case(r#"{"model":["m"]}"#, "model")]
#[case(r#"{"model":"\ud800"}"#, "model")]
#[case(r#"{"model":"m","stream":"true"}"#, "stream")]
#[case(r#"{"model":"m","stream":1}"#, "stream")]
#[case(r#"{"model":"m","stream":false,"stream":true}"#, "stream")]
fn wrong_fields_are_named(#[case] json: &str, #[case] expected: &str) {
    let Err(EnvelopeError::InvalidField { field, .. }) = peek(json) else { panic!("{json} was taken") };
    assert_eq!(field, expected);
}

#[rstest]
#[case::cut_off(r#"{"model":"m""#, 1, 12)]
#[case::trailing("{\"model\":\"m\"}\n{}", 2, 1)]
#[case::skipped_field("{\"model\":\"m\",\n\"messages\":[1,]}", 2, 15)]
#[case::no_json("model=m", 1, 1)]
#[case::control_character_in_string("{\"model\":\"m\",\"a\":\"\u{1}\"}", 1, 18)]
#[case::nan(r#"{"model":"m","a":NaN}"#, 1, 18)]
fn broken_json_is_refused_with_its_place(#[case] json: &str, #[case] line: usize, #[case] column: usize) {
    let Err(EnvelopeError::InvalidJson { line: l, column: c, reason }) = peek(json) else {
        panic!("{json} was taken");
    };
    assert_eq!((l, c), (line, column), "{reason}");
    assert!(!reason.contains("line"), "{reason}");
}

#[test]
fn bytes_that_are_no_utf8_are_refused_with_their_place() {
    let body = Bytes::from_static(b"{\"model\":\"m\",\"a\":\"\xff\"}");
    assert_eq!(Envelope::peek(&body), Err(EnvelopeError::InvalidUtf8 { offset: 18 }));
}

#[rstest]
#[case("[", "]")]
#[case(r#"{"a":"#, "}")]
fn nesting_is_taken_up_to_the_limit(#[case] open: &str, #[case] close: &str) {
    let nested = |levels: usize| {
        format!(r#"{{"model":"m","a":{}1{}}}"#, open.repeat(levels - 1), close.repeat(levels - 1))
    };
    assert!(peek(&nested(Envelope::MAX_DEPTH)).is_ok());
    let error = EnvelopeError::TooDeep { limit: Envelope::MAX_DEPTH };
    assert_eq!(peek(&nested(Envelope::MAX_DEPTH + 1)), Err(error.clone()));
    assert_eq!(peek(&nested(100_000)), Err(error));
}

#[test]
fn a_million_keys_and_numbers_out_of_range_pass() {
    let keys: String = (0..1_000_000).map(|i| format!("\"k{i}\":1e999,")).collect();
    let envelope = peek(&format!("{{{keys}\"model\":\"m\"}}")).unwrap();
    assert_eq!(envelope.model, model("m"));
}

#[test]
fn lone_surrogates_in_content_are_left_to_the_upstream() {
    assert!(peek(r#"{"model":"m","messages":[{"content":"\ud83d"}]}"#).is_ok());
}

#[test]
fn a_refusal_is_the_clients_fault_and_says_what_to_do() {
    let fault = Fault::from(peek("{\"model\": }").unwrap_err());
    assert_eq!((fault.kind, fault.origin), (FaultKind::InvalidRequest, Origin::Client));
    assert_eq!(
        fault.message,
        "the request body is not valid JSON (line 1, column 11: expected value): send one JSON object"
    );
    let fault = Fault::from(peek("{}").unwrap_err());
    assert_eq!(fault.message, "`model` is missing: name the model, e.g. \"model\": \"claude-sonnet-4-6\"");
}

#[test]
fn the_same_name_keeps_the_body_in_one_piece() {
    let body = Bytes::from_static(br#"{"model":"\u006d"}"#);
    let payload = Envelope::peek(&body).unwrap().with_model(&body, &model("m"));
    assert_eq!(payload.parts(), [body]);
}

#[test]
fn splicing_copies_nothing_but_the_name() {
    let body = Bytes::from_static(br#"{"a":1, "model" : "old" , "b":[2]}"#);
    let payload = Envelope::peek(&body).unwrap().with_model(&body, &model("a \"new\" \\name"));
    assert_eq!(payload.to_bytes(), &br#"{"a":1, "model" : "a \"new\" \\name" , "b":[2]}"#[..]);
    assert_eq!(payload.parts()[0].as_ptr(), body.as_ptr());
    assert_eq!(payload.parts()[2].as_ptr(), body[23..].as_ptr());
}

/// A value with decoys: keys and texts that say `model` where it does not count.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("\"model\":\"decoy\"")),
        Just(json!({"model": "decoy"})),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((prop_oneof![Just("model".to_owned()), any::<String>()], inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,40}"
}

/// A JSON string with every character escaped, or written as it comes.
fn quoted(text: &str, escaped: bool) -> String {
    if escaped {
        format!("\"{}\"", text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>())
    } else {
        json!(text).to_string()
    }
}

proptest! {
    #[test]
    fn a_splice_changes_the_model_and_nothing_else(
        fields in vec(("[a-lo-z_]{0,12}|model_|Model", any_value()), 0..6),
        at in any::<prop::sample::Index>(),
        (old, new) in (any_name(), any_name()),
        (escape_key, escape_name) in any::<(bool, bool)>(),
        space in "[ \\t\\r\\n]{0,3}",
    ) {
        let field = |(key, value): &(String, Value)| {
            format!("{space}{}{space}:{space}{value}{space}", quoted(key, false))
        };
        let at = at.index(fields.len() + 1);
        let old_json = quoted(&old, escape_name);
        let before: Vec<String> = fields[..at].iter().map(field).chain([String::new()]).collect();
        let after: Vec<String> = [String::new()].into_iter().chain(fields[at..].iter().map(field)).collect();
        let head = format!("{{{}{}{space}:{space}", before.join(","), quoted("model", escape_key));
        let tail = format!("{space}{}}}{space}", after.join(","));
        let body = Bytes::from(format!("{head}{old_json}{tail}"));

        let envelope = Envelope::peek(&body).unwrap();
        prop_assert_eq!(envelope.model.as_str(), &old);
        let spliced = envelope.with_model(&body, &model(&new)).to_bytes();

        let mut expected: Value = serde_json::from_slice(&body).unwrap();
        expected["model"] = json!(new);
        prop_assert_eq!(serde_json::from_slice::<Value>(&spliced).unwrap(), expected);
        prop_assert!(spliced.starts_with(head.as_bytes()) && spliced.ends_with(tail.as_bytes()));
    }

    #[test]
    fn no_bytes_make_it_panic(body in vec(any::<u8>(), 0..64), text in ".{0,64}") {
        Envelope::peek(&Bytes::from(body)).ok();
        Envelope::peek(&Bytes::from(format!("{{\"model\":{text}}}"))).ok();
    }
}
