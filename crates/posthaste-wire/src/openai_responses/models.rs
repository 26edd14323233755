//! The list of models.

pub(crate) use crate::openai_chat::models::{render, render_one};
