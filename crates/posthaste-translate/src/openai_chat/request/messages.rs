//! The conversation as messages, each tool result one of its own.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::Serialize;

use crate::{
    Loss, TranslateError,
    conversation::{IdRule, Outcome, Step, UserPart, steps},
    ir::{Content, Extra, Message, Part, Request, ToolResult},
    json::Fields,
    loss::Losses,
    openai_chat::part::{PartOut, ToolCallOut, part},
};

const DIALECT: Dialect = Dialect::OpenAiChat;

/// A message as it is written.
#[derive(Default, Serialize)]
pub(super) struct MessageOut<'a> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ContentOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallOut<'a>>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ContentOut<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<PartOut<'a>>),
}

/// The instructions and the conversation.
pub(super) fn messages<'a>(
    request: &'a Request,
    losses: &mut Losses,
) -> Result<Vec<MessageOut<'a>>, TranslateError> {
    let own = request.dialect == DIALECT;
    let mut writer = Writer { own, messages: Vec::new() };
    writer.system(&request.system, &[], losses)?;
    for step in steps(&request.messages, IdRule::Any, losses) {
        match step {
            Step::Assistant { message, ids } => writer.assistant(message, ids, losses)?,
            Step::Outcomes(outcomes) => writer.outcomes(outcomes, losses)?,
            Step::User { message, parts } => writer.user(message, parts, losses)?,
            Step::System(message) => {
                let extra = writer.extra(message, losses)?;
                writer.system(&message.parts, extra, losses)?;
            }
        }
    }
    Ok(writer.messages)
}

struct Writer<'a> {
    own: bool,
    messages: Vec<MessageOut<'a>>,
}

