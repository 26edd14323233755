//! U17: counts beyond belief, and such that are none. (`tests/money.rs` has the amounts in dollars of one of them.)

use std::sync::Arc;

use posthaste_core::{AttemptOutcome, AttemptRow, CostBasis, Surface, UsageSource};
use posthaste_gateway::RelayOptions;
use posthaste_testkit::{MemoryTransport, Reply, account};
use rstest::rstest;
use serde_json::Value;

use crate::{
    books::{assert_settled, counted, limits},
    heard::{End, hear},
    recording::{Recording, whole_answer},
    side::{CHAT, CONVERSE, GEMINI, INVOKE, MESSAGES, RESPONSES, Side},
    support::{
        Read, Rig,
        asking::{MODEL, question},
    },
};

/// Numbers that no exchange comes to.
const HUGE: [&str; 5] = [
    "9007199254740993",
    "18446744073709551615",
    "99999999999999999999999999",
    "1e300",
    "1.7976931348623157e308",
];

/// What is no count, though it is JSON.
const NO_COUNT: [&str; 10] = [
    "-5",
    "-9223372036854775808",
    "-1e300",
    "1e999",
    "\"12\"",
    "\"many\"",
    "null",
    "true",
    "[7]",
    "{\"n\":7}",
];

/// What is no JSON.
const NO_JSON: [&str; 3] = ["NaN", "Infinity", "-NaN"];

/// Which counts are spoiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoiled {
    All,
    OfThePrompt,
    OfTheAnswer,
}

impl Spoiled {
    /// Whether a member tells how many tokens there were, in any dialect, and is to be spoiled.
    fn takes(self, name: &str) -> bool {
        let lower = name.to_ascii_lowercase();
        let is_count = lower.contains("token") && !lower.starts_with("max");
        let of_answer = ["output", "completion", "candidates"].iter().any(|word| lower.contains(word));
        let of_prompt = ["input", "prompt"].iter().any(|word| lower.contains(word));
        is_count
            && match self {
                Self::All => true,
                Self::OfThePrompt => of_prompt,
                Self::OfTheAnswer => of_answer,
            }
    }
}

/// The same JSON with this in the place of counts.
fn with_counts(json: &str, spoiled: Spoiled, literal: &str) -> String {
    let Ok(mut value) = serde_json::from_str::<Value>(json) else { return json.to_owned() };
    replace(&mut value, &|name| spoiled.takes(name).then(|| PLACE.into()));
    value.to_string().replace(&format!("\"{PLACE}\""), literal)
}

/// Replaces members for which there is something else; of counts only those that are numbers.
fn replace(value: &mut Value, other: &impl Fn(&str) -> Option<Value>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match other(name) {
                    Some(replaced) if member.is_number() => *member = replaced,
                    _ => replace(member, other),
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| replace(element, other)),
        _ => {}
    }
}

/// Asks once for a whole answer and once for a stream with such counts; gives the rows.
async fn asked(
    side: &'static Side,
    client: Surface,
    spoiled: Spoiled,
    literal: &str,
) -> (Rig, Vec<AttemptRow>, Vec<Option<End>>) {
    let recording =
        Recording::of(side, MODEL, "hello").await.with_data(|data| with_counts(data, spoiled, literal));
    let whole = with_counts(&whole_answer(side, MODEL, "hello").await.to_string(), spoiled, literal);
    assert!(whole.contains(literal), "{whole}");
    let transport = MemoryTransport::new(move |sent| {
        if sent.uri.to_string().contains("tream") || sent.json()["stream"] == true {
            return recording.whole();
        }
        let mut response = http::Response::new(posthaste_core::full_body(whole.clone()));
        response.headers_mut().insert("content-type", "application/json".parse().unwrap());
        Reply::from(response)
    });
    let accounts = vec![counted(side.priced("only", 1))];
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport)).await;
    rig.with_key(|key| key.policy.limits = limits()).await;
    let mut ends = Vec::new();
    for streamed in [false, true] {
        let asked = rig.ask_on(client, &question(client, "hello", streamed), streamed).await;
        ends.push(match asked {
            Ok(answer) => {
                let read = Read::from(answer).await;
                assert_eq!(read.status, 200);
                // Bytes pass as they are: what a client cannot read it gets all the same.
                let readable = client != side.surface || !(NO_JSON.contains(&literal) || literal == "1e999");
                Some(if streamed && readable { hear(client, &read.body).end } else { End::Clean })
            }
            Err(_) => None,
        });
        rig.scheduler.release(account("only").id);
    }
    let rows = rig.rows().await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    (rig, rows, ends)
}

