//! The conversation as turns that alternate strictly and begin with the user's.

use std::borrow::Cow;

use posthaste_core::Dialect;
use serde::Serialize;

use crate::{
    TranslateError,
    bedrock::{
        DIALECT,
        block::{BlockOut, BlockWriter, Origin},
    },
    conversation::{IdRule, Outcome, Step, UserPart, steps},
    ir::{Content, Message, Part, Request, ToolResult},
    json::Fields,
    loss::Losses,
};

/// A turn as it is written.
#[derive(Serialize)]
pub(super) struct TurnOut<'a> {
    role: &'static str,
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

/// The conversation's turns: neighbours of one role merged, results directly behind their calls.
pub(super) fn turns<'a>(
    request: &'a Request,
    losses: &mut Losses,
) -> Result<Vec<TurnOut<'a>>, TranslateError> {
    let origin = Origin { dialect: request.dialect, path: PATH, in_answer: false };
    let mut writer = Writer { origin, blocks: BlockWriter::new(origin), turns: Vec::new() };
    for step in steps(&request.messages, IdRule::ShortWord, losses) {
        match step {
            Step::Assistant { message, ids } => writer.assistant(message, ids, losses)?,
            Step::Outcomes(outcomes) => writer.outcomes(outcomes, losses)?,
            Step::User { message, parts } => writer.user(message, parts, losses)?,
            Step::System(message) => writer.system(message, losses)?,
        }
    }
    if !origin.is_own() {
        begin_with_user(&mut writer.turns, losses);
        put_texts_beside_documents(&mut writer.turns, losses);
    }
    Ok(writer.turns)
}

const PATH: &str = "messages.content";

/// Most models refuse a conversation that begins with the model's turn.
fn begin_with_user(turns: &mut Vec<TurnOut<'_>>, losses: &mut Losses) {
    if turns.first().is_some_and(|turn| turn.role == "assistant") {
        losses.degraded("messages", "begun with a turn of the user, which the upstream requires");
        turns.insert(0, TurnOut::user(vec![BlockOut::text("(The conversation begins.)")]));
    }
}

/// A turn with a document is refused without a text.
fn put_texts_beside_documents(turns: &mut [TurnOut<'_>], losses: &mut Losses) {
    for turn in turns.iter_mut().filter(|turn| turn.role == "user") {
        let has = |is: fn(&BlockOut<'_>) -> bool| turn.content.iter().any(is);
        if has(|block| matches!(block, BlockOut::Document(_)))
            && !has(|block| matches!(block, BlockOut::Text(_)))
        {
            losses.degraded(
                "messages.content",
                "a text was put beside a document, which the upstream requires",
            );
            turn.content.insert(0, BlockOut::text("(See the document.)"));
        }
    }
}

struct Writer<'a> {
    origin: Origin,
    blocks: BlockWriter,
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
        losses.foreign("messages", &message.extra, DIALECT)?;
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
                losses.dropped(thought_field(self.origin.dialect));
                continue;
            }
            self.blocks.push(part, id, &mut blocks, losses)?;
        }
        let extra = self.extra(message, losses)?;
        self.push("assistant", blocks, extra);
        Ok(())
    }

    fn outcomes(&mut self, outcomes: Vec<Outcome<'a>>, losses: &mut Losses) -> Result<(), TranslateError> {
        let mut blocks = Vec::with_capacity(outcomes.len());
        for Outcome { id, result } in outcomes {
            match result {
                Some((part, _)) => self.blocks.push(part, Some(id), &mut blocks, losses)?,
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
                UserPart::Plain(part) => self.blocks.push(part, None, &mut blocks, losses)?,
                UserPart::Orphan(result) => self.orphan(result, &mut blocks, losses)?,
            }
        }
        let extra = self.extra(message, losses)?;
        self.push("user", blocks, extra);
        Ok(())
    }

    fn orphan(
        &mut self,
        result: &'a ToolResult,
        blocks: &mut Vec<BlockOut<'a>>,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        blocks.push(BlockOut::text(format!("Result of the tool call {}:", result.call_id)));
        for part in &result.parts {
            self.blocks.push(part, None, blocks, losses)?;
        }
        Ok(())
    }

    /// Few models take the role `system` here; a client of this dialect knows, any other does not.
    fn system(&mut self, message: &'a Message, losses: &mut Losses) -> Result<(), TranslateError> {
        let mut blocks = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            match &part.content {
                Content::Text(text) if !self.origin.is_own() => {
                    blocks.push(BlockOut::text(format!("<system>\n{text}\n</system>")));
                    losses.degraded("messages.system", "carried as a user text marked as system");
                }
                _ => self.blocks.push(part, None, &mut blocks, losses)?,
            }
        }
        let extra = self.extra(message, losses)?;
        self.push(if self.origin.is_own() { "system" } else { "user" }, blocks, extra);
        Ok(())
    }
}

/// Thoughts without a proof, which models that sign theirs refuse.
fn is_unsigned_thought(part: &Part) -> bool {
    matches!(&part.content, Content::Thinking(thinking) if thinking.proof.is_none())
}

/// The field of thoughts in the words of the client.
const fn thought_field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::AnthropicMessages => "messages.content.thinking",
        Dialect::OpenAiChat => "messages.reasoning_content",
        Dialect::OpenAiResponses => "input.reasoning",
        Dialect::GeminiGenerate => "contents.parts.thought",
        Dialect::BedrockConverse => "messages.content.reasoningContent",
    }
}
