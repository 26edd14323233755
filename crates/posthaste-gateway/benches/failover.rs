//! What another account's failure adds to a request: `cargo bench --package posthaste-gateway --bench failover`.
//!
//! `directly` asks the one account that answers. `after` puts another one before it, which fails at once, so that the
//! difference is what failing over takes: judging the answer, the rest, a second preparation, one more row for the books.

#[path = "../tests/support/mod.rs"]
mod support;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use divan::Bencher;
use http::{HeaderValue, Request, Response, StatusCode, header};
use posthaste_core::{
    Account, Dialect, Egress, Limit, LimitUnit, LimitWindow, Operation, Payload, Pool, PoolId, PoolRules,
    RelayBody, Timestamp, Transport, TransportError, full_body,
};
use posthaste_gateway::RelayOptions;
use posthaste_storage::Repository;
use posthaste_testkit::{account, anthropic_error, anthropic_json, anthropic_sse};
use serde_json::json;
use support::{MODEL, Read, Rig, USAGE, at};
use tokio::runtime::{Builder, Runtime};

fn main() {
    divan::main();
}

/// A client's request, and how the accounts are set up.
#[derive(Clone, Copy)]
struct Case {
    client: Dialect,
    stream: bool,
    /// Whether the client key, the accounts and their pool have limits.
    limits: bool,
}

const CASES: [Case; 6] = [
    case(Dialect::AnthropicMessages, false, false),
    case(Dialect::AnthropicMessages, true, false),
    case(Dialect::OpenAiChat, false, false),
    case(Dialect::OpenAiChat, true, false),
    case(Dialect::AnthropicMessages, false, true),
    case(Dialect::OpenAiChat, true, true),
];

const fn case(client: Dialect, stream: bool, limits: bool) -> Case {
    Case { client, stream, limits }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.stream { "stream" } else { "whole" })?;
        f.write_str(if self.client == UPSTREAM { ", same dialect" } else { ", translated" })?;
        f.write_str(if self.limits { ", limits" } else { "" })
    }
}

const UPSTREAM: Dialect = Dialect::AnthropicMessages;

#[divan::bench(args = CASES, sample_count = 1_000)]
fn directly(bencher: Bencher<'_, '_>, case: Case) {
    World::new(case, None).bench(bencher);
}

#[divan::bench(args = CASES, consts = [429, 500, 529], sample_count = 1_000)]
fn after<const STATUS: u16>(bencher: Bencher<'_, '_>, case: Case) {
    World::new(case, Some(STATUS)).bench(bencher);
}

/// A relay with the client's request.
struct World {
    runtime: Runtime,
    rig: Rig,
    client: Dialect,
    body: Bytes,
    attempts: &'static str,
}

impl World {
    fn new(case: Case, failing: Option<u16>) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let rig = runtime.block_on(rig(case, failing));
        let body = json!({
            "model": MODEL,
            "max_tokens": 64,
            "stream": case.stream,
            "messages": [{"role": "user", "content": "hello ".repeat(150)}],
        });
        let attempts = if failing.is_some() { "2" } else { "1" };
        Self { runtime, rig, client: case.client, body: Bytes::from(body.to_string()), attempts }
    }

    fn bench(&self, bencher: Bencher<'_, '_>) {
        bencher.with_inputs(|| self.wake()).bench_local_values(|()| self.ask());
    }

    /// Ends the rest of the account that failed, so that it is asked first again.
    fn wake(&self) {
        self.rig.clock.advance(Duration::from_secs(60));
        self.rig.scheduler.release(account(FAILS).id);
    }

    fn ask(&self) {
        let asking = self.rig.ask_as(self.client, Operation::Chat, self.body.clone());
        let read = self.runtime.block_on(async { Read::from(asking.await.expect("an answer")).await });
        assert_eq!((read.status, read.header("x-posthaste-attempts")), (200, self.attempts));
        assert!(read.text().contains("Hello"), "{}", read.text());
    }
}

async fn rig(case: Case, failing: Option<u16>) -> Rig {
    let serving = at(SERVES, format!("https://{SERVES}.example"), 2);
    let mut accounts: Vec<Account> = vec![serving];
    if failing.is_some() {
        accounts.push(at(FAILS, format!("https://{FAILS}.example"), 1));
    }
    let now = Timestamp::EPOCH;
    let pool = Pool {
        id: PoolId::generate(),
        name: "both".to_owned(),
        rules: PoolRules::default(),
        limits: limits(),
        created_at: now,
        updated_at: now,
    };
    if case.limits {
        for account in &mut accounts {
            account.scheduling.limits = limits();
            account.scheduling.pools = vec![pool.id];
        }
    }
    let upstreams = Arc::new(Upstreams::new(case.stream, failing));
    let rig = Rig::over(accounts, RelayOptions::default(), upstreams).await;
    if case.limits {
        Repository::new(Arc::clone(&rig.stores.config)).create(pool).await.expect("a new store takes a pool");
        rig.relay_forgets().await;
        rig.with_key(|key| key.policy.limits = limits()).await;
    }
    rig
}

/// Limits that let everything through.
fn limits() -> Vec<Limit> {
    let hour = || LimitWindow::Rolling { seconds: 3_600 };
    [(LimitUnit::Requests, hour()), (LimitUnit::Tokens, hour()), (LimitUnit::Concurrency, LimitWindow::Now)]
        .map(|(unit, window)| Limit {
            name: unit.to_string(),
            unit,
            window,
            amount: 1_000_000_000,
            models: Vec::new(),
            shadow: false,
            on_loss: Default::default(),
        })
        .into()
}

/// Both accounts' upstreams, which answer at once and without a network.
struct Upstreams {
    answer: Bytes,
    kind: HeaderValue,
    error: Bytes,
    status: StatusCode,
}

impl Upstreams {
    fn new(stream: bool, failing: Option<u16>) -> Self {
        let (answer, kind) = if stream {
            let frames = anthropic_sse(&["Hello", " there"], USAGE).concat();
            (frames.into(), HeaderValue::from_static("text/event-stream; charset=utf-8"))
        } else {
            (anthropic_json("Hello there", USAGE).to_string().into(), JSON)
        };
        let error = match failing {
            Some(429) => anthropic_error("rate_limit_error", "slow down"),
            Some(529) => anthropic_error("overloaded_error", "busy"),
            _ => anthropic_error("api_error", "oops"),
        };
        let status = failing.map_or(StatusCode::OK, |status| {
            StatusCode::from_u16(status).expect("a status has three digits")
        });
        Self { answer, kind, error: error.to_string().into(), status }
    }
}

#[async_trait]
impl Transport for Upstreams {
    async fn send(
        &self,
        request: Request<Payload>,
        _: &Egress,
    ) -> Result<Response<RelayBody>, TransportError> {
        let fails = request.uri().host().is_some_and(|host| host.starts_with(FAILS));
        let (status, kind, body) = if fails {
            (self.status, JSON, self.error.clone())
        } else {
            (StatusCode::OK, self.kind.clone(), self.answer.clone())
        };
        let mut response = Response::new(full_body(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        Ok(response)
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FAILS: &str = "fails";
const SERVES: &str = "serves";
