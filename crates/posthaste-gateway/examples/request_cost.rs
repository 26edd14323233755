//! What a request costs within the relay, with and without its record: a relay on SQLite with three accounts, whose upstream
//! answers at once and without a network, serves requests of 1 KB one after another. Records and rows of the books are
//! written in batches of 64, however slow the machine is, so that runs can be compared.
//!
//! It prints nothing: run it under `valgrind --tool=callgrind`, twice with different numbers of requests, and divide the
//! difference in instructions by the difference in requests (see `docs/PERFORMANCE.md`).
//!
//! `request_cost REQUESTS with|without`

#[path = "../tests/support/mod.rs"]
mod support;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use posthaste_core::{Dialect, Egress, Operation, Payload, RelayBody, Transport, TransportError, full_body};
use posthaste_gateway::{RecordRules, RelayOptions};
use posthaste_storage_sqlite::SqliteStores;
use posthaste_testkit::anthropic_json;
use serde_json::json;
use support::{MODEL, Read, Rig, USAGE, at};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let requests: usize = arguments.next().map_or(Ok(1_000), |number| number.parse())?;
    let records = match arguments.next().as_deref() {
        None | Some("with") => Some(RecordRules::default()),
        Some("without") => None,
        Some(other) => return Err(format!("`{other}` is neither `with` nor `without`").into()),
    };

    let folder = tempfile::tempdir()?;
    let opened = SqliteStores::open_alone(&folder.path().join("posthaste.db"))?;
    let accounts = ["first", "second", "third"].map(|name| at(name, "https://upstream.example".into(), 50));
    let options = RelayOptions { records, ..RelayOptions::default() };
    let upstream = Arc::new(Upstream { answer: anthropic_json("Hello", USAGE).to_string().into() });
    let rig = Rig::on_with(accounts.to_vec(), options, upstream, opened.stores()).await;

    let prompt = "hello ".repeat(150);
    let body = json!({"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": prompt}]});
    let body = Bytes::from(body.to_string());
    for number in 1..=requests {
        let answer = rig.ask_as(Dialect::AnthropicMessages, Operation::Chat, body.clone()).await?;
        assert_eq!(Read::from(answer).await.status, 200);
        if number % BATCH == 0 {
            rig.ledger.flush().await;
            rig.relay.flush_records().await;
        }
    }
    opened.close().await?;
    Ok(())
}

const BATCH: usize = 64;

/// Answers the same to everything.
struct Upstream {
    answer: Bytes,
}

#[async_trait]
impl Transport for Upstream {
    async fn send(&self, _: Request<Payload>, _: &Egress) -> Result<Response<RelayBody>, TransportError> {
        let mut response = Response::new(full_body(self.answer.clone()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }
}
