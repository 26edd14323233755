//! U9: a stream that is cut at any byte.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use posthaste_core::{AttemptOutcome, AttemptPhase, AttemptRow, FaultKind, Surface, UsageSource};
use posthaste_gateway::RelayOptions;
use posthaste_testkit::{MemoryTransport, account};
use rstest::rstest;

use crate::{
    heard::{End, Heard, hear},
    recording::{Ending, Recording, whole_answer},
    side::{CHAT, CLIENTS, CONVERSE, GEMINI, INVOKE, MESSAGES, RESPONSES, Side},
    support::{
        Read, Rig,
        asking::{MODEL, question},
    },
};

/// One stream, cut at one place after another, with an account beside it that serves well.
struct Cutting {
    recording: Recording,
    ending: Ending,
    client: Surface,
    cut: Arc<AtomicUsize>,
    rig: Rig,
    /// The answer when nothing is cut.
    whole: Read,
}

/// What came of one cut.
struct Came {
    at: usize,
    read: Read,
    heard: Heard,
}

impl Cutting {
    async fn new(side: &'static Side, client: Surface, ending: Ending) -> Self {
        let side = side.towards(client);
        let recording = Recording::long(side).await;
        let cut = Arc::new(AtomicUsize::new(usize::MAX));
        let (played, at) = (recording.clone(), Arc::clone(&cut));
        let transport = MemoryTransport::new(move |sent| {
            let at = at.load(Ordering::Relaxed);
            if sent.uri.host() != Some("bad.example") || at == usize::MAX {
                return played.whole();
            }
            // By turns in the pieces in which it was recorded, and all in one.
            let pieces = if at % 2 == 0 { played.beginning(at) } else { vec![played.bytes().slice(..at)] };
            played.reply(pieces, ending)
        });
        let accounts = vec![side.priced("bad", 1), side.priced("good", 2)];
        let options = RelayOptions { records: None, ..RelayOptions::default() };
        let rig = Rig::over(accounts, options, Arc::new(transport)).await;
        let answer = rig.ask_on(client, &question(client, "hello", true), true).await.unwrap();
        let whole = Read::from(answer).await;
        assert_eq!(hear(client, &whole.body).end, End::Clean);
        Self { recording, ending, client, cut, rig, whole }
    }

    async fn cut_at(&self, at: usize) -> Came {
        self.cut.store(at, Ordering::Relaxed);
        let asking = question(self.client, "hello", true);
        let answer = self.rig.ask_on(self.client, &asking, true).await.unwrap();
        let read = Read::from(answer).await;
        self.rig.scheduler.release(account("bad").id);
        assert_eq!(read.status, 200);
        let heard = hear(self.client, &read.body);
        Came { at, read, heard }
    }

    /// What the client may be told, wherever the stream was cut.
    fn check(&self, came: &Came) {
        let Came { at, read, heard } = came;
        let context = || format!("cut at {at} of {}: {heard:?}", self.recording.bytes().len());
        if self.is_before_content(*at) {
            assert_eq!(read.header("x-posthaste-attempts"), "2", "{}", context());
            assert_eq!(heard.end, End::Clean, "{}", context());
            assert_eq!(heard.text, self.recording.text, "{}", context());
            if self.client == self.recording.surface {
                assert_eq!(
                    read.body,
                    self.whole.body,
                    "something of the first attempt is seen: {}",
                    context()
                );
            }
            return;
        }
        assert_eq!(read.header("x-posthaste-attempts"), "1", "{}", context());
        // All that came whole, and nothing else.
        let texts = [self.recording.text_until(*at), self.recording.text_until(at + SLACK)];
        assert!(texts.contains(&heard.text.as_str()), "{}", context());
        assert_ne!(heard.end, End::None, "{}", context());
        let upstream_stopped = at + SLACK >= self.recording.stop_end;
        assert!(upstream_stopped || !heard.stopped, "a false stop: {}", context());
        let may_be_clean = upstream_stopped && self.ending == Ending::Close;
        assert!(may_be_clean || heard.end == End::Error, "a false end: {}", context());
    }

    fn is_before_content(&self, at: usize) -> bool {
        let (bytes, end) = (self.recording.bytes(), self.recording.content_end);
        // An event that ends with CR LF has ended with the CR already.
        at < end && !(at + 1 == end && bytes[..end].ends_with(b"\r\n"))
    }

    /// What is in the books for it.
    fn check_rows(&self, came: &Came, rows: &[AttemptRow]) {
        let Came { at, heard, .. } = came;
        let context = || format!("cut at {at}: {rows:?}");
        if self.is_before_content(*at) {
            let [failed, served] = rows else { panic!("{}", context()) };
            assert_eq!(failed.outcome, AttemptOutcome::Failed(FaultKind::UpstreamFailed), "{}", context());
            assert_eq!(failed.phase, AttemptPhase::AwaitingContent, "{}", context());
            assert_eq!((served.outcome, served.phase), (AttemptOutcome::Complete, AttemptPhase::Finished));
            assert_eq!(served.usage_source, UsageSource::Reported, "{}", context());
            return;
        }
        let [row] = rows else { panic!("{}", context()) };
        assert!(row.usage.prompt() > 0 && row.usage.output > 0 && row.cost.as_nanos() > 0, "{}", context());
        let expected = match heard.end {
            End::Clean => (AttemptOutcome::Complete, AttemptPhase::Finished),
            End::Error | End::None => (AttemptOutcome::Cut, AttemptPhase::Delivering),
        };
        assert_eq!((row.outcome, row.phase), expected, "{}", context());
        if *at + SLACK < self.recording.stop_end {
            assert_eq!(row.usage_source, UsageSource::Estimated, "{}", context());
        }
    }
}

