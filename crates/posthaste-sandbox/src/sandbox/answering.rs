//! From a request to a response.

mod broken;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use posthaste_core::{Payload, RelayBody, boxed_body, full_body};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Inner,
    route::{Route, route},
};
use crate::{
    error::{ApiError, ErrorKind},
    fault::{BodyFault, Fault, overloaded},
    messages::{self, Answer, short_id},
    models,
    paced::{PacedBody, Step},
};

impl Inner {
    /// The answer to a request; `None` when there shall never be one.
    pub(super) fn answer(&self, request: &Request<Payload>) -> Option<Response<RelayBody>> {
        let body = request.body().to_bytes();
        let request_id = request_id(request, &body);
        let answer = match self.route(request, &body, &request_id) {
            Ok(Some(answer)) => answer,
            Ok(None) => return None,
            Err(error) => refusal(&error, &request_id),
        };
        Some(with_request_id(answer, &request_id))
    }

    fn route(
        &self,
        request: &Request<Payload>,
        body: &Bytes,
        request_id: &str,
    ) -> Result<Option<Response<RelayBody>>, ApiError> {
        let uri = request.uri();
        let (route, prefix) = route(request.method(), uri.path())?;
        match route {
            Route::Models => Ok(Some(json(models::list(uri.query())?))),
            Route::Model(id) => Ok(Some(json(models::get(id)?))),
            Route::Messages => self.messages(&read(body)?, &scope(request, prefix), request_id),
            Route::CountTokens => self.count_tokens(&read(body)?),
        }
    }

    fn messages(
        &self,
        body: &Value,
        scope: &[u8],
        request_id: &str,
    ) -> Result<Option<Response<RelayBody>>, ApiError> {
        let Entry::Open(fault) = self.enter(body)? else { return Ok(None) };
        let mut answer = messages::answer(body, scope, &self.cache)?;
        if fault == Some(BodyFault::NoUsage) {
            answer.forget_usage();
        }
        let body = self.body(&answer, fault, request_id);
        Ok(Some(ok(content_type(&answer), body)))
    }

    fn count_tokens(&self, body: &Value) -> Result<Option<Response<RelayBody>>, ApiError> {
        match self.enter(body)? {
            Entry::Hang => Ok(None),
            Entry::Open(_) => Ok(Some(json(messages::count_tokens(body)?))),
        }
    }

    /// What the model's name decides before the request is looked at: whether there is such a model, and its faults.
    fn enter(&self, body: &Value) -> Result<Entry, ApiError> {
        // A missing or mistyped name is told with its place, when the request is read.
        let Some(model) = body.get("model").and_then(Value::as_str) else { return Ok(Entry::Open(None)) };
        if !models::is_served(model) {
            return Err(models::unknown(model));
        }
        match Fault::of(model).map_err(|_| models::unknown(model))? {
            None => Ok(Entry::Open(None)),
            Some(Fault::Refuse(error)) => Err(error),
            Some(Fault::Flaky(every)) if !self.flaky.works(every) => Err(overloaded()),
            Some(Fault::Flaky(_)) => Ok(Entry::Open(None)),
            Some(Fault::Hang) => Ok(Entry::Hang),
            Some(Fault::Body(fault)) => Ok(Entry::Open(Some(fault))),
        }
    }

    fn body(&self, answer: &Answer, fault: Option<BodyFault>, request_id: &str) -> RelayBody {
        let fault = fault.filter(|fault| *fault != BodyFault::NoUsage);
        let pause = match fault {
            Some(BodyFault::Slow { pause }) => pause,
            _ => self.options.event_pause,
        };
        let steps = match (answer.streamed(), fault) {
            (false, None) => return full_body(answer.to_json()),
            (false, Some(fault)) => broken::whole(answer.to_json(), fault, request_id),
            (true, None) => broken::sent(answer.to_events()),
            (true, Some(fault)) => broken::events(answer.to_events(), fault, request_id),
        };
        if pause.is_zero() || !answer.streamed() {
            return boxed_body(PacedBody::new(steps));
        }
        let waits = (0..).map(|index| (index > 0).then_some(Step::Wait(pause)));
        boxed_body(PacedBody::new(waits.zip(steps).flat_map(|(wait, step)| wait.into_iter().chain([step]))))
    }
}

/// Whether a model lets a request in.
enum Entry {
    Open(Option<BodyFault>),
    Hang,
}

fn read(body: &Bytes) -> Result<Value, ApiError> {
    if body.len() > MAX_BODY {
        return Err(ApiError::new(ErrorKind::RequestTooLarge, "Request exceeds the maximum size"));
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid(format!("The request body is not valid JSON: {error}")))?;
    if !value.is_object() {
        return Err(ApiError::invalid("The request body must be a JSON object"));
    }
    Ok(value)
}

/// Requests with different credentials or base paths come from different accounts, which share no prompt cache.
fn scope(request: &Request<Payload>, prefix: &str) -> Vec<u8> {
    let credential = ["x-api-key", "authorization"].iter().filter_map(|name| request.headers().get(*name));
    let parts: Vec<_> = credential.map(HeaderValue::as_bytes).chain([prefix.as_bytes()]).collect();
    parts.join(&b'\n')
}

fn request_id(request: &Request<Payload>, body: &Bytes) -> String {
    let uri = request.uri().to_string();
    let digest = Sha256::new().chain_update(request.method().as_str()).chain_update(uri).chain_update(body);
    format!("req_{}", short_id(digest))
}

fn refusal(error: &ApiError, request_id: &str) -> Response<RelayBody> {
    let mut response = json(error.to_json(request_id));
    *response.status_mut() = error.kind.status();
    if let Some(seconds) = error.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    if error.kind == ErrorKind::Authentication {
        response.headers_mut().insert("x-should-retry", HeaderValue::from_static("false"));
    }
    response
}

fn json(body: String) -> Response<RelayBody> {
    ok(JSON, full_body(body))
}

fn ok(content_type: &'static str, body: RelayBody) -> Response<RelayBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn with_request_id(mut response: Response<RelayBody>, request_id: &str) -> Response<RelayBody> {
    let value = HeaderValue::from_str(request_id).expect("an id is letters and digits");
    response.headers_mut().insert("request-id", value);
    response
}

const fn content_type(answer: &Answer) -> &'static str {
    if answer.streamed() { "text/event-stream; charset=utf-8" } else { JSON }
}

const JSON: &str = "application/json";
/// The vendor's limit for messages.
const MAX_BODY: usize = 32 << 20;
