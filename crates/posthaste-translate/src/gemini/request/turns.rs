//! The conversation as turns that alternate, beginning with the user.

use std::{borrow::Cow, collections::HashMap};

use serde::Serialize;

use crate::{
    Loss, TranslateError,
    conversation::{IdRule, Outcome, Step, UserPart, steps},
    gemini::{
        DIALECT,
        ids::UNNAMED,
        model::is_third,
        part::{Origin, PartOut, losses_of, part_out, result_out, signature, texts},
    },
    ir::{Content, Extra, Message, Part, Request, ToolCall, ToolResult},
    json::Fields,
    loss::Losses,
};

/// A turn as it is written.
#[derive(Serialize)]
pub(super) struct TurnOut<'a> {
    role: &'static str,
    parts: Vec<PartOut<'a>>,
    #[serde(flatten)]
    extra: Fields<'a>,
}

impl<'a> TurnOut<'a> {
    /// A user's turn.
    pub(super) fn user(parts: Vec<PartOut<'a>>) -> Self {
        Self { role: "user", parts, extra: Fields(&[]) }
    }
}

/// Takes the place of a signature in calls that another vendor's model made, or whose signature is lost
/// (<https://ai.google.dev/gemini-api/docs/thought-signatures>).
const PLACEHOLDER: &str = "skip_thought_signature_validator";

/// The conversation's turns: neighbours of one role merged, results directly behind their calls.
pub(super) fn turns<'a>(
    request: &'a Request,
    losses: &mut Losses,
) -> Result<Vec<TurnOut<'a>>, TranslateError> {
    let is_third = is_third(&request.model);
    let mut writer = Writer {
        origin: Origin { dialect: request.dialect, media_in_results: is_third },
        checks_signatures: is_third,
        names: HashMap::new(),
        turns: Vec::new(),
    };
    for step in steps(&request.messages, IdRule::Any, losses) {
        match step {
            Step::Assistant { message, ids } => writer.assistant(message, ids, losses)?,
            Step::Outcomes(outcomes) => writer.outcomes(outcomes, losses)?,
            Step::User { message, parts } => writer.user(message, parts, losses)?,
            Step::System(message) => writer.system(message, losses)?,
        }
    }
    if writer.turns.first().is_some_and(|turn| turn.role == "model") && !writer.origin.is_own() {
        losses.degraded("messages", "an empty turn of the user was put before the first");
        writer.turns.insert(0, TurnOut::user(vec![PartOut::text("…")]));
    }
    Ok(writer.turns)
}

struct Writer<'a> {
    origin: Origin,
    /// Whether the model refuses a tool loop without signatures.
    checks_signatures: bool,
    /// The functions' names, by the ids of their calls: results are known by them.
    names: HashMap<Cow<'a, str>, &'a str>,
    turns: Vec<TurnOut<'a>>,
}

impl<'a> Writer<'a> {
    /// A turn without parts is left out: the API refuses it.
    fn push(&mut self, role: &'static str, mut parts: Vec<PartOut<'a>>, extra: Fields<'a>) {
        match self.turns.last_mut() {
            _ if parts.is_empty() => {}
            Some(last) if last.role == role && extra.0.is_empty() => last.parts.append(&mut parts),
            _ => self.turns.push(TurnOut { role, parts, extra }),
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
        let mut step =
            ModelStep { writer: self, ids: ids.into_iter(), parts: Vec::new(), pending: None, called: false };
        for part in &message.parts {
            step.part(part, losses)?;
        }
        let parts = step.into_parts();
        let extra = self.extra(message, losses)?;
        self.push("model", parts, extra);
        Ok(())
    }

    fn outcomes(&mut self, outcomes: Vec<Outcome<'a>>, losses: &mut Losses) -> Result<(), TranslateError> {
        let mut parts = Vec::with_capacity(outcomes.len());
        let mut media = Vec::new();
        for Outcome { id, result } in outcomes {
            let name = self.names.get(&id).copied().unwrap_or_default();
            let call = (public(id.clone()), Cow::Borrowed(name));
            match result {
                Some((part, result)) => {
                    let (wire, after) = result_out(part, result, call, self.origin, losses)?;
                    parts.push(wire);
                    if !after.is_empty() {
                        media.push(PartOut::text(format!("Content of the result of {name} ({id}):")));
                        media.extend(after);
                    }
                }
                None => parts.push(PartOut::missing_result(call.0, call.1)),
            }
        }
        parts.append(&mut media);
        self.push("user", parts, Fields(&[]));
        Ok(())
    }

    fn user(
        &mut self,
        message: &'a Message,
        parts: Vec<UserPart<'a>>,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        let mut wire = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                UserPart::Plain(part) => wire.extend(part_out(part, self.origin, losses)?),
                UserPart::Orphan(result) => self.orphan(result, &mut wire, losses)?,
            }
        }
        let extra = self.extra(message, losses)?;
        self.push("user", wire, extra);
        Ok(())
    }

    fn orphan(
        &self,
        result: &'a ToolResult,
        wire: &mut Vec<PartOut<'a>>,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        let text = texts(result).join("\n");
        wire.push(PartOut::text(format!("Result of the tool call {}: {text}", result.call_id)));
        for part in
            result.parts.iter().filter(|part| !matches!(part.content, Content::Text(_) | Content::Json(_)))
        {
            wire.extend(part_out(part, self.origin, losses)?);
        }
        Ok(())
    }

    /// There is no role for instructions in the middle.
    fn system(&mut self, message: &'a Message, losses: &mut Losses) -> Result<(), TranslateError> {
        let mut parts = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            match &part.content {
                Content::Text(text) => {
                    losses_of(part, self.origin, losses);
                    parts.push(PartOut::text(format!("<system>\n{text}\n</system>")));
                    losses.degraded("messages.system", "carried as a user text marked as system");
                }
                _ => parts.extend(part_out(part, self.origin, losses)?),
            }
        }
        let extra = self.extra(message, losses)?;
        self.push("user", parts, extra);
        Ok(())
    }
}

