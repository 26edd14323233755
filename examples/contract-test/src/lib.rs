//! A service's way to an AI API: it asks questions over Anthropic's Messages API, whole or streamed, at a base URL that its
//! operator sets. That may be a relay's, the vendor's, or a test's.
//!
//! `tests/contract.rs` scripts the API and looks at what was sent. `docs/EMBEDDING.md` explains both.

mod events;

use std::time::Duration;

use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};
use serde::Deserialize;
use serde_json::json;

use self::events::{Event, Events};

/// What asks.
#[derive(Clone, Debug)]
pub struct Assistant {
    http: reqwest::Client,
    url: String,
    model: String,
}

/// What came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// How many tokens were generated.
    pub output_tokens: u64,
}

/// What went wrong, by what the service can do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key cannot be sent.
    #[error("the key cannot stand in a header")]
    Key,
    /// Too much is asked at the moment: come back later.
    #[error("the API is busy")]
    Busy {
        /// After how long, where that was said.
        after: Option<Duration>,
    },
    /// It will not be answered, however often it is asked.
    #[error("{kind}: {message}")]
    Refused {
        /// The API's word for it.
        kind: String,
        /// For people.
        message: String,
    },
    /// A part of the answer came, and will never be whole.
    #[error("the answer broke off: {why}")]
    BrokenOff {
        /// What had come.
        heard: String,
        /// Why it ended.
        why: String,
    },
    /// The API cannot be reached, or what answers is none.
    #[error("the API cannot be asked")]
    Transport(#[from] reqwest::Error),
}

impl Assistant {
    /// At a base URL such as `http://127.0.0.1:3001/api`, with a key.
    ///
    /// # Errors
    /// [`Error::Key`] for what cannot be sent.
    pub fn new(base: &str, key: &str, model: &str) -> Result<Self, Error> {
        let mut key = HeaderValue::from_str(key).map_err(|_| Error::Key)?;
        // So that it is printed nowhere.
        key.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (HeaderName::from_static("x-api-key"), key),
            (HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01")),
        ]);
        let http = reqwest::Client::builder().default_headers(headers).read_timeout(SILENCE).build()?;
        let url = format!("{}/v1/messages", base.trim_end_matches('/'));
        Ok(Self { http, url, model: model.to_owned() })
    }

    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// As [`Error`] tells.
    pub async fn ask(&self, question: &str) -> Result<Answer, Error> {
        let message: Message = self.send(question, false).await?.json().await?;
        let text = message.content.into_iter().map(|block| block.text).collect();
        Ok(Answer { text, output_tokens: message.usage.output_tokens })
    }

    /// Asks, and tells each piece of the answer as it comes.
    ///
    /// # Errors
    /// [`Error::BrokenOff`] when the stream ends before the answer does, else as [`Error`] tells.
    pub async fn listen(&self, question: &str, mut hear: impl FnMut(&str)) -> Result<Answer, Error> {
        let mut response = self.send(question, true).await?;
        let (mut events, mut answer) = (Events::default(), Answer::default());
        let why = loop {
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break "the stream ended early".to_owned(),
                Err(error) => break error.to_string(),
            };
            for event in events.push(&chunk) {
                match event {
                    Event::Text(piece) => {
                        hear(&piece);
                        answer.text.push_str(&piece);
                    }
                    Event::OutputTokens(count) => answer.output_tokens = count,
                    Event::End => return Ok(answer),
                    Event::Error(message) => {
                        return Err(Error::BrokenOff { heard: answer.text, why: message });
                    }
                }
            }
        };
        Err(Error::BrokenOff { heard: answer.text, why })
    }

    async fn send(&self, question: &str, stream: bool) -> Result<Response, Error> {
        let mut body = json!({
            "model": self.model,
            "max_tokens": MAX_TOKENS,
            "messages": [{"role": "user", "content": question}],
        });
        if stream {
            body["stream"] = true.into();
        }
        let response = self.http.post(&self.url).json(&body).send().await?;
        match response.status() {
            status if status.is_success() => Ok(response),
            // 529 is Anthropic's own: overloaded.
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Err(busy(&response)),
            status if status.as_u16() == 529 => Err(busy(&response)),
            _ => {
                let Failure { error } = response.json().await?;
                Err(Error::Refused { kind: error.kind, message: error.message })
            }
        }
    }
}

fn busy(response: &Response) -> Error {
    let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    Error::Busy { after: after.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs) }
}

#[derive(Deserialize)]
struct Message {
    content: Vec<Block>,
    usage: Usage,
}

#[derive(Deserialize)]
struct Block {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Usage {
    output_tokens: u64,
}

#[derive(Deserialize)]
struct Failure {
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(rename = "type")]
    kind: String,
    message: String,
}

const MAX_TOKENS: u32 = 1024;
/// A stream that says nothing for so long, not even a ping, has died.
const SILENCE: Duration = Duration::from_secs(60);
