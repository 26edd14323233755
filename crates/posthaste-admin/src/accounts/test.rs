//! Trying an account out with one tiny real request.

mod events;
mod exchange;
mod project;
mod steps;

use bytes::Bytes;
use http::HeaderMap;
use posthaste_core::{
    Account, AccountId, CostBasis, Credential, Dialect, Egress, ModelName, NanoUsd, Operation, Packing,
    Payload, Surface, Transport, Usage, UsageSource,
};
use posthaste_metering::PriceBook;
use posthaste_provider::{Outbound, ProjectError, preset, provider, upstream_dialect, upstream_model};
use posthaste_translate::{Ask, Forgetful, Target, translate_request};
use posthaste_vault::{CredentialSource, VaultError, oauth::OAuthError};
use posthaste_wire::code_assist;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

pub use self::events::TestEvent;
pub(crate) use self::events::TestWatch;
pub(super) use self::exchange::Answer;
pub use self::steps::TestSteps;
use super::advice::{self, Finding};
use crate::{Admin, AdminError, input, prices};

/// What came of an account's test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// From the first step to the end of the answer.
    pub latency_ms: u64,
    /// How long each step took.
    #[serde(default)]
    pub steps: TestSteps,
    /// What the answer tells that it used, if it does. It is in nobody's books.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What that costs, in billionths of a dollar, where the model's price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_nano_usd: Option<NanoUsd>,
    /// What the trouble is called, for programs, if there is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// What went wrong, if something did.
    pub problem: Option<String>,
    /// What to do about it.
    pub advice: Option<String>,
}

/// A test under way.
struct Trial<'a> {
    admin: &'a Admin,
    account: &'a Account,
    model: &'a ModelName,
    surface: Surface,
    steps: TestSteps,
    usage: Option<Usage>,
}

pub(super) async fn test(
    admin: &Admin,
    account: &Account,
    model: Option<&str>,
) -> Result<TestReport, AdminError> {
    let model = model_to_ask(admin, account, model)?;
    let upstream_model = upstream_model(account, &model);
    let dialect = dialect(account, &upstream_model)?;
    let surface = Surface { dialect, packing: provider(account.provider).packing(account, dialect, None) };
    let mut trial =
        Trial { admin, account, model: &upstream_model, surface, steps: TestSteps::default(), usage: None };
    let begun = Instant::now();
    let (status, finding) = trial.run().await?;
    let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let Trial { steps, usage, .. } = trial;
    let cost_nano_usd = match &usage {
        Some(usage) => price(admin, account, &upstream_model, usage).await?,
        None => None,
    };
    let (state, problem, advice) = match finding {
        None => (None, None, None),
        Some(Finding { state, problem, advice }) => (Some(state.to_owned()), Some(problem), advice),
    };
    Ok(TestReport {
        account_id: account.id,
        account: account.name.clone(),
        model,
        upstream_model,
        ok: problem.is_none(),
        status,
        latency_ms,
        steps,
        usage,
        cost_nano_usd,
        state,
        problem,
        advice,
    })
}

