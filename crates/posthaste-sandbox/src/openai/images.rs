//! `POST /v1/images/generations` (<https://platform.openai.com/docs/api-reference/images>): one dot, always.

use serde::Serialize;
use serde_json::Value;

use super::{CREATED, place::Place};
use crate::{
    answer::{Answer, Asked},
    brain::tokens,
    error::ApiError,
};

/// Answers a request.
pub(crate) fn answer(body: &Value, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    let root = Place::root(body);
    root.only(FIELDS)?;
    let prompt = root.required("prompt")?.text()?;
    let number = root.optional("n", |n| n.integer(1))?.unwrap_or(1);
    if number > MAX_IMAGES {
        let message = format!(
            "Invalid 'n': integer above maximum value. Expected a value <= {MAX_IMAGES}, but got {number} instead."
        );
        return Err(ApiError::invalid(message).about("n").coded("integer_above_max_value"));
    }
    let input = tokens::of_text(prompt);
    let output = number * tokens::IMAGE;
    let usage = Usage {
        input_tokens: input,
        input_tokens_details: Details { image_tokens: 0, text_tokens: input },
        output_tokens: output,
        total_tokens: input + output,
    };
    let images = Images {
        created: CREATED,
        data: (0..number).map(|_| Image { b64_json: DOT }).collect(),
        usage: asked.tell_usage.then_some(usage),
    };
    Ok(Answer::Whole(serde_json::to_vec(&images).expect("strings become JSON").into()))
}

#[derive(Serialize)]
struct Images {
    created: u64,
    data: Vec<Image>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

#[derive(Serialize)]
struct Image {
    b64_json: &'static str,
}

#[derive(Serialize)]
struct Usage {
    input_tokens: u64,
    input_tokens_details: Details,
    output_tokens: u64,
    total_tokens: u64,
}

#[derive(Serialize)]
struct Details {
    image_tokens: u64,
    text_tokens: u64,
}

const MAX_IMAGES: u64 = 10;
/// A PNG of one clear pixel.
const DOT: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
const FIELDS: &[&str] = &[
    "background",
    "complexity",
    "frame_count",
    "frame_duration_ms",
    "model",
    "moderation",
    "n",
    "output_compression",
    "output_format",
    "partial_images",
    "prompt",
    "quality",
    "response_format",
    "safety_identifier",
    "size",
    "style",
    "svg",
    "user",
];
