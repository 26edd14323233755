//! U1 and U2: rate limits, with and without a word on when they end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::{AttemptOutcome, CooldownReason, Dialect, FaultKind, PoolRules, Surface, Timestamp};
use posthaste_gateway::RelayOptions;
use posthaste_scheduler::Parked;
use posthaste_testkit::{
    AccountSetters, MemoryTransport, Reply, Sent, account, anthropic_error, anthropic_json,
};
use posthaste_wire::fault::render;
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    heard::{End, hear},
    recording::Recording,
    side::{CHAT, CONVERSE, GEMINI, INVOKE, MESSAGES, RESPONSES, Side},
    support::{
        Read, Rig, USAGE,
        asking::{MODEL, question},
        whole,
    },
};

/// A refusal, and when it says that it ends: milliseconds from now.
struct Told {
    headers: &'static [(&'static str, &'static str)],
    body: fn() -> Value,
    ends_ms: u64,
}

fn anthropic() -> Value {
    anthropic_error("rate_limit_error", "slow down")
}

fn openai() -> Value {
    json!({"error": {"message": "slow down", "type": "requests", "param": null, "code": "rate_limit_exceeded"}})
}

fn openai_in_words() -> Value {
    json!({"error": {"message": "Rate limit reached for gpt-5.4 on tokens per min (TPM): Limit 10000, Used 6630, Requested 3787. Please try again in 22.502s.",
        "type": "tokens", "param": null, "code": "rate_limit_exceeded"}})
}

fn plan() -> Value {
    json!({"error": {"type": "usage_limit_reached", "message": "The usage limit has been reached", "resets_in_seconds": 3_000}})
}

fn google() -> Value {
    json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "39s"}]}})
}

fn aws() -> Value {
    json!({"message": "Too many requests, please wait before trying again."})
}

const SECONDS: Told = Told { headers: &[("retry-after", "30")], body: anthropic, ends_ms: 30_000 };
const DATE: Told =
    Told { headers: &[("retry-after", "Thu, 01 Jan 2026 00:00:45 GMT")], body: anthropic, ends_ms: 45_000 };
const ANTHROPIC_RESET: Told = Told {
    headers: &[
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2026-01-01T00:01:10Z"),
    ],
    body: anthropic,
    ends_ms: 70_000,
};
const MILLIS: Told = Told { headers: &[("retry-after-ms", "2500")], body: openai, ends_ms: 2_500 };
const OPENAI_RESET: Told = Told {
    headers: &[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1m0s")],
    body: openai,
    ends_ms: 60_000,
};
const WORDS: Told = Told { headers: &[], body: openai_in_words, ends_ms: 22_502 };
const PLAN: Told = Told { headers: &[], body: plan, ends_ms: 3_000_000 };
const RETRY_INFO: Told = Told { headers: &[], body: google, ends_ms: 39_000 };
const AWS: Told = Told {
    headers: &[("x-amzn-errortype", "ThrottlingException"), ("retry-after", "12")],
    body: aws,
    ends_ms: 12_000,
};

/// Why the account, or the model at it, rests.
fn rests(rig: &Rig, name: &str) -> Option<Parked> {
    let (id, now) = (account(name).id, rig.relay_now());
    let models = rig.scheduler.parked_models(id, now);
    rig.scheduler.parked(id, now).or_else(|| Some(models.into_iter().next()?.1))
}

#[rstest]
#[case::seconds(&MESSAGES, &SECONDS)]
#[case::date(&MESSAGES, &DATE)]
#[case::anthropics_reset(&MESSAGES, &ANTHROPIC_RESET)]
#[case::milliseconds(&CHAT, &MILLIS)]
#[case::openais_reset(&CHAT, &OPENAI_RESET)]
#[case::words(&RESPONSES, &WORDS)]
#[case::a_plan(&RESPONSES, &PLAN)]
#[case::retry_info(&GEMINI, &RETRY_INFO)]
#[case::converse(&CONVERSE, &AWS)]
#[case::invoke(&INVOKE, &AWS)]
#[tokio::test]
async fn u1_a_limited_account_rests_as_long_as_it_says_and_another_one_serves(
    #[case] side: &'static Side,
    #[case] told: &'static Told,
) {
    let recording = Recording::of(side, MODEL, "hello").await;
    let transport = MemoryTransport::new(move |sent| match sent.uri.host() {
        Some("bad.example") => {
            let reply = Reply::json(429, &(told.body)());
            told.headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value))
        }
        _ => recording.whole(),
    });
    let accounts = vec![side.priced("bad", 1), side.priced("good", 2)];
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport.clone())).await;
    let ask = async |asked: usize| {
        let client = side.surface;
        let answer = rig.ask_on(client, &question(client, "hello", true), true).await.unwrap();
        let heard = hear(client, &Read::from(answer).await.body);
        assert_eq!(heard.end, End::Clean);
        let of_bad = |sent: &&Sent| sent.uri.host() == Some("bad.example");
        assert_eq!(transport.sent().iter().filter(of_bad).count(), asked);
    };
    let began = rig.relay_now();
    ask(1).await;
    let parked = rests(&rig, "bad").unwrap();
    let rest = parked.until.since(began);
    assert!(rest.abs_diff(Duration::from_millis(told.ends_ms)) <= Duration::from_secs(1), "{rest:?}");
    assert!(parked.why.contains("429"), "{}", parked.why);
    let rows = rig.rows().await;
    let [limited, served] = &rows[..] else { panic!("{rows:?}") };
    assert!(matches!(
        limited.outcome,
        AttemptOutcome::Failed(FaultKind::RateLimited | FaultKind::QuotaExhausted)
    ));
    assert_eq!((limited.status, served.outcome), (Some(429), AttemptOutcome::Complete));

    rig.clock.set(began.plus(Duration::from_millis(told.ends_ms) - Duration::from_secs(1)));
    ask(1).await;
    rig.clock.set(began.plus(Duration::from_millis(told.ends_ms) + Duration::from_secs(1)));
    ask(2).await;
}

