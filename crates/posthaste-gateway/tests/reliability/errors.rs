//! U10: an error within a 200, as the first event and amid the answer.

use std::sync::Arc;

use posthaste_core::{AttemptOutcome, AttemptPhase, FaultKind, Surface, UsageSource};
use posthaste_gateway::RelayOptions;
use posthaste_sandbox::Sandbox;
use posthaste_testkit::{AccountSetters, account};
use rstest::rstest;

use crate::{
    heard::{End, Heard, hear},
    side::{CHAT, CLIENTS, CONVERSE, GEMINI, INVOKE, MESSAGES, RESPONSES, Side},
    support::{Read, Rig, asking::question},
};

/// An account whose upstream does to every request what this model of the imitation does, before one that serves.
async fn before_a_good_one(side: &Side, model: &str) -> Rig {
    let accounts = vec![side.account("bad", 1).with_model_name("*", model), side.account("good", 2)];
    Rig::over(accounts, RelayOptions::default(), Arc::new(Sandbox::default())).await
}

/// The account that failed rests, or what it was asked for does; forgets that again.
fn rested(rig: &Rig) -> bool {
    let (bad, now) = (account("bad").id, rig.relay_now());
    let rests = rig.scheduler.parked(bad, now).is_some() || !rig.scheduler.parked_models(bad, now).is_empty();
    rig.scheduler.release(bad);
    rests
}

async fn ask(rig: &Rig, client: Surface) -> (Read, Heard) {
    let answer = rig.ask_on(client, &question(client, "hello", true), true).await.unwrap();
    let read = Read::from(answer).await;
    let heard = hear(client, &read.body);
    (read, heard)
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test]
async fn u10_an_error_as_the_first_event_is_never_seen(#[case] side: &'static Side) {
    let rig = before_a_good_one(side, "sandbox-error-first").await;
    for client in CLIENTS {
        let (read, heard) = ask(&rig, client).await;
        assert_eq!(read.header("x-posthaste-attempts"), "2", "{client:?}");
        assert_eq!(heard.end, End::Clean, "{client:?}: {heard:?}");
        assert!(heard.text.contains("hello") && heard.stopped, "{client:?}: {heard:?}");
        let rows = rig.rows().await;
        let [.., failed, served] = &rows[..] else { panic!("{rows:?}") };
        assert!(matches!(failed.outcome, AttemptOutcome::Failed(_)), "{failed:?}");
        assert_eq!(failed.phase, AttemptPhase::AwaitingContent);
        assert_eq!(served.outcome, AttemptOutcome::Complete);
        assert!(rested(&rig), "{client:?}");
    }
    assert_eq!(rig.rows().await.len(), 2 * CLIENTS.len());
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test]
async fn u10_an_error_amid_the_answer_ends_it_as_an_error(#[case] side: &'static Side) {
    let rig = before_a_good_one(side, "sandbox-error-middle").await;
    for (round, client) in CLIENTS.into_iter().enumerate() {
        let (read, heard) = ask(&rig, client).await;
        assert_eq!(read.header("x-posthaste-attempts"), "1", "{client:?}");
        assert_eq!(heard.end, End::Error, "{client:?}: {heard:?}");
        assert!(!heard.text.is_empty() && !heard.stopped, "{client:?}: {heard:?}");
        let rows = rig.rows().await;
        assert_eq!(rows.len(), round + 1, "{client:?}");
        let row = rows.last().unwrap();
        // The upstream has said what went wrong: that is told apart from a connection that was lost.
        assert_eq!(row.outcome, AttemptOutcome::Failed(FaultKind::UpstreamFailed), "{client:?}");
        assert_eq!((row.phase, row.usage_source), (AttemptPhase::Delivering, UsageSource::Estimated));
        assert!(row.usage.prompt() > 0 && row.usage.output > 0, "{client:?}: {:?}", row.usage);
        assert!(rested(&rig), "{client:?}");
    }
}