impl<'a> Writer<'a> {
    fn extra(&self, message: &'a Message, losses: &mut Losses) -> Result<&'a [Extra], TranslateError> {
        if self.own {
            return Ok(&message.extra);
        }
        losses.foreign("messages", &message.extra, DIALECT)?;
        Ok(&[])
    }

    /// Instructions are one text: many vendors take nothing else there.
    fn system(
        &mut self,
        parts: &'a [Part],
        extra: &'a [Extra],
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        let mut texts = Vec::with_capacity(parts.len());
        for part in parts {
            let Content::Text(text) = &part.content else {
                losses.dropped("system");
                continue;
            };
            losses.dropped_if(part.cache.is_some(), "system.cache_control");
            losses.foreign("system", &part.extra, DIALECT)?;
            texts.push(text.as_str());
        }
        if let Some(text) = joined(&texts, "\n\n") {
            let content = Some(ContentOut::Text(text));
            self.messages.push(MessageOut {
                role: "system",
                content,
                extra: Fields(extra),
                ..Default::default()
            });
        }
        Ok(())
    }

    fn assistant(
        &mut self,
        message: &'a Message,
        ids: Vec<Cow<'a, str>>,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        let mut ids = ids.into_iter();
        let (mut texts, mut thoughts, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
        let mut tool_calls = Vec::new();
        for part in &message.parts {
            match &part.content {
                Content::Text(text) => texts.push(text.as_str()),
                Content::Json(json) => texts.push(json.as_str()),
                Content::Refusal(text) => refusals.push(text.as_str()),
                Content::Thinking(thinking) if thinking.proof.is_none() => {
                    thoughts.extend(Some(thinking.text.as_str()).filter(|text| !text.is_empty()))
                }
                // Another vendor's proof is no use to this one, and neither are thoughts that need it.
                Content::Thinking(_) | Content::RedactedThinking(_) => {
                    losses.dropped("messages.content.thinking")
                }
                Content::ToolCall(call) => {
                    let id = ids.next().unwrap_or(Cow::Borrowed(&call.id));
                    tool_calls.push(ToolCallOut::new(call, id, self.own));
                }
                Content::Opaque(opaque) if self.own => {
                    tool_calls.push(ToolCallOut::Raw(opaque.value.as_raw()))
                }
                Content::Opaque(opaque) => {
                    losses.add(Loss::dropped(format!("messages.content.{}", opaque.kind)));
                }
                Content::Image(_) | Content::Document(_) | Content::Audio { .. } | Content::ToolResult(_) => {
                    losses.dropped("messages.content");
                }
            }
            losses.dropped_if(part.cache.is_some(), "messages.content.cache_control");
            losses.foreign("messages.content", &part.extra, DIALECT)?;
        }
        let text = joined(&texts, "");
        let wire = MessageOut {
            role: "assistant",
            reasoning_content: joined(&thoughts, "\n"),
            content: text.map(ContentOut::Text),
            refusal: joined(&refusals, ""),
            tool_calls,
            extra: Fields(self.extra(message, losses)?),
            ..Default::default()
        };
        self.push_assistant(wire);
        Ok(())
    }

    /// Two turns of the model whose calls are answered together must be one message here.
    fn push_assistant(&mut self, mut wire: MessageOut<'a>) {
        if wire.content.is_none() && wire.refusal.is_none() && wire.tool_calls.is_empty() {
            return;
        }
        match self.messages.last_mut() {
            Some(last) if last.role == "assistant" && !last.tool_calls.is_empty() => {
                last.tool_calls.append(&mut wire.tool_calls);
                last.content = match (last.content.take(), wire.content) {
                    (Some(ContentOut::Text(before)), Some(ContentOut::Text(text))) => {
                        Some(ContentOut::Text(format!("{before}\n\n{text}").into()))
                    }
                    (before, text) => before.or(text),
                };
                last.refusal = last.refusal.take().or(wire.refusal);
            }
            _ => self.messages.push(wire),
        }
    }

    /// Results, and behind them the media that only a user's message may hold.
    fn outcomes(&mut self, outcomes: Vec<Outcome<'a>>, losses: &mut Losses) -> Result<(), TranslateError> {
        let mut media = Vec::new();
        for Outcome { id, result } in outcomes {
            let text = match result {
                None => Cow::Borrowed("Error: no result"),
                Some((part, result)) => {
                    losses.dropped_if(part.cache.is_some(), "messages.content.cache_control");
                    losses.foreign("messages.content", &part.extra, DIALECT)?;
                    self.media(&id, result, &mut media, losses)?;
                    result_text(result, losses)
                }
            };
            let content = Some(ContentOut::Text(text));
            self.messages.push(MessageOut {
                role: "tool",
                tool_call_id: Some(id),
                content,
                ..Default::default()
            });
        }
        self.push_user(media, &[]);
        Ok(())
    }

    fn media(
        &self,
        id: &str,
        result: &'a ToolResult,
        media: &mut Vec<PartOut<'a>>,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        let mut named = false;
        for held in result.parts.iter().filter(|part| !is_text(part)) {
            let Some(held) = part(held, self.own, losses)? else { continue };
            if !named {
                losses.degraded("messages.content.tool_result.content", "media follow in a user's message");
                media.push(PartOut::text(format!("Content of the result of the tool call {id}:")));
                named = true;
            }
            media.push(held);
        }
        Ok(())
    }

    fn user(
        &mut self,
        message: &'a Message,
        parts: Vec<UserPart<'a>>,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        let mut content = Vec::with_capacity(parts.len());
        for user_part in parts {
            match user_part {
                UserPart::Plain(plain) => content.extend(part(plain, self.own, losses)?),
                UserPart::Orphan(result) => {
                    let text = result_text(result, losses);
                    content
                        .push(PartOut::text(format!("Result of the tool call {}: {text}", result.call_id)));
                    self.media(&result.call_id, result, &mut content, losses)?;
                }
            }
        }
        let extra = self.extra(message, losses)?;
        self.push_user(content, extra);
        Ok(())
    }

    fn push_user(&mut self, mut parts: Vec<PartOut<'a>>, extra: &'a [Extra]) {
        let content = match parts.pop() {
            None => return,
            Some(last) if parts.is_empty() => match last.into_plain_text() {
                Ok(text) => ContentOut::Text(text),
                Err(part) => ContentOut::Parts(vec![part]),
            },
            Some(last) => {
                parts.push(last);
                ContentOut::Parts(parts)
            }
        };
        let extra = Fields(extra);
        self.messages.push(MessageOut { role: "user", content: Some(content), extra, ..Default::default() });
    }
}

fn is_text(part: &Part) -> bool {
    matches!(part.content, Content::Text(_))
}

/// The texts of a result; a failure is marked in words, since there is no other mark.
fn result_text<'a>(result: &'a ToolResult, losses: &mut Losses) -> Cow<'a, str> {
    let texts = result.parts.iter().filter_map(|part| match &part.content {
        Content::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let texts: Vec<_> = texts.collect();
    let text = joined(&texts, "\n").unwrap_or_default();
    if !result.is_error {
        return text;
    }
    losses.degraded("messages.content.tool_result.is_error", "marked in the text");
    if text.starts_with("Error") { text } else { format!("Error: {text}").into() }
}

/// The texts as one, borrowed when there is only one; `None` when there is none.
fn joined<'a>(texts: &[&'a str], between: &str) -> Option<Cow<'a, str>> {
    match texts {
        [] => None,
        [only] => Some(Cow::Borrowed(only)),
        texts => Some(Cow::Owned(texts.join(between))),
    }
}
