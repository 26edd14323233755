//! Part of step 3, peek: the client's body as its dialect has it, whatever it came in.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use posthaste_core::{Fault, ModelName, Operation, Packing};
use posthaste_wire::{Envelope, code_assist, from_invoke};

use crate::Call;

/// A request without its packing.
pub(crate) struct Unpacked {
    pub(crate) envelope: Envelope,
    pub(crate) body: Bytes,
    pub(crate) headers: HeaderMap,
}

/// Takes a request out of what it is packed in, and peeks at it.
pub(crate) fn unpack(call: &mut Call) -> Result<Unpacked, Fault> {
    let mut headers = std::mem::take(&mut call.headers);
    let body = match call.surface.packing {
        Packing::Plain | Packing::JsonArray => call.body.clone(),
        Packing::CodeAssist => {
            let unwrapped = code_assist::unwrap_request(&call.body)
                .map_err(|error| Fault::invalid_request(error.to_string()))?;
            if let Some(name) = unwrapped.model {
                call.path.model = Some(ModelName::parse(&name).map_err(|error| invalid_model(&error))?);
            }
            unwrapped.request
        }
        Packing::Invoke => {
            let model =
                call.path.model.as_ref().ok_or_else(|| Fault::invalid_request("the path names no model"))?;
            let unpacked = from_invoke(&call.body, model, call.path.stream == Some(true))?;
            if let Ok(betas) = HeaderValue::from_str(&unpacked.betas.join(","))
                && !betas.is_empty()
            {
                headers.insert(ANTHROPIC_BETA, betas);
            }
            unpacked.payload.to_bytes()
        }
    };
    Ok(Unpacked { envelope: peek(call, &body)?, body, headers })
}

/// Peeks at a body that is as its dialect has it.
pub(crate) fn peek(call: &Call, body: &Bytes) -> Result<Envelope, Fault> {
    let mut envelope = match &call.path.model {
        Some(model) => Envelope::peek_named(body, model.clone(), call.path.stream)?,
        None => Envelope::peek(body)?,
    };
    // Clients count with the body they will send; a count is no stream all the same.
    envelope.stream &= matches!(call.operation, Operation::Chat | Operation::Completions | Operation::Images);
    Ok(envelope)
}

fn invalid_model(error: &impl std::fmt::Display) -> Fault {
    Fault::invalid_request(format!("`model`: {error}"))
}

const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");
