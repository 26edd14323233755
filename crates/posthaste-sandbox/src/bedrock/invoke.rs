//! InvokeModel with Anthropic's bodies
//! (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>).

use serde_json::Value;

use super::{frame, place::Place};
use crate::{
    answer::{Answer, Asked},
    error::ApiError,
    messages::{self, Origin, Usage},
};

/// Answers a request. The model's own events travel inside the service's.
pub(super) fn answer(
    model: &str,
    streamed: bool,
    body: &Value,
    asked: &Asked<'_>,
) -> Result<Answer, ApiError> {
    let message = messages::Message::answering(&of_anthropic(model, body)?, Origin::Bedrock, asked)?;
    if !streamed {
        return Ok(Answer::Whole(message.to_json()));
    }
    let mut stream = frame::stream();
    for (name, mut data) in message.to_events() {
        if name == "message_stop"
            && let Some(usage) = message.usage()
        {
            data = with_metrics(&data, &usage);
        }
        stream.push(frame::chunk(&data), messages::is_delta(name));
    }
    Ok(Answer::Stream(stream))
}

/// The size of a request's prompt.
pub(super) fn count(model: &str, body: &Value) -> Result<u64, ApiError> {
    messages::count(&of_anthropic(model, body)?)
}

/// The body as Anthropic itself would get it.
fn of_anthropic(model: &str, body: &Value) -> Result<Value, ApiError> {
    let root = Place::root(body);
    let mut fields = root.object()?.clone();
    for key in ["model", "stream"] {
        if fields.contains_key(key) {
            return Err(ApiError::invalid(format!("{key}: Extra inputs are not permitted")));
        }
    }
    match fields.remove("anthropic_version") {
        None => return Err(ApiError::invalid("anthropic_version: Field required")),
        Some(Value::String(version)) if is_version(&version) => {}
        Some(_) => return Err(ApiError::invalid("anthropic_version: Input should be 'bedrock-2023-05-31'")),
    }
    fields.remove("anthropic_beta");
    fields.insert("model".to_owned(), model.into());
    Ok(Value::Object(fields))
}

/// The end of a stream tells what the service measured.
fn with_metrics(data: &str, usage: &Usage) -> String {
    let cached = usage.cached;
    let metrics = format!(
        r#""amazon-bedrock-invocationMetrics":{{"inputTokenCount":{},"outputTokenCount":{},"invocationLatency":1,"firstByteLatency":1,"cacheReadInputTokenCount":{},"cacheWriteInputTokenCount":{}}}"#,
        cached.input,
        usage.output,
        cached.read,
        cached.write_5m + cached.write_1h
    );
    format!("{},{metrics}}}", data.trim_end_matches('}'))
}

/// The service's own name, or a date: `anthropic` sends one from 2.14.0 on.
fn is_version(version: &str) -> bool {
    let date = version.len() == "2026-10-21".len()
        && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    version == "bedrock-2023-05-31" || date
}
