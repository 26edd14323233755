//! The wire shapes of the five APIs, built as text.
//!
//! Every piece of model text starts with `@t=<nanoseconds since the epoch>@`: the load generator
//! finds it in whatever format the relay turned it into and so knows how long it was under way.

mod converse;

use crate::profile::Profile;
use bytes::Bytes;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Api {
    Messages,
    Chat,
    Responses,
    Gemini,
    Converse,
}

const FILL: &str = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor ";

fn text(bytes: usize) -> String {
    let mut s = String::with_capacity(bytes + 32);
    write!(s, "@t={}@ ", now_ns()).expect("writing to a String cannot fail");
    while s.len() < bytes + 24 {
        let room = bytes + 24 - s.len();
        s.push_str(&FILL[..room.min(FILL.len())]);
    }
    s
}

fn event(out: &mut String, name: &str, data: std::fmt::Arguments<'_>) {
    write!(out, "event: {name}\ndata: {data}\n\n").expect("writing to a String cannot fail");
}

impl Api {
    pub(crate) fn of(path: &str) -> Option<Api> {
        if path.ends_with("/messages") {
            Some(Api::Messages)
        } else if path.ends_with("/chat/completions") {
            Some(Api::Chat)
        } else if path.ends_with("/responses") {
            Some(Api::Responses)
        } else if path.ends_with(":generateContent") || path.ends_with(":streamGenerateContent") {
            Some(Api::Gemini)
        } else if path.ends_with("/converse") || path.ends_with("/converse-stream") {
            Some(Api::Converse)
        } else {
            None
        }
    }

    pub(crate) fn error(self, code: u16) -> String {
        let (kind, msg) = match code {
            401 => ("authentication_error", "invalid x-api-key"),
            403 => ("permission_error", "forbidden"),
            429 => ("rate_limit_error", "Number of requests has exceeded your rate limit"),
            529 => ("overloaded_error", "Overloaded"),
            500..=599 => ("api_error", "Internal server error"),
            _ => ("invalid_request_error", "bad request"),
        };
        match self {
            Api::Messages => format!(
                "{{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":\"{msg}\"}},\"request_id\":\"req_mock\"}}"
            ),
            Api::Chat | Api::Responses => format!(
                "{{\"error\":{{\"message\":\"{msg}\",\"type\":\"{kind}\",\"param\":null,\"code\":\"{kind}\"}}}}"
            ),
            Api::Gemini => format!(
                "{{\"error\":{{\"code\":{code},\"message\":\"{msg}\",\"status\":\"{}\"}}}}",
                if code == 429 { "RESOURCE_EXHAUSTED" } else { "INTERNAL" }
            ),
            Api::Converse => format!("{{\"message\":\"{msg}\"}}"),
        }
    }

    pub(crate) fn json(self, model: &str, p: &Profile) -> Bytes {
        let t = text(p.json_bytes);
        let (i, o, c) = (p.in_tokens, p.out_tokens, p.cache_read);
        match self {
            Api::Messages => format!(
                "{{\"id\":\"msg_01mock0000000000000000\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"{model}\",\
                 \"content\":[{{\"type\":\"text\",\"text\":\"{t}\"}}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\
                 \"usage\":{{\"input_tokens\":{i},\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":{c},\
                 \"output_tokens\":{o},\"service_tier\":\"standard\"}}}}"
            ),
            Api::Chat => format!(
                "{{\"id\":\"chatcmpl-mock000000000000000000000\",\"object\":\"chat.completion\",\"created\":1750000000,\
                 \"model\":\"{model}\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{t}\",\
                 \"refusal\":null}},\"logprobs\":null,\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":{i},\
                 \"completion_tokens\":{o},\"total_tokens\":{},\"prompt_tokens_details\":{{\"cached_tokens\":{c}}}}},\
                 \"system_fingerprint\":\"fp_mock\"}}",
                i + o
            ),
            Api::Responses => response_object(model, "completed", &output_item(&t, "completed"), &responses_usage(p)),
            Api::Gemini => format!(
                "{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"{t}\"}}],\"role\":\"model\"}},\
                 \"finishReason\":\"STOP\",\"index\":0}}],\"usageMetadata\":{},\"modelVersion\":\"{model}\",\
                 \"responseId\":\"mock\"}}",
                gemini_usage(p)
            ),
            Api::Converse => converse::json(&t, p),
        }
        .into()
    }

