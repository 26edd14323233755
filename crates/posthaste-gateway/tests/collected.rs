//! Upstreams that stream though a whole answer was asked for: the client gets the whole answer.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use posthaste_core::{
    Account, AttemptOutcome, AuthForm, Dialect, Egress, FaultKind, Packing, Payload, PresetName,
    ProviderKind, RelayBody, Surface, Transport, TransportError, UsageSource,
};
use posthaste_gateway::RelayOptions;
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use posthaste_testkit::{MemoryTransport, Reply, account, anthropic_error, anthropic_sse};
use serde_json::{Value, json};
use support::{Read, Rig, USAGE, asking::question, whole};

const CLIENTS: [Surface; 7] = [
    Surface::plain(Dialect::AnthropicMessages),
    Surface::plain(Dialect::OpenAiChat),
    Surface::plain(Dialect::OpenAiResponses),
    Surface::plain(Dialect::GeminiGenerate),
    Surface { dialect: Dialect::GeminiGenerate, packing: Packing::CodeAssist },
    Surface::plain(Dialect::BedrockConverse),
    Surface { dialect: Dialect::AnthropicMessages, packing: Packing::Invoke },
];

const UPSTREAMS: [Dialect; 4] =
    [Dialect::AnthropicMessages, Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::GeminiGenerate];

/// The imitation vendor, which is made to stream whatever it is asked.
struct Streams(Sandbox);

#[async_trait]
impl Transport for Streams {
    async fn send(
        &self,
        request: Request<Payload>,
        egress: &Egress,
    ) -> Result<Response<RelayBody>, TransportError> {
        let (mut head, body) = request.into_parts();
        let mut body: Value = serde_json::from_slice(&body.to_bytes()).unwrap();
        let address = head.uri.to_string();
        if let Some(model) = address.strip_suffix(":generateContent") {
            head.uri = format!("{model}:streamGenerateContent?alt=sse").parse().unwrap();
        } else {
            body["stream"] = json!(true);
            if address.ends_with("/chat/completions") {
                body["stream_options"] = json!({"include_usage": true});
            }
        }
        let body = Payload::from(Bytes::from(body.to_string()));
        self.0.send(Request::from_parts(head, body), egress).await
    }
}

fn sandbox_of(dialect: Dialect) -> Account {
    Account {
        preset: PresetName("sandbox".to_owned()),
        provider: ProviderKind::Sandbox,
        base_url: SANDBOX_BASE_URL.to_owned(),
        auth: AuthForm::None,
        dialects: vec![dialect],
        private_address: None,
        ..account(dialect.as_str())
    }
}

/// The answer, less what differs from one answer to the next.
fn told(read: &Read) -> Value {
    let mut answer: Value = serde_json::from_slice(&read.body).unwrap();
    let inner = if answer.get("response").is_some() { &mut answer["response"] } else { &mut answer };
    for name in ["id", "created", "created_at", "completed_at", "responseId", "metrics", "system_fingerprint"]
    {
        inner.as_object_mut().unwrap().remove(name);
    }
    let items = inner.get_mut("output").and_then(Value::as_array_mut);
    items.into_iter().flatten().filter_map(Value::as_object_mut).for_each(|item| drop(item.remove("id")));
    // Streams do not tell what there is nothing of.
    let message = inner.pointer_mut("/choices/0/message").and_then(Value::as_object_mut);
    message
        .into_iter()
        .for_each(|message| message.retain(|_, value| !value.is_null() && *value != json!([])));
    answer.as_object_mut().unwrap().remove("traceId");
    answer
}

#[tokio::test]
async fn every_client_gets_the_whole_answer() {
    for dialect in UPSTREAMS {
        let streams = Rig::over(
            vec![sandbox_of(dialect)],
            RelayOptions::default(),
            Arc::new(Streams(Sandbox::default())),
        )
        .await;
        let answers =
            Rig::over(vec![sandbox_of(dialect)], RelayOptions::default(), Arc::new(Sandbox::default())).await;
        for client in CLIENTS {
            let body = question(client, "What is a relay?", false);
            let collected = Read::from(streams.ask_on(client, &body, false).await.unwrap()).await;
            let whole = Read::from(answers.ask_on(client, &body, false).await.unwrap()).await;
            assert_eq!(collected.status, 200, "{client:?} at {dialect}");
            assert_eq!(collected.header("content-type"), "application/json", "{client:?} at {dialect}");
            assert_eq!(told(&collected), told(&whole), "{client:?} at {dialect}");
        }
        let (collected, whole) = (streams.rows().await, answers.rows().await);
        for (collected, whole) in collected.iter().zip(&whole) {
            assert_eq!(collected.outcome, AttemptOutcome::Complete, "{dialect}");
            assert_eq!(collected.usage_source, UsageSource::Reported, "{dialect}");
            assert_eq!((collected.usage, collected.cost), (whole.usage, whole.cost), "{dialect}");
        }
    }
}

fn named(name: &str, priority: u8) -> Account {
    let mut account = account(name);
    account.base_url = format!("http://{name}.example");
    account.priority = priority;
    account
}

