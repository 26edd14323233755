//! Counting tokens where no upstream can: Chat Completions has no such question.
//!
//! Agents ask it many times before they say anything, and an error there is worse for them than a number that is about right.
//! The answer says that it is an estimate.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use posthaste_core::full_body;
use posthaste_translate::codec;

use crate::{Answer, estimate, journey::Journey, prepare::pack_answer, waiting::respond};

/// The size of a request's prompt by the length of its body, in the client's dialect.
pub(crate) fn estimated(journey: &Journey, body: &Bytes) -> Answer {
    let tokens = estimate::prompt_tokens(body.len());
    let counting = codec(journey.surface.dialect).counting();
    let counted = counting.map(|counting| counting.encode_count(tokens)).unwrap_or_default();
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ESTIMATED, HeaderValue::from_static("true"));
    let packed = pack_answer(journey.surface.packing, counted, &journey.id.to_string());
    respond(journey, StatusCode::OK, headers, full_body(packed))
}

const ESTIMATED: HeaderName = HeaderName::from_static("x-posthaste-estimated");
