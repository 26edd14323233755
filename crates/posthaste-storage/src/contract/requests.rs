//! Promises of [`RequestStore`](crate::RequestStore).

use std::time::Duration;

use posthaste_core::{
    AccountId, AskedAccount, Barrier, CheckedLimit, ClientKeyId, ConversationFound, CooldownReason, Dialect,
    Estimated, FaultKind, LimitUnit, NanoUsd, Operation, Origin, Packing, PassedOver, PlannedLeg, PoolId,
    RecordedFault, Repairs, RequestId, RequestPlan, RequestRecord, RequestSteps, Rest, Sealed, Stop, StopEnd,
    Strategy, Timestamp,
};
use uuid::Uuid;

use super::{
    Promise,
    fixtures::{NOON, model, noon_plus},
};
use crate::{KeptRequest, Stores};

/// Every field of a record comes back as it was put, the sealed bodies too.
pub async fn a_request_is_read_as_put(stores: Stores) -> Promise {
    let key = ClientKeyId::generate();
    let plain = kept(record(key, 0));
    let full = KeptRequest { record: full_record(key), bodies: Some(Sealed::from_text("c2VhbGVk")) };
    stores.requests.put(&[plain.clone(), full.clone()], KEEP).await?;
    assert_eq!(stores.requests.find(plain.record.id).await?, Some(plain));
    assert_eq!(stores.requests.find(full.record.id).await?, Some(full));
    Ok(())
}

/// What was never put is not there, and nothing is nothing.
pub async fn an_unknown_request_is_not_found(stores: Stores) -> Promise {
    stores.requests.put(&[], KEEP).await?;
    assert_eq!(stores.requests.find(RequestId::generate()).await?, None);
    assert!(stores.requests.latest(None, 10).await?.is_empty());
    assert_eq!(stores.requests.trim(NOON, 10).await?, 0);
    Ok(())
}

/// A request put again is there once, as it was put last.
pub async fn a_request_put_again_takes_the_place_of_the_earlier_one(stores: Stores) -> Promise {
    let first = kept(record(ClientKeyId::generate(), 0));
    let mut second = first.clone();
    second.record.status = Some(503);
    stores.requests.put(std::slice::from_ref(&first), KEEP).await?;
    stores.requests.put(std::slice::from_ref(&second), KEEP).await?;
    assert_eq!(stores.requests.find(first.record.id).await?, Some(second.clone()));
    assert_eq!(stores.requests.latest(None, 10).await?, [second.record]);
    Ok(())
}

/// Whoever goes on before the last one that was told sees each request once.
pub async fn requests_are_read_page_by_page(stores: Stores) -> Promise {
    let records: Vec<_> = (0..7).map(|second| record(ClientKeyId::generate(), second)).collect();
    let put: Vec<_> = records.iter().cloned().map(kept).collect();
    stores.requests.put(&put, KEEP).await?;
    let (mut told, mut before) = (Vec::new(), None);
    loop {
        let page = stores.requests.before(before, 3).await?;
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        before = Some(last.id);
        told.extend(page);
    }
    let newest: Vec<_> = records.into_iter().rev().collect();
    assert_eq!(told, newest);
    assert_eq!(stores.requests.before(Some(newest[2].id), 10).await?, newest[3..]);
    Ok(())
}

/// The latest come newest first, no more than were asked for, and of one key when one is named.
pub async fn the_latest_requests_come_first(stores: Stores) -> Promise {
    let (key, other) = (ClientKeyId::generate(), ClientKeyId::generate());
    let records: Vec<_> =
        (0..6).map(|second| record(if second % 3 == 2 { other } else { key }, second)).collect();
    let put: Vec<_> = records.iter().cloned().map(kept).collect();
    stores.requests.put(&put[3..], KEEP).await?;
    stores.requests.put(&put[..3], KEEP).await?;
    let newest = |wanted: Option<ClientKeyId>| -> Vec<RequestRecord> {
        records.iter().rev().filter(|record| wanted.is_none_or(|key| record.key_id == key)).cloned().collect()
    };
    assert_eq!(stores.requests.latest(None, 100).await?, newest(None));
    assert_eq!(stores.requests.latest(None, 2).await?, newest(None)[..2]);
    assert_eq!(stores.requests.latest(Some(key), 3).await?, newest(Some(key))[..3]);
    assert_eq!(stores.requests.latest(Some(other), 100).await?, newest(Some(other)));
    assert!(stores.requests.latest(None, 0).await?.is_empty());
    assert!(stores.requests.latest(Some(ClientKeyId::generate()), 10).await?.is_empty());
    Ok(())
}

/// What came before a moment is forgotten, and nothing else.
pub async fn old_requests_are_forgotten(stores: Stores) -> Promise {
    let key = ClientKeyId::generate();
    let records: Vec<_> = (0..10).map(|second| record(key, second)).collect();
    let put: Vec<_> = records.iter().cloned().map(kept).collect();
    stores.requests.put(&put, KEEP).await?;
    assert_eq!(trim_all(&stores, noon_plus(7), 100).await?, 7);
    for (second, record) in records.iter().enumerate() {
        assert_eq!(stores.requests.find(record.id).await?.is_some(), second >= 7, "{second}");
    }
    assert_eq!(stores.requests.latest(None, 100).await?.len(), 3);
    assert_eq!(stores.requests.latest(Some(key), 100).await?.len(), 3);
    assert_eq!(trim_all(&stores, noon_plus(7), 100).await?, 0);
    Ok(())
}

