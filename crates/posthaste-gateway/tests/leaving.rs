//! Clients that leave: the upstream sees its connection closed at once, whatever it speaks and whatever the client speaks.
//!
//! Upstreams are real servers on sockets. Left to itself a silent stream would be kept for minutes, so that the server sees
//! the end within the testkit's patience of seconds is the proof.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::future::Future;

use bytes::Bytes;
use posthaste_core::{Account, AttemptOutcome, AttemptPhase, AuthForm, Dialect, ProviderKind, Surface};
use posthaste_testkit::{AccountSetters, Script, ScriptedUpstream, account};
use posthaste_wire::{Framing, Repacker};
use rstest::rstest;
use support::{
    Rig,
    asking::{MODEL, question},
    next_piece,
};

/// How an answer begins in a dialect: what is no content yet, and the first content.
struct Beginning {
    dialect: Dialect,
    provider: ProviderKind,
    before: &'static str,
    content: &'static str,
}

const MESSAGES: Beginning = Beginning {
    dialect: Dialect::AnthropicMessages,
    provider: ProviderKind::AnthropicCompatible,
    before: r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

"#,
    content: r#"event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}

"#,
};

const CHAT: Beginning = Beginning {
    dialect: Dialect::OpenAiChat,
    provider: ProviderKind::OpenAiCompatible,
    before: r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

"#,
    content: r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}

"#,
};

const RESPONSES: Beginning = Beginning {
    dialect: Dialect::OpenAiResponses,
    provider: ProviderKind::OpenAi,
    before: r#"event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"m","output":[],"usage":null}}

event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"msg_1","type":"message","role":"assistant","status":"in_progress","content":[]}}

event: response.content_part.added
data: {"type":"response.content_part.added","sequence_number":2,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}

"#,
    content: r#"event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hello"}

"#,
};

const GEMINI: Beginning = Beginning {
    dialect: Dialect::GeminiGenerate,
    provider: ProviderKind::Gemini,
    before: r#"data: {"candidates":[{"content":{"role":"model","parts":[{"text":""}]},"index":0}],"modelVersion":"m"}

"#,
    content: r#"data: {"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"index":0}],"modelVersion":"m"}

"#,
};

const CONVERSE: Beginning = Beginning {
    dialect: Dialect::BedrockConverse,
    provider: ProviderKind::Bedrock,
    before: r#"event: messageStart
data: {"role":"assistant"}

"#,
    content: r#"event: contentBlockDelta
data: {"contentBlockIndex":0,"delta":{"text":"Hello"}}

"#,
};

impl Beginning {
    fn framing(&self) -> Framing {
        Framing::of(Surface::plain(self.dialect))
    }

    /// A piece as the upstream frames it.
    fn framed(&self, piece: &str) -> Bytes {
        let mut out = Vec::new();
        Repacker::new(Framing::Sse, self.framing()).push(piece.as_bytes(), &mut out).unwrap();
        out.into()
    }

    /// Sends these and then nothing more, with the connection open.
    fn then_silence(&self, pieces: &[&str]) -> Script {
        let pieces = pieces.iter().map(|piece| self.framed(piece));
        Script::new().header("content-type", self.framing().content_type()).chunks(pieces).stall()
    }

    fn account(&self, upstream: &ScriptedUpstream) -> Account {
        Account {
            auth: AuthForm::None,
            dialects: vec![self.dialect],
            ..account("only")
                .with_provider(self.provider)
                .with_base_url(upstream.base_url())
                .with_models(&[MODEL])
        }
    }

    async fn upstream(
        &'static self,
        script: impl Fn(&Self) -> Script + Send + Sync + 'static,
    ) -> (ScriptedUpstream, Rig) {
        let upstream = ScriptedUpstream::start(move |_| script(self)).await;
        let rig = Rig::new(vec![self.account(&upstream)]).await;
        (upstream, rig)
    }
}