/// Two accounts: the first one streams these frames, the second one a whole message.
async fn after(first: impl Fn() -> Reply + Send + Sync + 'static) -> Rig {
    let transport = MemoryTransport::new(move |sent| match sent.uri.host() {
        Some("a.example") => first(),
        _ => Reply::sse(anthropic_sse(&["second"], USAGE)),
    });
    Rig::over(vec![named("a", 1), named("b", 2)], RelayOptions::default(), Arc::new(transport)).await
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_fails_is_taken_over_however_late() {
    let mut failing = anthropic_sse(&["a", "b"], USAGE);
    failing.truncate(failing.len() - 2);
    failing.push(format!("event: error\ndata: {}\n\n", anthropic_error("overloaded_error", "busy")).into());
    let cut = anthropic_sse(&["a", "b"], USAGE)[..5].to_vec();
    let broken = cut.clone();
    let cases: [(Box<dyn Fn() -> Reply + Send + Sync>, FaultKind); 4] = [
        (Box::new(move || Reply::sse(failing.clone())), FaultKind::Overloaded),
        (Box::new(move || Reply::sse(cut.clone())), FaultKind::UpstreamFailed),
        (Box::new(move || Reply::sse_then_break(broken.clone())), FaultKind::UpstreamFailed),
        (Box::new(|| Reply::sse([Bytes::from("data: {oops\n\n")])), FaultKind::UpstreamFailed),
    ];
    for (case, (first, kind)) in cases.into_iter().enumerate() {
        let rig = after(first).await;
        let answer = rig.read(&whole()).await.unwrap();
        assert!(answer.text().contains("second"), "{case}: {}", answer.text());
        let outcomes: Vec<_> = rig.rows().await.iter().map(|row| row.outcome).collect();
        assert_eq!(outcomes, [AttemptOutcome::Failed(kind), AttemptOutcome::Complete], "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_falls_silent_is_taken_over() {
    let frames = anthropic_sse(&["a", "b"], USAGE)[..5].to_vec();
    let rig = after(move || Reply::sse_then_silence(frames.clone())).await;
    assert!(rig.read(&whole()).await.unwrap().text().contains("second"));
    assert_eq!(rig.rows().await[0].outcome, AttemptOutcome::Failed(FaultKind::Timeout));
}

#[tokio::test]
async fn a_missing_terminator_after_the_stop_reason_is_no_cut() {
    let mut frames = anthropic_sse(&["first"], USAGE);
    frames.pop();
    let rig = after(move || Reply::sse(frames.clone())).await;
    let answer = rig.read(&whole()).await.unwrap();
    assert!(answer.text().contains("first") && answer.text().contains("end_turn"), "{}", answer.text());
    let rows = rig.rows().await;
    assert_eq!((rows.len(), rows[0].usage), (1, USAGE));
}

/// Clients declare such tools at Responses alone; the words are no JSON.
#[tokio::test]
async fn the_words_of_a_custom_tool_are_kept() {
    let input = "*** Begin\n+ \"line\"\n";
    let item = json!({"id": "ctc_0", "type": "custom_tool_call", "status": "completed", "call_id": "call_1",
        "name": "apply_patch", "input": input});
    let frames = [
        json!({"type": "response.created", "response": {"id": "r", "object": "response", "status": "in_progress", "output": []}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "ctc_0",
            "type": "custom_tool_call", "status": "in_progress", "call_id": "call_1", "name": "apply_patch", "input": ""}}),
        json!({"type": "response.custom_tool_call_input.delta", "output_index": 0, "item_id": "ctc_0", "delta": input}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": {"id": "r", "object": "response", "status": "completed",
            "model": "m", "output": [], "usage": {"input_tokens": 3, "output_tokens": 4}}}),
    ]
    .map(|event| Bytes::from(format!("data: {event}\n\n")));
    let transport = MemoryTransport::new(move |_| Reply::sse(frames.clone()));
    let account = sandbox_of(Dialect::OpenAiResponses);
    let rig = Rig::over(vec![account], RelayOptions::default(), Arc::new(transport)).await;
    let ask = async |client: Surface, body: Value| {
        let read = Read::from(rig.ask_on(client, &body, false).await.unwrap()).await;
        serde_json::from_slice::<Value>(&read.body).unwrap()
    };
    let responses = ask(
        Surface::plain(Dialect::OpenAiResponses),
        json!({"model": "m", "input": "x", "tools": [{"type": "custom", "name": "apply_patch"}]}),
    );
    assert_eq!(responses.await["output"][0], item);
    let chat = ask(
        Surface::plain(Dialect::OpenAiChat),
        json!({"model": "m", "messages": [{"role": "user", "content": "x"}],
            "tools": [{"type": "custom", "custom": {"name": "apply_patch"}}]}),
    );
    let call = chat.await["choices"][0]["message"]["tool_calls"][0].clone();
    assert_eq!(call["custom"], json!({"name": "apply_patch", "input": input}));
}
