//! The conversation as items.

use std::{borrow::Cow, collections::HashSet};

use serde_json::value::RawValue;

use crate::{
    TranslateError,
    conversation::{IdRule, Outcome, Step, UserPart, steps},
    ir::{Content, Message, OutputFormat, Part, Request, Role, ToolResult},
    json::{TextOr, at},
    loss::Losses,
    openai_responses::{
        DIALECT,
        item::{
            ITEM, Item, ItemOut, Kept, PART, PartOut, Place, item, mark, missing_result, model_items,
            result_item, trivial, user_part,
        },
    },
};

type Read<T> = Result<T, serde_json::Error>;

/// Reads the items behind the instructions: what still belongs to those, and the turns.
pub(super) fn conversation(input: TextOr<'_, Vec<&RawValue>>, system: &mut Vec<Part>) -> Read<Vec<Message>> {
    let items = match input {
        TextOr::Null => return Ok(Vec::new()),
        TextOr::Text(text) => {
            return Ok(vec![Message::new(Role::User, vec![Part::text(text.into_string())])]);
        }
        TextOr::Rich(items) => items,
    };
    let mut messages = Vec::with_capacity(items.len());
    for raw in items {
        match item(raw).map_err(|error| at("input", error))? {
            Item::Message { role: Role::System, mut parts, extra }
                if messages.is_empty() && are_texts(&parts) =>
            {
                let role =
                    if extra.iter().any(|extra| extra.field == "role") { "system" } else { "developer" };
                let own = extra.into_iter().filter(|extra| extra.field != "role");
                let mut marks = vec![trivial("role", role)];
                marks.extend(own);
                mark(&mut parts, marks);
                system.extend(parts);
            }
            Item::Message { role: Role::Assistant, mut parts, extra } => {
                mark(&mut parts, extra);
                say(&mut messages, parts);
            }
            Item::Message { role, parts, extra } => messages.push(Message { role, parts, extra }),
            Item::Model(part) => join_model(&mut messages, vec![part]),
            Item::Result(part) | Item::Other(part) => messages.push(Message::new(Role::User, vec![part])),
        }
    }
    Ok(messages)
}

fn are_texts(parts: &[Part]) -> bool {
    parts.iter().all(|part| matches!(part.content, Content::Text(_)))
}

/// A message without a field of its own could not be told from the one before it: it gets a turn of its own then.
fn say(messages: &mut Vec<Message>, parts: Vec<Part>) {
    let is_told = |part: &Part| part.extra.iter().any(|extra| extra.field.starts_with(ITEM));
    let says = |part: &Part| matches!(part.content, Content::Text(_) | Content::Refusal(_)) || is_part(part);
    let follows = messages.last().and_then(|last| last.parts.last()).is_some_and(says);
    if follows && !parts.first().is_some_and(is_told) {
        messages.push(Message::new(Role::Assistant, parts));
    } else {
        join_model(messages, parts);
    }
}

fn is_part(part: &Part) -> bool {
    part.extra.iter().any(|extra| extra.field == PART)
}

/// What the model says and does in a row is one turn.
fn join_model(messages: &mut Vec<Message>, parts: Vec<Part>) {
    match messages.last_mut() {
        Some(last) if last.role == Role::Assistant => last.parts.extend(parts),
        _ => messages.push(Message::new(Role::Assistant, parts)),
    }
}

/// Writes the instructions, which stand beside the items, and the items.
pub(super) fn input<'a>(
    request: &'a Request,
    losses: &mut Losses,
) -> Result<(Option<Cow<'a, str>>, Vec<ItemOut<'a>>), TranslateError> {
    let own = request.dialect == DIALECT;
    let free_text =
        request.messages.iter().flat_map(|message| &message.parts).filter_map(free_text_id).collect();
    let mut writer = Writer { own, free_text, items: Vec::with_capacity(request.messages.len()) };
    let mut instructions = writer.system(&request.system, losses)?;
    if own {
        // The order is the vendor's already, and the calls of a kept conversation are not here.
        for message in &request.messages {
            writer.own_message(message, losses)?;
        }
        return Ok((instructions, writer.items));
    }
    // Chat takes instructions alone; here there must be an item. And JSON without a schema is refused unless an item
    // speaks of it: instructions do not count.
    if request.messages.is_empty() || request.output == Some(OutputFormat::JsonObject) {
        let items = instructions.take().map(|text| vec![PartOut::input_text(text)]);
        writer.items.extend(items.map(|content| message("developer", content, Kept::NONE)));
    }
    for step in steps(&request.messages, IdRule::Any, losses) {
        writer.step(step, losses)?;
    }
    if writer.items.is_empty() {
        return Err(TranslateError::invalid("messages", "must hold at least one message with content"));
    }
    Ok((instructions, writer.items))
}

fn free_text_id(part: &Part) -> Option<&str> {
    match &part.content {
        Content::ToolCall(call) if call.free_text => Some(&call.id),
        _ => None,
    }
}

struct Writer<'a> {
    own: bool,
    /// The ids of calls of free-text tools.
    free_text: HashSet<&'a str>,
    items: Vec<ItemOut<'a>>,
}

