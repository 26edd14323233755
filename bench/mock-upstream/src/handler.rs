//! One request: what it asks for, and which answer or fault it gets.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};

use crate::answer::{MockBody, Stream};
use crate::profile::{Fault, Profile};
use crate::stats::Stats;
use crate::wire::Api;

pub(crate) struct Shared {
    base: RefCell<Profile>,
    pub(crate) stats: Rc<RefCell<Stats>>,
}

impl Shared {
    pub(crate) fn new(base: Profile) -> Self {
        Self { base: RefCell::new(base), stats: Rc::default() }
    }

    /// Counts the request and tells how many of this key have come.
    fn count(&self, head: &Parts, key: String, body: &[u8]) -> u64 {
        let mut stats = self.stats.borrow_mut();
        stats.requests += 1;
        stats.bytes_in += body.len() as u64;
        *stats.by_path.entry(head.uri.path().to_owned()).or_default() += 1;
        if stats.requests <= 20 || stats.requests.is_multiple_of(1000) {
            let start = body[..body.len().min(4000)].escape_ascii();
            stats.last = format!("{} {}\n{:?}\n\n{start}", head.method, head.uri, head.headers);
        }
        let count = stats.by_key.entry(key).or_default();
        *count += 1;
        *count
    }
}

pub(crate) async fn handle(
    shared: Rc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<MockBody>, Infallible> {
    let (head, body) = request.into_parts();
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    if path.starts_with("/__") {
        return Ok(control(&shared, path, query));
    }
    let Ok(body) = body.collect().await else { return Ok(json(400, "{}")) };
    let body = body.to_bytes();
    let key = key_of(&head.headers, query);
    let mut profile = shared.base.borrow().overridden_by(&key);
    let nth = shared.count(&head, key, &body);
    if !nth.is_multiple_of(profile.every) {
        profile.fault = Fault::None;
    }
    match Api::of(path) {
        Some(api) => Ok(answer(&shared, api, path, &body, profile).await),
        None if path == "/v1/models" => Ok(json(200, MODELS)),
        None => Ok(json(404, NO_SUCH_PATH)),
    }
}

async fn answer(shared: &Shared, api: Api, path: &str, body: &[u8], profile: Profile) -> Response<MockBody> {
    shared.stats.borrow_mut().faults += u64::from(profile.fault != Fault::None);
    if let Fault::Status(code) = profile.fault {
        return refusal(api, code, profile.retry_after);
    }
    let stream = match api {
        Api::Gemini => path.ends_with(":streamGenerateContent"),
        Api::Converse => path.ends_with("/converse-stream"),
        Api::Messages | Api::Chat | Api::Responses => flag(body, "stream"),
    };
    let mut live = Stats::begin(&shared.stats, stream);
    if profile.fault == Fault::Hang {
        std::future::pending::<()>().await;
    }
    if profile.ttfb_ms > 0 {
        tokio::time::sleep(Duration::from_millis(profile.ttfb_ms)).await;
    }
    let model = model_of(body, path);
    let mut response = if stream {
        let with_usage = api != Api::Chat || flag(body, "include_usage");
        events(api, Stream::new(api, profile, model, with_usage, live))
    } else {
        live.finish();
        json(200, api.json(&model, &profile))
    };
    response.headers_mut().insert("request-id", HeaderValue::from_static("req_mock0000000000000000"));
    response
}

fn refusal(api: Api, code: u16, retry_after: u64) -> Response<MockBody> {
    let mut response = json(code, api.error(code));
    if matches!(code, 429 | 503 | 529) {
        response.headers_mut().insert("retry-after", HeaderValue::from(retry_after));
    }
    response
}

fn events(api: Api, stream: Stream) -> Response<MockBody> {
    let mut response = Response::new(MockBody::Stream(Box::new(stream)));
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(api.stream_type()));
    headers.insert("cache-control", HeaderValue::from_static("no-cache"));
    response
}

fn json(status: u16, body: impl Into<Bytes>) -> Response<MockBody> {
    let mut response = Response::new(MockBody::Whole(Some(body.into())));
    *response.status_mut() = StatusCode::from_u16(status).expect("statuses are checked where they are set");
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

fn control(shared: &Shared, path: &str, query: &str) -> Response<MockBody> {
    match path {
        "/__config" => {
            let mut base = shared.base.borrow_mut();
            match query.split('&').filter(|pair| !pair.is_empty()).find(|pair| !base.set(pair)) {
                Some(bad) => json(400, format!("{{\"bad\":{bad:?}}}")),
                None => json(200, format!("{{\"base\":\"{base:?}\"}}")),
            }
        }
        "/__reset" => {
            shared.stats.borrow_mut().reset();
            json(200, "{}")
        }
        "/__last" => {
            let mut response = json(200, shared.stats.borrow().last.clone());
            response.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
            response
        }
        _ => json(200, shared.stats.borrow().to_json()),
    }
}

fn key_of(headers: &HeaderMap, query: &str) -> String {
    let named = ["x-api-key", "x-goog-api-key", "api-key", "authorization"].into_iter();
    let mut values = named.filter_map(|name| headers.get(name)?.to_str().ok());
    let in_query = || query.split('&').find_map(|pair| pair.strip_prefix("key="));
    let value = values.next().or_else(in_query).unwrap_or_default();
    value.strip_prefix("Bearer ").unwrap_or(value).to_owned()
}

/// The text after each `"name":` in `body`, blanks skipped; the body is not parsed as JSON.
fn after_field<'a>(body: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let pattern = format!("\"{name}\"");
    let ends: Vec<usize> =
        memchr::memmem::find_iter(body, pattern.as_bytes()).map(|at| at + pattern.len()).collect();
    ends.into_iter()
        .filter_map(|end| Some(body[end..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start()))
}

fn flag(body: &[u8], name: &str) -> bool {
    after_field(body, name).any(|value| value.starts_with(b"true"))
}

fn model_of(body: &[u8], path: &str) -> String {
    let in_body = after_field(body, "model").find_map(|value| {
        let value = value.strip_prefix(b"\"")?;
        let end = memchr::memchr(b'"', value)?;
        str::from_utf8(&value[..end]).ok()
    });
    let in_path = || {
        let (_, last) = path.rsplit_once('/').unwrap_or_default();
        last.split_once(':').map_or(last, |(model, _)| model)
    };
    in_body.unwrap_or_else(in_path).to_owned()
}

const MODELS: &str = r#"{"object":"list","data":[{"id":"mock","object":"model"}]}"#;
const NO_SUCH_PATH: &str =
    r#"{"type":"error","error":{"type":"not_found_error","message":"mock: no such path"}}"#;
