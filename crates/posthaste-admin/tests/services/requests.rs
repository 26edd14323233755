//! Requests on record.

use posthaste_admin::{AdminError, CaptureInput, KeyChange, NewKey, PolicyInput};
use posthaste_core::{
    AccountId, AttemptRow, ClientKeyId, Dialect, ModelName, NanoUsd, Operation, Packing, RequestId,
    RequestRecord, RequestSteps, Stop, StopEnd, Timestamp,
};
use posthaste_storage::KeptRequest;

use crate::support::{Bench, compatible, quiet};

const KEEP: std::time::Duration = std::time::Duration::from_secs(3_600);

/// A request that this account answered.
pub(crate) fn served(key_id: ClientKeyId, account: AccountId) -> RequestRecord {
    let stop = Stop {
        account,
        leg: 0,
        attempt: Some(1),
        began_us: 1,
        ready_us: Some(2),
        sent_us: Some(3),
        head_us: Some(4),
        content_us: Some(5),
        ended_us: Some(6),
        end: StopEnd::Delivered,
        rest: None,
        limits: Vec::new(),
    };
    RequestRecord {
        id: RequestId::generate(),
        received_at: Timestamp::from_secs(1_767_225_600),
        key_id,
        dialect: Dialect::OpenAiChat,
        packing: Packing::Plain,
        operation: Operation::Chat,
        streamed: false,
        pinned: None,
        model: ModelName::parse("gpt-5").expect("a valid name"),
        prompt_bytes: 9,
        revision: 1,
        conversation: None,
        answer_home: None,
        repaired: None,
        estimated: None,
        limits: Vec::new(),
        rounds: 1,
        plans: Vec::new(),
        stops: vec![stop],
        more_stops: 0,
        steps: RequestSteps { ended_us: 7, ..RequestSteps::default() },
        status: Some(200),
        fault: None,
        bodies_missed: false,
    }
}

/// Its attempt in the books.
fn row(record: &RequestRecord) -> AttemptRow {
    AttemptRow {
        request_id: record.id,
        key_id: record.key_id,
        account_id: record.stops[0].account,
        ..posthaste_storage::contract::row()
    }
}

async fn put(bench: &Bench, record: &RequestRecord) {
    let kept = KeptRequest { record: record.clone(), bodies: None };
    bench.stores.requests.put(&[kept], KEEP).await.expect("memory keeps it");
}

#[tokio::test]
async fn a_record_is_told_with_names_and_with_what_is_in_the_books() {
    let bench = quiet().await;
    let account = bench.admin.accounts().add(compatible("one")).await.unwrap().account.id;
    let key =
        bench.admin.keys().create(NewKey { name: "team".to_owned(), ..NewKey::default() }).await.unwrap();
    let record = served(key.view.id, account);
    put(&bench, &record).await;
    let booked = row(&record);
    bench.stores.ledger.append(std::slice::from_ref(&booked)).await.unwrap();

    let view = bench.admin.requests().explain(&record.id.to_string(), true).await.unwrap();
    assert_eq!((view.key.as_deref(), view.account(account).as_str()), (Some("team"), "one"));
    assert_eq!((&view.record, view.attempts.as_slice()), (&record, std::slice::from_ref(&booked)));
    assert_eq!((view.cost, view.billed), (booked.cost, booked.billed));
    assert!(!view.captured && view.bodies.is_none());

    // Of what was removed the ids stay.
    bench.admin.accounts().delete("one").await.unwrap();
    bench.admin.keys().delete("team").await.unwrap();
    bench.admin.keys().purge("team").await.unwrap();
    let view = bench.admin.requests().explain(&record.id.to_string(), false).await.unwrap();
    assert_eq!((view.key.as_deref(), view.account(account)), (None, account.to_string()));
    let listed = bench.admin.requests().list(Some(&key.view.id.to_string()), 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].id, listed[0].key.as_deref()), (1, record.id, None));
    assert_eq!(listed[0].served_by.as_ref().map(|account| account.name.as_deref()), Some(None));
}

#[tokio::test]
async fn what_is_in_the_books_alone_is_told_to_be() {
    let bench = quiet().await;
    let record = served(ClientKeyId::generate(), AccountId::generate());
    let mut second = row(&record);
    second.attempt = 2;
    second.cost = NanoUsd::ZERO;
    bench.stores.ledger.append(&[row(&record), second]).await.unwrap();
    let forgotten = bench.admin.requests().explain(&record.id.to_string(), false).await.unwrap_err();
    assert!(matches!(forgotten, AdminError::NotFound { .. }), "{forgotten}");
    assert!(forgotten.to_string().contains("the books have its 2 attempts"), "{forgotten}");
    let unknown =
        bench.admin.requests().explain(&RequestId::generate().to_string(), false).await.unwrap_err();
    assert!(unknown.to_string().contains("unknown, still under way"), "{unknown}");
    let wrong = bench.admin.requests().explain("msg_1", false).await.unwrap_err();
    assert!(matches!(wrong, AdminError::Invalid { .. }), "{wrong}");
}

#[tokio::test]
async fn bodies_are_kept_for_a_while_and_a_bounded_part_of_them() {
    let bench = quiet().await;
    bench.admin.keys().create(NewKey { name: "team".to_owned(), ..NewKey::default() }).await.unwrap();
    let update = async |capture| {
        let policy = PolicyInput { capture: Some(capture), ..PolicyInput::default() };
        bench.admin.keys().update("team", KeyChange { policy, ..KeyChange::default() }).await
    };
    let kept = |seconds, most_bytes| CaptureInput::For { seconds, most_bytes };
    let rules = update(kept(7_200, 1_024)).await.unwrap().policy.capture.unwrap();
    let now = posthaste_core::Clock::now(&*bench.clock);
    assert_eq!((rules.until.since(now).as_secs(), rules.most_bytes), (7_200, 1_024));
    for refused in [kept(0, 1), kept(7 * 86_400 + 1, 1), kept(60, 0), kept(60, 256 * 1024 + 1)] {
        let error = update(refused).await.unwrap_err();
        assert!(matches!(error, AdminError::Invalid { .. }), "{error}");
    }
    // What is not named stays, and it can be ended.
    let other = KeyChange { enabled: Some(true), ..KeyChange::default() };
    assert_eq!(bench.admin.keys().update("team", other).await.unwrap().policy.capture, Some(rules));
    assert_eq!(update(CaptureInput::None).await.unwrap().policy.capture, None);
}
