//! `embedContent` and `batchEmbedContents` (<https://ai.google.dev/api/embeddings>).

use serde::Serialize;

use super::place::Place;
use crate::{answer::Answer, embedding, error::ApiError};

/// One vector.
pub(super) fn embed(root: &Place<'_>) -> Result<Answer, ApiError> {
    to_json(&One { embedding: read(root)? })
}

/// A vector for each request.
pub(super) fn batch(root: &Place<'_>) -> Result<Answer, ApiError> {
    root.only(&["model", "requests"])?;
    let requests = root.required("requests")?;
    let embeddings = requests.list()?.iter().map(read).collect::<Result<_, _>>()?;
    to_json(&Many { embeddings })
}

fn read(root: &Place<'_>) -> Result<Embedding, ApiError> {
    root.only(&["model", "content", "taskType", "title", "outputDimensionality", "embedContentConfig"])?;
    let content = root.required("content")?;
    let text = content.items("parts", |part| part.required("text")?.text())?.join("\n");
    let dimensions = match root.key("outputDimensionality") {
        None => DIMENSIONS,
        Some(place) => usize::try_from(place.integer(1)?).unwrap_or(usize::MAX).min(DIMENSIONS),
    };
    Ok(Embedding { values: embedding::of(&text, dimensions) })
}

fn to_json(answer: &impl Serialize) -> Result<Answer, ApiError> {
    Ok(Answer::Whole(serde_json::to_vec(answer).expect("numbers become JSON").into()))
}

#[derive(Serialize)]
struct One {
    embedding: Embedding,
}

#[derive(Serialize)]
struct Many {
    embeddings: Vec<Embedding>,
}

#[derive(Serialize)]
struct Embedding {
    values: Vec<f32>,
}

/// Those of the vendor's model.
const DIMENSIONS: usize = 3_072;
