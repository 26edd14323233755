//! What only OpenAI Responses knows (<https://platform.openai.com/docs/api-reference/responses>), checked 2026-11-23.

pub(crate) mod collect;
pub(crate) mod error;
pub(crate) mod fault;
pub(crate) mod models;
pub(crate) mod tap;
pub(crate) mod usage;
pub(crate) mod whole;

use serde::Deserialize;

use crate::lenient::{Lenient, Text, object};

/// The id of an answer, from its whole body or from an event of its stream that holds it.
pub fn response_id(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow, default)]
        id: Lenient<Text<'a>>,
        #[serde(borrow, default)]
        response: Lenient<Inner<'a>>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow, default)]
        id: Lenient<Text<'a>>,
    }
    let answer: Answer<'_> = object(body).ok()??;
    answer.id.0.or(answer.response.0.and_then(|inner| inner.id.0)).map(Text::into_string)
}