/// Of more than are wanted the oldest are forgotten, however many those are.
pub async fn no_more_requests_are_kept_than_wanted(stores: Stores) -> Promise {
    let key = ClientKeyId::generate();
    let put: Vec<_> = (0..2_500).map(|number| kept(record(key, number))).collect();
    for part in put.chunks(500) {
        stores.requests.put(part, KEEP).await?;
    }
    assert_eq!(trim_all(&stores, NOON, 5).await?, 2_495);
    let left = stores.requests.latest(Some(key), 100).await?;
    let expected: Vec<_> = put[2_495..].iter().rev().map(|kept| kept.record.clone()).collect();
    assert_eq!(left, expected);
    assert_eq!(stores.requests.find(put[2_494].record.id).await?, None);
    Ok(())
}

async fn trim_all(stores: &Stores, before: Timestamp, most: u64) -> Result<u64, crate::StorageError> {
    let mut all = 0;
    loop {
        match stores.requests.trim(before, most).await? {
            0 => return Ok(all),
            some => all += some,
        }
    }
}

fn kept(record: RequestRecord) -> KeptRequest {
    KeptRequest { record, bodies: None }
}

/// A plain record of a request of its own.
pub fn record_of_now() -> RequestRecord {
    RequestRecord { id: RequestId::generate(), ..record(ClientKeyId::generate(), 0) }
}

/// A record of a request that came some seconds after noon.
fn record(key_id: ClientKeyId, second: u64) -> RequestRecord {
    let received_at = noon_plus(second);
    let least = RequestId::least_at(received_at).uuid().as_u128();
    let random = Uuid::now_v7().as_u128() & u128::from(u64::MAX);
    RequestRecord {
        id: RequestId::from_uuid(Uuid::from_u128(least | random)),
        received_at,
        key_id,
        dialect: Dialect::OpenAiChat,
        packing: Packing::Plain,
        operation: Operation::Chat,
        streamed: true,
        pinned: None,
        model: model("arn:aws:bedrock:eu-1:ü🦀 'quoted' \"twice\""),
        prompt_bytes: 12_345,
        revision: 7,
        conversation: None,
        answer_home: None,
        repaired: None,
        estimated: None,
        limits: Vec::new(),
        rounds: 0,
        plans: Vec::new(),
        stops: Vec::new(),
        more_stops: 0,
        steps: RequestSteps { ended_us: 1_234, ..RequestSteps::default() },
        status: Some(200),
        fault: None,
        bodies_missed: false,
    }
}

/// A record in which nothing is left out.
pub(crate) fn full_record(key: ClientKeyId) -> RequestRecord {
    let account = AccountId::generate();
    let rest =
        Rest { reason: CooldownReason::RateLimited, until: NOON, why: "429 \"slow down\" 🦀".into() };
    let limit = CheckedLimit {
        name: "requests".to_owned(),
        unit: LimitUnit::Requests,
        reserved: Some(1),
        used: i64::MAX,
        limit: i64::MAX,
        shadow: true,
        resets_at: Some(NOON),
    };
    let refused = CheckedLimit { reserved: None, used: -1, ..limit.clone() };
    RequestRecord {
        pinned: Some(Dialect::AnthropicMessages),
        conversation: Some(ConversationFound { home: Some(account), sealed: true }),
        answer_home: Some(account),
        repaired: Some(Repairs { answered: 1, dropped: 2 }),
        estimated: Some(Estimated { tokens: u64::MAX, cost: NanoUsd::from_nanos(i64::MAX) }),
        limits: vec![limit.clone(), refused],
        rounds: 2,
        plans: vec![RequestPlan {
            round: 1,
            legs: vec![PlannedLeg {
                model: model("other"),
                pool: Some(PoolId::generate()),
                strategy: Strategy::QuotaPaced,
                asked: vec![AskedAccount { account, why: "longest unused".to_owned() }],
                asked_more: 3,
                passed_over: vec![PassedOver { account, barrier: Barrier::Rests, rest: Some(rest.clone()) }],
                passed_over_more: [(Barrier::Disabled, 4), (Barrier::ModelNotServed, 5)].into(),
            }],
        }],
        stops: vec![Stop {
            account,
            leg: 1,
            attempt: Some(2),
            began_us: 1,
            ready_us: Some(2),
            sent_us: Some(3),
            head_us: Some(4),
            content_us: Some(5),
            ended_us: Some(6),
            end: StopEnd::Next,
            rest: Some(rest),
            limits: vec![limit],
        }],
        more_stops: 8,
        steps: RequestSteps {
            peeked_us: Some(1),
            admitted_us: Some(2),
            reserved_us: Some(3),
            planned_us: Some(4),
            answered_us: Some(5),
            ended_us: 6,
        },
        status: None,
        fault: Some(RecordedFault {
            kind: FaultKind::Overloaded,
            origin: Origin::Relay,
            message: Some("no \"account\"".to_owned()),
        }),
        bodies_missed: true,
        ..record(key, 1)
    }
}

/// Longer than any promise takes: nothing is to be forgotten by itself.
const KEEP: Duration = Duration::from_secs(3_600);
