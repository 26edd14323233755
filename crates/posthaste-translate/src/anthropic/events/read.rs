//! Frames to neutral events.

use posthaste_core::{Dialect, Usage};
use posthaste_wire::{Frame, UpstreamError, read_error, usage::AnthropicUsage};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    EventDecoder, Loss, TranslateError,
    anthropic::{
        block::{citation, part},
        response::{StopDetailsIn, stop},
    },
    ir::{Block, Content, Delta, Event, Json, Proof, Start},
    json::{self, Str},
};

/// Reads the stream of an answer.
#[derive(Debug, Default)]
pub(in crate::anthropic) struct Decoder {
    state: State,
    usage: Usage,
    /// The input of a tool call that came with the block's start, until a delta says better.
    whole_input: Option<(usize, String)>,
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before `message_start`.
    #[default]
    Waiting,
    /// Between `message_start` and a stop reason.
    Open,
    /// The stop reason is known, `message_stop` is not there yet.
    Stopped,
    /// `message_stop` or `error` came: nothing that follows counts.
    Ended,
}

impl EventDecoder for Decoder {
    fn push(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<(), TranslateError> {
        if self.state == State::Ended {
            return Ok(());
        }
        if let Some((index, text)) = text_delta(frame.data) {
            let text = Some(text.into_string()).filter(|text| !text.is_empty());
            out.extend(text.map(|text| Event::Delta { index, delta: Delta::Text(text) }));
            return Ok(());
        }
        let unreadable = |source| TranslateError::unreadable(Dialect::AnthropicMessages, source);
        let event: EventIn<'_> = json::read(frame.data).map_err(unreadable)?;
        self.event(event, frame.data, out).map_err(unreadable)
    }

    fn finish(&mut self, out: &mut Vec<Event>) -> Result<(), TranslateError> {
        match self.state {
            State::Ended => Ok(()),
            State::Stopped => {
                self.end(out);
                Ok(())
            }
            State::Waiting | State::Open => Err(TranslateError::Truncated),
        }
    }
}

/// Every event in one: its type may stand behind what it says. What few events have is read when its turn comes, so that
/// little is moved for the many that bring text.
#[derive(Deserialize)]
struct EventIn<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Str<'a>,
    #[serde(default)]
    index: usize,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: DeltaIn<'a>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct MessageIn<'a> {
    #[serde(borrow, default)]
    id: Str<'a>,
    #[serde(borrow, default)]
    model: Str<'a>,
    usage: Option<AnthropicUsage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DeltaIn<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    text: Option<Str<'a>>,
    #[serde(borrow)]
    thinking: Option<Str<'a>>,
    #[serde(borrow)]
    signature: Option<Str<'a>>,
    #[serde(borrow)]
    partial_json: Option<Str<'a>>,
    #[serde(borrow)]
    citation: Option<&'a RawValue>,
    #[serde(borrow)]
    stop_reason: Option<Str<'a>>,
    #[serde(borrow)]
    stop_sequence: Option<Str<'a>>,
    #[serde(borrow)]
    stop_details: Option<&'a RawValue>,
}

/// What stands in a part of an event.
fn inner<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Result<Option<T>, serde_json::Error> {
    raw.map(|raw| serde_json::from_str(raw.get())).transpose()
}

impl Decoder {
    fn event(
        &mut self,
        event: EventIn<'_>,
        data: &[u8],
        out: &mut Vec<Event>,
    ) -> Result<(), serde_json::Error> {
        let index = event.index;
        match &*event.kind {
            "content_block_delta" => self.delta(index, event.delta, out),
            "content_block_start" => return self.block_start(index, event.content_block, out),
            "content_block_stop" => {
                self.flush_input(out);
                out.push(Event::BlockEnd { index });
            }
            "message_start" => self.start(inner(event.message)?, out),
            "message_delta" => return self.message_delta(event.delta, inner(event.usage)?, out),
            "message_stop" => self.end(out),
            "ping" => out.push(Event::Ping),
            "error" => {
                self.state = State::Ended;
                let error = read_error(Dialect::AnthropicMessages, data);
                out.push(Event::Error(error.unwrap_or_else(unnamed_error)));
            }
            other => out.push(Event::Lost(Loss::unknown(format!("event.{other}")))),
        }
        Ok(())
    }

    fn start(&mut self, message: Option<MessageIn<'_>>, out: &mut Vec<Event>) {
        if self.state != State::Waiting {
            return;
        }
        self.state = State::Open;
        let mut start = Start::default();
        if let Some(message) = message {
            start.id = message.id.into_string();
            start.model = message.model.into_string();
            if let Some(usage) = message.usage {
                usage.merge_into(&mut self.usage);
                start.usage = Some(self.usage);
            }
        }
        out.push(Event::Start(start));
    }

    fn block_start(
        &mut self,
        index: usize,
        raw: Option<&RawValue>,
        out: &mut Vec<Event>,
    ) -> Result<(), serde_json::Error> {
        let Some(raw) = raw else { return Err(serde::de::Error::custom("content_block: missing")) };
        self.flush_input(out);
        let (block, first) = match part(raw)?.content {
            Content::Text(text) => (Block::Text, Some(Delta::Text(text))),
            Content::Thinking(thinking) => (Block::Thinking, Some(Delta::Thinking(thinking.text))),
            Content::RedactedThinking(proof) => (Block::RedactedThinking(proof), None),
            Content::ToolCall(call) => {
                if call.arguments.as_str() != "{}" {
                    self.whole_input = Some((index, call.arguments.as_str().to_owned()));
                }
                (Block::ToolCall { id: call.id, name: call.name, free_text: false, proof: None }, None)
            }
            Content::Opaque(opaque) => (Block::Opaque { kind: opaque.kind, value: opaque.value }, None),
            _ => (Block::Opaque { kind: "content_block".to_owned(), value: Json::from(raw) }, None),
        };
        out.push(Event::BlockStart { index, block });
        let said =
            |delta: &Delta| matches!(delta, Delta::Text(text) | Delta::Thinking(text) if !text.is_empty());
        out.extend(first.filter(said).map(|delta| Event::Delta { index, delta }));
        Ok(())
    }

