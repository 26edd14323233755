//! Every fixture in every dialect: what it becomes, and what it lost.
//!
//! Snapshots lie in `tests/snapshots`, named after the fixture and the dialect it was put into.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

use std::{fmt::Write as _, fs, path::Path};

use insta::{assert_snapshot, glob};
use posthaste_core::{Dialect, ModelName, Operation, Timestamp};
use posthaste_translate::{
    Ask, Forgetful, Loss, StreamContext, StreamTranslator, Target, TranslateError, TranslatedAnswer, codec,
    translate_request, translate_response,
};
use rstest::rstest;
use uuid::Uuid;

#[test]
fn requests() {
    each("request/*.json", |from, to, body| {
        let upstream_model = ModelName::parse("upstream-model").unwrap();
        let context = context(to);
        let target = Target::of(to);
        let translated = translate_request(&Ask {
            from,
            to: &target,
            operation: Operation::Chat,
            body,
            model: &context.model,
            upstream_model: &upstream_model,
            stream: is_streamed(body),
            id: context.id,
            now: context.created,
            memory: &Forgetful,
        })?;
        Ok(told(&pretty(&translated.body), &translated.losses))
    });
}

#[test]
fn responses() {
    each("response/*.json", |from, to, body| {
        let TranslatedAnswer { body, losses, .. } = translate_response(from, to, body, &context(from))?;
        Ok(told(&pretty(&body), &losses))
    });
}

#[test]
fn streams() {
    each("stream/*.sse", |from, to, body| {
        let (stream, losses, end) = translate(from, to, body, body.len());
        let end = end.map_or_else(|error| format!("! {error}\n"), |()| String::new());
        Ok(told(&format!("{stream}{end}"), &losses))
    });
}

/// An error in the middle of a stream, and the same bytes as a whole answer.
#[test]
fn errors() {
    each("error/*.json", |from, to, body| {
        assert!(codec(from).decode_response(body).is_err(), "an error is no answer");
        let data: serde_json::Value = serde_json::from_slice(body).unwrap();
        let frame = format!("event: error\ndata: {data}\n\n");
        let (stream, losses, end) = translate(from, to, frame.as_bytes(), frame.len());
        end?;
        Ok(told(&stream, &losses))
    });
}

/// Wherever a stream is cut, the client of another dialect gets the same. Cuts concern the reader alone, so every one of
/// them is made for a single other dialect, and single bytes for all.
#[rstest]
#[case(Dialect::AnthropicMessages)]
#[case(Dialect::OpenAiChat)]
#[case(Dialect::OpenAiResponses)]
#[case(Dialect::GeminiGenerate)]
#[case(Dialect::BedrockConverse)]
fn streams_cut_at_every_byte(#[case] from: Dialect) {
    every_from(from, "stream/*.sse", |to, body, path| {
        if from == to {
            return;
        }
        let whole = translate(from, to, body, body.len());
        let whole = (whole.0, whole.1, whole.2.is_ok());
        let is_first = DIALECTS.into_iter().find(|other| *other != from) == Some(to);
        let cuts = if is_first { 1..body.len() } else { 0..0 };
        for cut in cuts {
            let (stream, losses, end) = translate(from, to, body, cut);
            assert_eq!((stream, losses, end.is_ok()), whole, "{} cut at {cut}", path.display());
        }
        let by_bytes = translate_pieces(from, to, body.chunks(1));
        assert_eq!((by_bytes.0, by_bytes.1, by_bytes.2.is_ok()), whole, "{} in single bytes", path.display());
    });
}

/// The dialects that have a codec.
const DIALECTS: [Dialect; 5] = Dialect::ALL;

/// A snapshot for each fixture and target.
fn each(pattern: &str, run: impl Fn(Dialect, Dialect, &[u8]) -> Result<String, TranslateError>) {
    every(pattern, |from, to, body, path| {
        let text = run(from, to, body).unwrap_or_else(|error| format!("! {error}\n"));
        let kind = path.parent().and_then(Path::file_name).unwrap().to_str().unwrap();
        let case = path.file_stem().unwrap().to_str().unwrap();
        insta::with_settings!({ snapshot_suffix => "", prepend_module_to_snapshot => false, omit_expression => true }, {
            assert_snapshot!(format!("{from}.{kind}.{case}.{to}"), text);
        });
    });
}

fn every(pattern: &str, run: impl Fn(Dialect, Dialect, &[u8], &Path)) {
    for from in DIALECTS {
        every_from(from, pattern, |to, body, path| run(from, to, body, path));
    }
}

fn every_from(from: Dialect, pattern: &str, run: impl Fn(Dialect, &[u8], &Path)) {
    glob!(&format!("../../../fixtures/{from}"), pattern, |path| {
        let body = fs::read(path).unwrap();
        for to in DIALECTS {
            run(to, &body, path);
        }
    });
}

fn translate(
    from: Dialect,
    to: Dialect,
    body: &[u8],
    cut: usize,
) -> (String, Vec<Loss>, Result<(), TranslateError>) {
    translate_pieces(from, to, [&body[..cut], &body[cut..]].into_iter())
}

fn translate_pieces<'a>(
    from: Dialect,
    to: Dialect,
    mut pieces: impl Iterator<Item = &'a [u8]>,
) -> (String, Vec<Loss>, Result<(), TranslateError>) {
    let mut translator = StreamTranslator::new(from, to, context(from));
    let mut out = Vec::new();
    let end = pieces
        .try_for_each(|piece| translator.push(piece, &mut out))
        .and_then(|()| translator.finish(&mut out));
    (String::from_utf8(out).unwrap(), translator.losses().to_vec(), end)
}

fn context(from: Dialect) -> StreamContext {
    let model = ModelName::parse("asked-model").unwrap();
    StreamContext::plain(model, from, Timestamp::from_secs(1_764_000_000), Uuid::from_u128(7))
}

/// Where the dialect tells it in the body.
fn is_streamed(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Value>(body).is_ok_and(|body| body["stream"] == true)
}

/// The JSON on several lines, with the order and spelling it has.
fn pretty(body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap();
    serde_json::from_str::<serde_json::Value>(text).unwrap();
    let (mut pretty, mut depth, mut quoted, mut escaped) = (String::new(), 0, false, false);
    for character in text.chars() {
        if !quoted && character.is_ascii_whitespace() {
            continue;
        }
        let opens = !quoted && matches!(character, '{' | '[');
        let closes = !quoted && matches!(character, '}' | ']');
        if closes {
            depth -= 1;
            break_line(&mut pretty, depth);
        }
        pretty.push(character);
        if opens {
            depth += 1;
        }
        if opens || (!quoted && character == ',') {
            break_line(&mut pretty, depth);
        }
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ => {}
        }
    }
    pretty + "\n"
}

fn break_line(text: &mut String, depth: usize) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
}

fn told(body: &str, losses: &[Loss]) -> String {
    let mut text = body.to_owned();
    for loss in losses {
        writeln!(text, "- {loss}").unwrap();
    }
    text
}