/// A turn of the model, part by part.
struct ModelStep<'w, 'a> {
    writer: &'w mut Writer<'a>,
    ids: std::vec::IntoIter<Cow<'a, str>>,
    parts: Vec<PartOut<'a>>,
    /// The signature of thoughts, on its way to the part that they led to.
    pending: Option<&'a str>,
    /// Whether a call was written.
    called: bool,
}

impl<'a> ModelStep<'_, 'a> {
    fn part(&mut self, part: &'a Part, losses: &mut Losses) -> Result<(), TranslateError> {
        let origin = self.writer.origin;
        match &part.content {
            Content::Thinking(thinking) => {
                let proof = thinking.proof.as_ref().map(signature);
                if origin.is_own() {
                    self.parts.push(PartOut::thought(&thinking.text, proof));
                } else if proof.is_some() {
                    // A proof of Google's that another dialect's client kept: it belongs to what follows.
                    if !thinking.text.is_empty() {
                        self.parts.push(PartOut::thought(&thinking.text, None));
                    }
                    self.hold(proof);
                } else {
                    losses.add(Loss::dropped(origin.field("thinking")));
                }
            }
            Content::RedactedThinking(proof) => self.hold(Some(signature(proof))),
            Content::ToolCall(call) => self.call(part, call, losses)?,
            Content::Opaque(opaque) if !origin.is_own() && opaque.text.is_none() => {
                losses.add(Loss::dropped(origin.field(&opaque.kind)));
            }
            _ => {
                if !part.citations.is_empty() {
                    losses.add(Loss::dropped(origin.field("citations")));
                }
                if let Some(mut wire) = part_out(part, origin, losses)? {
                    if part.proof.is_none()
                        && let Some(signature) = self.pending.take()
                    {
                        wire.sign(signature);
                    }
                    self.parts.push(wire);
                }
            }
        }
        Ok(())
    }

    /// Two signatures have two places: the first one gets an empty text of its own.
    fn hold(&mut self, signature: Option<&'a str>) {
        if let Some(earlier) = std::mem::replace(&mut self.pending, signature) {
            self.parts.push(signed_nothing(earlier));
        }
    }

    fn call(
        &mut self,
        part: &'a Part,
        call: &'a ToolCall,
        losses: &mut Losses,
    ) -> Result<(), TranslateError> {
        let origin = self.writer.origin;
        losses_of(part, origin, losses);
        if !origin.is_own() {
            losses.foreign(origin.path(), &part.extra, DIALECT)?;
        }
        let id = self.ids.next().unwrap_or(Cow::Borrowed(&call.id));
        self.writer.names.insert(id.clone(), &call.name);
        let placeholder = (self.writer.checks_signatures && !self.called).then_some(PLACEHOLDER);
        let own = call.proof.as_ref().map(signature);
        if own.is_some() {
            self.hold(None);
        }
        let signature = own.or_else(|| self.pending.take()).or(placeholder);
        self.called = true;
        self.parts.push(PartOut::call(call, public(id), signature));
        Ok(())
    }

    fn into_parts(mut self) -> Vec<PartOut<'a>> {
        self.hold(None);
        self.parts
    }
}

fn signed_nothing(signature: &str) -> PartOut<'_> {
    let mut nothing = PartOut::text("");
    nothing.sign(signature);
    nothing
}

/// An id as it is written: those that the reader made are left out again.
fn public(id: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!id.starts_with(UNNAMED)).then_some(id)
}