/// Cuts the stream at each of these places; gives how many those were.
async fn cut_at_each(side: &'static Side, client: Surface, ending: Ending, step: usize) -> usize {
    cut_within(usize::MAX, side, client, ending, step).await
}

/// The same, of so many last bytes alone.
async fn cut_within(last: usize, side: &'static Side, client: Surface, ending: Ending, step: usize) -> usize {
    let cutting = Cutting::new(side, client, ending).await;
    let mut all = Vec::new();
    let length = cutting.recording.bytes().len();
    for at in (length.saturating_sub(last)..length).step_by(step) {
        let came = cutting.cut_at(at).await;
        cutting.check(&came);
        all.push(came);
    }
    let mut rows: HashMap<String, Vec<AttemptRow>> = HashMap::new();
    for row in cutting.rig.rows().await {
        rows.entry(row.request_id.to_string()).or_default().push(row);
    }
    let mut most_output = 0;
    for came in &all {
        let rows = &rows[came.read.header("x-posthaste-request-id")];
        cutting.check_rows(came, rows);
        // What was seen is counted: the more came, the more is booked.
        if let [row] = &rows[..]
            && row.usage_source == UsageSource::Estimated
        {
            assert!(row.usage.output >= most_output, "cut at {}: {row:?}", came.at);
            most_output = row.usage.output;
        }
    }
    assert_eq!(cutting.rig.relay.in_flight(), 0);
    all.len()
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test(start_paused = true)]
async fn u9_a_lost_connection_at_every_byte_for_a_client_of_the_same_dialect(#[case] side: &'static Side) {
    assert!(cut_at_each(side, side.surface, Ending::Break, 1).await > 2_000);
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test(start_paused = true)]
async fn u9_a_lost_connection_at_every_other_byte_for_a_client_of_another_dialect(
    #[case] side: &'static Side,
) {
    assert!(cut_at_each(side, side.stranger(), Ending::Break, 2).await > 1_000);
}

/// As if the answer were over, which no framing tells apart but that of HTTP itself.
#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test(start_paused = true)]
async fn u9_a_close_in_good_order_at_some_places(#[case] side: &'static Side) {
    for client in [side.surface, side.stranger()] {
        cut_at_each(side, client, Ending::Close, 7).await;
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
async fn u9_a_cut_at_some_places_for_every_client(#[case] side: &'static Side) {
    for client in CLIENTS {
        for ending in [Ending::Break, Ending::Close] {
            cut_at_each(side, client, ending, 101).await;
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
#[ignore = "takes minutes; `cargo xtask test --all` runs it"]
async fn u9_a_cut_at_every_byte_for_every_client(#[case] side: &'static Side) {
    for client in CLIENTS {
        for ending in [Ending::Break, Ending::Close] {
            assert!(cut_at_each(side, client, ending, 1).await > 2_000);
        }
    }
}

/// Amid the line ends of the last event as well.
#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test(start_paused = true)]
async fn u9_a_cut_within_the_last_bytes_for_every_client(#[case] side: &'static Side) {
    for client in CLIENTS {
        for ending in [Ending::Break, Ending::Close] {
            assert_eq!(cut_within(16, side, client, ending, 1).await, 16);
        }
    }
}

/// An answer in one piece leaves when it is there, so that another account can take over wherever it breaks.
#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test(start_paused = true)]
async fn u9_an_answer_in_one_piece_that_is_cut_is_taken_over(#[case] side: &'static Side) {
    let recording = Recording::of(side, MODEL, "hello").await;
    let whole = Bytes::from(whole_answer(side, MODEL, "hello").await.to_string());
    for ending in [Ending::Break, Ending::Close] {
        let cut = Arc::new(AtomicUsize::new(usize::MAX));
        let (at, answer, played) = (Arc::clone(&cut), whole.clone(), recording.clone());
        let transport = MemoryTransport::new(move |sent| match sent.uri.host() {
            Some("bad.example") => played.whole_reply(answer.slice(..at.load(Ordering::Relaxed)), ending),
            _ => played.whole_reply(answer.clone(), Ending::Close),
        });
        let accounts = vec![side.priced("bad", 1), side.priced("good", 2)];
        let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport)).await;
        for at in (0..whole.len()).step_by(5) {
            cut.store(at, Ordering::Relaxed);
            let client = side.surface;
            let answer = rig.ask_on(client, &question(client, "hello", false), false).await.unwrap();
            let read = Read::from(answer).await;
            rig.scheduler.release(account("bad").id);
            assert_eq!(
                (read.status, &read.body, read.header("x-posthaste-attempts")),
                (200, &whole, "2"),
                "{at}"
            );
        }
        let rows = rig.rows().await;
        let failed = rows.iter().filter(|row| row.attempt == 1);
        assert!(failed.clone().all(|row| row.outcome == AttemptOutcome::Failed(FaultKind::UpstreamFailed)));
        assert!(
            rows.iter().filter(|row| row.attempt == 2).all(|row| row.outcome == AttemptOutcome::Complete)
        );
        assert_eq!(2 * failed.count(), rows.len());
    }
}

/// An event may be known before its last bytes, the line ends, have come.
const SLACK: usize = 4;
