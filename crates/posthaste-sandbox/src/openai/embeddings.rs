//! `POST /v1/embeddings` (<https://platform.openai.com/docs/api-reference/embeddings>).

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::Value;

use super::place::Place;
use crate::{
    answer::{Answer, Asked},
    brain::tokens,
    embedding,
    error::ApiError,
    reading::Kind,
};

/// Answers a request.
pub(crate) fn answer(body: &Value, deployment: Option<&str>, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    let root = Place::root(body);
    let model = match deployment {
        Some(deployment) => deployment,
        None => root.required("model")?.text()?,
    };
    root.only(&["dimensions", "encoding_format", "input", "model", "user"])?;
    let inputs = read_inputs(&root.required("input")?)?;
    let format = root.optional("encoding_format", |format| format.among(&["float", "base64"]))?;
    let dimensions = match root.key("dimensions") {
        None => DIMENSIONS,
        Some(place) => usize::try_from(place.integer(1)?).unwrap_or(usize::MAX).min(MAX_DIMENSIONS),
    };
    let size = inputs.iter().map(|input| tokens::of_text(input)).sum();
    let data = inputs.iter().enumerate().map(|(index, input)| {
        let vector = embedding::of(input, dimensions);
        let embedding = match format {
            Some("base64") => {
                let bytes: Vec<_> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
                Vector::Base64(STANDARD.encode(bytes))
            }
            _ => Vector::Floats(vector),
        };
        Embedding { object: "embedding", index, embedding }
    });
    let list = List {
        object: "list",
        data: data.collect(),
        model,
        usage: asked.tell_usage.then_some(Usage { prompt_tokens: size, total_tokens: size }),
    };
    Ok(Answer::Whole(serde_json::to_vec(&list).expect("numbers become JSON").into()))
}

/// A text, texts, tokens, or lists of tokens; tokens stand for themselves.
fn read_inputs(input: &Place<'_>) -> Result<Vec<String>, ApiError> {
    match input.value() {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(items) if items.is_empty() => {
            Err(input.error("Invalid 'input': input cannot be an empty array."))
        }
        Value::Array(items) if items.iter().all(Value::is_number) => Ok(vec![input.value().to_string()]),
        Value::Array(_) => input.list()?.iter().map(read_input).collect(),
        _ => Err(input.mistyped(Kind::TextOrList)),
    }
}

fn read_input(input: &Place<'_>) -> Result<String, ApiError> {
    match input.value() {
        Value::String(text) if text.is_empty() => {
            Err(input.error(&format!("Invalid '{}': input cannot be an empty string.", input.path())))
        }
        Value::String(text) => Ok(text.clone()),
        tokens @ Value::Array(_) => Ok(tokens.to_string()),
        _ => Err(input.mistyped(Kind::Text)),
    }
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Embedding>,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Vector,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector {
    Floats(Vec<f32>),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

/// Those of the vendor's small model.
const DIMENSIONS: usize = 1_536;
const MAX_DIMENSIONS: usize = 3_072;