    pub(crate) fn stream_head(self, model: &str, p: &Profile) -> Bytes {
        let mut s = String::with_capacity(1024);
        match self {
            Api::Messages => {
                event(
                    &mut s,
                    "message_start",
                    format_args!(
                        "{{\"type\":\"message_start\",\"message\":{{\"id\":\"msg_01mock0000000000000000\",\"type\":\"message\",\
                     \"role\":\"assistant\",\"model\":\"{model}\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\
                     \"usage\":{{\"input_tokens\":{},\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":{},\
                     \"output_tokens\":1,\"service_tier\":\"standard\"}}}}}}",
                        p.in_tokens, p.cache_read
                    ),
                );
                event(
                    &mut s,
                    "content_block_start",
                    format_args!(
                        "{{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"text\",\"text\":\"\"}}}}"
                    ),
                );
                event(&mut s, "ping", format_args!("{{\"type\":\"ping\"}}"));
            }
            Api::Chat => chat_chunk(
                &mut s,
                model,
                "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}",
                "null",
            ),
            Api::Responses => {
                let r = response_object(model, "in_progress", "", "null");
                event(
                    &mut s,
                    "response.created",
                    format_args!("{{\"type\":\"response.created\",\"sequence_number\":0,\"response\":{r}}}"),
                );
                event(
                    &mut s,
                    "response.in_progress",
                    format_args!(
                        "{{\"type\":\"response.in_progress\",\"sequence_number\":1,\"response\":{r}}}"
                    ),
                );
                event(
                    &mut s,
                    "response.output_item.added",
                    format_args!(
                        "{{\"type\":\"response.output_item.added\",\"sequence_number\":2,\"output_index\":0,\"item\":\
                     {{\"id\":\"msg_mock\",\"type\":\"message\",\"status\":\"in_progress\",\"content\":[],\"role\":\"assistant\"}}}}"
                    ),
                );
                event(
                    &mut s,
                    "response.content_part.added",
                    format_args!(
                        "{{\"type\":\"response.content_part.added\",\"sequence_number\":3,\"item_id\":\"msg_mock\",\"output_index\":0,\
                     \"content_index\":0,\"part\":{{\"type\":\"output_text\",\"annotations\":[],\"text\":\"\"}}}}"
                    ),
                );
            }
            Api::Gemini => {} // no opening event
            Api::Converse => return converse::head(),
        }
        s.into()
    }

    pub(crate) fn stream_chunk(self, model: &str, i: u32, p: &Profile) -> Bytes {
        let t = text(p.bytes);
        let mut s = String::with_capacity(t.len() + 400);
        match self {
            Api::Messages => event(
                &mut s,
                "content_block_delta",
                format_args!(
                    "{{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{t}\"}}}}"
                ),
            ),
            Api::Chat => chat_chunk(&mut s, model, &format!("{{\"content\":\"{t}\"}}"), "null"),
            Api::Responses => event(
                &mut s,
                "response.output_text.delta",
                format_args!(
                    "{{\"type\":\"response.output_text.delta\",\"sequence_number\":{},\"item_id\":\"msg_mock\",\"output_index\":0,\
                 \"content_index\":0,\"delta\":\"{t}\",\"logprobs\":[]}}",
                    i + 4
                ),
            ),
            Api::Gemini => {
                let finish = if i + 1 == p.chunks { ",\"finishReason\":\"STOP\"" } else { "" };
                write!(s, "data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"{t}\"}}],\"role\":\"model\"}}{finish},\
                     \"index\":0}}],\"usageMetadata\":{},\"modelVersion\":\"{model}\",\"responseId\":\"mock\"}}\r\n\r\n",
                    gemini_usage(p)).expect("writing to a String cannot fail");
            }
            Api::Converse => return converse::chunk(&t),
        }
        s.into()
    }

