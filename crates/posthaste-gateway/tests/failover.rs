//! A failing account is the relay's problem, not the client's.

mod support;

use std::{collections::HashMap, sync::Arc, time::Duration};

use posthaste_core::{
    AttemptOutcome, CooldownReason, CostBasis, FaultKind, ProviderKind, Usage, UsageSource,
};
use posthaste_gateway::{FirstEventTimeouts, RelayOptions, TimeoutOverrides};
use posthaste_testkit::{
    AccountSetters, MemoryTransport, Reply, Script, ScriptedUpstream, account, anthropic_error,
    anthropic_json, anthropic_sse,
};
use rstest::rstest;
use serde_json::json;
use support::{MODEL, Rig, USAGE, at, streamed, whole};

fn stream_script() -> Script {
    Script::sse(&anthropic_sse(&["Hel", "lo"], USAGE))
}

/// Two upstreams: the first answers as told, the second always well.
async fn pair(
    first: impl Fn() -> Script + Send + Sync + 'static,
) -> (ScriptedUpstream, ScriptedUpstream, Rig) {
    let bad = ScriptedUpstream::start(move |_| first()).await;
    let good = ScriptedUpstream::start(|received| {
        if received.json()["stream"] == json!(true) {
            stream_script()
        } else {
            Script::json(200, &anthropic_json("Hello", USAGE))
        }
    })
    .await;
    let options = RelayOptions {
        first_event: FirstEventTimeouts {
            anthropic_messages: Duration::from_millis(300),
            open_ai_chat: Duration::from_millis(300),
        },
        head_timeout: Duration::from_millis(300),
        gap_timeout: Duration::from_millis(300),
        ..RelayOptions::default()
    };
    let rig = Rig::with(vec![at("bad", bad.base_url(), 1), at("good", good.base_url(), 2)], options).await;
    (bad, good, rig)
}

#[rstest]
#[case::rate_limited(|| Script::json(429, &anthropic_error("rate_limit_error", "slow down")).header("retry-after", "30"), CooldownReason::RateLimited)]
#[case::unauthorised(|| Script::json(401, &anthropic_error("authentication_error", "bad key")), CooldownReason::Unauthorised)]
#[case::billing(|| Script::json(402, &anthropic_error("billing_error", "no money")), CooldownReason::QuotaExhausted)]
#[case::forbidden(|| Script::json(403, &anthropic_error("permission_error", "blocked")), CooldownReason::Forbidden)]
#[case::failing(|| Script::json(500, &anthropic_error("api_error", "oops")), CooldownReason::Failing)]
#[case::bad_gateway(|| Script::text(502, "<html>bad gateway</html>"), CooldownReason::Failing)]
#[case::unavailable(|| Script::text(503, ""), CooldownReason::Overloaded)]
#[case::overloaded(|| Script::json(529, &anthropic_error("overloaded_error", "busy")), CooldownReason::Overloaded)]
#[case::hung_up(Script::hang_up, CooldownReason::Failing)]
#[case::garbage(|| Script::raw("not HTTP at all\r\n\r\n"), CooldownReason::Failing)]
#[case::never(Script::never, CooldownReason::Failing)]
#[case::redirect(|| Script::text(307, "").header("location", "http://127.0.0.1:1/"), CooldownReason::Failing)]
#[case::wrong_base_url(|| Script::text(404, "<html>nginx</html>"), CooldownReason::Failing)]
#[tokio::test]
async fn the_next_account_serves_unseen(#[case] fault: fn() -> Script, #[case] reason: CooldownReason) {
    for body in [whole(), streamed()] {
        let (bad, good, rig) = pair(fault).await;
        let answer = rig.read(&body).await.unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("Hel"), "{}", answer.text());
        assert_eq!(answer.header("x-posthaste-attempts"), "2");
        assert_eq!((bad.received().len(), good.received().len()), (1, 1));

        let parked = rig.scheduler.parked(account("bad").id, rig_now(&rig)).expect("the account rests");
        assert_eq!(parked.reason, reason);
        let rows = rig.rows().await;
        assert_eq!(rows.len(), 2, "one row for each attempt");
        assert!(matches!(rows[0].outcome, AttemptOutcome::Failed(_)), "{:?}", rows[0].outcome);
        assert_eq!((rows[1].outcome, rows[1].usage), (AttemptOutcome::Complete, USAGE));

        // The account that rests is not asked again.
        rig.read(&body).await.unwrap();
        assert_eq!((bad.received().len(), good.received().len()), (1, 2));
    }
}

