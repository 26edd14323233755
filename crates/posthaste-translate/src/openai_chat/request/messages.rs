//! The conversation as messages, each tool result one of its own.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::Serialize;

use super::content::ContentOut;
use crate::{
    Loss, TranslateError,
    conversation::{IdRule, Outcome, Step, UserPart, steps},
    ir::{Content, Extra, Message, Opaque, Part, Request, ToolResult},
    json::Fields,
    loss::Losses,
    openai_chat::{
        part::{PartOut, Reach, ToolCallOut, is_call, part},
        variant::{Prefill, Thoughts},
    },
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
    reasoning: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ContentOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCallOut<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    #[serde(flatten)]
    extra: Fields<'a>,
}

/// How messages are written for a vendor.
pub(super) struct Manner {
    /// What they may hold.
    pub(super) reach: Reach,
    /// What becomes of thoughts.
    pub(super) thoughts: Thoughts,
    /// What becomes of a beginning of the answer.
    pub(super) prefill: Prefill,
    /// What the relay adds to the instructions.
    pub(super) instruction: Option<String>,
}

/// Mistral's models take other ids than everybody else's, and so do servers that run them: their templates check it
/// (<https://mistralai.github.io/mistral-common/usage/tools/>, <https://github.com/ml-explore/mlx-lm/issues/1375>; checked
/// 2026-11-26).
fn id_rule(request: &Request) -> IdRule {
    let model = request.model.to_ascii_lowercase();
    match request.dialect {
        DIALECT => IdRule::Any,
        _ if OF_MISTRAL.iter().any(|name| model.contains(name)) => IdRule::Nine,
        _ => IdRule::Short,
    }
}

/// What the names of Mistral's models hold.
const OF_MISTRAL: [&str; 8] =
    ["codestral", "devstral", "magistral", "ministral", "mistral", "mixtral", "pixtral", "voxtral"];

/// The instructions and the conversation.
pub(super) fn messages<'a>(
    request: &'a Request,
    manner: Manner,
    losses: &mut Losses,
) -> Result<Vec<MessageOut<'a>>, TranslateError> {
    let Manner { reach, thoughts, prefill, instruction } = manner;
    let mut writer = Writer { reach, thoughts, messages: Vec::new() };
    writer.system(&request.system, instruction, &[], losses)?;
    let ids = id_rule(request);
    for step in steps(&request.messages, ids, losses) {
        match step {
            Step::Assistant { message, ids } => writer.assistant(message, ids, losses)?,
            Step::Outcomes(outcomes) => writer.outcomes(outcomes, losses)?,
            Step::User { message, parts } => writer.user(message, parts, losses)?,
            Step::System(message) => {
                let extra = writer.extra(message, losses)?;
                writer.system(&message.parts, None, extra, losses)?;
            }
        }
    }
    if !reach.own {
        writer.prefill(prefill)?;
    }
    Ok(writer.messages)
}

struct Writer<'a> {
    reach: Reach,
    thoughts: Thoughts,
    messages: Vec<MessageOut<'a>>,
}

impl<'a> Writer<'a> {
    /// A last message of the model is the beginning of its answer: a vendor that does not go on with it would begin anew.
    fn prefill(&mut self, prefill: Prefill) -> Result<(), TranslateError> {
        let last = self.messages.last_mut().filter(|last| last.role == "assistant");
        match (last, prefill) {
            (None, _) => Ok(()),
            (Some(last), Prefill::Partial) => {
                last.partial = true;
                Ok(())
            }
            (Some(_), Prefill::Refused) => Err(TranslateError::inexpressible("messages.prefill", DIALECT)),
        }
    }

