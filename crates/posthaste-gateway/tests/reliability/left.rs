//! C1: clients that leave, in each phase of a request. That a real connection to the upstream is closed then is shown by
//! `tests/leaving.rs`; that nothing is held wherever the request stood, by `tests/dropped.rs`.

use std::{future::Future, sync::Arc, time::Duration};

use posthaste_core::{AttemptOutcome, AttemptPhase, Dialect, Surface, UsageSource};
use posthaste_gateway::RelayOptions;
use rstest::rstest;
use tokio::time::timeout;

use crate::{
    books::{assert_settled, counted, limits},
    heard::{End, hear},
    held::{Held, Says},
    recording::{Recording, whole_answer},
    side::{CHAT, CONVERSE, GEMINI, INVOKE, MESSAGES, RESPONSES, Side},
    support::{
        Rig,
        asking::{MODEL, question},
        next_piece,
    },
};

struct Leaving {
    held: Arc<Held>,
    rig: Rig,
    client: Surface,
}

impl Leaving {
    async fn new(side: &Side, client: Surface, says: Says) -> Self {
        let held = Arc::new(Held::new(move |_| says.clone()));
        let accounts = vec![counted(side.priced("only", 1))];
        let rig = Rig::over(accounts, RelayOptions::default(), Arc::clone(&held) as _).await;
        rig.with_key(|key| key.policy.limits = limits()).await;
        Self { held, rig, client }
    }

    /// Asks, and leaves while the relay has promised nothing yet.
    async fn leave_while_waiting(&self, streamed: bool) {
        let body = question(self.client, "hello", streamed);
        let asking = Box::pin(self.rig.ask_on(self.client, &body, streamed));
        leave(asking, async {
            self.held.until_open(1).await;
            // What the upstream has sent is read by then.
            tokio::time::sleep(Duration::from_millis(10)).await;
        })
        .await;
    }

    /// The upstream was given up with the client, all is given back, and there is one row, which tells the truth.
    async fn assert_left(&self, outcome: AttemptOutcome, phase: AttemptPhase) -> UsageSource {
        // Not soon: at once.
        assert_eq!(self.held.open(), 0);
        assert_settled(&self.rig, "only").await;
        let rows = self.rig.rows().await;
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((row.outcome, row.phase), (outcome, phase), "{row:?}");
        row.usage_source
    }
}

async fn leave<A, B>(asking: impl Future<Output = A>, seen: impl Future<Output = B>) {
    tokio::pin!(asking);
    tokio::select! {
        _ = &mut asking => panic!("nothing answers"),
        _ = seen => {}
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
async fn c1_before_the_head(#[case] side: &'static Side) {
    for client in [side.surface, side.stranger()] {
        for streamed in [false, true] {
            let leaving = Leaving::new(side, client, Says::Nothing).await;
            leaving.leave_while_waiting(streamed).await;
            leaving.assert_left(AttemptOutcome::Cancelled, AttemptPhase::AwaitingHead).await;
        }
    }
}

/// The relay has sent its own head by then, and keeps the client company.
#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test(start_paused = true)]
async fn c1_before_the_upstreams_head_but_after_the_relays_own(#[case] side: &'static Side) {
    for client in [side.surface, side.stranger()] {
        let leaving = Leaving::new(side, client, Says::Nothing).await;
        let answer = leaving.rig.ask_on(client, &question(client, "hello", true), true).await.unwrap();
        let mut body = answer.response.into_body();
        // Bedrock's clients hear nothing meanwhile.
        timeout(Duration::from_secs(15), next_piece(&mut body)).await.ok();
        assert_eq!(leaving.held.open(), 1, "it is still asked");
        drop(body);
        leaving.assert_left(AttemptOutcome::Cancelled, AttemptPhase::AwaitingHead).await;
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
async fn c1_before_the_first_content(#[case] side: &'static Side) {
    let recording = Recording::of(side, MODEL, "hello").await;
    let before_content = recording.beginning(recording.content_end - 5);
    for pieces in [Vec::new(), before_content] {
        for client in [side.surface, side.stranger()] {
            let says = Says::Pieces(recording.content_type.clone(), pieces.clone());
            let leaving = Leaving::new(side, client, says).await;
            leaving.leave_while_waiting(true).await;
            leaving.assert_left(AttemptOutcome::Cancelled, AttemptPhase::AwaitingContent).await;
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
#[tokio::test(start_paused = true)]
async fn c1_amid_the_answer(#[case] side: &'static Side) {
    let recording = Recording::of(side, MODEL, "hello").await;
    let pieces = recording.beginning((recording.content_end + recording.stop_end) / 2);
    for client in [side.surface, side.stranger()] {
        let says = Says::Pieces(recording.content_type.clone(), pieces.clone());
        let leaving = Leaving::new(side, client, says).await;
        let answer = leaving.rig.ask_on(client, &question(client, "hello", true), true).await.unwrap();
        let mut body = answer.response.into_body();
        next_piece(&mut body).await.unwrap();
        assert_eq!(leaving.held.open(), 1);
        drop(body);
        let source = leaving.assert_left(AttemptOutcome::Cancelled, AttemptPhase::Delivering).await;
        assert_eq!(source, UsageSource::Estimated, "what was seen is booked");
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
async fn c1_amid_an_answer_in_one_piece(#[case] side: &'static Side) {
    let whole = whole_answer(side, MODEL, "hello").await.to_string();
    let half = whole.as_bytes()[..whole.len() / 2].to_vec();
    for client in [side.surface, side.stranger()] {
        let says = Says::Pieces("application/json".to_owned(), vec![half.clone().into()]);
        let leaving = Leaving::new(side, client, says).await;
        leaving.leave_while_waiting(false).await;
        leaving.assert_left(AttemptOutcome::Cancelled, AttemptPhase::AwaitingContent).await;
    }
}

/// All was said and the client has it, but the upstream has not closed.
#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test(start_paused = true)]
async fn c1_at_the_end(#[case] side: &'static Side) {
    let recording = Recording::of(side, MODEL, "hello").await;
    for client in [side.surface, side.stranger()] {
        let says = Says::Pieces(recording.content_type.clone(), recording.frames.clone());
        let leaving = Leaving::new(side, client, says).await;
        let answer = leaving.rig.ask_on(client, &question(client, "hello", true), true).await.unwrap();
        let mut body = answer.response.into_body();
        let mut all = Vec::new();
        while let Ok(Some(piece)) = timeout(Duration::from_secs(1), next_piece(&mut body)).await {
            all.extend_from_slice(&piece);
        }
        assert_eq!(leaving.held.open(), 1);
        drop(body);
        // Gemini tells the end by closing alone: until then more may come.
        let (outcome, phase) = if side.surface.dialect == Dialect::GeminiGenerate {
            (AttemptOutcome::Cancelled, AttemptPhase::Delivering)
        } else {
            assert_eq!(hear(client, &all).end, End::Clean);
            (AttemptOutcome::Complete, AttemptPhase::Finished)
        };
        assert_eq!(leaving.assert_left(outcome, phase).await, UsageSource::Reported);
    }
}
