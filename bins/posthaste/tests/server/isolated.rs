//! X11: many clients at once, each with a mark in all that it says, at accounts that fail in every way. Whatever a client or an
//! upstream gets, there is no other client's mark in it.
//!
//! The upstream answers with what it was told, and gives all clients the same ids: those of answers, of tool calls and of requests.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use posthaste_core::Payload;
use posthaste_testkit::{Received, Script, ScriptedUpstream, anthropic_error, anthropic_json, anthropic_sse};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::{Bench, Client, MODEL, PATIENCE, Server, USAGE};

/// The marks in a text: `tenant-` and three digits.
fn marks(text: &str) -> BTreeSet<&str> {
    text.match_indices("tenant-").filter_map(|(at, _)| text.get(at..at + 10)).collect()
}

/// An upstream that repeats what it was told, and notes requests in which two clients' words meet.
struct Echo {
    crossings: Mutex<Vec<String>>,
    asked: AtomicUsize,
    /// Whether it fails nobody any more.
    calm: AtomicBool,
    /// Requests to which the relay has put back what a client could not carry.
    restored: AtomicUsize,
}

impl Echo {
    fn answer(&self, request: &Received) -> Script {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        let all = format!("{text} {:?} {:?}", request.headers, request.query);
        let marks = marks(&all);
        if marks.len() != 1 {
            self.crossings.lock().push(all.clone());
        }
        let mark = marks.first().copied().unwrap_or("nobody");
        let body = request.json();
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        if text.contains("\"thinking\":\"") {
            self.restored.fetch_add(1, Ordering::SeqCst);
        }
        let said = format!("{mark} asked number {number}");
        let frames = anthropic_sse(&[&said, " and so on"], USAGE);
        let streamed = body["stream"] == true;
        let fault = if self.calm.load(Ordering::SeqCst) { 0 } else { number % 41 };
        match fault {
            3 => Script::json(500, &anthropic_error("api_error", "it fails")),
            7 => Script::json(529, &anthropic_error("overloaded_error", "too many")),
            11 => Script::hang_up(),
            13 if streamed => Script::sse(&frames[..4]).cut(),
            17 if streamed => Script::sse(&frames).sliced(5),
            19 => Script::json(400, &anthropic_error("invalid_request_error", &said)),
            _ if streamed => Script::sse(&frames),
            _ if body["tools"].is_array() && !text.contains("tool_result") => Script::json(200, &call(mark)),
            _ => Script::json(200, &anthropic_json(&said, USAGE)),
        }
    }
}

/// A thought and a call, by whose id the relay remembers the thought for clients of Chat.
fn call(mark: &str) -> Value {
    let mut answer = anthropic_json("", USAGE);
    answer["content"] = json!([
        { "type": "thinking", "thinking": format!("{mark} wants something"), "signature": format!("seal-of-{mark}") },
        { "type": "tool_use", "id": "toolu_of_everybody", "name": "look", "input": { "for": mark } },
    ]);
    answer["stop_reason"] = json!("tool_use");
    answer
}

/// One client and its mark.
struct Tenant {
    client: Client,
    key: String,
    mark: String,
}

impl Tenant {
    async fn ask(&self, path: &str, body: &Value) -> (u16, String) {
        let request = http::Request::post(format!("{}{path}", self.client.base()))
            .header("x-api-key", &self.key)
            .header("anthropic-version", "2023-06-01")
            // All say that they are in the same conversation.
            .header("session_id", "everybody")
            .header("idempotency-key", "everybody")
            .body(Payload::from(Bytes::from(body.to_string())));
        let Ok(answer) = self.client.send(request.unwrap()).await else { return (0, String::new()) };
        let head = format!("{:?}", answer.headers);
        let status = answer.status;
        // One that breaks off is read as far as it came.
        let text = answer.text().await.unwrap_or_default();
        (status, head + &text)
    }

    /// Asks in every way; gives how many answers were good, and those in which somebody else's mark is.
    async fn talk(&self, round: usize) -> (usize, Vec<String>) {
        let said = format!("I am {} in round {round}", self.mark);
        let messages = json!([{ "role": "user", "content": said }]);
        let tools = json!([{ "type": "function", "function": { "name": "look", "parameters": { "type": "object" } } }]);
        let chat = json!({ "model": MODEL, "messages": messages, "tools": tools, "reasoning_effort": "low" });
        let plain = json!({ "model": MODEL, "max_tokens": 64, "messages": messages, "metadata": { "user_id": "everybody" } });
        let response = json!({ "model": MODEL, "input": said, "previous_response_id": "resp_of_everybody" });
        let mut asked = vec![
            ("/v1/chat/completions", chat.clone()),
            ("/v1/messages", plain),
            ("/v1/responses", response),
        ];
        for (_, body) in &asked.clone()[..2] {
            let mut streamed = body.clone();
            streamed["stream"] = json!(true);
            let path = if body["max_tokens"].is_null() { "/v1/chat/completions" } else { "/v1/messages" };
            asked.push((path, streamed));
        }
        let (mut good, mut crossed) = (0, Vec::new());
        for (path, body) in asked {
            let (status, text) = self.ask(path, &body).await;
            good += usize::from(status == 200 && text.contains(&self.mark));
            if marks(&text).iter().any(|mark| *mark != self.mark) {
                crossed.push(format!("{}: {text}", self.mark));
            }
        }
        // What was called is answered, by the id that all have: the relay puts the thought back that it remembers.
        let mut back = chat;
        back["messages"] = json!([
            { "role": "user", "content": said },
            { "role": "assistant", "content": null, "tool_calls": [{ "id": "toolu_of_everybody", "type": "function",
                "function": { "name": "look", "arguments": json!({ "for": self.mark }).to_string() } }] },
            { "role": "tool", "tool_call_id": "toolu_of_everybody", "content": format!("nothing for {}", self.mark) },
        ]);
        let (status, text) = self.ask("/v1/chat/completions", &back).await;
        good += usize::from(status == 200 && text.contains(&self.mark));
        if marks(&text).iter().any(|mark| *mark != self.mark) {
            crossed.push(format!("{}: {text}", self.mark));
        }
        (good, crossed)
    }
}

