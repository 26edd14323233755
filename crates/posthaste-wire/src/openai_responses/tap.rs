//! Reading the events of a stream (<https://platform.openai.com/docs/api-reference/responses-streaming>).

use serde::Deserialize;

use super::{
    error,
    usage::{Counts, ToolCounts},
};
use crate::{
    Frame,
    lenient::{Filled, Lenient, List, Text, object},
    tap::Sighting,
    terms::TierWord,
};

/// There is none: the event that tells why the answer ended is the last one. Some vendors put `[DONE]` behind it.
pub(crate) const TERMINATOR: &[u8] = b"";

/// Reads one event. The name tells what it is; where it is missing, the data's `type` does.
pub(crate) fn read(frame: Frame<'_>, seen: &mut Sighting) {
    match frame.event {
        Some(name) => read_named(name, frame.data, seen),
        None => read_unnamed(frame.data, seen),
    }
}

fn read_named(name: &str, data: &[u8], seen: &mut Sighting) {
    match name {
        "response.completed" | "response.incomplete" => read_end(data, seen),
        "response.failed" => {
            read_usage(data, seen);
            seen.fail(error::read(data).unwrap_or_else(error::unreadable));
        }
        "error" => seen.fail(error::read(data).unwrap_or_else(error::unreadable)),
        "response.output_item.added" if starts_with_content(data) => seen.add_content(data),
        // Repeats what the deltas brought.
        "response.output_item.done" => seen.content = true,
        _ if name.ends_with(".delta") || name.ends_with(".partial_image") => seen.add_content(data),
        _ if name.ends_with(".done") => seen.content = true,
        _ => {}
    }
}

fn read_unnamed(data: &[u8], seen: &mut Sighting) {
    let Ok(Some(Typed { kind })) = object(data) else { return };
    match kind.0 {
        Some(kind) => read_named(&kind.0, data, seen),
        // Gateways in front of the vendors report failures without any name.
        None => {
            if let Some(error) = error::read(data) {
                seen.fail(error);
            }
        }
    }
}

/// The last event. One that is cut off is none.
fn read_end(data: &[u8], seen: &mut Sighting) {
    if read_usage(data, seen) {
        seen.content = true;
        seen.stop(0);
        seen.ended = true;
    }
}

/// Reads the usage; whether the event has an answer to read it from.
fn read_usage(data: &[u8], seen: &mut Sighting) -> bool {
    let Ok(Some(Ending { response: Lenient(Some(response)) })) = object(data) else { return false };
    if let Some(counts) = response.usage.0 {
        seen.usage = counts.to_usage(response.tool_usage.0.unwrap_or_default());
        response.service_tier.put(&mut seen.usage.terms.tier);
        seen.usage_final = counts.is_complete();
    }
    true
}

/// Whether an item brings something with its start. Messages and reasoning begin empty, all other kinds say something by
/// being there: a tool's name, a search.
fn starts_with_content(data: &[u8]) -> bool {
    let Ok(Some(Added { item: Lenient(Some(item)) })) = object(data) else { return false };
    match item.kind.0.as_ref().map(|kind| &*kind.0) {
        Some("message") => item.content.0.is_some_and(|parts| parts.iter().any(|part| part.text.0)),
        Some("reasoning") => item.encrypted_content.0 || item.summary.0,
        _ => true,
    }
}

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Text<'a>>,
}

#[derive(Deserialize)]
struct Ending {
    #[serde(default)]
    response: Lenient<Response>,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    usage: Lenient<Counts>,
    #[serde(default)]
    tool_usage: Lenient<ToolCounts>,
    #[serde(default)]
    service_tier: TierWord,
}

#[derive(Deserialize)]
struct Added<'a> {
    #[serde(borrow, default)]
    item: Lenient<Item<'a>>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Lenient<Text<'a>>,
    #[serde(default)]
    content: List<Part>,
    #[serde(default)]
    summary: Filled,
    #[serde(default)]
    encrypted_content: Filled,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: Filled,
}

#[cfg(test)]
mod tests {
    use posthaste_core::{Dialect, Usage, UsageSource};
    use rstest::rstest;

    use crate::{Progress, StreamTap};

    fn tap(data: &str) -> StreamTap {
        let mut tap = StreamTap::new(Dialect::OpenAiResponses);
        tap.push(format!("data: {data}\n\n").as_bytes()).unwrap();
        tap
    }

    #[rstest]
    #[case(r#"{"type":"response.created","response":{"usage":null}}"#, Progress::Opening)]
    #[case(
        r#"{"type":"response.output_item.added","item":{"type":"message","content":[]}}"#,
        Progress::Opening
    )]
    #[case(
        r#"{"type":"response.output_item.added","item":{"type":"reasoning","summary":[]}}"#,
        Progress::Opening
    )]
    #[case(
        r#"{"type":"response.output_item.added","item":{"type":"reasoning","summary":[],"encrypted_content":"c2ln"}}"#,
        Progress::Content
    )]
    #[case(
        r#"{"type":"response.output_item.added","item":{"type":"function_call","name":"f"}}"#,
        Progress::Content
    )]
    #[case(r#"{"type":"response.output_item.added","item":{"type":"web_search_call"}}"#, Progress::Content)]
    #[case(r#"{"type":"response.content_part.added","part":{"text":""}}"#, Progress::Opening)]
    #[case(r#"{"type":"response.output_text.delta","delta":"a"}"#, Progress::Content)]
    #[case(r#"{"type":"response.reasoning_summary_text.delta","delta":"a"}"#, Progress::Content)]
    #[case(r#"{"type":"response.web_search_call.searching"}"#, Progress::Opening)]
    #[case(r#"{"type":"response.completed","response":{}}"#, Progress::Ended)]
    #[case(r#"{"type":"response.incomplete","response":{}}"#, Progress::Ended)]
    #[case(r#"{"type":"response.completed"}"#, Progress::Opening)]
    #[case(r#"{"type":"error","code":"server_error","message":"m"}"#, Progress::Failed)]
    #[case(r#"{"error":{"type":"usage_limit_reached","message":"m"}}"#, Progress::Failed)]
    #[case(r#"{"type":"response.failed","response":{"error":{"code":"c","message":"m"}}}"#, Progress::Failed)]
    #[case("[DONE]", Progress::Opening)]
    fn events_are_known_by_their_type(#[case] data: &str, #[case] expected: Progress) {
        assert_eq!(tap(data).progress(), expected);
    }

    #[test]
    fn the_last_event_tells_usage() {
        let tap =
            tap(r#"{"type":"response.incomplete","response":{"tool_usage":{"web_search":{"num_requests":1}},
                "usage":{"input_tokens":9,"output_tokens":5,"input_tokens_details":{"cached_tokens":4}}}}"#
                .replace('\n', "")
                .as_str());
        let expected = Usage { input: 5, cache_read: 4, output: 5, web_searches: 1, ..Usage::default() };
        assert_eq!((tap.usage(), tap.usage_source()), (expected, UsageSource::Reported));
    }

    #[test]
    fn a_failed_answer_tells_what_it_cost() {
        let tap = tap(
            r#"{"type":"response.failed","response":{"error":{"code":"c"},"usage":{"input_tokens":9,"output_tokens":0}}}"#,
        );
        assert_eq!((tap.progress(), tap.usage().input), (Progress::Failed, 9));
    }
}
