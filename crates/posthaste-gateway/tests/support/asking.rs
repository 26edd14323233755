//! Questions of every kind of client.

use bytes::Bytes;
use posthaste_core::{Dialect, Fault, ModelName, Operation, Packing, Surface};
use posthaste_gateway::{Answer, Call, PathFacts};
use posthaste_testkit::client_key_secret;
use serde_json::{Value, json};

use super::Rig;

pub(crate) const MODEL: &str = "sandbox-plain";

/// A question in the client's dialect.
pub(crate) fn question(client: Surface, text: &str, stream: bool) -> Value {
    let body = match client.dialect {
        Dialect::AnthropicMessages if client.packing == Packing::Invoke => {
            return json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 200,
                "messages": [{"role": "user", "content": text}]});
        }
        Dialect::AnthropicMessages => {
            json!({"model": MODEL, "max_tokens": 200, "stream": stream, "messages": [{"role": "user", "content": text}]})
        }
        Dialect::OpenAiChat => {
            json!({"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": text}]})
        }
        Dialect::OpenAiResponses => json!({"model": MODEL, "stream": stream, "input": text}),
        Dialect::GeminiGenerate => json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}),
        Dialect::BedrockConverse => json!({"messages": [{"role": "user", "content": [{"text": text}]}]}),
    };
    match client.packing {
        Packing::CodeAssist => json!({"model": MODEL, "project": "p", "request": body}),
        _ => body,
    }
}

impl Rig {
    /// Asks as a client of this surface; what its dialect names in the path stands there.
    pub(crate) async fn ask_on(&self, client: Surface, body: &Value, stream: bool) -> Result<Answer, Fault> {
        let caller = self.relay.authenticate(Some(client_key_secret("tester").expose())).await?;
        let in_path = !matches!(
            (client.dialect, client.packing),
            (Dialect::AnthropicMessages | Dialect::OpenAiChat | Dialect::OpenAiResponses, Packing::Plain)
        );
        let call = Call {
            surface: client,
            path: PathFacts {
                model: (in_path && client.packing != Packing::CodeAssist)
                    .then(|| ModelName::parse(MODEL).unwrap()),
                stream: in_path.then_some(stream),
                pinned: None,
            },
            ..Call::new(caller, client.dialect, Operation::Chat, Bytes::from(body.to_string()))
        };
        self.relay.call(call).await
    }
}
