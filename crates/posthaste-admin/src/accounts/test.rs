//! Trying an account out with one tiny real request.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::{BodyExt, Limited};
use posthaste_core::{
    Account, AccountId, Dialect, Egress, ModelName, NanoUsd, Operation, Packing, Payload, RelayBody,
    TimeoutGuard, TransportError, Usage, UsageSource,
};
use posthaste_provider::{Outbound, preset, provider, upstream_dialect, upstream_model};
use posthaste_translate::{Ask, Forgetful, Target, translate_request};
use posthaste_vault::CredentialSource;
use posthaste_wire::read_whole;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::advice;
use crate::{Admin, AdminError, input};

/// What came of an account's test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// Which account.
    pub account_id: AccountId,
    /// Its name.
    pub account: String,
    /// The model as a client would name it.
    pub model: ModelName,
    /// The model that the upstream was asked for.
    pub upstream_model: ModelName,
    /// Whether the account can serve.
    pub ok: bool,
    /// The upstream's status, if a head came.
    pub status: Option<u16>,
    /// From the request to the whole answer.
    pub latency_ms: u64,
    /// What went wrong, if something did.
    pub problem: Option<String>,
    /// What to do about it.
    pub advice: Option<String>,
}

/// An upstream's whole answer.
pub(super) struct Answer {
    pub(super) head: http::response::Parts,
    pub(super) body: Bytes,
}

pub(super) async fn test(
    admin: &Admin,
    account: &Account,
    model: Option<&str>,
) -> Result<TestReport, AdminError> {
    let model = model_to_ask(admin, account, model)?;
    let upstream_model = upstream_model(account, &model);
    let dialect = dialect(account, &upstream_model)?;
    let request = request(admin, account, dialect, &upstream_model).await?;
    let begun = Instant::now();
    let egress = admin.credentials().egress(account).await?;
    let answer = ask(admin, &egress, request).await;
    let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status = answer.as_ref().ok().map(|answer| answer.head.status.as_u16());
    let ok = answer.as_ref().is_ok_and(|answer| serves(dialect, answer));
    let (problem, advice) = match &answer {
        _ if ok => (None, None),
        Ok(answer) => {
            advice::for_answer(account, dialect, &upstream_model, answer, admin.parts().clock.now())
        }
        Err(error) => advice::for_transport(account, error),
    };
    Ok(TestReport {
        account_id: account.id,
        account: account.name.clone(),
        model,
        upstream_model,
        ok,
        status,
        latency_ms,
        problem,
        advice,
    })
}

/// The model that is asked for: the named one; else one that the account lists; else the cheapest that its provider
/// offers; else one that many services know.
fn model_to_ask(admin: &Admin, account: &Account, named: Option<&str>) -> Result<ModelName, AdminError> {
    if let Some(name) = named {
        let model = input::model("model", name)?;
        if !account.serves(name) {
            let message =
                format!("account `{}` does not serve `{model}` by its own model rules", account.name);
            return Err(AdminError::invalid("model", message));
        }
        return Ok(model);
    }
    let listed = account.models.allow.iter().map(|pattern| pattern.as_str());
    let mapped = account.model_map.0.iter().map(|(pattern, _)| pattern.as_str());
    let plain = listed.chain(mapped).find(|name| !name.contains('*') && account.serves(name));
    let offered = admin.parts().prices.models(account.provider);
    let cheapest = offered
        .filter(|price| account.serves(price.model.as_str()) && price.deprecated.is_none())
        .min_by_key(|price| cost(admin, account, price.model.as_str()))
        .map(|price| price.model.as_str());
    match plain.or(cheapest).or(Some(WIDELY_KNOWN)).filter(|name| account.serves(name)) {
        Some(name) => input::model("model", name),
        None => {
            let message = format!("which model? account `{}` names none but by pattern", account.name);
            Err(AdminError::invalid("model", message))
        }
    }
}

fn cost(admin: &Admin, account: &Account, model: &str) -> NanoUsd {
    let usage = Usage { input: PROMPT_TOKENS, output: u64::from(MAX_TOKENS), ..Usage::default() };
    admin.parts().prices.charge(account.provider, model, &usage, UsageSource::Reported).cost
}

/// The dialect to ask in. Where a vendor has Converse it serves every model, and its bodies need no packing.
fn dialect(account: &Account, model: &ModelName) -> Result<Dialect, AdminError> {
    upstream_dialect(account, Operation::Chat, Dialect::BedrockConverse, model)
        .ok_or_else(|| AdminError::invalid("account", "has no endpoint for conversations"))
}

async fn request(
    admin: &Admin,
    account: &Account,
    dialect: Dialect,
    model: &ModelName,
) -> Result<http::Request<Payload>, AdminError> {
    let credential = admin.credentials().credential(account).await?;
    let body = json!({
        "model": model,
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": "Say ok."}],
    });
    let outbound = Outbound {
        account,
        credential: credential.as_deref(),
        operation: Operation::Chat,
        dialect,
        packing: Packing::Plain,
        model,
        client_headers: &HeaderMap::new(),
        query: None,
        streamed: false,
        translated: true,
        now: admin.parts().clock.now(),
        body: Payload::from(in_dialect(account, dialect, model, body.to_string().into())?),
    };
    let prepared = provider(account.provider).prepare(&outbound);
    prepared.map_err(|error| AdminError::invalid("account", error.to_string()))
}

async fn ask(
    admin: &Admin,
    egress: &Egress,
    request: http::Request<Payload>,
) -> Result<Answer, TransportError> {
    let exchange = async { read(admin.parts().transport.send(request, egress).await?).await };
    let too_late = |_| TransportError::Timeout { guard: TimeoutGuard::Head, after: PATIENCE };
    timeout(PATIENCE, exchange).await.map_err(too_late)?
}

async fn read(response: Response<RelayBody>) -> Result<Answer, TransportError> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(TransportError::Broken)?;
    Ok(Answer { head, body: body.to_bytes() })
}

/// The question, which is written in Anthropic's dialect, in the account's.
fn in_dialect(
    account: &Account,
    dialect: Dialect,
    model: &ModelName,
    question: Bytes,
) -> Result<Bytes, AdminError> {
    if dialect == Dialect::AnthropicMessages {
        return Ok(question);
    }
    let variant = preset(&account.preset.0).map(|preset| preset.chat).unwrap_or_default();
    let target = Target { dialect, account: Some(account.id), variant };
    translate_request(&Ask {
        from: Dialect::AnthropicMessages,
        to: &target,
        operation: Operation::Chat,
        body: &question,
        model,
        upstream_model: model,
        stream: false,
        id: Uuid::nil(),
        now: account.created_at,
        memory: &Forgetful,
    })
    .map(|translated| translated.body)
    .map_err(|error| AdminError::invalid("account", error.to_string()))
}

fn serves(dialect: Dialect, answer: &Answer) -> bool {
    answer.head.status.is_success()
        && read_whole(dialect, &answer.body).is_ok_and(|whole| whole.error.is_none())
}

/// A tiny answer, yet enough for a model that thinks before it speaks to come to an end.
const MAX_TOKENS: u32 = 16;
const PROMPT_TOKENS: u64 = 10;
const MAX_ANSWER: usize = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(60);
/// Services that speak the dialect commonly map this name when they do not have the model.
const WIDELY_KNOWN: &str = "claude-haiku-4-5";
