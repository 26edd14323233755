//! Taking carried proofs out of a client's request.

use posthaste_core::Dialect;

use super::{Carried, Place, text};
use crate::{
    ir::{Content, Message, Part, Proof, Request, Role, Thinking},
    loss::Losses,
    turn::{Placed, Turn},
};

/// Puts every carried proof back where its own dialect has it. A carrier that a client has changed is left out and named.
pub(crate) fn open(request: &mut Request, losses: &mut Losses) {
    let holds =
        |message: &Message| message.role == Role::Assistant && message.parts.iter().any(holds_carrier);
    if !request.messages.iter().any(holds) {
        return;
    }
    // Google's SDKs make a turn of each chunk of a stream; what a carrier holds belongs among the texts of all of them.
    if request.dialect == Dialect::GeminiGenerate {
        request.messages.dedup_by(|later, earlier| {
            let both = later.role == Role::Assistant && earlier.role == Role::Assistant;
            let joins = both && later.extra.is_empty();
            if joins {
                earlier.parts.append(&mut later.parts);
            }
            joins
        });
    }
    request
        .messages
        .iter_mut()
        .filter(|message| holds(message))
        .for_each(|message| open_message(message, losses));
}

fn holds_carrier(part: &Part) -> bool {
    let of_content = match &part.content {
        Content::Thinking(thinking) => thinking.proof.as_ref(),
        Content::RedactedThinking(proof) => Some(proof),
        Content::ToolCall(call) => call.proof.as_ref(),
        _ => None,
    };
    of_content.into_iter().chain(part.proof.as_ref()).any(|proof| text::is_carrier(&proof.data))
}

fn open_message(message: &mut Message, losses: &mut Losses) {
    let mut opening = Opening { turn: Turn::default(), for_call: None };
    for part in std::mem::take(&mut message.parts) {
        opening.part(part, losses);
    }
    message.parts = opening.turn.into_parts();
}

struct Opening {
    turn: Turn,
    /// The proof of the next call.
    for_call: Option<Proof>,
}

impl Opening {
    fn part(&mut self, mut part: Part, losses: &mut Losses) {
        if let Some(proof) = part.proof.take_if(|proof| text::is_carrier(&proof.data)) {
            self.carried(&proof, None, losses);
        }
        match part.content {
            Content::Thinking(Thinking { text, proof: Some(proof) }) if text::is_carrier(&proof.data) => {
                self.carried(&proof, Some(text), losses);
                return;
            }
            Content::RedactedThinking(proof) if text::is_carrier(&proof.data) => {
                self.carried(&proof, None, losses);
                return;
            }
            Content::ToolCall(ref mut call) => {
                if let Some(proof) = call.proof.take_if(|proof| text::is_carrier(&proof.data)) {
                    self.carried(&proof, None, losses);
                }
                call.proof = call.proof.take().or_else(|| self.for_call.take());
            }
            _ => {}
        }
        // A text that held nothing but a carrier is none of the client's.
        if !matches!(&part.content, Content::Text(text) if text.is_empty()) {
            self.turn.push(part);
        }
    }

    /// `beside` is the readable text that the client's dialect keeps beside the carrier.
    fn carried(&mut self, carrier: &Proof, beside: Option<String>, losses: &mut Losses) {
        let Some(items) = text::read(&carrier.data) else {
            losses.degraded(field(carrier.maker.dialect), "left out, since it came back changed");
            return;
        };
        let mut beside = beside;
        for Carried { place, proof, text, behind } in items {
            match place {
                Place::Thoughts => {
                    let text = text.or_else(|| beside.take()).unwrap_or_default();
                    self.thoughts(Content::Thinking(Thinking { text, proof: Some(proof) }), behind);
                }
                Place::Sealed => self.thoughts(Content::RedactedThinking(proof), behind),
                Place::Call => self.for_call = Some(proof),
                Place::Text => self.prove_text(proof),
            }
        }
    }

    fn thoughts(&mut self, content: Content, behind: Option<usize>) {
        let part = Part::new(content);
        match behind {
            Some(behind) => self.turn.place(Placed { behind, part }),
            None => self.turn.push(part),
        }
    }

    /// The proof of a text came behind it, or with an empty text of its own.
    fn prove_text(&mut self, proof: Proof) {
        match self.turn.last_mut() {
            Some(part) if matches!(part.content, Content::Text(_)) => part.proof = Some(proof),
            _ => self.turn.push(Part { proof: Some(proof), ..Part::text("") }),
        }
    }
}

/// Where a dialect's clients keep proofs.
pub(super) const fn field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::AnthropicMessages => "messages.content.signature",
        Dialect::OpenAiChat => "messages.reasoning_content",
        Dialect::OpenAiResponses => "input.encrypted_content",
        Dialect::GeminiGenerate => "contents.parts.thoughtSignature",
        Dialect::BedrockConverse => "messages.content.reasoningContent",
    }
}
