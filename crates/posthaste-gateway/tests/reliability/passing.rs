//! U3: overload and failures pass by themselves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use posthaste_core::{Account, AttemptOutcome, FaultKind, PoolRules, RetryPolicy};
use posthaste_gateway::RelayOptions;
use posthaste_testkit::{
    AccountSetters, MemoryTransport, Reply, Sent, account, anthropic_error, anthropic_json, anthropic_sse,
};
use rstest::rstest;

use crate::support::{Rig, USAGE, streamed, whole};

fn failing(status: u16) -> Reply {
    Reply::json(status, &anthropic_error("api_error", "oops"))
}

fn answered(sent: &Sent) -> Reply {
    if sent.json()["stream"] == true {
        Reply::sse(anthropic_sse(&["Hel", "lo"], USAGE))
    } else {
        Reply::json(200, &anthropic_json("Hello", USAGE))
    }
}

/// Fails so often, and answers well from then on.
fn failing_first(times: usize, status: u16) -> MemoryTransport {
    let count = AtomicUsize::new(0);
    MemoryTransport::new(move |sent| {
        if count.fetch_add(1, Ordering::SeqCst) < times { failing(status) } else { answered(sent) }
    })
}

async fn rig(accounts: Vec<Account>, transport: &MemoryTransport, retry: RetryPolicy) -> Rig {
    let rules = PoolRules { retry, ..PoolRules::default() };
    let options = RelayOptions { rules, ..RelayOptions::default() };
    let rig = Rig::over(accounts, options, Arc::new(transport.clone())).await;
    rig.clock.run();
    rig
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn u3_the_next_account_is_asked_at_once(#[values(500, 502, 503, 504, 529)] status: u16) {
    let transport = MemoryTransport::new(move |sent| {
        if sent.uri.host() == Some("bad.example") { failing(status) } else { answered(sent) }
    });
    let accounts = vec![
        account("bad").with_base_url("http://bad.example").with_priority(1),
        account("good").with_base_url("http://good.example").with_priority(2),
    ];
    let rig = rig(accounts, &transport, RetryPolicy::Balanced).await;
    for body in [whole(), streamed()] {
        let asked = tokio::time::Instant::now();
        let answer = rig.read(&body).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(asked.elapsed(), Duration::ZERO, "nobody waits while there is another");
        rig.scheduler.release(account("bad").id);
    }
    assert_eq!(transport.sent().len(), 4);
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn u3_the_only_account_is_asked_once_more_after_a_pause(
    #[values(500, 502, 503, 504, 529)] status: u16,
) {
    for body in [whole(), streamed()] {
        let transport = failing_first(1, status);
        let rig = rig(vec![account("only")], &transport, RetryPolicy::Balanced).await;
        let asked = tokio::time::Instant::now();
        let answer = rig.read(&body).await.unwrap();
        assert_eq!((answer.status, answer.header("x-posthaste-attempts")), (200, "2"));
        let waited = asked.elapsed();
        assert!(waited >= Duration::from_millis(700) && waited <= Duration::from_millis(1_100), "{waited:?}");
        let rows = rig.rows().await;
        assert!(matches!(rows[0].outcome, AttemptOutcome::Failed(_)));
        assert_eq!(rows[1].outcome, AttemptOutcome::Complete);
    }
}

#[rstest]
#[case::conservative(RetryPolicy::Conservative, 1)]
#[case::balanced(RetryPolicy::Balanced, 2)]
#[case::aggressive(RetryPolicy::Aggressive, 3)]
#[tokio::test(start_paused = true)]
async fn u3_an_account_that_goes_on_failing_is_left_alone(
    #[case] policy: RetryPolicy,
    #[case] attempts: usize,
) {
    let transport = failing_first(usize::MAX, 529);
    let rig = rig(vec![account("only")], &transport, policy).await;
    let fault = rig.ask(&whole()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Overloaded);
    assert!(fault.retry_after.unwrap() >= Duration::from_secs(1));
    assert_eq!((transport.sent().len(), usize::from(fault.attempts)), (attempts, attempts));
}

#[tokio::test(start_paused = true)]
async fn u3_a_client_does_not_wait_for_the_failure_of_another() {
    let transport = failing_first(usize::MAX, 500);
    let rig = rig(vec![account("only")], &transport, RetryPolicy::Conservative).await;
    rig.ask(&whole()).await.unwrap_err();
    let asked = tokio::time::Instant::now();
    rig.ask(&whole()).await.unwrap_err();
    assert_eq!((asked.elapsed(), transport.sent().len()), (Duration::ZERO, 1));
}

/// Requests that fail side by side all want to be sent again; the budget lets a fifth.
#[tokio::test(start_paused = true)]
async fn u3_repeats_stay_within_the_budget() {
    let transport = MemoryTransport::new(|_| failing(500).after(Duration::from_millis(100)));
    let rig = Arc::new(rig(vec![account("only")], &transport, RetryPolicy::Balanced).await);
    let requests = (0..500).map(|_| {
        let rig = Arc::clone(&rig);
        async move { rig.ask(&whole()).await.unwrap_err() }
    });
    join_all(requests).await;
    assert!(transport.sent().len() <= 600, "{}", transport.sent().len());
    assert!(transport.sent().len() > 500, "and some are sent again");
}

/// A rate limit is no failure: who waits for its end is for the pool's patience to say.
#[tokio::test(start_paused = true)]
async fn u3_a_rate_limit_is_not_waited_for() {
    let transport = failing_first(1, 429);
    let rig = rig(vec![account("only")], &transport, RetryPolicy::Balanced).await;
    let fault = rig.ask(&whole()).await.unwrap_err();
    assert_eq!((fault.kind, transport.sent().len()), (FaultKind::RateLimited, 1));
}
