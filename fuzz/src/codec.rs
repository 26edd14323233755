//! A body read by one dialect's codec as all that it could be, and written in every other dialect.

use posthaste_core::{ChatVariant, Dialect, ModelName, Operation, Timestamp};
use posthaste_translate::{
    Ask, Forgetful, Loss, Remembered, StreamContext, StreamTranslator, Target, TranslateError, codec,
    translate_count, translate_request, translate_response,
};
use posthaste_wire::{Framing, Progress, StreamTap, read_error, read_other, read_whole};
use uuid::Uuid;

use crate::{check, streams};

/// Reads the bytes as a request, an answer, an error, a count and a stream of the dialect.
///
/// # Panics
/// When something that must be true of the results is not.
pub fn read_everything(from: Dialect, body: &[u8]) {
    if codec(from).decode_request(body).is_ok() {
        requests(from, Operation::Chat, body);
    }
    if codec(from).counting().is_some_and(|counting| counting.decode_question(body).is_ok()) {
        requests(from, Operation::CountTokens, body);
    }
    if codec(from).decode_response(body).is_ok() {
        responses(from, body);
    }
    counts(from, body);
    errors(from, body);
    stream(from, body);
}

/// Writes a request for every upstream.
///
/// # Panics
/// When what is written is no JSON, or no request of its dialect.
pub fn requests(from: Dialect, operation: Operation, body: &[u8]) {
    let model = ModelName::parse("asked-model").expect("a name");
    let upstream_model = ModelName::parse("upstream-model").expect("a name");
    for target in targets() {
        let translated = translate_request(&Ask {
            from,
            to: &target,
            operation,
            body,
            model: &model,
            upstream_model: &upstream_model,
            stream: true,
            id: Uuid::nil(),
            now: Timestamp::EPOCH,
            memory: &Forgetful,
        });
        let Ok(translated) = translated else { continue };
        check::is_json(&translated.body, "a request");
        check::is_in_proportion(body, &translated.body, "a request");
        let reader = codec(target.dialect);
        let read = match reader.counting().filter(|_| operation == Operation::CountTokens) {
            Some(counting) => counting.decode_question(&translated.body),
            None => reader.decode_request(&translated.body),
        };
        if let Err(error) = read {
            panic!("{target:?} cannot read its request ({error}): {}", check::shown(&translated.body));
        }
    }
}

fn responses(from: Dialect, body: &[u8]) {
    for to in Dialect::ALL {
        if let Ok(answer) = translate_response(from, to, body, &context(from)) {
            check::is_json(&answer.body, "an answer");
            check::is_in_proportion(body, &answer.body, "an answer");
            if let Err(error) = codec(to).decode_response(&answer.body) {
                panic!("{to} cannot read its answer ({error}): {}", check::shown(&answer.body));
            }
        }
    }
}

fn counts(from: Dialect, body: &[u8]) {
    for to in Dialect::ALL {
        if let Ok(count) = translate_count(from, to, body) {
            check::is_json(&count, "a count");
        }
    }
}

fn errors(from: Dialect, body: &[u8]) {
    let _ = (read_error(from, body), read_whole(from, body), read_other(from, body));
}

/// Puts a stream into every dialect, in one piece and in several.
///
/// # Panics
/// When the pieces make a difference, what is written is no event stream, or its end is not one that a client sees.
pub fn stream(from: Dialect, body: &[u8]) {
    watch(from, Framing::Sse, body);
    for to in Dialect::ALL {
        stream_to(from, Framing::Sse, to, body);
    }
}

/// [`stream`] into one dialect.
///
/// # Panics
/// As [`stream`].
pub fn stream_to(from: Dialect, framing: Framing, to: Dialect, body: &[u8]) {
    let translate = |pieces: &[&[u8]]| {
        let translator = StreamTranslator::with_framing(from, framing, to, context(from));
        translate(translator, pieces)
    };
    let whole = translate(&[body]);
    check::is_event_stream(&whole.out, "a stream");
    check::is_in_proportion(body, &whole.out, "a stream");
    assert_eq!(translate(&streams::pieces(body)), whole, "{from} to {to} in pieces");
    if whole.end.is_ok() {
        let Sight { progress, seen } = sight(to, Framing::Sse, &[&whole.out]);
        let is_over = matches!(progress, Progress::Ended | Progress::Failed);
        assert!(is_over, "{from} to {to} has no end: {seen}: {}", check::shown(&whole.out));
    }
}

/// Watches a stream in one piece and in several.
///
/// # Panics
/// When the pieces make a difference.
pub fn watch(dialect: Dialect, framing: Framing, body: &[u8]) {
    let whole = sight(dialect, framing, &[body]);
    assert_eq!(sight(dialect, framing, &streams::pieces(body)), whole, "{dialect} in pieces");
}

/// What a tap saw of a stream.
#[derive(Debug, PartialEq)]
struct Sight {
    progress: Progress,
    seen: String,
}

fn sight(dialect: Dialect, framing: Framing, pieces: &[&[u8]]) -> Sight {
    let mut tap = StreamTap::with_framing(dialect, framing);
    let pushed = pieces.iter().try_for_each(|piece| tap.push(piece).map(drop));
    let end = pushed.and_then(|()| tap.finish());
    let seen = format!(
        "{end:?} {:?} {:?} {} {:?} {:?} {:?} {}",
        tap.usage(),
        tap.usage_source(),
        tap.content_bytes(),
        tap.answer_id(),
        tap.error(),
        tap.closing(),
        tap.at_boundary()
    );
    Sight { progress: tap.progress(), seen }
}

/// What became of a stream.
#[derive(Debug, PartialEq)]
struct Translated {
    out: Vec<u8>,
    losses: Vec<Loss>,
    remembered: Vec<Remembered>,
    end: Result<(), String>,
}

fn translate(mut translator: StreamTranslator, pieces: &[&[u8]]) -> Translated {
    let mut out = Vec::new();
    let pushed = pieces.iter().try_for_each(|piece| translator.push(piece, &mut out));
    let end =
        pushed.and_then(|()| translator.finish(&mut out)).map_err(|error: TranslateError| error.to_string());
    Translated { out, losses: translator.losses().to_vec(), remembered: translator.take_remembered(), end }
}

fn targets() -> impl Iterator<Item = Target> {
    let plain = Dialect::ALL.into_iter().map(Target::of);
    let bent = [
        ChatVariant::Compatible,
        ChatVariant::Qwen,
        ChatVariant::Glm,
        ChatVariant::DeepSeek,
        ChatVariant::Moonshot,
        ChatVariant::OpenRouter,
    ];
    plain.chain(bent.map(|variant| Target { variant, ..Target::of(Dialect::OpenAiChat) }))
}

fn context(from: Dialect) -> StreamContext {
    let model = ModelName::parse("asked-model").expect("a name");
    StreamContext::plain(model, from, Timestamp::EPOCH, Uuid::nil())
}
