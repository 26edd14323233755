//! Which proofs may go along to an upstream.

use posthaste_core::Dialect;

use super::{close::are_kin, open::field};
use crate::{
    Target,
    anthropic::in_unsigned_tool_loop,
    ir::{Content, Message, Proof, ReasoningMode, Request, Role, Thinking},
    loss::Losses,
    policy::reasoning_field,
};

/// Leaves out every proof that the upstream did not make or would not take, and what is worth nothing without it.
///
/// Signatures of Anthropic's models are taken by every account that serves them, also at Bedrock
/// (<https://docs.claude.com/en/docs/build-with-claude/extended-thinking>). What OpenAI seals is bound to the organisation, and
/// what Gemini signs to the project, so both go to their own account alone.
pub(crate) fn send_home(request: &mut Request, target: &Target, losses: &mut Losses) {
    let client = request.dialect;
    let mut any = false;
    for message in request.messages.iter_mut().filter(|message| message.role == Role::Assistant) {
        let stripped = strip(message, |proof| is_home(proof, target));
        if stripped {
            losses.degraded(field(client), "left out, since another upstream made it");
            any = true;
        }
    }
    if any {
        rest_thinking(request, target, losses);
    }
}

/// Claude refuses to think on in a tool loop that does not begin with thoughts of its own. Writers see to that for other
/// dialects' clients; what its own clients say they write as it is.
fn rest_thinking(request: &mut Request, target: &Target, losses: &mut Losses) {
    let client = request.dialect;
    if !are_kin(client, Dialect::AnthropicMessages) || !are_kin(client, target.dialect) {
        return;
    }
    let mode = request.reasoning.as_mut().and_then(|reasoning| reasoning.mode.as_mut());
    let thinks = mode.filter(|mode| matches!(mode, ReasoningMode::Budget(_) | ReasoningMode::Adaptive));
    if let Some(mode) = thinks
        && in_unsigned_tool_loop(&request.messages)
    {
        *mode = ReasoningMode::Off;
        losses.degraded(reasoning_field(client), "off, since the tool loop began at another upstream");
    }
}

fn strip(message: &mut Message, is_home: impl Fn(&Proof) -> bool) -> bool {
    let mut stripped = false;
    let mut away = |proof: &mut Option<Proof>| {
        let gone = proof.take_if(|proof| !is_home(proof)).is_some();
        stripped |= gone;
        gone
    };
    message.parts.retain_mut(|part| {
        away(&mut part.proof);
        match &mut part.content {
            // Thoughts are no part of a conversation without the proof that came with them.
            Content::Thinking(Thinking { proof, .. }) => {
                let stays = !away(proof);
                // An empty one only told where they come from.
                proof.take_if(|proof| proof.data.is_empty());
                stays
            }
            Content::ToolCall(call) => {
                away(&mut call.proof);
                true
            }
            Content::RedactedThinking(proof) => {
                let mut proof = Some(proof.clone());
                !away(&mut proof)
            }
            _ => true,
        }
    });
    stripped
}

fn is_home(proof: &Proof, target: &Target) -> bool {
    let maker = &proof.maker;
    let bound = matches!(maker.dialect, Dialect::OpenAiResponses | Dialect::GeminiGenerate);
    let same_account = maker.account.is_none() || maker.account == target.account;
    are_kin(maker.dialect, target.dialect) && (!bound || same_account)
}