/// The client's own dialect is one of them, whichever the upstream speaks.
const CLIENTS: [Dialect; 5] = Dialect::ALL;

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[tokio::test]
async fn a_client_that_leaves_amid_the_answer_cancels_the_upstream(#[case] beginning: &'static Beginning) {
    let (upstream, rig) =
        beginning.upstream(|beginning| beginning.then_silence(&[beginning.before, beginning.content])).await;
    for (round, client) in CLIENTS.into_iter().enumerate() {
        let client = Surface::plain(client);
        let answer = rig.ask_on(client, &question(client, "hello", true), true).await.unwrap();
        assert_eq!(answer.response.status(), 200, "{client:?}");
        let mut body = answer.response.into_body();
        let piece = next_piece(&mut body).await.unwrap();
        assert!(!piece.is_empty(), "{client:?}");
        assert_eq!(upstream.aborted(), round, "{client:?} is still there");
        drop(body);
        upstream.wait_aborted(round + 1).await;
        let rows = rig.rows().await;
        assert_eq!(rows.len(), round + 1);
        let row = rows.last().unwrap();
        assert_eq!((row.outcome, row.phase), (AttemptOutcome::Cancelled, AttemptPhase::Delivering));
        assert_eq!(row.upstream_dialect, beginning.dialect);
    }
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[tokio::test]
async fn a_client_that_leaves_before_the_content_cancels_the_upstream(#[case] beginning: &'static Beginning) {
    let (upstream, rig) = beginning.upstream(|beginning| beginning.then_silence(&[beginning.before])).await;
    for (round, client) in CLIENTS.into_iter().enumerate() {
        let client = Surface::plain(client);
        let body = question(client, "hello", true);
        Box::pin(leave(rig.ask_on(client, &body, true), upstream.wait_received(round + 1))).await;
        upstream.wait_aborted(round + 1).await;
        assert_eq!(rig.rows().await.last().unwrap().outcome, AttemptOutcome::Cancelled, "{client:?}");
    }
}

/// Also of an answer that is wanted whole.
#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[tokio::test]
async fn a_client_that_leaves_before_the_head_cancels_the_upstream(#[case] beginning: &'static Beginning) {
    let (upstream, rig) = beginning.upstream(|_| Script::never()).await;
    let mut left = 0;
    for stream in [false, true] {
        for client in CLIENTS.map(Surface::plain) {
            let body = question(client, "hello", stream);
            left += 1;
            Box::pin(leave(rig.ask_on(client, &body, stream), upstream.wait_received(left))).await;
            upstream.wait_aborted(left).await;
            let row = rig.rows().await.pop().unwrap();
            let told = (row.outcome, row.phase);
            assert_eq!(told, (AttemptOutcome::Cancelled, AttemptPhase::AwaitingHead), "{client:?}");
        }
    }
}

/// Drops a request as soon as the upstream has it; nothing has answered until then.
async fn leave<A, B>(asking: impl Future<Output = A>, seen: impl Future<Output = B>) {
    tokio::pin!(asking);
    tokio::select! {
        _ = &mut asking => panic!("nothing answers"),
        _ = seen => {}
    }
}

mod read_on {
    use std::time::Duration;

    use posthaste_core::UsageSource;
    use posthaste_gateway::RelayOptions;
    use posthaste_testkit::anthropic_sse;

    use super::*;
    use crate::support::{USAGE, at, streamed};

    async fn reading_on(script: Script, drain: Duration) -> (ScriptedUpstream, Rig) {
        let upstream = ScriptedUpstream::start(move |_| script.clone()).await;
        let options = RelayOptions { drain: Some(drain), ..RelayOptions::default() };
        let rig = Rig::with(vec![at("only", upstream.base_url(), 50)], options).await;
        (upstream, rig)
    }

    /// Reads one piece and leaves.
    async fn taste(rig: &Rig) {
        let answer = rig.ask(&streamed()).await.unwrap();
        let mut body = answer.response.into_body();
        assert!(next_piece(&mut body).await.is_some());
    }

    fn beginning() -> (Script, Vec<Bytes>) {
        let mut frames = anthropic_sse(&["a", "b", "c"], USAGE);
        let rest = frames.split_off(4);
        (Script::new().header("content-type", "text/event-stream").chunks(frames), rest)
    }

    #[tokio::test]
    async fn the_rest_of_the_answer_tells_what_it_cost() {
        let (script, rest) = beginning();
        let script = script.pause(Duration::from_millis(200)).chunks(rest);
        let (upstream, rig) = reading_on(script, Duration::from_secs(60)).await;
        taste(&rig).await;
        assert_eq!(rig.relay.in_flight(), 1, "the account is still at work");
        while rig.relay.in_flight() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let row = rig.rows().await.pop().unwrap();
        assert_eq!((row.outcome, row.phase), (AttemptOutcome::Cancelled, AttemptPhase::Delivering));
        assert_eq!((row.usage, row.usage_source), (USAGE, UsageSource::Reported));
        assert_eq!(upstream.aborted(), 0);
    }

    #[tokio::test]
    async fn an_upstream_that_does_not_end_in_time_is_cancelled() {
        let (upstream, rig) = reading_on(beginning().0.stall(), Duration::from_millis(50)).await;
        taste(&rig).await;
        upstream.wait_aborted(1).await;
        assert_eq!(rig.rows().await.pop().unwrap().outcome, AttemptOutcome::Cancelled);
    }

    #[tokio::test]
    async fn a_relay_that_ends_books_what_it_has_seen() {
        let (upstream, rig) = reading_on(beginning().0.stall(), Duration::from_secs(600)).await;
        taste(&rig).await;
        assert_eq!((rig.rows().await.len(), rig.relay.in_flight()), (0, 1));
        rig.relay.end_drains().await;
        let row = rig.rows().await.pop().unwrap();
        assert_eq!((row.outcome, row.usage.input), (AttemptOutcome::Cancelled, USAGE.input));
        upstream.wait_aborted(1).await;
    }
}
