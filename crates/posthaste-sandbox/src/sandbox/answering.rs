//! From a request to a response.

mod broken;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use posthaste_core::{Payload, RelayBody, boxed_body, full_body};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Inner,
    route::{Endpoint, Route, route},
};
use crate::{
    answer::{Answer, Asked},
    bedrock, chat,
    dialect::Dialect,
    error::{ApiError, ErrorKind, Trouble},
    fault::{BodyFault, Fault},
    gemini, messages,
    oauth::{self, Holder},
    openai,
    paced::{PacedBody, Step},
    responses,
};

impl Inner {
    /// The answer to a request; `None` when there shall never be one.
    pub(super) fn answer(&self, request: &Request<Payload>) -> Option<Response<RelayBody>> {
        if let Some(endpoint) = oauth::endpoint(request.uri().path()) {
            return self.oauth.answer(endpoint, request);
        }
        let body = request.body().to_bytes();
        let (dialect, answer) = match route(request) {
            Ok(Route { dialect, endpoint, prefix }) => {
                let answer = self.oauth.holder(request).map_err(|why| dialect.refused_token(why));
                let answer = answer.and_then(|holder| {
                    self.respond(&Call { request, dialect, prefix, holder, body: &body }, &endpoint)
                });
                (dialect, answer)
            }
            Err(dialect) => (dialect, Err(dialect.no_such_path())),
        };
        let request_id = dialect.request_id(digest(request, &body));
        let response = match answer {
            Ok(Outcome::Hang) => return None,
            Ok(Outcome::Json(body)) => json(full_body(body)),
            Ok(Outcome::Answer(answer, fault)) => self.sent(answer, fault, dialect, &request_id),
            Err(error) => dialect.refusal(&error, &request_id),
        };
        Some(with_request_id(response, dialect, &request_id))
    }

    fn respond(&self, call: &Call<'_>, endpoint: &Endpoint<'_>) -> Result<Outcome, ApiError> {
        match endpoint {
            Endpoint::Models => Ok(Outcome::Json(match call.dialect {
                Dialect::Messages => messages::models::list(call.query())?,
                Dialect::Gemini { .. } => gemini::models::list(),
                _ => openai::models::list(),
            })),
            Endpoint::Model(id) => Ok(Outcome::Json(match call.dialect {
                Dialect::Messages => messages::models::get(id)?,
                Dialect::Gemini { .. } => gemini::models::get(id)?,
                _ => openai::models::get(id)?,
            })),
            Endpoint::Messages => {
                let body = call.read()?;
                self.generate(call, named(&body), |asked| messages::answer(&body, asked))
            }
            Endpoint::CountTokens => {
                let body = call.read()?;
                self.look_up(call, named(&body), || messages::count_tokens(&body))
            }
            Endpoint::Chat(deployment) => {
                let body = call.read()?;
                let model = deployment.or(named(&body));
                self.generate(call, model, |asked| chat::answer(&body, *deployment, asked))
            }
            Endpoint::Completions(deployment) => {
                let body = call.read()?;
                let model = deployment.or(named(&body));
                self.generate(call, model, |asked| openai::completions::answer(&body, *deployment, asked))
            }
            Endpoint::Embeddings(deployment) => {
                let body = call.read()?;
                let model = deployment.or(named(&body));
                self.generate(call, model, |asked| openai::embeddings::answer(&body, *deployment, asked))
            }
            Endpoint::Responses => {
                let body = call.read()?;
                self.generate(call, named(&body), |asked| responses::answer(&body, asked))
            }
            Endpoint::Compact => {
                let body = call.read()?;
                self.generate(call, named(&body), |asked| responses::compact(&body, asked))
            }
            Endpoint::InputTokens => {
                let body = call.read()?;
                self.generate(call, named(&body), |asked| responses::count(&body, asked))
            }
            Endpoint::Response(id) => self.generate(call, None, |asked| responses::get(id, asked)),
            Endpoint::Forget(id) => self.generate(call, None, |asked| responses::delete(id, asked)),
            Endpoint::Gemini(model, method) => {
                let body = call.read()?;
                self.generate(call, Some(model), |asked| gemini::answer(model, *method, &body, asked))
            }
            Endpoint::CodeAssist(method) => {
                let body = call.read()?;
                self.generate(call, method.model(&body), |asked| gemini::code_assist(*method, &body, asked))
            }
            Endpoint::Bedrock(model, operation) => {
                let body = call.read()?;
                self.generate(call, Some(model), |asked| bedrock::answer(model, *operation, &body, asked))
            }
            Endpoint::Images(deployment) => {
                let body = call.read()?;
                let model = deployment.or(named(&body));
                self.generate(call, model, |asked| openai::images::answer(&body, asked))
            }
        }
    }