    pub(crate) fn stream_tail(self, model: &str, p: &Profile, with_usage: bool) -> Bytes {
        let mut s = String::with_capacity(1024);
        match self {
            Api::Messages => {
                event(
                    &mut s,
                    "content_block_stop",
                    format_args!("{{\"type\":\"content_block_stop\",\"index\":0}}"),
                );
                event(
                    &mut s,
                    "message_delta",
                    format_args!(
                        "{{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}},\
                     \"usage\":{{\"input_tokens\":{},\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":{},\
                     \"output_tokens\":{}}}}}",
                        p.in_tokens, p.cache_read, p.out_tokens
                    ),
                );
                event(&mut s, "message_stop", format_args!("{{\"type\":\"message_stop\"}}"));
            }
            Api::Chat => {
                chat_chunk(&mut s, model, "{}", "\"stop\"");
                if with_usage {
                    write!(s, "data: {{\"id\":\"chatcmpl-mock000000000000000000000\",\"object\":\"chat.completion.chunk\",\
                         \"created\":1750000000,\"model\":\"{model}\",\"system_fingerprint\":\"fp_mock\",\"choices\":[],\
                         \"usage\":{{\"prompt_tokens\":{},\"completion_tokens\":{},\"total_tokens\":{},\
                         \"prompt_tokens_details\":{{\"cached_tokens\":{}}}}}}}\n\n",
                        p.in_tokens, p.out_tokens, p.in_tokens + p.out_tokens, p.cache_read).expect("writing to a String cannot fail");
                }
                s.push_str("data: [DONE]\n\n");
            }
            Api::Responses => {
                let n = p.chunks + 4;
                let t = text(p.bytes).replacen("@t=", "@end=", 1);
                let item = output_item(&t, "completed");
                event(
                    &mut s,
                    "response.output_text.done",
                    format_args!(
                        "{{\"type\":\"response.output_text.done\",\"sequence_number\":{n},\"item_id\":\"msg_mock\",\"output_index\":0,\
                     \"content_index\":0,\"text\":\"{t}\",\"logprobs\":[]}}"
                    ),
                );
                event(
                    &mut s,
                    "response.content_part.done",
                    format_args!(
                        "{{\"type\":\"response.content_part.done\",\"sequence_number\":{},\"item_id\":\"msg_mock\",\"output_index\":0,\
                     \"content_index\":0,\"part\":{{\"type\":\"output_text\",\"annotations\":[],\"text\":\"{t}\"}}}}",
                        n + 1
                    ),
                );
                event(
                    &mut s,
                    "response.output_item.done",
                    format_args!(
                        "{{\"type\":\"response.output_item.done\",\"sequence_number\":{},\"output_index\":0,\"item\":{item}}}",
                        n + 2
                    ),
                );
                event(
                    &mut s,
                    "response.completed",
                    format_args!(
                        "{{\"type\":\"response.completed\",\"sequence_number\":{},\"response\":{}}}",
                        n + 3,
                        response_object(model, "completed", &item, &responses_usage(p))
                    ),
                );
            }
            Api::Gemini => {}
            Api::Converse => return converse::tail(p),
        }
        s.into()
    }

    /// The media type of a stream.
    pub(crate) fn stream_type(self) -> &'static str {
        match self {
            Api::Converse => "application/vnd.amazon.eventstream",
            _ => "text/event-stream; charset=utf-8",
        }
    }
}

fn chat_chunk(s: &mut String, model: &str, delta: &str, finish: &str) {
    write!(s, "data: {{\"id\":\"chatcmpl-mock000000000000000000000\",\"object\":\"chat.completion.chunk\",\
         \"created\":1750000000,\"model\":\"{model}\",\"system_fingerprint\":\"fp_mock\",\"choices\":[{{\"index\":0,\
         \"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n").expect("writing to a String cannot fail");
}

fn output_item(t: &str, status: &str) -> String {
    format!(
        "{{\"id\":\"msg_mock\",\"type\":\"message\",\"status\":\"{status}\",\"content\":[{{\"type\":\"output_text\",\
             \"annotations\":[],\"logprobs\":[],\"text\":\"{t}\"}}],\"role\":\"assistant\"}}"
    )
}

fn response_object(model: &str, status: &str, output: &str, usage: &str) -> String {
    format!(
        "{{\"id\":\"resp_mock\",\"object\":\"response\",\"created_at\":1750000000,\"status\":\"{status}\",\
             \"background\":false,\"error\":null,\"incomplete_details\":null,\"instructions\":null,\
             \"max_output_tokens\":null,\"model\":\"{model}\",\"output\":[{output}],\"parallel_tool_calls\":true,\
             \"previous_response_id\":null,\"reasoning\":{{\"effort\":null,\"summary\":null}},\"store\":false,\
             \"temperature\":1.0,\"text\":{{\"format\":{{\"type\":\"text\"}}}},\"tool_choice\":\"auto\",\"tools\":[],\
             \"top_p\":1.0,\"truncation\":\"disabled\",\"usage\":{usage},\"user\":null,\"metadata\":{{}}}}"
    )
}

fn responses_usage(p: &Profile) -> String {
    format!(
        "{{\"input_tokens\":{},\"input_tokens_details\":{{\"cached_tokens\":{}}},\"output_tokens\":{},\
             \"output_tokens_details\":{{\"reasoning_tokens\":0}},\"total_tokens\":{}}}",
        p.in_tokens,
        p.cache_read,
        p.out_tokens,
        p.in_tokens + p.out_tokens
    )
}

fn gemini_usage(p: &Profile) -> String {
    format!(
        "{{\"promptTokenCount\":{},\"candidatesTokenCount\":{},\"totalTokenCount\":{}}}",
        p.in_tokens,
        p.out_tokens,
        p.in_tokens + p.out_tokens
    )
}

#[expect(clippy::disallowed_methods, reason = "two processes compare stamps of the machine's own clock")]
fn now_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_nanos()
}