fn rig_now(rig: &Rig) -> posthaste_core::Timestamp {
    use posthaste_core::Clock;
    rig.clock.now()
}

#[rstest]
#[case::error_event_first(|| Script::events(&[anthropic_error("overloaded_error", "busy")]))]
#[case::error_event_after_the_start(|| {
    let mut frames = anthropic_sse(&[], USAGE);
    frames.truncate(2);
    frames.push(format!("event: error\ndata: {}\n\n", anthropic_error("overloaded_error", "busy")).into());
    Script::sse(&frames)
})]
#[case::cut_before_content(|| Script::sse(&anthropic_sse(&["x"], USAGE)[..2]).cut())]
#[case::ended_before_content(|| Script::sse(&anthropic_sse(&["x"], USAGE)[..2]))]
#[case::silent_after_the_head(|| Script::sse(&[]).stall())]
#[case::silent_after_the_start(|| Script::sse(&anthropic_sse(&["x"], USAGE)[..1]).stall())]
#[case::no_stream(|| Script::json(200, &anthropic_json("whole", USAGE)))]
#[case::packed(|| Script::sse(&anthropic_sse(&["x"], USAGE)).header("content-encoding", "gzip"))]
#[case::endless_event(|| Script::sse(&vec!["event: a\n".repeat(64 * 1024).into(); 32]))]
#[case::endless_line(|| Script::sse(&[vec![b'x'; 17 * 1024 * 1024].into()]))]
#[tokio::test]
async fn a_stream_that_fails_before_its_content_is_taken_over(#[case] fault: fn() -> Script) {
    let (_bad, _good, rig) = pair(fault).await;
    let answer = rig.read(&streamed()).await.unwrap();
    let expected = anthropic_sse(&["Hel", "lo"], USAGE).concat();
    assert!(answer.body == expected, "the client sees nothing of the first attempt: {:.200}", answer.text());
    assert_eq!(answer.header("x-posthaste-attempts"), "2");
    assert_eq!(rig.rows().await.len(), 2);
}

#[rstest]
#[case::cut(|| Script::json(200, &anthropic_json("Hello", USAGE)).claiming(100_000))]
#[case::not_json(|| Script::text(200, "<html>hello</html>").header("content-type", "application/json"))]
#[case::error_in_success(|| Script::json(200, &anthropic_error("overloaded_error", "busy")))]
#[tokio::test]
async fn a_whole_answer_that_is_none_is_taken_over(#[case] fault: fn() -> Script) {
    let (_bad, _good, rig) = pair(fault).await;
    let answer = rig.read(&whole()).await.unwrap();
    assert!(answer.text().contains("Hello"));
    assert_eq!(answer.header("x-posthaste-attempts"), "2");
}

#[tokio::test]
async fn a_dead_host_is_stepped_over() {
    let (bad, _good, rig) = pair(stream_script).await;
    bad.kill().await;
    assert_eq!(rig.read(&streamed()).await.unwrap().status, 200);
    let rows = rig.rows().await;
    assert_eq!(rows[0].phase, posthaste_core::AttemptPhase::Sending);
    bad.revive().await;
}

#[tokio::test]
async fn cooldown_ends_when_the_upstream_said() {
    let (bad, good, rig) = pair(|| {
        Script::json(429, &anthropic_error("rate_limit_error", "slow down")).header("retry-after", "30")
    })
    .await;
    rig.read(&whole()).await.unwrap();
    rig.clock.advance(Duration::from_secs(29));
    rig.read(&whole()).await.unwrap();
    assert_eq!((bad.received().len(), good.received().len()), (1, 2));
    rig.clock.advance(Duration::from_secs(2));
    rig.read(&whole()).await.unwrap();
    assert_eq!((bad.received().len(), good.received().len()), (2, 3));
}

