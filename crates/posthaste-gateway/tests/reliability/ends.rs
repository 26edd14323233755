//! U11: streams without their end, without counts, or with their end twice.

use std::sync::Arc;

use posthaste_core::{AttemptOutcome, AttemptPhase, AttemptRow, CostBasis, Surface, UsageSource};
use posthaste_gateway::RelayOptions;
use posthaste_testkit::{MemoryTransport, Reply};
use rstest::rstest;

use crate::{
    heard::{End, Heard, hear},
    recording::{Recording, whole_answer},
    side::{CHAT, CLIENTS, CONVERSE, GEMINI, INVOKE, MESSAGES, RESPONSES, Side},
    support::{
        Read, Rig,
        asking::{MODEL, question},
    },
};

/// Plays it to a client; gives what was heard and what was booked.
async fn played(side: &Side, client: Surface, recording: &Recording) -> (Heard, AttemptRow) {
    let recording = recording.clone();
    let transport = MemoryTransport::new(move |_| recording.whole());
    let accounts = vec![side.priced("only", 1)];
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport)).await;
    let answer = rig.ask_on(client, &question(client, "hello", true), true).await.unwrap();
    let heard = hear(client, &Read::from(answer).await.body);
    let mut rows = rig.rows().await;
    assert_eq!(rows.len(), 1);
    (heard, rows.remove(0))
}

/// `how` changes the events of a good stream; then every client hears it.
async fn with_every_client(
    side: &'static Side,
    how: impl Fn(&mut Recording),
    check: impl Fn(&Recording, &Heard, &AttemptRow, &str),
) {
    for client in CLIENTS {
        let side = side.towards(client);
        let good = Recording::of(side, MODEL, "hello").await;
        let mut changed = good.clone();
        how(&mut changed);
        let changed = good.with_frames(changed.frames);
        let (heard, row) = played(side, client, &changed).await;
        check(&good, &heard, &row, &format!("{client:?} at {:?}: {heard:?} {row:?}", side.surface));
    }
}

fn is_whole(good: &Recording, heard: &Heard, row: &AttemptRow, context: &str) {
    assert_eq!((heard.end, heard.text.as_str()), (End::Clean, good.text.as_str()), "{context}");
    assert!(heard.stopped, "{context}");
    assert_eq!((row.outcome, row.phase), (AttemptOutcome::Complete, AttemptPhase::Finished), "{context}");
    assert!(row.usage.prompt() > 0 && row.usage.output > 0 && row.cost.as_nanos() > 0, "{context}");
}

/// Of Responses and Gemini nothing follows the event that tells why the answer stopped.
#[rstest]
#[case::messages(&MESSAGES, UsageSource::Reported)]
#[case::chat(&CHAT, UsageSource::Reported)]
#[case::converse(&CONVERSE, UsageSource::Estimated)]
#[case::invoke(&INVOKE, UsageSource::Reported)]
#[tokio::test]
async fn u11_a_stream_without_its_last_event_is_given_a_legal_end(
    #[case] side: &'static Side,
    #[case] counts: UsageSource,
) {
    let without_last = |recording: &mut Recording| drop(recording.frames.pop());
    with_every_client(side, without_last, |good, heard, row, context| {
        is_whole(good, heard, row, context);
        assert_eq!(row.usage_source, counts, "{context}");
    })
    .await;
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test]
async fn u11_a_stream_that_never_tells_why_it_stopped_ends_as_an_error(#[case] side: &'static Side) {
    let before_stop = |recording: &mut Recording| recording.frames.truncate(recording.frames_before_stop());
    with_every_client(side, before_stop, |good, heard, row, context| {
        assert_eq!((heard.end, heard.text.as_str()), (End::Error, good.text.as_str()), "{context}");
        assert!(!heard.stopped, "{context}");
        assert_eq!((row.outcome, row.phase), (AttemptOutcome::Cut, AttemptPhase::Delivering), "{context}");
        assert_eq!(
            (row.usage_source, row.cost_basis),
            (UsageSource::Estimated, CostBasis::Estimated),
            "{context}"
        );
        assert!(row.usage.prompt() > 0 && row.usage.output > 0 && row.cost.as_nanos() > 0, "{context}");
    })
    .await;
}

/// What repeats the end is left out, and counts once.
#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test]
async fn u11_an_end_that_comes_twice_is_told_once(#[case] side: &'static Side) {
    for client in CLIENTS {
        let side = side.towards(client);
        let good = Recording::of(side, MODEL, "hello").await;
        let (once, row_once) = played(side, client, &good).await;
        let mut frames = good.frames.clone();
        frames.push(frames.last().unwrap().clone());
        let (twice, row) = played(side, client, &good.with_frames(frames)).await;
        let context = format!("{client:?} at {:?}: {twice:?} {row:?}", side.surface);
        is_whole(&good, &twice, &row, &context);
        assert_eq!((row.usage, row.cost), (row_once.usage, row_once.cost), "{context}");
        let ends =
            |heard: &Heard| heard.events.iter().filter(|event| crate::heard::is_stop(client, event)).count();
        // Gemini has no end of its own: there the last event of the answer itself is repeated, which is harmless.
        if side.surface.dialect != client.dialect {
            assert_eq!((ends(&once), ends(&twice)), (1, 1), "{context}");
        }
    }
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test]
async fn u11_a_stream_without_counts_is_estimated_and_costs_something(#[case] side: &'static Side) {
    for client in CLIENTS {
        let side = side.towards(client);
        let silent = Recording::of(side, "sandbox-no-usage", "hello").await;
        let (heard, row) = played(side, client, &silent).await;
        let context = format!("{client:?} at {:?}: {heard:?} {row:?}", side.surface);
        is_whole(&silent, &heard, &row, &context);
        assert_eq!(
            (row.usage_source, row.cost_basis),
            (UsageSource::Estimated, CostBasis::Estimated),
            "{context}"
        );
    }
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test]
async fn u11_a_whole_answer_without_counts_is_estimated_and_costs_something(#[case] side: &'static Side) {
    let silent = whole_answer(side, "sandbox-no-usage", "hello").await;
    let transport = MemoryTransport::new(move |_| Reply::json(200, &silent));
    let accounts = vec![side.priced("only", 1)];
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport)).await;
    for client in [side.surface, side.stranger()] {
        let answer = rig.ask_on(client, &question(client, "hello", false), false).await.unwrap();
        assert_eq!(Read::from(answer).await.status, 200);
        let row = rig.rows().await.pop().unwrap();
        assert_eq!((row.usage_source, row.cost_basis), (UsageSource::Estimated, CostBasis::Estimated));
        assert!(row.usage.prompt() > 0 && row.usage.output > 0 && row.cost.as_nanos() > 0, "{row:?}");
    }
}
