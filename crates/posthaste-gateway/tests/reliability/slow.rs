//! U14: upstreams that speak slowly for long.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response, header};
use http_body::Frame;
use http_body_util::StreamBody;
use posthaste_core::{
    AttemptOutcome, Egress, Payload, RelayBody, Transport, TransportError, UsageSource, boxed_body,
};
use posthaste_gateway::RelayOptions;
use rstest::rstest;
use tokio::time::{Instant, sleep};

use crate::{
    books::{assert_settled, counted, counts, limits},
    heard::{End, hear},
    recording::Recording,
    side::{CHAT, CONVERSE, GEMINI, INVOKE, MESSAGES, RESPONSES, Side},
    support::{
        Read, Rig,
        asking::{MODEL, question},
        next_piece,
    },
};

/// An upstream with a pause before each of these pieces.
struct Slow {
    content_type: String,
    pieces: Vec<Bytes>,
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, _: Request<Payload>, _: &Egress) -> Result<Response<RelayBody>, TransportError> {
        let pieces = stream::iter(self.pieces.clone()).then(async |piece| {
            sleep(PAUSE).await;
            Ok::<_, TransportError>(Frame::data(piece))
        });
        let response = Response::builder().header(header::CONTENT_TYPE, &self.content_type);
        Ok(response.body(boxed_body(StreamBody::new(pieces))).unwrap())
    }
}

const PAUSE: Duration = Duration::from_secs(1);
const HALF_AN_HOUR: usize = 30 * 60;

/// A token a second for half an hour: the answer arrives whole, at the upstream's own pace, and all the while the places of key and
/// account are held: a lease that is not renewed lapses after a minute.
#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test(start_paused = true)]
async fn u14_a_slow_stream_lives_and_holds_its_places(#[case] side: &'static Side) {
    let recording = Recording::of(side, MODEL, "hello").await;
    // The event with the first content, again and again.
    let content = recording.frames.iter().scan(0, |end, frame| {
        *end += frame.len();
        Some(*end)
    });
    let content = content.take_while(|end| *end < recording.content_end).count();
    let (before, after) = recording.frames.split_at(content);
    let slow: Vec<Bytes> = before
        .iter()
        .cloned()
        .chain(std::iter::repeat_n(after[0].clone(), HALF_AN_HOUR))
        .chain(after[1..].iter().cloned())
        .collect();
    let seconds = slow.len();
    for client in [side.surface, side.stranger()] {
        let transport = Slow { content_type: recording.content_type.clone(), pieces: slow.clone() };
        let accounts = vec![counted(side.priced("only", 1))];
        let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport)).await;
        rig.with_key(|key| key.policy.limits = limits()).await;
        rig.clock.run();
        let begun = Instant::now();
        let answer = rig.ask_on(client, &question(client, "hello", true), true).await.unwrap();
        assert_eq!(answer.response.status(), 200);
        let (mut body, mut heard, mut looked) = (answer.response.into_body(), Vec::new(), 0);
        while let Some(piece) = next_piece(&mut body).await {
            heard.extend_from_slice(&piece);
            let minute = begun.elapsed().as_secs() / 60;
            if minute > looked && minute < 30 {
                looked = minute;
                let slots = counts(&rig, "only").await.map(|count| count.slots);
                assert_eq!(slots, [1, 1], "{client:?} after {minute} minutes");
            }
        }
        drop(body);
        let took = begun.elapsed().as_secs();
        assert!((seconds as u64..seconds as u64 + 3).contains(&took), "{client:?}: {took} of {seconds}");
        let heard = hear(client, &heard);
        assert_eq!(heard.end, End::Clean, "{client:?}");
        let pieces = recording.text_until(recording.content_end).repeat(HALF_AN_HOUR);
        assert!(heard.text.starts_with(&pieces), "{client:?}");
        assert_settled(&rig, "only").await;
        let rows = rig.rows().await;
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((row.outcome, row.usage_source), (AttemptOutcome::Complete, UsageSource::Reported));
    }
}

/// An answer in one piece may take its time as well, and its client is not kept waiting once it is there.
#[tokio::test(start_paused = true)]
async fn u14_a_slow_answer_in_one_piece_arrives() {
    let whole = crate::recording::whole_answer(&MESSAGES, MODEL, "hello").await.to_string();
    let pieces: Vec<Bytes> = whole.bytes().map(|byte| Bytes::from(vec![byte])).collect();
    let seconds = pieces.len();
    let transport = Slow { content_type: "application/json".to_owned(), pieces };
    let rig = Rig::over(vec![MESSAGES.priced("only", 1)], RelayOptions::default(), Arc::new(transport)).await;
    let client = MESSAGES.surface;
    let begun = Instant::now();
    let answer = rig.ask_on(client, &question(client, "hello", false), false).await.unwrap();
    let read = Read::from(answer).await;
    assert_eq!((read.status, read.text()), (200, whole.as_str()));
    assert_eq!(begun.elapsed().as_secs(), seconds as u64);
}
