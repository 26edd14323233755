//! Requests are on record: who was asked, why not the others, what each answered, and when.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use posthaste_core::{
    Account, Barrier, ClientKeyId, Cooldown, CooldownReason, Dialect, FaultKind, Limit, LimitUnit,
    LimitWindow, ModelPattern, Operation, Origin, PoolRules, RequestId, RequestRecord, StopEnd, Timestamp,
};
use posthaste_gateway::{RecordRules, RelayOptions};
use posthaste_storage::{KeptRequest, RequestStore, StorageError, memory::MemoryStores};
use posthaste_testkit::{
    MemoryTransport, Reply, Script, ScriptedUpstream, account, anthropic_error, anthropic_json,
    anthropic_sse, client_key,
};
use serde_json::json;
use support::{MODEL, Read, Rig, USAGE, at, next_piece, streamed, whole};

/// An upstream that answers well, whole or as a stream.
async fn good() -> ScriptedUpstream {
    ScriptedUpstream::start(|received| {
        if received.json()["stream"] == json!(true) {
            Script::sse(&anthropic_sse(&["Hel", "lo"], USAGE))
        } else {
            Script::json(200, &anthropic_json("Hello", USAGE))
        }
    })
    .await
}

async fn limited() -> ScriptedUpstream {
    ScriptedUpstream::start(|_| {
        Script::json(429, &anthropic_error("rate_limit_error", "slow down")).header("retry-after", "30")
    })
    .await
}

fn names(record: &RequestRecord) -> Vec<String> {
    let known = ["bad", "good", "off", "other", "tired"].map(|name| (account(name).id, name));
    let name = |id| known.iter().find(|(known, _)| *known == id).map_or("?", |(_, name)| name).to_owned();
    record.stops.iter().map(|stop| name(stop.account)).collect()
}

async fn only_record(rig: &Rig) -> RequestRecord {
    let records = rig.records().await;
    assert_eq!(records.len(), 1, "{records:?}");
    records.into_iter().next().unwrap()
}

#[tokio::test]
async fn a_fail_over_shows_both_turns_and_who_was_passed_over() {
    for body in [whole(), streamed()] {
        let (bad, good) = (limited().await, good().await);
        let off = Account { enabled: false, ..account("off") };
        let mut other = account("other");
        other.models.deny = vec![ModelPattern::new(MODEL)];
        let accounts = vec![
            at("bad", bad.base_url(), 1),
            at("good", good.base_url(), 2),
            at("tired", good.base_url(), 3),
        ];
        let rig = Rig::new([accounts, vec![off, other]].concat()).await;
        let tired = Cooldown::of_account(CooldownReason::QuotaExhausted, None, "the week is used up");
        let parked = rig.scheduler.rest(account("tired").id, &tired, rig.relay_now());

        let answer = rig.read(&body).await.unwrap();
        let record = only_record(&rig).await;
        assert_eq!(record.id.to_string(), answer.header("x-posthaste-request-id"));
        assert_eq!((record.key_id, record.model.as_str()), (client_key("tester").id, MODEL));
        assert!(record.status == Some(200) && record.fault.is_none(), "{record:?}");
        assert_eq!(record.prompt_bytes, body.to_string().len() as u64);

        assert_eq!((record.rounds, record.plans.len(), record.plans[0].legs.len()), (1, 1, 1));
        let leg = &record.plans[0].legs[0];
        let asked: Vec<_> = leg.asked.iter().map(|asked| (asked.account, asked.why.as_str())).collect();
        assert_eq!(
            asked.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            ["bad", "good"].map(|name| account(name).id)
        );
        assert!(asked.iter().all(|(_, why)| !why.is_empty()), "{asked:?}");
        let passed = |name: &str| {
            let id = account(name).id;
            leg.passed_over.iter().find(|passed| passed.account == id).unwrap()
        };
        assert_eq!(leg.passed_over[0].account, account("tired").id, "those that rest come first");
        let rest = passed("tired").rest.as_ref().unwrap();
        assert_eq!(
            (rest.reason, rest.until, &*rest.why),
            (parked.reason, parked.until, "the week is used up")
        );
        assert_eq!(
            (passed("off").barrier, passed("other").barrier),
            (Barrier::Disabled, Barrier::ModelNotServed)
        );

        assert_eq!(names(&record), ["bad", "good"]);
        let [first, second] = record.stops.as_slice() else { panic!("{:?}", record.stops) };
        assert_eq!((first.attempt, first.end), (Some(1), StopEnd::Next));
        let rest = first.rest.as_ref().unwrap();
        assert_eq!(rest.reason, CooldownReason::RateLimited);
        assert_eq!(rest.until, rig.relay_now().plus(Duration::from_secs(30)));
        assert!(rest.why.contains("slow down"), "{}", rest.why);
        assert_eq!((second.attempt, second.end, second.rest.is_none()), (Some(2), StopEnd::Delivered, true));
        assert_eq!(rig.rows().await.len(), 2, "the books have what they used");
        in_order(&record);
    }
}