impl<'a> Writer<'a> {
    /// The instructions. Those that came as items go back as items.
    fn system(
        &mut self,
        parts: &'a [Part],
        losses: &mut Losses,
    ) -> Result<Option<Cow<'a, str>>, TranslateError> {
        let mut texts = Vec::with_capacity(parts.len());
        for part in parts {
            let Content::Text(text) = &part.content else {
                losses.dropped("system");
                continue;
            };
            losses.dropped_if(part.cache.is_some(), "system.cache_control");
            if !self.own {
                losses.foreign("system", &part.extra, DIALECT)?;
                texts.push(text.as_str());
                continue;
            }
            let role = part.extra.iter().find(|extra| extra.field == "item.role");
            let content = PartOut::own_input_text(text, Kept::part(&part.extra));
            match (role, self.items.last_mut()) {
                (Some(role), _) => {
                    let role = if role.value.as_str() == "\"system\"" { "system" } else { "developer" };
                    self.items.push(message(role, vec![content], Kept::message(&part.extra)));
                }
                (None, Some(ItemOut::Message { content: open, .. })) => open.push(content),
                (None, _) => texts.push(text.as_str()),
            }
        }
        Ok(match texts.as_slice() {
            [] => None,
            [only] => Some(Cow::Borrowed(only)),
            texts => Some(Cow::Owned(texts.join("\n\n"))),
        })
    }

    fn own_message(&mut self, message: &'a Message, losses: &mut Losses) -> Result<(), TranslateError> {
        if message.role == Role::Assistant {
            return model_items(&message.parts, Vec::new(), true, Place::History, losses, &mut self.items);
        }
        let mut content = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            match &part.content {
                Content::ToolResult(result) => {
                    let is_custom = part.extra.iter().any(|extra| extra.field == "type");
                    let free_text = is_custom || self.free_text.contains(result.call_id.as_str());
                    let id = Cow::Borrowed(result.call_id.as_str());
                    self.items.push(result_item(part, result, id, free_text, true, losses)?);
                }
                Content::Opaque(opaque) if !is_part(part) => {
                    self.items.push(ItemOut::Raw(opaque.value.as_raw()))
                }
                _ => content.extend(user_part(part, true, losses)?),
            }
        }
        if !content.is_empty() {
            let is_system = message.extra.iter().any(|extra| extra.field == "role");
            let role = match message.role {
                Role::System if is_system => "system",
                Role::System => "developer",
                _ => "user",
            };
            self.items.push(self::message(role, content, Kept::item(&message.extra)));
        }
        Ok(())
    }

    fn step(&mut self, step: Step<'a>, losses: &mut Losses) -> Result<(), TranslateError> {
        match step {
            Step::Assistant { message, ids } => {
                losses.foreign("messages", &message.extra, DIALECT)?;
                model_items(&message.parts, ids, false, Place::History, losses, &mut self.items)
            }
            Step::Outcomes(outcomes) => self.outcomes(outcomes, losses),
            Step::User { message, parts } => self.user(message, parts, losses),
            Step::System(message) => self.instructions(message, losses),
        }
    }

    fn outcomes(&mut self, outcomes: Vec<Outcome<'a>>, losses: &mut Losses) -> Result<(), TranslateError> {
        for Outcome { id, result } in outcomes {
            let given = result.map_or(&*id, |(_, result)| &result.call_id);
            let free_text = self.free_text.contains(given);
            self.items.push(match result {
                Some((part, result)) => result_item(part, result, id, free_text, false, losses)?,
                None => missing_result(id, free_text),
            });
        }
        Ok(())
    }

    fn user(
        &mut self,
        message: &'a Message,
        parts: Vec<UserPart<'a>>,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        losses.foreign("messages", &message.extra, DIALECT)?;
        let mut content = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                UserPart::Plain(part) => content.extend(user_part(part, false, losses)?),
                UserPart::Orphan(result) => orphan(result, &mut content, losses)?,
            }
        }
        if !content.is_empty() {
            self.items.push(self::message("user", content, Kept::NONE));
        }
        Ok(())
    }

    /// Instructions in the middle; OpenAI's newer models call them the developer's.
    fn instructions(&mut self, message: &'a Message, losses: &mut Losses) -> Result<(), TranslateError> {
        losses.foreign("messages", &message.extra, DIALECT)?;
        let mut content = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            content.extend(user_part(part, false, losses)?);
        }
        if !content.is_empty() {
            self.items.push(self::message("developer", content, Kept::NONE));
        }
        Ok(())
    }
}

fn message<'a>(role: &'static str, content: Vec<PartOut<'a>>, extra: Kept<'a>) -> ItemOut<'a> {
    ItemOut::Message { id: None, status: None, role, content, extra }
}

fn orphan<'a>(
    result: &'a ToolResult,
    content: &mut Vec<PartOut<'a>>,
    losses: &mut Losses,
) -> Result<(), TranslateError> {
    content.push(PartOut::input_text(format!("Result of the tool call {}:", result.call_id)));
    for part in &result.parts {
        content.extend(user_part(part, false, losses)?);
    }
    Ok(())
}
