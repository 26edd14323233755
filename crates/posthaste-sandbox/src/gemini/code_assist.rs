//! Code Assist: the same requests and answers in an envelope (`POST /v1internal:{method}`; the shapes are those of the
//! sources of `google-gemini/gemini-cli`).

use serde_json::Value;

use super::{generate, place::Place, request::Request, tokens};
use crate::{
    answer::{Answer, Asked},
    error::ApiError,
};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Generate,
    Stream {
        sse: bool,
    },
    CountTokens,
    /// Which plan and project the account has.
    Load,
}

impl Method {
    /// The method of this name; `sse` is what the query says.
    pub(crate) fn named(name: &str, sse: bool) -> Option<Self> {
        Some(match name {
            "generateContent" => Self::Generate,
            "streamGenerateContent" => Self::Stream { sse },
            "countTokens" => Self::CountTokens,
            "loadCodeAssist" => Self::Load,
            _ => return None,
        })
    }

    /// Whether answers come as a JSON array, errors too.
    pub(crate) const fn is_array(self) -> bool {
        matches!(self, Self::Stream { sse: false })
    }

    /// The model that a request names, which stands elsewhere when tokens are counted.
    pub(crate) fn model(self, body: &Value) -> Option<&str> {
        let named = match self {
            Self::Load => None,
            Self::CountTokens => body["request"]["model"].as_str(),
            Self::Generate | Self::Stream { .. } => body["model"].as_str(),
        };
        named.map(|model| model.strip_prefix("models/").unwrap_or(model))
    }
}

/// Answers a request.
pub(crate) fn answer(method: Method, body: &Value, asked: &Asked<'_>) -> Result<Answer, ApiError> {
    let root = Place::root(body);
    let model = method.model(body);
    match method {
        Method::Load => {
            root.only(&["cloudaicompanionProject", "metadata", "mode"])?;
            Ok(Answer::Whole(LOADED.into()))
        }
        Method::CountTokens => {
            let request = root.required("request")?;
            let request = Request::read(model.unwrap_or_default(), &request, true)?;
            Ok(Answer::Whole(format!(r#"{{"totalTokens":{}}}"#, tokens(&request)).into()))
        }
        Method::Generate | Method::Stream { .. } => {
            root.only(&["model", "project", "userPromptId", "request", "enabledCreditTypes"])?;
            root.required("model")?.text()?;
            let request = root.required("request")?;
            let streamed = match method {
                Method::Stream { sse } => Some(sse),
                _ => None,
            };
            generate(model.unwrap_or_default(), &request, streamed, true, asked)
        }
    }
}

const LOADED: &str = concat!(
    r#"{"currentTier":{"id":"free-tier","name":"Sandbox"},"#,
    r#""allowedTiers":[{"id":"free-tier","name":"Sandbox","isDefault":true}],"#,
    r#""cloudaicompanionProject":"sandbox-project"}"#
);