    /// An answer that a model makes.
    fn generate(
        &self,
        call: &Call<'_>,
        model: Option<&str>,
        answer: impl FnOnce(&Asked<'_>) -> Result<Answer, ApiError>,
    ) -> Result<Outcome, ApiError> {
        let Entry::Open(fault) = self.enter(call.dialect, model)? else { return Ok(Outcome::Hang) };
        let scope = call.scope();
        let tell_usage = fault != Some(BodyFault::NoUsage);
        let azure = call.dialect == Dialect::Azure;
        let asked = Asked { scope: &scope, state: &self.state, tell_usage, azure };
        Ok(Outcome::Answer(answer(&asked)?, fault))
    }

    /// An answer that needs no model to speak; of the fault models, those count that act before an answer.
    fn look_up(
        &self,
        call: &Call<'_>,
        model: Option<&str>,
        answer: impl FnOnce() -> Result<String, ApiError>,
    ) -> Result<Outcome, ApiError> {
        match self.enter(call.dialect, model)? {
            Entry::Hang => Ok(Outcome::Hang),
            Entry::Open(_) => Ok(Outcome::Json(answer()?)),
        }
    }

    /// What the model's name decides before the request is looked at: whether there is such a model, and its faults.
    fn enter(&self, dialect: Dialect, model: Option<&str>) -> Result<Entry, ApiError> {
        // A missing or mistyped name is told with its place, when the request is read.
        let Some(model) = model else { return Ok(Entry::Open(None)) };
        if !dialect.serves(model) {
            return Err(dialect.unknown_model(model));
        }
        match Fault::of(model).map_err(|_| dialect.unknown_model(model))? {
            None => Ok(Entry::Open(None)),
            Some(Fault::Refuse(trouble)) => Err(dialect.trouble(trouble)),
            Some(Fault::Flaky(every)) if !self.state.flaky.works(every) => {
                Err(dialect.trouble(Trouble::Overloaded))
            }
            Some(Fault::Flaky(_)) => Ok(Entry::Open(None)),
            Some(Fault::Hang) => Ok(Entry::Hang),
            Some(Fault::Body(fault)) => Ok(Entry::Open(Some(fault))),
        }
    }

    fn sent(
        &self,
        answer: Answer,
        fault: Option<BodyFault>,
        dialect: Dialect,
        request_id: &str,
    ) -> Response<RelayBody> {
        let fault = fault.filter(|fault| *fault != BodyFault::NoUsage);
        let error = dialect.trouble(Trouble::Overloaded);
        let (content_type, steps) = match (answer, fault) {
            (Answer::Whole(body), None) => return json(full_body(body)),
            (Answer::Whole(body), Some(fault)) => {
                let steps = broken::whole(body, fault, || dialect.error_body(&error, request_id).into());
                return json(boxed_body(PacedBody::new(steps)));
            }
            (Answer::Stream(stream), None) => (stream.content_type, broken::unbroken(stream.events)),
            (Answer::Stream(stream), Some(fault)) => {
                (stream.content_type, broken::stream(stream, fault, &error, request_id))
            }
        };
        let pause = match fault {
            Some(BodyFault::Slow { pause }) => pause,
            _ => self.options.event_pause,
        };
        if pause.is_zero() {
            return ok(content_type, boxed_body(PacedBody::new(steps)));
        }
        let waits = (0..).map(|index| (index > 0).then_some(Step::Wait(pause)));
        let steps = waits.zip(steps).flat_map(|(wait, step)| wait.into_iter().chain([step]));
        ok(content_type, boxed_body(PacedBody::new(steps)))
    }
}

/// A request whose path is known.
struct Call<'r> {
    request: &'r Request<Payload>,
    dialect: Dialect,
    /// What stands before the API's own path: it tells accounts apart.
    prefix: &'r str,
    /// Who asks, when they logged in.
    holder: Option<Holder>,
    body: &'r Bytes,
}

impl<'r> Call<'r> {
    fn query(&self) -> Option<&'r str> {
        self.request.uri().query()
    }

    fn read(&self) -> Result<Value, ApiError> {
        if self.body.len() > MAX_BODY {
            return Err(ApiError::new(ErrorKind::RequestTooLarge, "Request exceeds the maximum size"));
        }
        let value: Value = serde_json::from_slice(self.body)
            .map_err(|error| ApiError::invalid(format!("The request body is not valid JSON: {error}")))?;
        if !value.is_object() {
            return Err(ApiError::invalid("The request body must be a JSON object"));
        }
        Ok(value)
    }

    /// Requests with different credentials or base paths come from different accounts, which share no prompt cache. Who
    /// logged in stays the same with each new token.
    fn scope(&self) -> Vec<u8> {
        if let Some(holder) = &self.holder {
            return ["signed in", &holder.subject, self.prefix].join("\n").into_bytes();
        }
        let headers = self.request.headers();
        let credential = CREDENTIALS.iter().filter_map(|name| headers.get(*name));
        let parts: Vec<_> = credential.map(HeaderValue::as_bytes).chain([self.prefix.as_bytes()]).collect();
        parts.join(&b'\n')
    }
}

/// What comes of a request that is not refused.
enum Outcome {
    Hang,
    Json(String),
    Answer(Answer, Option<BodyFault>),
}

/// Whether a model lets a request in.
enum Entry {
    Open(Option<BodyFault>),
    Hang,
}

fn named(body: &Value) -> Option<&str> {
    body.get("model").and_then(Value::as_str)
}

fn digest(request: &Request<Payload>, body: &Bytes) -> Sha256 {
    let uri = request.uri().to_string();
    Sha256::new().chain_update(request.method().as_str()).chain_update(uri).chain_update(body)
}

fn json(body: RelayBody) -> Response<RelayBody> {
    ok("application/json", body)
}

fn ok(content_type: &'static str, body: RelayBody) -> Response<RelayBody> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn with_request_id(
    mut response: Response<RelayBody>,
    dialect: Dialect,
    request_id: &str,
) -> Response<RelayBody> {
    let value = HeaderValue::from_str(request_id).expect("an id is letters, digits and dashes");
    response.headers_mut().insert(dialect.id_header(), value);
    response
}

const CREDENTIALS: [&str; 4] = ["x-api-key", "authorization", "x-goog-api-key", "api-key"];
/// Anthropic's limit for messages, held everywhere.
const MAX_BODY: usize = 32 << 20;
