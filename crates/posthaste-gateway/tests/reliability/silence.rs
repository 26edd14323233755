//! U7 and U8: upstreams that take a request and say nothing, and such that fall silent.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use posthaste_core::{
    AttemptOutcome, AttemptPhase, CooldownReason, Dialect, FaultKind, Packing, Surface, UsageSource,
};
use posthaste_gateway::RelayOptions;
use posthaste_testkit::{MemoryTransport, Reply, account};
use rstest::rstest;
use tokio::time::Instant;

use crate::{
    heard::{End, hear},
    recording::{Ending, Recording, whole_answer},
    side::{CHAT, CLIENTS, CONVERSE, GEMINI, INVOKE, MESSAGES, RESPONSES, Side},
    support::{
        Read, Rig,
        asking::{MODEL, question},
        next_piece,
    },
};

/// How long the first event of a stream may take (`docs/CONFIG.md`): where it is not known when a model begins to speak,
/// longer.
fn first_event(side: &Side) -> u64 {
    match side.surface.dialect {
        Dialect::AnthropicMessages | Dialect::OpenAiResponses | Dialect::GeminiGenerate => 60,
        Dialect::OpenAiChat | Dialect::BedrockConverse => 300,
    }
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test(start_paused = true)]
async fn u7_who_never_answers_is_left_for_the_next_account(#[case] side: &'static Side) {
    let recording = Recording::of(side, MODEL, "hello").await;
    let whole = whole_answer(side, MODEL, "hello").await;
    // Not a byte; and a head without a body.
    for head in [false, true] {
        let (played, answer) = (recording.clone(), whole.clone());
        let transport = MemoryTransport::new(move |sent| {
            let is_stream = sent.uri.to_string().contains("tream") || sent.json()["stream"] == true;
            match (sent.uri.host(), is_stream) {
                (Some("bad.example"), _) if head => played.reply(Vec::new(), Ending::Silence),
                (Some("bad.example"), _) => Reply::never(),
                (_, true) => played.whole(),
                (_, false) => Reply::json(200, &answer),
            }
        });
        for (client, streamed) in
            [(side.surface, true), (side.stranger(), true), (side.surface, false), (side.stranger(), false)]
        {
            if head && !streamed {
                continue;
            }
            let accounts = vec![side.priced("bad", 1), side.priced("good", 2)];
            let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport.clone())).await;
            let began = Instant::now();
            let answer = rig.ask_on(client, &question(client, "hello", streamed), streamed).await.unwrap();
            let answer = Read::from(answer).await;
            assert_eq!(answer.status, 200);
            let patience = if streamed { first_event(side) } else { 900 };
            assert_eq!(began.elapsed().as_secs(), patience, "{client:?}, streamed: {streamed}");
            if streamed {
                let heard = hear(client, &answer.body);
                assert_eq!((heard.end, heard.text), (End::Clean, recording.text.clone()));
            }
            let rows = rig.rows().await;
            let [silent, served] = &rows[..] else { panic!("{rows:?}") };
            assert_eq!(silent.outcome, AttemptOutcome::Failed(FaultKind::Timeout));
            let phase = if head { AttemptPhase::AwaitingContent } else { AttemptPhase::AwaitingHead };
            assert_eq!((silent.phase, served.outcome), (phase, AttemptOutcome::Complete));
            let rests = rig.scheduler.parked(account("bad").id, rig.relay_now()).unwrap();
            assert_eq!(rests.reason, CooldownReason::Failing, "{}", rests.why);
        }
    }
}

/// What keeps a client's connection alive, in the words of its dialect; Bedrock's have none.
fn sign_of_life(client: Surface) -> Option<&'static str> {
    match (client.dialect, client.packing) {
        (Dialect::BedrockConverse, _) | (_, Packing::Invoke) => None,
        (Dialect::AnthropicMessages, _) => Some("event: ping\ndata: {\"type\": \"ping\"}\n\n"),
        (Dialect::OpenAiChat | Dialect::OpenAiResponses, _) => Some(": keep-alive\n\n"),
        (Dialect::GeminiGenerate, _) => Some("\n"),
    }
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test(start_paused = true)]
async fn u8_a_silent_stream_is_kept_alive_and_ends_as_an_error(#[case] side: &'static Side) {
    for client in CLIENTS {
        let side = side.towards(client);
        let recording = Recording::of(side, MODEL, "hello").await;
        let beginning = recording.beginning(recording.content_end);
        let played = recording.clone();
        let transport = MemoryTransport::new(move |_| played.reply(beginning.clone(), Ending::Silence));
        let accounts = vec![side.priced("only", 1)];
        let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport)).await;
        let began = Instant::now();
        let answer = rig.ask_on(client, &question(client, "hello", true), true).await.unwrap();
        let mut body = answer.response.into_body();
        let mut pieces: Vec<(Duration, Bytes)> = Vec::new();
        while let Some(piece) = next_piece(&mut body).await {
            pieces.push((began.elapsed(), piece));
        }
        let context = format!("{client:?} at {:?}: {pieces:?}", side.surface);
        let signs: Vec<_> = pieces.iter().filter(|(at, _)| (1..300).contains(&at.as_secs())).collect();
        match sign_of_life(client) {
            Some(sign) => {
                assert_eq!(signs.len(), 29, "one every ten seconds: {context}");
                for (number, (at, piece)) in signs.into_iter().enumerate() {
                    assert_eq!(
                        (at.as_secs(), &piece[..]),
                        (10 * (number as u64 + 1), sign.as_bytes()),
                        "{context}"
                    );
                }
            }
            None => assert!(signs.is_empty(), "{context}"),
        }
        assert_eq!(pieces.last().unwrap().0.as_secs(), 300, "{context}");
        let all: Vec<u8> = pieces.iter().flat_map(|(_, piece)| piece.to_vec()).collect();
        let heard = hear(client, &all);
        assert_eq!((heard.end, heard.stopped), (End::Error, false), "{context}");
        assert_eq!(heard.text, recording.text_until(recording.content_end), "{context}");
        let rows = rig.rows().await;
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((row.outcome, row.phase), (AttemptOutcome::Cut, AttemptPhase::Delivering));
        assert_eq!(row.usage_source, UsageSource::Estimated);
        let rests = rig.scheduler.parked(account("only").id, rig.relay_now()).unwrap();
        assert_eq!(&*rests.why, "silent for 300 s");
    }
}

/// The relay's own head is out by then.
#[rstest]
#[case::messages(&MESSAGES)]
#[case::converse(&CONVERSE)]
#[tokio::test(start_paused = true)]
async fn u7_when_nobody_answers_who_waits_is_told_in_its_own_words(#[case] side: &'static Side) {
    for client in CLIENTS {
        let transport = MemoryTransport::new(|_| Reply::never());
        let accounts = vec![side.priced("only", 1)];
        let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport)).await;
        let began = Instant::now();
        let answer = rig.ask_on(client, &question(client, "hello", true), true).await.unwrap();
        assert_eq!((answer.response.status().as_u16(), began.elapsed().as_secs()), (200, 10), "{client:?}");
        let read = Read::from(answer).await;
        assert_eq!(began.elapsed().as_secs(), first_event(side), "{client:?}");
        let heard = hear(client, &read.body);
        assert_eq!((heard.end, heard.stopped), (End::Error, false), "{client:?}: {heard:?}");
        let rows = rig.rows().await;
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((row.outcome, row.usage.total()), (AttemptOutcome::Failed(FaultKind::Timeout), 0));
    }
}