/// Short limits do not last for days, whatever is said; a plan's window may, and says so.
#[tokio::test]
async fn u1_nobody_rests_for_more_than_a_day_without_a_reason() {
    let transport = MemoryTransport::new(|sent| {
        let refusal = Reply::json(429, &anthropic());
        match sent.uri.host() {
            Some("short.example") => refusal.header("retry-after", "700000"),
            _ => refusal
                .header("anthropic-ratelimit-unified-status", "rejected")
                .header("anthropic-ratelimit-unified-reset", "1767744000"),
        }
    });
    let accounts = vec![MESSAGES.priced("short", 1), MESSAGES.priced("plan", 2)];
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport)).await;
    let client = MESSAGES.surface;
    rig.ask_on(client, &question(client, "hello", false), false).await.unwrap_err();
    let short = rests(&rig, "short").unwrap();
    assert_eq!(
        (short.reason, short.until.since(rig.relay_now()).as_secs()),
        (CooldownReason::RateLimited, 86_400)
    );
    let plan = rests(&rig, "plan").unwrap();
    assert_eq!(
        (plan.reason, plan.until),
        (CooldownReason::QuotaExhausted, Timestamp::from_secs(1_767_744_000))
    );
    assert_eq!(&*plan.why, "429 rate_limit_error: slow down");
}

#[rstest]
#[case::messages(Surface::plain(Dialect::AnthropicMessages), "rate_limit_error")]
#[case::chat(Surface::plain(Dialect::OpenAiChat), "rate_limit_exceeded")]
#[case::responses(Surface::plain(Dialect::OpenAiResponses), "rate_limit_exceeded")]
#[case::gemini(Surface::plain(Dialect::GeminiGenerate), "RESOURCE_EXHAUSTED")]
#[case::converse(Surface::plain(Dialect::BedrockConverse), "ThrottlingException")]
#[case::invoke(INVOKE.surface, "ThrottlingException")]
#[tokio::test]
async fn u1_when_all_are_limited_the_client_is_told_the_soonest_end_in_its_own_words(
    #[case] client: Surface,
    #[case] word: &str,
) {
    let transport = MemoryTransport::new(|sent| {
        let wait = if sent.uri.host() == Some("a.example") { "40" } else { "20" };
        Reply::json(429, &anthropic()).header("retry-after", wait)
    });
    let accounts = vec![MESSAGES.priced("a", 1), MESSAGES.priced("b", 2)];
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(transport)).await;
    // Found out by the first request, known to the second.
    for streamed in [false, true] {
        let asked = question(client, "hello", streamed);
        let fault = rig.ask_on(client, &asked, streamed).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::RateLimited);
        let id = "0190c0de-0000-7000-8000-000000000001".parse().unwrap();
        let told = render(client.error_dialect(), &fault, id);
        assert_eq!((told.status.as_u16(), &told.headers["retry-after"]), (429, &"20".parse().unwrap()));
        let said = format!("{:?} {}", told.headers, String::from_utf8_lossy(&told.body));
        assert!(said.contains(word), "{said}");
        // Google's clients know no `retry-after`.
        assert!(
            client.dialect != Dialect::GeminiGenerate || said.contains("\"retryDelay\":\"20s\""),
            "{said}"
        );
    }
}

