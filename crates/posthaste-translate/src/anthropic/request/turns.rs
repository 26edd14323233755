//! The conversation as turns that alternate.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::{Serialize, Serializer};

use crate::{
    TranslateError,
    anthropic::block::{BlockOut, Origin, Place, block, text_block},
    conversation::{IdRule, Outcome, Step, UserPart, steps},
    ir::{Content, Message, Part, Request, ToolResult},
    json::Fields,
    loss::Losses,
};

/// A turn as it is written.
#[derive(Serialize)]
pub(super) struct TurnOut<'a> {
    role: &'static str,
    #[serde(serialize_with = "text_or_blocks")]
    content: Vec<BlockOut<'a>>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

impl<'a> TurnOut<'a> {
    /// A user's turn.
    pub(super) fn user(content: Vec<BlockOut<'a>>) -> Self {
        Self { role: "user", content, extra: Fields(&[]) }
    }
}

/// Blocks that are one plain text are written as that text.
pub(super) fn text_or_blocks<S: Serializer>(
    blocks: &[BlockOut<'_>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match blocks {
        [only] => match only.as_plain_text() {
            Some(text) => serializer.serialize_str(text),
            None => blocks.serialize(serializer),
        },
        _ => blocks.serialize(serializer),
    }
}

/// The conversation's turns: neighbours of one role merged, results directly behind their calls.
pub(super) fn turns<'a>(
    request: &'a Request,
    losses: &mut Losses,
) -> Result<Vec<TurnOut<'a>>, TranslateError> {
    let origin = Origin { dialect: request.dialect, place: Place::Messages };
    let mut writer = Writer { origin, turns: Vec::new() };
    for step in steps(&request.messages, IdRule::Word, losses) {
        match step {
            Step::Assistant { message, ids } => writer.assistant(message, ids, losses)?,
            Step::Outcomes(outcomes) => writer.outcomes(outcomes, losses)?,
            Step::User { message, parts } => writer.user(message, parts, losses)?,
            Step::System(message) => writer.system(message, losses)?,
        }
    }
    // Most models refuse a conversation that the model begins.
    if writer.turns.first().is_some_and(|turn| turn.role == "assistant") && !writer.origin.is_own() {
        losses.degraded("messages", "an empty turn of the user was put before the first");
        writer.turns.insert(0, TurnOut::user(vec![text_block("…".to_owned())]));
    }
    Ok(writer.turns)
}

struct Writer<'a> {
    origin: Origin,
    turns: Vec<TurnOut<'a>>,
}

impl<'a> Writer<'a> {
    /// A turn without blocks is left out: the API refuses it.
    fn push(&mut self, role: &'static str, mut content: Vec<BlockOut<'a>>, extra: Fields<'a>) {
        match self.turns.last_mut() {
            _ if content.is_empty() => {}
            Some(last) if last.role == role && extra.0.is_empty() => last.content.append(&mut content),
            _ => self.turns.push(TurnOut { role, content, extra }),
        }
    }

    fn extra(&self, message: &'a Message, losses: &mut Losses) -> Result<Fields<'a>, TranslateError> {
        if self.origin.is_own() {
            return Ok(Fields(&message.extra));
        }
        losses.foreign("messages", &message.extra, Dialect::AnthropicMessages)?;
        Ok(Fields(&[]))
    }

    fn assistant(
        &mut self,
        message: &'a Message,
        ids: Vec<Cow<'a, str>>,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        let mut ids = ids.into_iter();
        let mut blocks = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            let id = if matches!(part.content, Content::ToolCall(_)) { ids.next() } else { None };
            if !self.origin.is_own() && is_unsigned_thought(part) {
                losses.dropped("messages.reasoning_content");
                continue;
            }
            blocks.extend(block(part, self.origin, id, losses)?);
        }
        let extra = self.extra(message, losses)?;
        self.push("assistant", blocks, extra);
        Ok(())
    }

    fn outcomes(&mut self, outcomes: Vec<Outcome<'a>>, losses: &mut Losses) -> Result<(), TranslateError> {
        let mut blocks = Vec::with_capacity(outcomes.len());
        for Outcome { id, result } in outcomes {
            match result {
                Some((part, _)) => blocks.extend(block(part, self.origin, Some(id), losses)?),
                None => blocks.push(BlockOut::missing_result(id)),
            }
        }
        self.push("user", blocks, Fields(&[]));
        Ok(())
    }

    fn user(
        &mut self,
        message: &'a Message,
        parts: Vec<UserPart<'a>>,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        let mut blocks = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                UserPart::Plain(part) => blocks.extend(block(part, self.origin, None, losses)?),
                UserPart::Orphan(result) => self.orphan(result, &mut blocks, losses)?,
            }
        }
        let extra = self.extra(message, losses)?;
        self.push("user", blocks, extra);
        Ok(())
    }

    fn orphan(
        &self,
        result: &'a ToolResult,
        blocks: &mut Vec<BlockOut<'a>>,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        blocks.push(text_block(format!("Result of the tool call {}:", result.call_id)));
        for part in &result.parts {
            blocks.extend(block(part, self.origin, None, losses)?);
        }
        Ok(())
    }

    /// Only some models take the role `system` here; a client of this dialect knows, any other does not.
    fn system(&mut self, message: &'a Message, losses: &mut Losses) -> Result<(), TranslateError> {
        let mut blocks = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            match &part.content {
                Content::Text(text) if !self.origin.is_own() => {
                    blocks.push(text_block(format!("<system>\n{text}\n</system>")));
                    losses.degraded("messages.system", "carried as a user text marked as system");
                }
                _ => blocks.extend(block(part, self.origin, None, losses)?),
            }
        }
        let extra = self.extra(message, losses)?;
        self.push(if self.origin.is_own() { "system" } else { "user" }, blocks, extra);
        Ok(())
    }
}

/// Thoughts without a signature, which Anthropic would refuse. A client of this dialect may talk to a vendor that does not.
fn is_unsigned_thought(part: &Part) -> bool {
    matches!(&part.content, Content::Thinking(thinking) if thinking.proof.is_none())
}
