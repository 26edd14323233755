//! The list of models, which is Chat's (<https://platform.openai.com/docs/api-reference/models/list>).

pub(crate) use crate::openai_chat::models::{render, render_one};