/// One round of all clients, many at once; what [`Tenant::talk`] gives, of all.
async fn talk(tenants: &[Tenant], round: usize) -> (usize, Vec<String>) {
    let talks = stream::iter(tenants).map(|tenant| tenant.talk(round)).buffer_unordered(32);
    let talked: Vec<_> = talks.collect().await;
    let (good, crossed): (Vec<_>, Vec<_>) = talked.into_iter().unzip();
    (good.into_iter().sum(), crossed.concat())
}

/// Waits until the relay has seen that there is one account, and that it does not rest.
async fn until_one_is_ready(server: &Server) {
    let deadline = Instant::now() + PATIENCE;
    let one = json!({ "total": 1, "ready": 1 });
    while server.get("/health", ("accept", "*/*")).await.json().await["parts"]["accounts"] != one {
        assert!(Instant::now() < deadline, "the accounts are still there");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn soak(tenants: usize, rounds: usize) {
    // Refusals and failures are part of it; accounts that rest for them are not.
    let bench = Bench::new().with("POSTHASTE_LOG__FILTER", "info");
    let echo = Arc::new(Echo {
        crossings: Mutex::default(),
        asked: AtomicUsize::new(0),
        calm: AtomicBool::new(false),
        restored: AtomicUsize::new(0),
    });
    let answering = Arc::clone(&echo);
    let upstream = ScriptedUpstream::start(move |request| answering.answer(request)).await;
    for account in 0..8 {
        bench.add_account(&format!("account-{account}"), &upstream);
    }
    let keys: Vec<_> = (0..tenants).map(|number| bench.create_key(&format!("key-{number:03}"))).collect();
    let server = bench.serve();
    let tenants: Vec<_> = keys
        .into_iter()
        .enumerate()
        .map(|(number, key)| Tenant { client: server.client(), key, mark: format!("tenant-{number:03}") })
        .collect();
    let (mut good, mut crossed) = (0, Vec::new());
    for round in 0..rounds {
        for group in tenants.chunks(GROUP) {
            let (some, others) = talk(group, round).await;
            good += some;
            crossed.extend(others);
            // Who rests is called back, so that faults go on with the next ones.
            for account in 0..8 {
                bench.cli(&format!("accounts reset account-{account}"));
            }
        }
    }
    // A thought goes back to the account alone that had it. With one that serves everybody, each client gets its own back.
    for account in 1..8 {
        bench.cli(&format!("accounts delete account-{account}"));
    }
    until_one_is_ready(&server).await;
    echo.calm.store(true, Ordering::SeqCst);
    echo.restored.store(0, Ordering::SeqCst);
    let (served, others) = talk(&tenants, rounds).await;
    crossed.extend(others);
    // All but the one that goes on from an answer which is not there.
    assert_eq!(served, tenants.len() * 5, "nobody fails in a calm round");
    assert_eq!(echo.restored.load(Ordering::SeqCst), tenants.len(), "each client's thought is remembered");
    assert_eq!(crossed, Vec::<String>::new());
    assert_eq!(*echo.crossings.lock(), Vec::<String>::new());
    let log = server.log();
    server.stop().await;
    let told: Vec<_> = log.lines().filter(|line| !marks(line).is_empty()).collect();
    assert_eq!(told, Vec::<&str>::new(), "nobody's words are in the log");
    let all = tenants.len() * rounds * 6;
    assert!(good * 3 > all, "{good} of {all} were served");
    // Each row belongs to one of the keys, and to the one whose request it is.
    let rows = bench.rows().await;
    let booked: BTreeSet<_> = rows.iter().map(|row| row.key_id).collect();
    assert_eq!(booked.len(), tenants.len());
    let mut whose = BTreeMap::new();
    for row in &rows {
        assert_eq!(*whose.entry(row.request_id).or_insert(row.key_id), row.key_id, "{row:?}");
    }
}

/// Clients that talk before accounts which rest are called back; of more, most would be refused.
const GROUP: usize = 34;

#[tokio::test(flavor = "multi_thread")]
async fn x11_nothing_crosses_between_clients() {
    soak(24, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: a hundred clients, some thirty thousand requests"]
async fn x11_nothing_crosses_between_a_hundred_clients_for_long() {
    soak(100, 50).await;
}