    fn delta(&mut self, index: usize, wire: DeltaIn<'_>, out: &mut Vec<Event>) {
        let text = |text: Option<Str<'_>>| text.map(Str::into_string).filter(|text| !text.is_empty());
        let delta = match &*wire.kind {
            "text_delta" => text(wire.text).map(Delta::Text),
            "input_json_delta" => {
                let arguments = text(wire.partial_json);
                if arguments.is_some() {
                    self.whole_input = None;
                }
                arguments.map(Delta::Arguments)
            }
            "thinking_delta" => text(wire.thinking).map(Delta::Thinking),
            "signature_delta" => {
                text(wire.signature).map(|data| Delta::Proof(Proof::of(Dialect::AnthropicMessages, data)))
            }
            "citations_delta" => wire.citation.map(|raw| Delta::Citation(citation(raw))),
            other => {
                out.push(Event::Lost(Loss::unknown(format!("event.content_block_delta.{other}"))));
                None
            }
        };
        out.extend(delta.map(|delta| Event::Delta { index, delta }));
    }

    fn flush_input(&mut self, out: &mut Vec<Event>) {
        if let Some((index, input)) = self.whole_input.take() {
            let input = json::compact(&input).into_owned();
            out.push(Event::Delta { index, delta: Delta::Arguments(input) });
        }
    }

    fn message_delta(
        &mut self,
        delta: DeltaIn<'_>,
        usage: Option<AnthropicUsage>,
        out: &mut Vec<Event>,
    ) -> Result<(), serde_json::Error> {
        let details: Option<StopDetailsIn<'_>> = inner(delta.stop_details)?;
        if let Some(usage) = usage {
            usage.merge_into(&mut self.usage);
            out.push(Event::Usage(self.usage));
        }
        if let Some(reason) = delta.stop_reason {
            self.state = State::Stopped;
            out.push(Event::Finish(stop(reason, delta.stop_sequence, details)));
        }
        Ok(())
    }

    /// `message_stop` without a stop reason is no end: the stream is cut then, and [`finish`](EventDecoder::finish) says so.
    fn end(&mut self, out: &mut Vec<Event>) {
        if self.state == State::Stopped {
            self.state = State::Ended;
            out.push(Event::Done);
        }
    }
}

/// The block and the text of an event that brings text, spelled as the vendor does; `None` for all others, which are read as any
/// JSON is. Nearly all events of a stream are such, and looking for what they may hold beside costs ten times as much.
fn text_delta(data: &[u8]) -> Option<(usize, Str<'_>)> {
    let rest = data.strip_prefix(br#"{"type":"content_block_delta","index":"#)?;
    let (digit, rest) = rest.split_first().filter(|(digit, _)| digit.is_ascii_digit())?;
    let literal = rest.strip_prefix(br#","delta":{"type":"text_delta","text":"#)?;
    let length = json::string_length(literal)?;
    let (literal, rest) = literal.split_at(length);
    // Between the braces there may be white space, by which the vendor hides how long the text is.
    if rest.strip_prefix(b"}")?.trim_ascii() != b"}" {
        return None;
    }
    Some((usize::from(digit - b'0'), json::read(literal).ok()?))
}

fn unnamed_error() -> UpstreamError {
    UpstreamError::new("api_error", None, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &str) -> Vec<Event> {
        let mut out = Vec::new();
        Decoder::default().push(Frame::new(None, data.as_bytes()), &mut out).unwrap();
        out
    }

    #[test]
    fn text_is_read_alike_however_it_is_spelled() {
        for text in ["a", r#"a \" b\\"#, r"\u00e9\n}", r"\ud83d\ude00 }", "é}", ""] {
            let event = |index: &str, end: &str| {
                let delta = format!(r#"{{"type":"text_delta","text":"{text}"{end}"#);
                format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}"#)
            };
            let (plain, padded, spaced) = (event("3", "}}"), event("3", "}    }"), event(" 3", "}}"));
            assert!(
                text_delta(plain.as_bytes()).is_some() && text_delta(padded.as_bytes()).is_some(),
                "{plain}"
            );
            assert!(text_delta(spaced.as_bytes()).is_none(), "{spaced}");
            assert_eq!(read(&plain), read(&spaced), "{plain}");
            assert_eq!(read(&padded), read(&spaced), "{plain}");
        }
    }

    #[test]
    fn what_is_more_than_text_is_left_to_the_reader_of_any_event() {
        let event = |index: &str, rest: &str| {
            let delta = format!(r#"{{"type":"text_delta","text":{rest}"#);
            format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}"#)
        };
        for (index, rest) in [
            ("0", r#""a"},"usage":{}}"#),
            ("0", r#""a","text":"b"}}"#),
            ("10", r#""a"}}"#),
            ("0", r#""a"#),
            ("0", r#""a\"}}"#),
            ("0", "7}}"),
            ("0", r#""\x"}}"#),
            ("0", "\"\u{1}\"}}"),
        ] {
            let event = event(index, rest);
            assert!(text_delta(event.as_bytes()).is_none(), "{event}");
        }
    }
}