impl Trial<'_> {
    /// The status, if there was an answer, and what is wrong, if anything is.
    async fn run(&mut self) -> Result<(Option<u16>, Option<Finding>), AdminError> {
        let begun = Instant::now();
        self.admin.test_watch().begun("credential");
        let credential = self.admin.credentials().credential(self.account).await;
        let took = steps::micros(begun.elapsed());
        self.steps.credential_us = Some(took);
        self.admin.test_watch().step("credential", took);
        let credential = match credential {
            Ok(credential) => credential,
            Err(VaultError::OAuth { error, .. }) => return Ok((None, Some(for_credential(&error)))),
            Err(error) => return Err(error.into()),
        };
        let egress = self.admin.credentials().egress(self.account).await?;
        let transport = &*self.admin.parts().transport;
        let project = match self.project(transport, credential.as_deref(), &egress).await {
            Ok(project) => project,
            Err(error) => return Ok((None, Some(project::finding(self.account, &error)))),
        };
        let request = self.request(credential.as_deref(), project.as_deref())?;
        let watch = self.admin.test_watch();
        let exchange =
            exchange::exchange(transport, (&egress, watch), request, self.surface, &mut self.steps);
        // What is dropped here ends at the upstream as well; a token that was being renewed before is kept.
        let answer = tokio::select! {
            answer = exchange => answer,
            () = watch.left() => {
                let what = "whoever watched the test has left: it was ended".to_owned();
                return Err(AdminError::Conflict { what });
            }
        };
        self.usage = answer.as_ref().ok().and_then(Answer::usage);
        Ok(match answer {
            Ok(answer) if answer.serves() => (Some(answer.head.status.as_u16()), None),
            Ok(answer) => {
                let now = self.admin.parts().clock.now();
                let finding = advice::for_answer(self.account, self.model, &answer, now);
                (Some(answer.head.status.as_u16()), Some(finding))
            }
            Err(error) => (None, Some(advice::for_transport(self.account, &error))),
        })
    }

    /// The project, with a look at the clock where the vendor is asked for it.
    async fn project(
        &mut self,
        transport: &dyn Transport,
        credential: Option<&Credential>,
        egress: &Egress,
    ) -> Result<Option<String>, ProjectError> {
        if !provider(self.account.provider).seeks_project(self.account) {
            return Ok(self.account.settings.project.clone());
        }
        let (begun, watch) = (Instant::now(), self.admin.test_watch());
        watch.begun("project");
        let found = project::sought(transport, self.account, credential, egress).await;
        let took = steps::micros(begun.elapsed());
        self.steps.project_us = Some(took);
        watch.step("project", took);
        found.map(Some)
    }

    fn request(
        &self,
        credential: Option<&Credential>,
        project: Option<&str>,
    ) -> Result<http::Request<Payload>, AdminError> {
        let Surface { dialect, packing } = self.surface;
        let body = json!({
            "model": self.model,
            "max_tokens": MAX_TOKENS,
            "stream": true,
            "messages": [{"role": "user", "content": "Say ok."}],
        });
        let body = in_dialect(self.account, dialect, self.model, body.to_string().into())?;
        let vendor = provider(self.account.provider);
        let fitted = vendor.fit(self.account, Operation::Chat, Payload::from(body));
        let body = fitted.map_err(|error| AdminError::invalid("account", error.to_string()))?.body;
        let body = if packing == Packing::CodeAssist {
            Payload::from(code_assist::wrap_request(self.model.as_str(), project, None, &body.to_bytes()))
        } else {
            body
        };
        let outbound = Outbound {
            account: self.account,
            credential,
            operation: Operation::Chat,
            dialect,
            packing,
            model: self.model,
            client_headers: &HeaderMap::new(),
            query: None,
            streamed: true,
            translated: true,
            now: self.admin.parts().clock.now(),
            body,
        };
        let prepared = vendor.prepare(&outbound);
        prepared.map_err(|error| AdminError::invalid("account", error.to_string()))
    }
}

/// What the upstream takes for it, as relays count; `None` for a model that nobody has a price for.
async fn price(
    admin: &Admin,
    account: &Account,
    model: &ModelName,
    usage: &Usage,
) -> Result<Option<NanoUsd>, AdminError> {
    let book = prices::current(admin).await?;
    // A test asks for models that nobody else does, so the book is not told of one that it does not know.
    let charge = book.recharge(account, model.as_str(), usage, (UsageSource::Reported, CostBasis::Priced));
    Ok(charge.map(|(cost, _)| account.scheduling.multiplier.of(cost)))
}

fn for_credential(error: &OAuthError) -> Finding {
    Finding { state: super::state(error), problem: error.to_string(), advice: Some(error.advice()) }
}

/// The model that is asked for: the named one; else one that the account lists; else the preset's, where a plan decides what
/// there is; else the cheapest that its provider offers; else one that many services know.
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
    let book = admin.book();
    let offered = book.models(account);
    let cheapest = offered
        .filter(|price| price.mode.is_conversation() && price.deprecated.is_none())
        .filter(|price| account.serves(price.model.as_str()))
        .min_by_key(|price| cost(&book, account, price.model.as_str()))
        .map(|price| price.model.as_str());
    let of_plan =
        preset(&account.preset.0).and_then(|preset| preset.test_model).filter(|name| account.serves(name));
    match plain.or(of_plan).or(cheapest).or(Some(WIDELY_KNOWN)).filter(|name| account.serves(name)) {
        Some(name) => input::model("model", name),
        None => {
            let message = format!("which model? account `{}` names none but by pattern", account.name);
            Err(AdminError::invalid("model", message))
        }
    }
}

fn cost(book: &PriceBook, account: &Account, model: &str) -> NanoUsd {
    let usage = Usage { input: PROMPT_TOKENS, output: u64::from(MAX_TOKENS), ..Usage::default() };
    book.charge(account.provider, model, &usage, UsageSource::Reported).cost
}

/// The dialect to ask in. Where a vendor has Converse it serves every model, and its bodies need no packing.
fn dialect(account: &Account, model: &ModelName) -> Result<Dialect, AdminError> {
    upstream_dialect(account, Operation::Chat, Dialect::BedrockConverse, model)
        .ok_or_else(|| AdminError::invalid("account", "has no endpoint for conversations"))
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
        stream: true,
        id: Uuid::nil(),
        now: account.created_at,
        memory: &Forgetful,
    })
    .map(|translated| translated.body)
    .map_err(|error| AdminError::invalid("account", error.to_string()))
}

/// A tiny answer, yet enough for a model that thinks before it speaks to come to an end.
const MAX_TOKENS: u32 = 16;
const PROMPT_TOKENS: u64 = 10;
/// Services that speak the dialect commonly map this name when they do not have the model.
const WIDELY_KNOWN: &str = "claude-haiku-4-5";
