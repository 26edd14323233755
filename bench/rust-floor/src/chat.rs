//! OpenAI chat completions on an Anthropic upstream: text only, what the scenarios e1 to e3 need.
//! Texts are carried over as raw JSON strings, so they are neither unescaped nor escaped again.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::fmt::Write as _;

#[derive(Deserialize)]
struct Chat<'a> {
    model: &'a str,
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    #[serde(default)]
    max_tokens: Option<u32>,
    #[serde(default)]
    stream: bool,
}

#[derive(Deserialize)]
struct Message<'a> {
    role: &'a str,
    #[serde(borrow)]
    content: &'a RawValue,
}

/// The Messages request, and whether it streams.
pub(crate) fn request(body: &[u8]) -> Option<(Bytes, bool)> {
    let c: Chat<'_> = serde_json::from_slice(body).ok()?;
    let mut s = String::with_capacity(body.len() + 64);
    write!(
        s,
        "{{\"model\":\"{}\",\"max_tokens\":{},\"stream\":{}",
        c.model,
        c.max_tokens.unwrap_or(4096),
        c.stream
    )
    .ok()?;
    if let Some(m) = c.messages.iter().find(|m| m.role == "system") {
        write!(s, ",\"system\":{}", m.content.get()).ok()?;
    }
    s.push_str(",\"messages\":[");
    for (i, m) in c.messages.iter().filter(|m| m.role != "system").enumerate() {
        let comma = if i > 0 { "," } else { "" };
        write!(s, "{comma}{{\"role\":\"{}\",\"content\":{}}}", m.role, m.content.get()).ok()?;
    }
    s.push_str("]}");
    Some((s.into(), c.stream))
}

#[derive(Deserialize)]
struct Done<'a> {
    id: &'a str,
    model: &'a str,
    #[serde(borrow)]
    content: Vec<Block<'a>>,
    stop_reason: Option<&'a str>,
    usage: crate::tap::Usage,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

fn finish(stop: Option<&str>) -> &'static str {
    match stop {
        Some("max_tokens") => "length",
        Some("tool_use") => "tool_calls",
        _ => "stop",
    }
}

pub(crate) fn response(body: &[u8]) -> Option<(String, crate::tap::Usage)> {
    let d: Done<'_> = serde_json::from_slice(body).ok()?;
    let text = d.content.iter().find_map(|b| b.text).map_or("\"\"", |t| t.get());
    let u = &d.usage;
    let s = format!(
        "{{\"id\":\"chatcmpl-{}\",\"object\":\"chat.completion\",\"created\":1750000000,\"model\":\"{}\",\"choices\":[{{\
         \"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":{text}}},\"finish_reason\":\"{}\"}}],\"usage\":{{\
         \"prompt_tokens\":{},\"completion_tokens\":{},\"total_tokens\":{}}}}}",
        d.id,
        d.model,
        finish(d.stop_reason),
        u.input_tokens,
        u.output_tokens,
        u.input_tokens + u.output_tokens
    );
    Some((s, d.usage))
}

#[derive(Deserialize)]
struct Event<'a> {
    r#type: &'a str,
    #[serde(borrow)]
    delta: Option<Delta<'a>>,
    #[serde(borrow)]
    message: Option<Start<'a>>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    stop_reason: Option<&'a str>,
}

#[derive(Deserialize)]
struct Start<'a> {
    id: &'a str,
    model: &'a str,
}

#[derive(Default)]
pub(crate) struct Stream {
    head: String,
}

impl Stream {
    fn chunk(&self, out: &mut String, delta: &str, finish: &str) {
        let _ = write!(
            out,
            "{},\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n",
            self.head
        );
    }

    /// Adds to `out` what the data of one Anthropic event becomes.
    pub(crate) fn event(&mut self, json: &[u8], seen: &crate::tap::Usage, out: &mut String) {
        let Ok(e) = serde_json::from_slice::<Event<'_>>(json) else { return };
        match (e.r#type, e.delta, e.message) {
            ("content_block_delta", Some(Delta { text: Some(t), .. }), _) => {
                let _ = write!(
                    out,
                    "{},\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{}}},\"finish_reason\":null}}]}}\n\n",
                    self.head,
                    t.get()
                );
            }
            ("message_start", _, Some(m)) => {
                self.head = format!(
                    "data: {{\"id\":\"chatcmpl-{}\",\"object\":\"chat.completion.chunk\",\
                    \"created\":1750000000,\"model\":\"{}\"",
                    m.id, m.model
                );
                self.chunk(out, "{\"role\":\"assistant\",\"content\":\"\"}", "null");
            }
            ("message_delta", Some(d), _) => self.chunk(out, "{}", &format!("\"{}\"", finish(d.stop_reason))),
            ("message_stop", ..) => {
                let _ = write!(
                    out,
                    "{},\"choices\":[],\"usage\":{{\"prompt_tokens\":{},\"completion_tokens\":{},\
                    \"total_tokens\":{}}}}}\n\ndata: [DONE]\n\n",
                    self.head,
                    seen.input_tokens,
                    seen.output_tokens,
                    seen.input_tokens + seen.output_tokens
                );
            }
            _ => {}
        }
    }
}
