//! A request that is dropped, wherever it waits just then, holds no lease and is charged for what was used and no more.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;
use posthaste_core::{Account, Limit, LimitUnit, LimitWindow, PresetName, ProviderKind, Timestamp};
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use posthaste_storage::{
    AdmissionStore, Claim, Counter, CounterWindow, Half, HeldLease, LeaseRef, Outcome, Settlement,
    StorageError, Unit, memory::MemoryStores,
};
use posthaste_testkit::{AccountSetters, account, client_key};
use rstest::rstest;
use serde_json::{Value, json};
use support::{Read, Rig};
use tokio::task::yield_now;
use uuid::Uuid;

/// Takes its time before a step is taken and before the answer is told, so that either may be what a caller waits for.
struct Slow(Arc<dyn AdmissionStore>);

#[async_trait]
impl AdmissionStore for Slow {
    async fn reserve(&self, claim: &Claim, now: Timestamp) -> Result<Outcome, StorageError> {
        yield_now().await;
        let outcome = self.0.reserve(claim, now).await;
        yield_now().await;
        outcome
    }

    async fn renew(&self, lease: LeaseRef, ttl: Duration, now: Timestamp) -> Result<bool, StorageError> {
        self.0.renew(lease, ttl, now).await
    }

    async fn settle(
        &self,
        lease: LeaseRef,
        truth: &[Settlement],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        yield_now().await;
        let settled = self.0.settle(lease, truth, now).await;
        yield_now().await;
        settled
    }

    async fn used(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<i64, StorageError> {
        self.0.used(half, owner, counter, now).await
    }

    async fn leases(
        &self,
        half: Half,
        owner: Uuid,
        counter: &Counter,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<HeldLease>, StorageError> {
        self.0.leases(half, owner, counter, now, limit).await
    }
}

fn limits() -> Vec<Limit> {
    let limit = |unit: LimitUnit, amount, window| Limit {
        name: unit.to_string(),
        unit,
        window,
        amount,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    };
    vec![
        limit(LimitUnit::Concurrency, 1, LimitWindow::Now),
        limit(LimitUnit::Tokens, 1_000_000_000, LimitWindow::Total),
    ]
}

fn at_the_sandbox(name: &str) -> Account {
    let mut account = account(name).with_base_url(SANDBOX_BASE_URL).without_consent();
    account.preset = PresetName("sandbox".to_owned());
    account.provider = ProviderKind::Sandbox;
    account.scheduling.limits = limits();
    account
}

/// Polls at most so many times and drops; tells whether it was over by then.
async fn poll_and_drop(asking: impl Future<Output = Read>, polls: usize) -> bool {
    let mut asking = pin!(asking);
    for _ in 0..polls {
        if let Poll::Ready(read) = asking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            assert_eq!(read.status, 200, "{}", read.text());
            return true;
        }
        // The others go on meanwhile, and so does the time.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    false
}

/// Slots held and tokens counted, of the caller and of the account.
async fn counted(rig: &Rig) -> [(i64, i64); 2] {
    let used = async |half, owner, unit: Unit, window| {
        let counter = Counter { name: unit.as_str().to_owned(), unit, window };
        rig.stores.admission.used(half, owner, &counter, rig.relay_now()).await.unwrap()
    };
    let mut counted = [(0, 0); 2];
    let halves = [(Half::Caller, client_key("tester").id.uuid()), (Half::Seat, account("a").id.uuid())];
    for (counted, (half, owner)) in counted.iter_mut().zip(halves) {
        *counted = (
            used(half, owner, Unit::Concurrency, CounterWindow::Held).await,
            used(half, owner, Unit::Tokens, CounterWindow::Total).await,
        );
    }
    counted
}

#[rstest]
#[case::whole(false)]
#[case::streamed(true)]
#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_anywhere_holds_nothing(#[case] stream: bool) {
    let slow = Arc::new(Slow(MemoryStores::stores().admission));
    let rig = Rig::admitting(vec![at_the_sandbox("a")], Arc::new(Sandbox::default()), slow).await;
    rig.with_key(|key| key.policy.limits = limits()).await;
    let question: Value = json!({
        "model": "sandbox-small", "max_tokens": 64, "stream": stream,
        "messages": [{"role": "user", "content": "hello"}],
    });
    for polls in 0..10_000 {
        let asking = Box::pin(async { rig.read(&question).await.unwrap() });
        let over = poll_and_drop(asking, polls).await;
        // What dropping started has ended by then: nothing of it takes time.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let rows = rig.rows().await;
        let tokens: u64 = rows.iter().map(|row| row.usage.prompt() + row.usage.output).sum();
        let tokens = i64::try_from(tokens).unwrap();
        assert_eq!(counted(&rig).await, [(0, tokens); 2], "after {polls} polls");
        if over {
            assert!(tokens > 0);
            // Two claims, with two waits each, are asked for at least.
            assert!(polls > 4, "{polls}");
            return;
        }
    }
    panic!("the request is never over");
}