#[tokio::test]
async fn when_all_are_rate_limited_the_client_is_told_the_soonest_return() {
    let limited = |seconds: &'static str| {
        move |_: &posthaste_testkit::Sent| {
            Reply::json(429, &anthropic_error("rate_limit_error", "slow down")).header("retry-after", seconds)
        }
    };
    let transport = MemoryTransport::new(move |sent| {
        if sent.uri.host() == Some("a.example") { limited("40")(sent) } else { limited("20")(sent) }
    });
    let accounts = vec![
        account("a").with_base_url("http://a.example").with_priority(1),
        account("b").with_base_url("http://b.example").with_priority(2),
    ];
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport)).await;
    let fault = rig.ask(&whole()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::RateLimited);
    assert_eq!(fault.retry_after.unwrap().as_secs(), 20);
}

#[tokio::test]
async fn when_all_fail_the_client_is_told_to_come_back() {
    let transport = MemoryTransport::new(|_| Reply::json(500, &anthropic_error("api_error", "oops")));
    let accounts = (0..6).map(|n| account(&format!("a{n}")).with_priority(n + 1)).collect();
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport.clone())).await;
    let fault = rig.ask(&whole()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Overloaded);
    assert!(fault.retry_after.is_some());
    assert_eq!(transport.sent().len(), 4, "no more than the attempt cap");
    assert_eq!(fault.attempts, 4, "and the client is told how many");
}

#[tokio::test]
async fn the_clients_own_fault_goes_to_nobody_else() {
    let error = anthropic_error("invalid_request_error", "max_tokens: field required");
    let answer = error.clone();
    let (bad, good, rig) = pair(move || Script::json(400, &answer)).await;
    let answer = rig.read(&whole()).await.unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap(), error, "byte for byte");
    assert_eq!((bad.received().len(), good.received().len()), (1, 0));
    assert!(rig.scheduler.parked(account("bad").id, rig_now(&rig)).is_none());
    let rows = rig.rows().await;
    assert_eq!((rows.len(), rows[0].outcome), (1, AttemptOutcome::ClientFault));
    assert_eq!((rows[0].usage, rows[0].usage_source), (Usage::default(), UsageSource::None));
}

#[tokio::test]
async fn a_provider_has_time_outs_of_its_own() {
    let silent = ScriptedUpstream::start(|_| Script::never()).await;
    let good = ScriptedUpstream::start(|_| Script::json(200, &anthropic_json("b", USAGE))).await;
    let own = TimeoutOverrides { head: Some(Duration::from_millis(50)), ..TimeoutOverrides::default() };
    let by_provider = HashMap::from([(ProviderKind::Anthropic, own)]);
    let options = RelayOptions { by_provider, ..RelayOptions::default() };
    let first = at("silent", silent.base_url(), 1).with_provider(ProviderKind::Anthropic);
    let rig = Rig::with(vec![first, at("good", good.base_url(), 50)], options).await;
    assert_eq!(rig.read(&whole()).await.unwrap().status, 200);
    assert_eq!((silent.received().len(), good.received().len()), (1, 1));
    let kinds: Vec<_> = rig.rows().await.iter().map(|row| row.outcome).collect();
    assert_eq!(kinds, [AttemptOutcome::Failed(FaultKind::Timeout), AttemptOutcome::Complete]);
}

#[tokio::test]
async fn equal_accounts_take_turns() {
    let a = ScriptedUpstream::start(|_| Script::json(200, &anthropic_json("a", USAGE))).await;
    let b = ScriptedUpstream::start(|_| Script::json(200, &anthropic_json("b", USAGE))).await;
    let rig = Rig::new(vec![at("a", a.base_url(), 50), at("b", b.base_url(), 50)]).await;
    for number in 0..6 {
        // Six conversations: one alone would stay where it is.
        let mut question = whole();
        question["messages"][0]["content"] = number.to_string().into();
        rig.read(&question).await.unwrap();
        rig.clock.advance(Duration::from_millis(1));
    }
    assert_eq!((a.received().len(), b.received().len()), (3, 3));
}

