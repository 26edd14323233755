//! The least of a relay: key, body, upstream key, forward, count.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::tap::{Account, Tap};
use crate::{Answer, chat, connector, plain};

pub(crate) struct Relay {
    keys: HashMap<[u8; 32], Arc<Account>>,
    upstream: String,
    upstream_keys: [HeaderValue; 3],
    next: AtomicUsize,
    client: Client<HttpConnector, Full<Bytes>>,
}

#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(default)]
    stream: bool,
}

impl Relay {
    pub(crate) fn new(upstream: &str) -> Self {
        Self {
            keys: HashMap::from([(Sha256::digest(CLIENT_KEY).into(), Arc::default())]),
            upstream: upstream.to_owned(),
            upstream_keys: ["sk-ant-dummy1", "sk-ant-dummy2", "sk-ant-dummy3"].map(HeaderValue::from_static),
            next: AtomicUsize::new(0),
            client: Client::builder(TokioExecutor::new()).build(connector()),
        }
    }

    pub(crate) async fn handle(&self, request: Request<Incoming>) -> Result<Answer, hyper::Error> {
        let (head, body) = request.into_parts();
        if head.uri.path() == "/stats" {
            return Ok(plain(StatusCode::OK, self.keys.values().map(|a| a.summary()).collect::<String>()));
        }
        let Some(account) = self.account(&head.headers) else {
            return Ok(plain(StatusCode::UNAUTHORIZED, "no such key"));
        };
        let body = body.collect().await?.to_bytes();
        let is_chat = head.uri.path() == "/v1/chat/completions";
        let (path, asked) = if is_chat {
            ("/v1/messages", chat::request(&body))
        } else {
            let asked =
                serde_json::from_slice::<Asked<'_>>(&body).ok().filter(|asked| !asked.model.is_empty());
            let stream = asked.map(|asked| asked.stream);
            (head.uri.path(), stream.map(|stream| (body, stream)))
        };
        let Some((body, stream)) = asked else { return Ok(plain(StatusCode::BAD_REQUEST, "bad request")) };
        match self.client.request(self.outgoing(path, &head.headers, body)).await {
            Ok(answer) if is_chat && !stream => whole_chat(answer, &account).await,
            Ok(answer) => Ok(passed_on(answer, is_chat, stream, account)),
            Err(error) => Ok(plain(StatusCode::BAD_GATEWAY, error.to_string())),
        }
    }

    fn account(&self, headers: &HeaderMap) -> Option<Arc<Account>> {
        let key = match headers.get("authorization") {
            Some(value) => value.as_bytes().strip_prefix(b"Bearer ")?,
            None => headers.get("x-api-key")?.as_bytes(),
        };
        self.keys.get(Sha256::digest(key).as_slice()).cloned()
    }

    fn outgoing(&self, path: &str, headers: &HeaderMap, body: Bytes) -> Request<Full<Bytes>> {
        let uri: Uri = format!("http://{}{path}", self.upstream).parse().expect("a path that hyper took");
        let mut request = Request::post(uri).body(Full::new(body)).expect("nothing here can be refused");
        for name in FORWARDED {
            if let Some(value) = headers.get(name) {
                request.headers_mut().insert(HeaderName::from_static(name), value.clone());
            }
        }
        let which = self.next.fetch_add(1, Relaxed) % self.upstream_keys.len();
        request.headers_mut().insert("x-api-key", self.upstream_keys[which].clone());
        request
    }
}

fn passed_on(answer: Response<Incoming>, is_chat: bool, stream: bool, account: Arc<Account>) -> Answer {
    let (mut head, body) = answer.into_parts();
    head.headers.remove("connection");
    let chat = is_chat.then(chat::Stream::default);
    Response::from_parts(head, Tap::new(body, stream, chat, account).boxed())
}

async fn whole_chat(answer: Response<Incoming>, account: &Account) -> Result<Answer, hyper::Error> {
    let body = answer.into_body().collect().await?.to_bytes();
    let Some((text, usage)) = chat::response(&body) else {
        return Ok(plain(StatusCode::BAD_GATEWAY, "bad answer"));
    };
    account.book(&usage);
    Ok(plain(StatusCode::OK, text))
}

const CLIENT_KEY: &[u8] = b"sk-relay-dummy";
const FORWARDED: [&str; 5] = ["content-type", "anthropic-version", "anthropic-beta", "user-agent", "accept"];
