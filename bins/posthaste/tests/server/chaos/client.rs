//! Clients that read strictly what they get, and note it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use posthaste_core::{Dialect, Payload, Surface};
use posthaste_testkit::{
    Chance,
    heard::{End, hear},
};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{plan::Plan, rig::Rig, vendor};
use crate::support::{Answer, Client, MODEL, PATIENCE};

/// What became of all requests.
#[derive(Default)]
pub(super) struct Met {
    /// The ids of answers that were seen whole.
    pub(super) whole: Vec<String>,
    /// How many of each other sort there were.
    pub(super) others: BTreeMap<String, usize>,
    /// Those of the last key.
    pub(super) limited: usize,
    /// What no client should ever see.
    pub(super) wrong: Vec<String>,
}

/// Clients at work.
pub(super) struct Clients {
    asking: JoinSet<()>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    asked: AtomicU64,
    met: Mutex<Met>,
}

/// How a request ended.
enum Ended {
    Whole(String),
    /// The error was told, in the answer or instead of it.
    Told(String),
    Left,
    Wrong(String),
}

impl Clients {
    pub(super) fn start(rig: &Rig, plan: &Plan) -> Self {
        let shared = Arc::new(Shared::default());
        let mut asking = JoinSet::new();
        for number in 0..CLIENTS {
            let relays: Vec<Client> = rig.relays.iter().map(crate::support::Server::client).collect();
            let key = number % rig.keys.len();
            let asker = Asker {
                relays,
                key: rig.keys[key].clone(),
                limited: key + 1 == rig.keys.len(),
                shared: Arc::clone(&shared),
            };
            asking.spawn(asker.keep_asking(Chance::new(plan.seed * 1_000 + number as u64)));
        }
        Self { asking, shared }
    }

    /// Waits for some more to be served.
    pub(super) async fn go_on(&self) {
        let served = || self.shared.met.lock().unwrap().whole.len();
        let (from, begun) = (served(), Instant::now());
        while served() < from + 40 {
            assert!(begun.elapsed() < 2 * PATIENCE, "nobody is served when the weather is fine again");
            sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) async fn end(self) -> Met {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.asking.join_all().await;
        std::mem::take(&mut self.shared.met.lock().unwrap())
    }
}

struct Asker {
    relays: Vec<Client>,
    key: String,
    limited: bool,
    shared: Arc<Shared>,
}

impl Asker {
    async fn keep_asking(self, mut chance: Chance) {
        while !self.shared.stop.load(Ordering::SeqCst) {
            let mark = format!("r{:07}", self.shared.asked.fetch_add(1, Ordering::SeqCst));
            let (relay, dialect) = (chance.of(&self.relays), *chance.of(&DIALECTS));
            let (stream, leaves) = (!chance.one_in(3), chance.one_in(40));
            let ended = ask(relay, dialect, &self.key, &mark, stream, leaves && stream).await;
            let refused = matches!(ended, Ended::Told(_));
            self.note(&format!("{dialect:?}, stream: {stream}, {mark}"), ended);
            // A refusal is quick, and would make up all of the load.
            sleep(Duration::from_millis(if refused { 60 } else { 5 })).await;
        }
    }

