//! A test as it goes on, for those who watch it.

use std::future::pending;

use posthaste_core::Dialect;
use posthaste_wire::{Framing, Splitter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use super::TestReport;

/// What happens in a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TestEvent {
    /// A step is begun. One that turns out to be none is not told of again, and the next one is.
    Begun {
        /// Which.
        name: String,
    },
    /// A step is over.
    Step {
        /// Which.
        name: String,
        /// How long it took, in microseconds.
        took_us: u64,
    },
    /// A piece of the answer's text.
    Delta {
        /// The text.
        text: String,
    },
    /// The test is over.
    Done {
        /// What came of it.
        report: Box<TestReport>,
    },
    /// There was no test.
    Error {
        /// Why.
        message: String,
    },
}

/// Who watches a test; nobody, where there is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestWatch(pub(crate) Option<mpsc::Sender<TestEvent>>);

impl TestWatch {
    /// Tells that a step is begun.
    pub(super) fn begun(&self, name: &str) {
        self.tell(|| TestEvent::Begun { name: name.to_owned() });
    }

    /// Tells that a step is over. Who does not keep up misses some.
    pub(super) fn step(&self, name: &str, took_us: u64) {
        self.tell(|| TestEvent::Step { name: name.to_owned(), took_us });
    }

    /// Is over when whoever watched has left; never where nobody watches.
    pub(super) async fn left(&self) {
        match &self.0 {
            Some(watcher) => watcher.closed().await,
            None => pending().await,
        }
    }

    fn tell(&self, event: impl FnOnce() -> TestEvent) {
        if let Some(watcher) = &self.0 {
            // A watcher who is slow misses some.
            let _ = watcher.try_send(event());
        }
    }
}

/// Finds the words in an answer under way.
pub(super) struct Words {
    splitter: Option<Splitter>,
    watch: TestWatch,
}

impl Words {
    pub(super) fn new(framing: Framing, watch: TestWatch) -> Self {
        Self { splitter: watch.0.is_some().then(|| Splitter::new(framing)), watch }
    }

    /// What cannot be split is no stream, and has no words here.
    pub(super) fn push(&mut self, dialect: Dialect, piece: &[u8]) {
        let (Some(splitter), watch) = (&mut self.splitter, &self.watch) else { return };
        let split = splitter.push(piece, |frame| {
            let Ok(event) = serde_json::from_slice::<Value>(frame.data) else { return };
            // Code Assist packs each event once more.
            let event = event.get("response").unwrap_or(&event);
            if let Some(text) = text_of(dialect, event) {
                watch.tell(|| TestEvent::Delta { text: text.to_owned() });
            }
        });
        if split.is_err() {
            self.splitter = None;
        }
    }
}

fn text_of(dialect: Dialect, event: &Value) -> Option<&str> {
    let at = match dialect {
        Dialect::AnthropicMessages => "/delta/text",
        Dialect::OpenAiChat => "/choices/0/delta/content",
        Dialect::OpenAiResponses if event["type"] == "response.output_text.delta" => "/delta",
        Dialect::OpenAiResponses => return None,
        Dialect::GeminiGenerate => "/candidates/0/content/parts/0/text",
        Dialect::BedrockConverse => "/delta/text",
    };
    event.pointer(at)?.as_str().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_found_in_every_dialect() {
        let said = [
            (Dialect::AnthropicMessages, json!({"type": "content_block_delta", "delta": {"text": "ok"}})),
            (Dialect::OpenAiChat, json!({"choices": [{"delta": {"content": "ok"}}]})),
            (Dialect::OpenAiResponses, json!({"type": "response.output_text.delta", "delta": "ok"})),
            (Dialect::GeminiGenerate, json!({"candidates": [{"content": {"parts": [{"text": "ok"}]}}]})),
            (Dialect::BedrockConverse, json!({"delta": {"text": "ok"}, "contentBlockIndex": 0})),
        ];
        for (dialect, event) in said {
            assert_eq!(text_of(dialect, &event), Some("ok"), "{dialect:?}");
            assert_eq!(text_of(dialect, &json!({"type": "ping"})), None);
        }
    }
}