#[tokio::test]
async fn an_account_that_calls_the_model_otherwise_gets_its_own_name() {
    let upstream = ScriptedUpstream::start(|_| Script::json(200, &anthropic_json("hi", USAGE))).await;
    let named = at("a", upstream.base_url(), 1).with_model_name("claude-*", "big-model");
    let rig = Rig::new(vec![named]).await;
    let answer = rig.read(&whole()).await.unwrap();
    assert_eq!(answer.header("x-posthaste-model"), "big-model");
    let received = upstream.received();
    assert_eq!(received[0].json()["model"], "big-model");
    assert_eq!(received[0].json()["messages"], whole()["messages"]);
    let rows = rig.rows().await;
    assert_eq!((rows[0].model.as_str(), rows[0].upstream_model.as_str()), (MODEL, "big-model"));
}

#[tokio::test]
async fn an_alias_is_served_and_priced_as_the_model_that_it_stands_for() {
    let upstream = ScriptedUpstream::start(|_| Script::json(200, &anthropic_json("hi", USAGE))).await;
    let rig = Rig::new(vec![at("a", upstream.base_url(), 1)]).await;
    let mut asked = whole();
    let mut costs = Vec::new();
    for name in ["claude-haiku-4.5", "claude-haiku-4-5"] {
        asked["model"] = name.into();
        let answer = rig.read(&asked).await.unwrap();
        assert_eq!(answer.status, 200);
        costs.push(rig.rows().await.into_iter().find(|row| row.model.as_str() == name).unwrap());
    }
    assert!(upstream.received().iter().all(|request| request.json()["model"] == "claude-haiku-4-5"));
    assert!(costs.iter().all(|row| row.upstream_model.as_str() == "claude-haiku-4-5"));
    assert_eq!((costs[0].cost, costs[0].cost_basis), (costs[1].cost, CostBasis::Priced));
}

#[tokio::test]
async fn a_conflict_tells_nothing_about_the_account() {
    let upstream = ScriptedUpstream::queued().await;
    let rig = Rig::new(vec![at("only", upstream.base_url(), 1)]).await;
    // Rest, come back, and be on trial when the conflict comes.
    upstream.enqueue(Script::json(500, &anthropic_error("api_error", "oops")));
    rig.ask(&whole()).await.unwrap_err();
    rig.clock.advance(Duration::from_secs(3));
    upstream.enqueue(Script::json(409, &anthropic_error("conflict_error", "busy")));
    let fault = rig.ask(&whole()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Overloaded);
    assert!(fault.retry_after.is_some());
    upstream.enqueue(Script::json(200, &anthropic_json("hi", USAGE)));
    assert_eq!(rig.read(&whole()).await.unwrap().status, 200, "the account is asked again at once");
}

#[tokio::test]
async fn while_an_account_is_tried_others_are_told_to_come_back_soon() {
    let upstream = ScriptedUpstream::queued().await;
    let rig = Rig::new(vec![at("only", upstream.base_url(), 1)]).await;
    upstream.enqueue(Script::json(500, &anthropic_error("api_error", "oops")));
    rig.ask(&whole()).await.unwrap_err();
    rig.clock.advance(Duration::from_secs(3));
    upstream.enqueue(Script::never());
    let trial = whole();
    let trying = rig.ask(&trial);
    tokio::pin!(trying);
    tokio::select! {
        _ = &mut trying => panic!("the trial never ends"),
        _ = upstream.wait_received(2) => {}
    }
    let fault = rig.ask(&whole()).await.unwrap_err();
    assert!(fault.retry_after.unwrap() <= Duration::from_secs(2), "{:?}", fault.retry_after);
}

#[tokio::test]
async fn a_connection_that_went_stale_is_replaced_unseen() {
    let upstream = ScriptedUpstream::queued().await;
    let rig = Rig::new(vec![at("only", upstream.base_url(), 1)]).await;
    upstream.enqueue(Script::json(200, &anthropic_json("first", USAGE)).sized());
    rig.read(&whole()).await.unwrap();
    // The upstream takes the next request on the same connection and hangs up without a word.
    upstream.enqueue(Script::hang_up());
    upstream.enqueue(Script::json(200, &anthropic_json("second", USAGE)));
    let answer = rig.read(&whole()).await.unwrap();
    assert!(answer.text().contains("second"));
    assert!(rig.scheduler.parked(account("only").id, rig_now(&rig)).is_none());
    assert_eq!(rig.rows().await.len(), 3, "every attempt is booked");
}
