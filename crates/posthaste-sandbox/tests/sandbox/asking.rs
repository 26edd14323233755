//! Asking the sandbox, for every test here.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use posthaste_core::{Egress, Payload, RelayBody, Transport};
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use serde_json::{Value, json};

/// Sends a request for a message.
pub(crate) async fn send(sandbox: &Sandbox, body: &Value) -> Response<RelayBody> {
    post(sandbox, "/v1/messages", body).await
}

/// Sends a JSON body to a path.
pub(crate) async fn post(sandbox: &Sandbox, path: &str, body: &Value) -> Response<RelayBody> {
    let request = Request::post(format!("{SANDBOX_BASE_URL}{path}"));
    let request = request.body(Payload::from(Bytes::from(body.to_string()))).expect("a request");
    sandbox.send(request, &Egress::default()).await.expect("the sandbox answers")
}

/// The whole body as text.
pub(crate) async fn text(response: Response<RelayBody>) -> String {
    let bytes = response.into_body().collect().await.expect("a whole body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// Asks and gives status and JSON.
pub(crate) async fn ask(sandbox: &Sandbox, body: &Value) -> (u16, Value) {
    let response = send(sandbox, body).await;
    let status = response.status().as_u16();
    (status, serde_json::from_str(&text(response).await).expect("JSON"))
}

/// Asks for a stream and gives it as text.
pub(crate) async fn stream(sandbox: &Sandbox, body: &Value) -> String {
    let mut body = body.clone();
    body["stream"] = json!(true);
    let response = send(sandbox, &body).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    text(response).await
}

/// The data of each event of a stream.
pub(crate) fn events(stream: &str) -> Vec<Value> {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|data| serde_json::from_str(data).expect("JSON")).collect()
}

/// A request of one user turn.
pub(crate) fn request(text: &str) -> Value {
    json!({"model": "claude-haiku-4-5", "max_tokens": 1024, "messages": [{"role": "user", "content": text}]})
}

/// Two tools: the weather somewhere, and the time.
pub(crate) fn tools() -> Value {
    json!([
        {
            "name": "get_weather",
            "description": "Get the current weather for a location",
            "input_schema": {
                "type": "object",
                "properties": {"location": {"type": "string"}, "days": {"type": "integer", "minimum": 2}},
                "required": ["location", "days"],
            },
        },
        {"name": "get_time", "input_schema": {"type": "object", "properties": {}}},
    ])
}

/// Asks at a path and gives status and JSON.
pub(crate) async fn ask_at(sandbox: &Sandbox, path: &str, body: &Value) -> (u16, Value) {
    let response = post(sandbox, path, body).await;
    let status = response.status().as_u16();
    (status, serde_json::from_str(&text(response).await).expect("JSON"))
}

/// Asks at a path without a body.
pub(crate) async fn without_body(sandbox: &Sandbox, method: &str, path: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(format!("{SANDBOX_BASE_URL}{path}"));
    let request = request.body(Payload::default()).expect("a request");
    let response = sandbox.send(request, &Egress::default()).await.expect("the sandbox answers");
    let status = response.status().as_u16();
    (status, serde_json::from_str(&text(response).await).expect("JSON"))
}

/// A request with more or other fields.
pub(crate) fn with(mut request: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    fields.into_iter().for_each(|(key, value)| request[key] = value);
    request
}

/// The request with the value at a JSON pointer replaced.
pub(crate) fn changed(mut request: Value, pointer: &str, value: Value) -> Value {
    *request.pointer_mut(pointer).expect("a place in the request") = value;
    request
}