#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test]
async fn u17_counts_beyond_belief_are_capped_and_flagged(#[case] side: &'static Side) {
    for client in [side.surface, side.stranger()] {
        for literal in HUGE {
            let (rig, rows, ends) = asked(side, client, Spoiled::All, literal).await;
            assert_eq!(ends, [Some(End::Clean); 2], "{literal} to {client:?}");
            for row in rows {
                let context = format!("{literal} to {client:?}: {row:?}");
                assert_eq!(
                    (row.outcome, row.cost_basis),
                    (AttemptOutcome::Complete, CostBasis::Capped),
                    "{context}"
                );
                // No more than the model holds and writes at most.
                assert!(row.usage.prompt() <= 2_000_000 && row.usage.output <= 200_000, "{context}");
                assert!((1..20_000_000_000).contains(&row.cost.as_nanos()), "{context}");
            }
            assert_settled(&rig, "only").await;
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
async fn u17_counts_that_are_none_are_estimated_and_flagged(#[case] side: &'static Side) {
    for client in [side.surface, side.stranger()] {
        for literal in NO_COUNT {
            let (rig, rows, ends) = asked(side, client, Spoiled::All, literal).await;
            assert_eq!(ends, [Some(End::Clean); 2], "{literal} to {client:?}");
            for row in rows {
                let context = format!("{literal} to {client:?}: {row:?}");
                assert_eq!(row.outcome, AttemptOutcome::Complete, "{context}");
                assert_eq!(row.usage_source, UsageSource::Estimated, "{context}");
                assert_eq!(row.cost_basis, CostBasis::Estimated, "{context}");
                assert!((1..2_000).contains(&row.usage.prompt()), "{context}");
                assert!((1..2_000).contains(&row.usage.output), "{context}");
                assert!(row.cost.as_nanos() > 0, "{context}");
            }
            assert_settled(&rig, "only").await;
        }
    }
}

/// One side that is told makes no bill of both. Gemini leaves the answer's count out where it is none.
#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test]
async fn u17_one_side_of_the_counts_alone_is_completed_and_flagged(#[case] side: &'static Side) {
    for spoiled in [Spoiled::OfThePrompt, Spoiled::OfTheAnswer] {
        if side.surface == GEMINI.surface && spoiled == Spoiled::OfTheAnswer {
            continue;
        }
        for literal in ["-5", "\"12\"", "null"] {
            let (rig, rows, _) = asked(side, side.surface, spoiled, literal).await;
            for row in rows {
                let context = format!("{literal}, {spoiled:?}: {row:?}");
                assert_eq!(row.usage_source, UsageSource::Estimated, "{context}");
                assert!(row.usage.prompt() > 0 && row.usage.output > 0, "{context}");
            }
            assert_settled(&rig, "only").await;
        }
    }
}

/// Such an event cannot be read at all. A whole answer is refused as none, a stream goes on without it or ends as an error.
#[rstest]
#[case::messages(&MESSAGES)]
#[case::chat(&CHAT)]
#[case::responses(&RESPONSES)]
#[case::gemini(&GEMINI)]
#[case::converse(&CONVERSE)]
#[case::invoke(&INVOKE)]
#[tokio::test]
async fn u17_counts_that_are_no_json_never_cost_a_fortune_or_nothing_silently(#[case] side: &'static Side) {
    for client in [side.surface, side.stranger()] {
        for literal in NO_JSON {
            let (rig, rows, ends) = asked(side, client, Spoiled::All, literal).await;
            let context = format!("{literal} to {client:?}: {ends:?} {rows:?}");
            assert_eq!(ends[0], None, "{context}");
            let [whole, streamed] = &rows[..] else { panic!("{context}") };
            assert!(matches!(whole.outcome, AttemptOutcome::Failed(_)), "{context}");
            assert_ne!(ends[1], Some(End::None), "{context}");
            assert!(streamed.usage.total() < 4_000, "{context}");
            let delivered = !matches!(streamed.outcome, AttemptOutcome::Failed(_));
            assert!(!delivered || streamed.cost.as_nanos() > 0, "{context}");
            assert!(!delivered || streamed.usage_source == UsageSource::Estimated, "{context}");
            assert_settled(&rig, "only").await;
        }
    }
}

const PLACE: &str = "in the place of a count";