    fn extra(&self, message: &'a Message, losses: &mut Losses) -> Result<&'a [Extra], TranslateError> {
        if self.reach.own {
            return Ok(&message.extra);
        }
        losses.foreign("messages", &message.extra, DIALECT)?;
        Ok(&[])
    }

    /// Instructions are one text where nothing marks a part of them: many vendors take nothing else there.
    fn system(
        &mut self,
        parts: &'a [Part],
        instruction: Option<String>,
        extra: &'a [Extra],
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        let mut texts = Vec::with_capacity(parts.len());
        for part in parts {
            let Content::Text(text) = &part.content else {
                losses.dropped("system");
                continue;
            };
            losses.foreign("system", &part.extra, DIALECT)?;
            let mark = self.reach.mark(part.cache.as_ref(), "system.cache_control", losses);
            texts.push(PartOut::marked_text(text, mark));
        }
        texts.extend(instruction.map(PartOut::text));
        if let Some(content) = ContentOut::joined(texts, "\n\n") {
            let content = Some(content);
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
        let (mut content, mut thoughts, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
        let mut tool_calls = Vec::new();
        // Whether the text before was not the model's own.
        let mut apart = false;
        for part in &message.parts {
            let text = match &part.content {
                Content::Text(text) => Cow::Borrowed(text.as_str()),
                Content::Json(json) => Cow::Borrowed(json.as_str()),
                Content::Opaque(opaque) if self.reach.own && is_call(opaque) => {
                    tool_calls.push(ToolCallOut::Raw(opaque.value.as_raw()));
                    continue;
                }
                Content::Opaque(opaque) if self.reach.own => {
                    content.push(PartOut::Raw(opaque.value.as_raw()));
                    continue;
                }
                Content::Opaque(opaque) => match readable(opaque, losses) {
                    Some(text) => Cow::Borrowed(text),
                    None => continue,
                },
                other => {
                    match other {
                        Content::Refusal(text) => refusals.push(text.as_str()),
                        Content::Thinking(thinking) => thoughts.push(thinking.text.as_str()),
                        // Sealed for another vendor, and thoughts have no other place here.
                        Content::RedactedThinking(_) => {}
                        Content::ToolCall(call) => {
                            let id = ids.next().unwrap_or(Cow::Borrowed(&call.id));
                            tool_calls.push(ToolCallOut::new(call, id, self.reach.own));
                        }
                        _ => losses.dropped("messages.content"),
                    }
                    losses.dropped_if(part.cache.is_some(), "messages.content.cache_control");
                    losses.foreign("messages.content", &part.extra, DIALECT)?;
                    continue;
                }
            };
            if text.is_empty() && !self.reach.own {
                continue;
            }
            losses.dropped_if(!part.citations.is_empty(), "messages.content.citations");
            losses.foreign("messages.content", &part.extra, DIALECT)?;
            let mark = self.reach.mark(part.cache.as_ref(), "messages.content.cache_control", losses);
            let foreign = matches!(part.content, Content::Opaque(_));
            let spaced = !content.is_empty() && (foreign || apart);
            apart = foreign;
            let text = if spaced { format!("\n\n{text}").into() } else { text };
            content.push(PartOut::marked_text(text, mark));
        }
        let (reasoning_content, reasoning) = self.thoughts(&thoughts, losses);
        let wire = MessageOut {
            role: "assistant",
            reasoning_content,
            reasoning,
            content: ContentOut::joined(content, ""),
            refusal: joined(&refusals, ""),
            tool_calls,
            extra: Fields(self.extra(message, losses)?),
            ..Default::default()
        };
        self.push_assistant(wire);
        Ok(())
    }

    /// The thoughts of a turn, in `reasoning_content` and in `reasoning`: one of them, or none.
    fn thoughts(
        &self,
        thoughts: &[&'a str],
        losses: &mut Losses,
    ) -> (Option<Cow<'a, str>>, Option<Cow<'a, str>>) {
        let thoughts: Vec<_> = thoughts.iter().copied().filter(|text| !text.is_empty()).collect();
        let text = joined(&thoughts, "\n");
        match self.thoughts {
            _ if self.reach.own => (text, None),
            Thoughts::Required => (text, None),
            Thoughts::Kept => (None, text),
            Thoughts::Dropped => {
                losses.dropped_if(text.is_some(), "messages.content.thinking");
                (None, None)
            }
        }
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
                    (Some(before), Some(content)) => Some(before.followed_by(content)),
                    (before, content) => before.or(content),
                };
                last.reasoning_content = both(last.reasoning_content.take(), wire.reasoning_content);
                last.reasoning = both(last.reasoning.take(), wire.reasoning);
                last.refusal = last.refusal.take().or(wire.refusal);
            }
            _ => self.messages.push(wire),
        }
    }

    /// Results, and behind them the media that only a user's message may hold.
    fn outcomes(&mut self, outcomes: Vec<Outcome<'a>>, losses: &mut Losses) -> Result<(), TranslateError> {
        let mut media = Vec::new();
        for Outcome { id, result } in outcomes {
            let content = match result {
                None => ContentOut::Text(Cow::Borrowed("Error: no result")),
                Some((part, result)) => {
                    losses.foreign("messages.content", &part.extra, DIALECT)?;
                    self.media(&id, result, &mut media, losses)?;
                    let text = result_text(result, losses);
                    let cache = part.cache.as_ref().or_else(|| result.parts.last()?.cache.as_ref());
                    match self.reach.mark(cache, "messages.content.cache_control", losses) {
                        None => ContentOut::Text(text),
                        mark => ContentOut::Parts(vec![PartOut::marked_text(text, mark)]),
                    }
                }
            };
            let content = Some(content);
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
        for held in result.parts.iter().filter(|part| text_of(part).is_none()) {
            let Some(held) = part(held, self.reach, losses)? else { continue };
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
                UserPart::Plain(plain) => content.extend(part(plain, self.reach, losses)?),
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

    fn push_user(&mut self, parts: Vec<PartOut<'a>>, extra: &'a [Extra]) {
        let Some(content) = ContentOut::of(parts) else { return };
        let extra = Fields(extra);
        self.messages.push(MessageOut { role: "user", content: Some(content), extra, ..Default::default() });
    }
}

/// What is text in a tool's result, or can be shown as text.
fn text_of(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Text(text) => Some(text),
        Content::Json(json) => Some(json.as_str()),
        Content::Opaque(opaque) => opaque.text.as_deref(),
        _ => None,
    }
}

/// The texts of a result; a failure is marked in words, since there is no other mark.
fn result_text<'a>(result: &'a ToolResult, losses: &mut Losses) -> Cow<'a, str> {
    for part in &result.parts {
        if let Content::Opaque(opaque) = &part.content
            && opaque.text.is_some()
        {
            losses.add(Loss::degraded(format!("messages.content.{}", opaque.kind), "carried as text"));
        }
    }
    let texts: Vec<_> = result.parts.iter().filter_map(text_of).collect();
    let text = joined(&texts, "\n").unwrap_or_default();
    if !result.is_error {
        return text;
    }
    losses.degraded("messages.content.tool_result.is_error", "marked in the text");
    if text.starts_with("Error") { text } else { format!("Error: {text}").into() }
}

/// What can be shown of a block that only another dialect knows.
fn readable<'a>(opaque: &'a Opaque, losses: &mut Losses) -> Option<&'a str> {
    let field = format!("messages.content.{}", opaque.kind);
    let Some(text) = &opaque.text else {
        losses.add(Loss::dropped(field));
        return None;
    };
    losses.add(Loss::degraded(field, "carried as text"));
    Some(text)
}

fn both<'a>(before: Option<Cow<'a, str>>, next: Option<Cow<'a, str>>) -> Option<Cow<'a, str>> {
    match (before, next) {
        (Some(before), Some(next)) => Some(format!("{before}\n{next}").into()),
        (before, next) => before.or(next),
    }
}

/// The texts as one, borrowed when there is only one; `None` when there is none.
fn joined<'a>(texts: &[&'a str], between: &str) -> Option<Cow<'a, str>> {
    match texts {
        [] => None,
        [only] => Some(Cow::Borrowed(only)),
        texts => Some(Cow::Owned(texts.join(between))),
    }
}