/// Every step came after the one before it.
fn in_order(record: &RequestRecord) {
    let steps = &record.steps;
    let [.., last] = record.stops.as_slice() else { panic!("somebody was asked") };
    let way = [
        steps.peeked_us,
        steps.admitted_us,
        steps.reserved_us,
        steps.planned_us,
        Some(record.stops[0].began_us),
        record.stops[0].ended_us,
        Some(last.began_us),
        last.ready_us,
        last.sent_us,
        last.head_us,
        last.content_us,
        steps.answered_us,
        Some(steps.ended_us),
    ];
    let times: Vec<_> = way.iter().map(|time| time.expect("it came that far")).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[tokio::test]
async fn a_request_that_a_limit_refuses_names_the_limit() {
    let good = good().await;
    let rig = Rig::new(vec![at("good", good.base_url(), 1)]).await;
    let limit = |name: &str, unit, amount| Limit {
        name: name.to_owned(),
        unit,
        window: LimitWindow::Rolling { seconds: 3_600 },
        amount,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    };
    rig.with_key(|key| {
        key.policy.limits =
            vec![limit("many", LimitUnit::Tokens, 1_000_000), limit("few", LimitUnit::Requests, 1)];
    })
    .await;
    rig.read(&whole()).await.unwrap();
    rig.ask(&whole()).await.unwrap_err();
    let records = rig.records().await;
    let [served, refused] = records.as_slice() else { panic!("{records:?}") };

    let reserved: Vec<_> = served.limits.iter().map(|limit| (limit.name.as_str(), limit.reserved)).collect();
    let estimated = served.estimated.unwrap();
    assert_eq!(reserved, [("many", i64::try_from(estimated.tokens).ok()), ("few", Some(1))]);
    assert!(estimated.tokens > 64 && estimated.cost.as_nanos() > 0, "{estimated:?}");

    let [limit] = refused.limits.as_slice() else { panic!("{:?}", refused.limits) };
    assert!(limit.refused() && limit.name == "few" && (limit.used, limit.limit) == (1, 1), "{limit:?}");
    assert_eq!(limit.resets_at, Some(rig.relay_now().plus(Duration::from_secs(3_600))));
    let fault = refused.fault.as_ref().unwrap();
    assert_eq!((fault.kind, fault.origin), (FaultKind::RateLimited, Origin::Client));
    assert!(fault.message.as_ref().unwrap().contains("`few`"), "{fault:?}");
    assert_eq!((refused.status, refused.rounds, refused.stops.len()), (None, 0, 0));
}

#[tokio::test]
async fn an_account_at_its_own_limit_was_turned_to_and_not_asked() {
    let good = good().await;
    let mut full = at("bad", good.base_url(), 1);
    full.scheduling.limits = vec![Limit {
        name: "a-day".to_owned(),
        unit: LimitUnit::Requests,
        window: LimitWindow::Rolling { seconds: 86_400 },
        amount: 1,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    }];
    let rig = Rig::new(vec![full, at("good", good.base_url(), 2)]).await;
    for _ in 0..2 {
        rig.read(&whole()).await.unwrap();
    }
    let records = rig.records().await;
    assert_eq!(records[0].stops[0].limits[0].reserved, Some(1));
    assert_eq!(names(&records[1]), ["bad", "good"]);
    let [full, asked] = records[1].stops.as_slice() else { panic!("{:?}", records[1].stops) };
    assert_eq!((full.attempt, full.end), (None, StopEnd::AtItsLimit));
    assert!(full.limits[0].refused() && full.limits[0].name == "a-day", "{:?}", full.limits);
    assert_eq!((asked.attempt, asked.end), (Some(1), StopEnd::Delivered));
}

#[tokio::test]
async fn a_request_that_nobody_can_serve_is_on_record() {
    let bad = limited().await;
    let rig = Rig::new(vec![at("bad", bad.base_url(), 1)]).await;
    for _ in 0..2 {
        rig.ask(&whole()).await.unwrap_err();
    }
    let records = rig.records().await;
    let [tried, resting] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((names(tried), tried.stops[0].end), (vec!["bad".to_owned()], StopEnd::Next));
    assert_eq!(tried.fault.as_ref().unwrap().kind, FaultKind::RateLimited);
    assert!(resting.stops.is_empty() && resting.plans[0].legs[0].asked.is_empty());
    assert_eq!(resting.plans[0].legs[0].passed_over[0].barrier, Barrier::Rests);
}

#[tokio::test]
async fn a_client_key_that_may_not_ask_is_on_record_and_a_stranger_is_not() {
    let good = good().await;
    let rig = Rig::new(vec![at("good", good.base_url(), 1)]).await;
    rig.with_key(|key| key.models.allow = vec![ModelPattern::new("other-*")]).await;
    rig.ask(&whole()).await.unwrap_err();
    rig.relay.authenticate(Some("cr_dummy-stranger")).await.unwrap_err();
    let record = only_record(&rig).await;
    assert_eq!(record.fault.unwrap().kind, FaultKind::PermissionDenied);
    assert_eq!((record.steps.admitted_us, record.estimated, record.rounds), (None, None, 0));
}

#[tokio::test]
async fn complaints_about_a_request_are_on_record_without_its_words() {
    let upstream = ScriptedUpstream::start(|received| {
        let said = received.json()["messages"][0]["content"].clone();
        Script::json(400, &anthropic_error("invalid_request_error", &format!("bad content: {said}")))
    })
    .await;
    let rig = Rig::new(vec![at("bad", upstream.base_url(), 1)]).await;
    let mut body = whole();
    body["messages"][0]["content"] = json!("dummy-CANARY");
    for dialect in [Dialect::AnthropicMessages, Dialect::OpenAiChat] {
        let asked = rig.ask_as(dialect, Operation::Chat, body.to_string().into()).await;
        let told = match asked {
            Ok(answer) => Read::from(answer).await.text().to_owned(),
            Err(fault) => fault.message.into_owned(),
        };
        assert!(told.contains("dummy-CANARY"), "the client is told: {told}");
    }
    let records = rig.records().await;
    assert_eq!(
        records.iter().map(|record| record.stops[0].end).collect::<Vec<_>>(),
        [StopEnd::Delivered, StopEnd::Final]
    );
    let fault = records[1].fault.as_ref().unwrap();
    assert_eq!((fault.kind, fault.message.as_ref()), (FaultKind::InvalidRequest, None));
    assert!(!serde_json::to_string(&records).unwrap().contains("CANARY"), "{records:?}");
}

#[tokio::test]
async fn a_client_that_leaves_is_on_record() {
    let endless =
        ScriptedUpstream::start(|_| Script::sse(&anthropic_sse(&["Hel", "lo"], USAGE)[..4]).stall()).await;
    let rig = Rig::new(vec![at("good", endless.base_url(), 1)]).await;
    let mut answer = rig.ask(&streamed()).await.unwrap();
    next_piece(answer.response.body_mut()).await.unwrap();
    drop(answer);
    let record = only_record(&rig).await;
    assert_eq!((record.status, record.stops[0].end), (Some(200), StopEnd::Delivered));
    assert!(record.stops[0].ended_us.is_some() && record.steps.ended_us > 0);
}

#[tokio::test]
async fn a_conversation_s_home_is_on_record() {
    let good = good().await;
    let rig = Rig::new(vec![at("good", good.base_url(), 1), at("other", good.base_url(), 2)]).await;
    for _ in 0..2 {
        rig.read(&whole()).await.unwrap();
    }
    let homes: Vec<_> = rig.records().await.iter().map(|record| record.conversation.unwrap().home).collect();
    assert_eq!(homes, [None, Some(account("good").id)]);
}

#[tokio::test]
async fn of_many_accounts_some_are_kept_and_the_others_counted() {
    let accounts = (0..200).map(|number| {
        let mut account = at(&format!("a{number}"), "http://127.0.0.1:9".to_owned(), 50);
        account.enabled = number < 100;
        account
    });
    let transport = MemoryTransport::new(|_| Reply::json(200, &anthropic_json("Hello", USAGE)));
    let rig = Rig::over(accounts.collect(), RelayOptions::default(), Arc::new(transport)).await;
    rig.read(&whole()).await.unwrap();
    let record = only_record(&rig).await;
    let leg = &record.plans[0].legs[0];
    assert_eq!((leg.asked.len(), leg.asked_more, leg.passed_over.len()), (16, 84, 48));
    assert_eq!(leg.passed_over_more, [(Barrier::Disabled, 52)].into());
    assert!(serde_json::to_string(&record).unwrap().len() < 10_000);
}

#[tokio::test]
async fn of_a_wait_the_first_plan_and_the_last_are_on_record() {
    let good = good().await;
    let rules = PoolRules { patience_ms: 30_000, ..PoolRules::default() };
    let options = RelayOptions { rules, ..RelayOptions::default() };
    let rig = Rig::with(vec![at("good", good.base_url(), 1)], options).await;
    let soon = Cooldown::of_account(
        CooldownReason::RateLimited,
        Some(rig.relay_now().plus(Duration::from_millis(200))),
        "a moment",
    );
    rig.scheduler.rest(account("good").id, &soon, rig.relay_now());
    let question = whole();
    let (read, ()) = tokio::join!(rig.read(&question), async {
        // Longer than the relay waits at first: it looks once in vain.
        tokio::time::sleep(Duration::from_millis(300)).await;
        rig.clock.advance(Duration::from_secs(1));
    });
    read.unwrap();
    let record = only_record(&rig).await;
    assert!(record.rounds >= 3, "{}", record.rounds);
    let rounds: Vec<_> = record.plans.iter().map(|plan| plan.round).collect();
    assert_eq!(rounds, [1, record.rounds]);
    assert_eq!(record.plans[0].legs[0].passed_over[0].barrier, Barrier::Rests);
    assert_eq!(record.plans[1].legs[0].asked.len(), 1);
}

#[tokio::test]
async fn a_fault_behind_a_head_that_is_out_is_on_record_with_both() {
    let slow = ScriptedUpstream::start(|_| {
        Script::json(500, &anthropic_error("api_error", "oops")).head_after(Duration::from_millis(300))
    })
    .await;
    let options = RelayOptions { keep_alive: Duration::from_millis(30), ..RelayOptions::default() };
    let rig = Rig::with(vec![at("bad", slow.base_url(), 1)], options).await;
    let read = rig.read(&streamed()).await.unwrap();
    assert!(read.status == 200 && read.text().contains("overloaded_error"), "{}", read.text());
    let record = only_record(&rig).await;
    assert_eq!((record.status, record.fault.unwrap().kind), (Some(200), FaultKind::Overloaded));
    assert_eq!(record.stops[0].end, StopEnd::Next);
    assert!(record.steps.answered_us.unwrap() < record.stops[0].head_us.unwrap(), "the head went out before");
}

/// Keeps nothing until it is mended.
struct Broken {
    inner: Arc<dyn RequestStore>,
    is_mended: AtomicBool,
}

#[async_trait]
impl RequestStore for Broken {
    async fn put(&self, requests: &[KeptRequest], keep: Duration) -> Result<(), StorageError> {
        if self.is_mended.load(Ordering::SeqCst) {
            return self.inner.put(requests, keep).await;
        }
        Err(StorageError::unavailable("keeping records", "the disk is full"))
    }

    async fn find(&self, request: RequestId) -> Result<Option<KeptRequest>, StorageError> {
        self.inner.find(request).await
    }

    async fn latest(
        &self,
        key: Option<ClientKeyId>,
        limit: usize,
    ) -> Result<Vec<RequestRecord>, StorageError> {
        self.inner.latest(key, limit).await
    }

    async fn trim(&self, before: Timestamp, most: u64) -> Result<u64, StorageError> {
        self.inner.trim(before, most).await
    }
}

#[tokio::test]
async fn a_store_that_fails_harms_no_request_and_no_book() {
    let transport = MemoryTransport::new(|_| Reply::json(200, &anthropic_json("Hello", USAGE)));
    let broken =
        Arc::new(Broken { inner: MemoryStores::stores().requests, is_mended: AtomicBool::new(false) });
    let accounts = vec![at("good", "http://127.0.0.1:9".to_owned(), 1)];
    let rig = Rig::recording(accounts, Arc::new(transport), Arc::clone(&broken) as _).await;
    for _ in 0..3 {
        assert_eq!(rig.read(&whole()).await.unwrap().status, 200);
    }
    assert!(rig.records().await.is_empty());
    assert_eq!(rig.rows().await.len(), 3);
    broken.is_mended.store(true, Ordering::SeqCst);
    rig.read(&whole()).await.unwrap();
    assert_eq!(rig.records().await.len(), 1, "what was lost stays lost, and the next is kept");
}

#[tokio::test]
async fn where_nothing_is_to_be_remembered_nothing_is() {
    let good = good().await;
    let options = RelayOptions { records: None, ..RelayOptions::default() };
    let rig = Rig::with(vec![at("good", good.base_url(), 1)], options).await;
    rig.read(&whole()).await.unwrap();
    assert!(rig.records().await.is_empty());
    assert_eq!(rig.rows().await.len(), 1);
}

#[tokio::test]
async fn no_more_is_remembered_than_wanted() {
    let good = good().await;
    let records = Some(RecordRules { most: 3, ..RecordRules::default() });
    let options = RelayOptions { records, ..RelayOptions::default() };
    let rig = Rig::with(vec![at("good", good.base_url(), 1)], options).await;
    let mut ids: Vec<RequestId> = Vec::new();
    for _ in 0..5 {
        let read = rig.read(&whole()).await.unwrap();
        ids.push(read.header("x-posthaste-request-id").parse().unwrap());
    }
    // The relay forgets after it told that all is kept.
    rig.relay.flush_records().await;
    let kept: Vec<_> = rig.records().await.iter().map(|record| record.id).collect();
    assert_eq!(kept, ids[2..]);
}

#[tokio::test]
async fn the_configuration_s_revision_is_on_record() {
    let good = good().await;
    let rig = Rig::new(vec![at("good", good.base_url(), 1)]).await;
    rig.read(&whole()).await.unwrap();
    rig.with_key(|key| key.hint = "1111".to_owned()).await;
    rig.relay_forgets().await;
    rig.read(&whole()).await.unwrap();
    let revisions: Vec<_> = rig.records().await.iter().map(|record| record.revision).collect();
    assert_eq!(revisions[1], revisions[0] + 1);
    assert_eq!(revisions[1], rig.stores.config.revision().await.unwrap().0);
}