/// Each rest is twice as long as the one before it, less up to a quarter, and at most five minutes; one request at its end
/// is what there is.
#[tokio::test]
async fn u2_rests_double_up_to_five_minutes() {
    let transport = MemoryTransport::new(|_| Reply::json(429, &anthropic()));
    let rig =
        Rig::over(vec![MESSAGES.priced("only", 1)], RelayOptions::default(), Arc::new(transport.clone()))
            .await;
    let client = MESSAGES.surface;
    for strike in 0..14 {
        for _ in 0..5 {
            rig.ask_on(client, &question(client, "hello", true), true).await.unwrap_err();
        }
        assert_eq!(transport.sent().len(), strike + 1, "those that come during the rest ask nobody");
        let full = Duration::from_secs(1 << strike).min(Duration::from_secs(300));
        let rest = rests(&rig, "only").unwrap().until.since(rig.relay_now());
        assert!(rest <= full && rest >= full * 3 / 4, "strike {strike}: {rest:?} of {full:?}");
        // Failures within two seconds of each other are one.
        rig.clock.advance(rest.max(Duration::from_secs(2)));
    }
}

#[tokio::test(start_paused = true)]
async fn u2_a_thousand_that_wait_send_one_request_at_the_end_of_each_rest() {
    let (well, sent_at) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let (answers_well, times) = (Arc::clone(&well), Arc::clone(&sent_at));
    let begun = tokio::time::Instant::now();
    let transport = MemoryTransport::new(move |_| {
        if answers_well.load(Ordering::SeqCst) {
            return Reply::json(200, &anthropic_json("hi", USAGE));
        }
        times.lock().push(begun.elapsed());
        Reply::json(429, &anthropic())
    });
    let rules = PoolRules { patience_ms: 300_000, ..PoolRules::default() };
    let options = RelayOptions { rules, ..RelayOptions::default() };
    let only = account("only").with_base_url("http://only.example");
    let rig = Arc::new(Rig::over(vec![only], options, Arc::new(transport.clone())).await);
    // The relay's clock goes with the time that passes.
    let clock = Arc::clone(&rig.clock);
    let ticking = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            clock.advance(Duration::from_millis(10));
        }
    });
    let ask = |rig: &Arc<Rig>| {
        let rig = Arc::clone(rig);
        tokio::spawn(async move { rig.read(&whole()).await.unwrap().status })
    };
    let mut clients = vec![ask(&rig)];
    while rests(&rig, "only").is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    clients.extend((1..1_000).map(|_| ask(&rig)));
    tokio::time::sleep(Duration::from_secs(25)).await;
    let times = sent_at.lock().clone();
    assert!(times.len() >= 4, "{times:?}");
    for (strike, pair) in times.windows(2).enumerate() {
        let pause = pair[1] - pair[0];
        assert!(pause >= Duration::from_millis(740), "strike {strike}: {times:?}");
    }
    // 1, 1, 1, 2, 4, 8 and 16 seconds, less up to a quarter each: no more of them fit in.
    assert!(times.len() <= 8, "{times:?}");
    well.store(true, Ordering::SeqCst);
    for client in clients {
        assert_eq!(client.await.unwrap(), 200);
    }
    assert_eq!(transport.sent().len(), sent_at.lock().len() + 1_000);
    ticking.abort();
}