/// The instructions as texts.
pub(super) fn system<'a>(
    request: &'a Request,
    losses: &mut Losses,
) -> Result<Vec<PartOut<'a>>, TranslateError> {
    let origin = Origin { dialect: request.dialect, media_in_results: false };
    let mut parts = Vec::with_capacity(request.system.len());
    for part in &request.system {
        let foreign: &[Extra] = if origin.is_own() { &[] } else { &part.extra };
        losses.foreign("system", foreign, DIALECT)?;
        match &part.content {
            Content::Text(text) if !origin.is_own() => {
                losses.dropped_if(part.cache.is_some(), "system.cache_control");
                if !text.is_empty() {
                    parts.push(PartOut::text(text.as_str()));
                }
            }
            _ => parts.extend(part_out(part, origin, losses)?),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Arguments, Proof, Role, Thinking};
    use posthaste_core::Dialect;

    fn call(id: &str, signature: Option<&str>) -> Part {
        let proof = signature.map(|signature| Proof::of(DIALECT, signature));
        Part::new(Content::ToolCall(ToolCall { proof, ..ToolCall::new(id, "f", Arguments::default()) }))
    }

    fn result(id: &str) -> Part {
        let result = ToolResult { call_id: id.to_owned(), parts: vec![Part::text("ok")], is_error: false };
        Part::new(Content::ToolResult(result))
    }

    /// The signature of each part of the model's turns; a dash for none.
    fn signatures(model: &str, from: Dialect, parts: Vec<Part>) -> Vec<String> {
        let mut request = Request::new(from, model);
        request.messages = vec![
            Message::new(Role::User, vec![Part::text("Go")]),
            Message::new(Role::Assistant, parts),
            Message::new(Role::User, vec![result("a"), result("b")]),
        ];
        let turns = turns(&request, &mut Losses::default()).unwrap();
        let turns = serde_json::to_value(&turns).unwrap();
        let parts = turns[1]["parts"].as_array().unwrap();
        let signature =
            |part: &serde_json::Value| part["thoughtSignature"].as_str().unwrap_or("-").to_owned();
        assert_eq!(turns[2]["parts"][0]["functionResponse"]["name"], "f");
        parts.iter().map(signature).collect()
    }

    #[test]
    fn the_first_call_of_a_step_without_a_signature_gets_the_placeholder_where_signatures_are_checked() {
        let calls = || vec![Part::text("Look:"), call("a", None), call("b", None)];
        for from in [Dialect::OpenAiChat, DIALECT] {
            assert_eq!(signatures("gemini-3.1-pro-preview", from, calls()), ["-", PLACEHOLDER, "-"]);
            assert_eq!(signatures("gemini-2.5-pro", from, calls()), ["-", "-", "-"]);
        }
        let signed = vec![call("a", Some("c2ln")), call("b", None)];
        assert_eq!(signatures("gemini-3.1-pro-preview", DIALECT, signed), ["c2ln", "-"]);
    }

    #[test]
    fn a_signature_that_came_with_thoughts_goes_to_what_they_led_to() {
        let thinking = |signature: &str| {
            let proof = Some(Proof::of(DIALECT, signature));
            Part::new(Content::Thinking(Thinking { text: "Hm".to_owned(), proof }))
        };
        let sealed = Part::new(Content::RedactedThinking(Proof::of(DIALECT, "c2VhbA")));
        let from = Dialect::AnthropicMessages;
        let one = vec![thinking("c2ln"), call("a", None), call("b", None)];
        assert_eq!(signatures("gemini-3-flash", from, one), ["-", "c2ln", "-"]);
        let two = vec![thinking("c2ln"), sealed.clone(), call("a", None), call("b", None)];
        assert_eq!(signatures("gemini-3-flash", from, two), ["-", "c2ln", "c2VhbA", "-"]);
        let last = vec![call("a", Some("c2ln")), call("b", None), sealed];
        assert_eq!(signatures("gemini-3-flash", from, last), ["c2ln", "-", "c2VhbA"]);
        // In its own dialect a thought keeps its signature.
        let own = vec![thinking("c2ln"), call("a", Some("c2lnMg")), call("b", None)];
        assert_eq!(signatures("gemini-3-flash", DIALECT, own), ["c2ln", "c2lnMg", "-"]);
    }

    #[test]
    fn the_user_speaks_first_and_turns_alternate() {
        let mut request = Request::new(Dialect::OpenAiChat, "m");
        request.messages = vec![
            Message::new(Role::Assistant, vec![Part::text("Hi")]),
            Message::new(Role::System, vec![Part::text("Mind")]),
            Message::new(Role::User, vec![Part::text("So?")]),
            Message::new(Role::User, vec![Part::text("")]),
        ];
        let mut losses = Losses::default();
        let turns = turns(&request, &mut losses).unwrap();
        assert_eq!(turns.iter().map(|turn| turn.role).collect::<Vec<_>>(), ["user", "model", "user"]);
        assert_eq!(turns[2].parts.len(), 2);
        assert_eq!(losses.as_slice().len(), 2);
    }
}