    fn note(&self, what: &str, ended: Ended) {
        let mut met = self.shared.met.lock().unwrap();
        let sort = match ended {
            Ended::Whole(id) => {
                met.whole.push(id);
                met.limited += usize::from(self.limited);
                return;
            }
            Ended::Told(how) => how,
            Ended::Left => "left by the client".to_owned(),
            Ended::Wrong(why) => return met.wrong.push(format!("{what}: {why}")),
        };
        *met.others.entry(sort).or_default() += 1;
    }
}

async fn ask(relay: &Client, dialect: Dialect, key: &str, mark: &str, stream: bool, leaves: bool) -> Ended {
    let (path, body) = request(dialect, mark, stream);
    let request = http::Request::post(format!("{}{path}", relay.base()))
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {key}"))
        .body(Payload::from(Bytes::from(body.to_string())));
    let mut answer = match relay.send(request.unwrap()).await {
        Ok(answer) => answer,
        Err(error) => return Ended::Wrong(format!("no answer: {error:?}")),
    };
    if leaves && answer.status == 200 && answer.piece().await.is_some_and(|piece| piece.is_ok()) {
        return Ended::Left;
    }
    let (status, id) = (answer.status, answer.header("x-posthaste-request-id").to_owned());
    let text = match read(answer).await {
        Ok(text) => text,
        Err(error) => return Ended::Wrong(format!("{status}, then: {error}")),
    };
    let expected = vendor::text(&body.to_string()).concat();
    match (status, stream) {
        (200, true) => streamed(dialect, &text, &expected, id),
        (200, false) => whole(dialect, &text, &expected, id),
        _ => refused(dialect, status, &text),
    }
}

async fn read(answer: Answer) -> Result<String, String> {
    // A relay may stand still for a while amid it.
    answer.text_within(2 * PATIENCE).await.map_err(|error| format!("{error:?}"))
}

fn streamed(dialect: Dialect, text: &str, expected: &str, id: String) -> Ended {
    // A reader that fails says why by panicking.
    let heard = match std::panic::catch_unwind(|| hear(Surface::plain(dialect), text.as_bytes())) {
        Ok(heard) => heard,
        Err(_) => return Ended::Wrong(format!("it is not well formed: {text}")),
    };
    match heard.end {
        End::Clean if heard.text == expected => Ended::Whole(id),
        End::Clean => Ended::Wrong(format!("another answer than {expected}: {}", heard.text)),
        End::Error if expected.starts_with(&heard.text) => {
            Ended::Told("an error ended the stream".to_owned())
        }
        End::Error => Ended::Wrong(format!("another answer than {expected}: {}", heard.text)),
        End::None => Ended::Wrong(format!("the stream has no end: {text}")),
    }
}

fn whole(dialect: Dialect, text: &str, expected: &str, id: String) -> Ended {
    let body: Value = match serde_json::from_str(text) {
        Ok(body) => body,
        Err(error) => return Ended::Wrong(format!("{error}: {text}")),
    };
    let said = match dialect {
        Dialect::AnthropicMessages => &body["content"][0]["text"],
        Dialect::OpenAiChat => &body["choices"][0]["message"]["content"],
        Dialect::OpenAiResponses => &body["output"][0]["content"][0]["text"],
        _ => &body["candidates"][0]["content"]["parts"][0]["text"],
    };
    if said == expected {
        Ended::Whole(id)
    } else {
        Ended::Wrong(format!("another answer than {expected}: {text}"))
    }
}

fn refused(dialect: Dialect, status: u16, text: &str) -> Ended {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let told = match dialect {
        Dialect::AnthropicMessages => body["type"] == "error" && body["error"]["message"].is_string(),
        Dialect::GeminiGenerate => body["error"]["code"].is_u64() && body["error"]["message"].is_string(),
        _ => body["error"]["message"].is_string() && body["error"]["type"].is_string(),
    };
    let may_be = status == 429 || status >= 500;
    if told && may_be { Ended::Told(format!("{status}")) } else { Ended::Wrong(format!("{status}: {text}")) }
}

fn request(dialect: Dialect, mark: &str, stream: bool) -> (String, Value) {
    let asked = vendor::question(mark);
    let messages = json!([{"role": "user", "content": asked}]);
    match dialect {
        Dialect::AnthropicMessages => (
            "/v1/messages".to_owned(),
            json!({"model": MODEL, "max_tokens": 64, "stream": stream, "messages": messages}),
        ),
        Dialect::OpenAiChat => (
            "/v1/chat/completions".to_owned(),
            json!({"model": MODEL, "stream": stream, "messages": messages}),
        ),
        Dialect::OpenAiResponses => {
            ("/v1/responses".to_owned(), json!({"model": MODEL, "stream": stream, "input": asked}))
        }
        _ => {
            let (method, query) =
                if stream { ("streamGenerateContent", "?alt=sse") } else { ("generateContent", "") };
            let contents = json!({"contents": [{"role": "user", "parts": [{"text": asked}]}]});
            (format!("/v1beta/models/{MODEL}:{method}{query}"), contents)
        }
    }
}

const DIALECTS: [Dialect; 4] =
    [Dialect::AnthropicMessages, Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::GeminiGenerate];

const CLIENTS: usize = 12;
