#![doc = include_str!("../README.md")]

mod address;
mod anthropic;
mod auth;
mod azure_openai;
mod balance;
mod base_url;
mod bedrock;
mod compatible;
mod error;
mod fitting;
mod gemini;
mod headers;
mod openai;
mod owns;
mod path_segment;
mod plan_window;
mod preset;
mod registry;
mod reset;
mod resting;
mod rule;
mod sandbox;
mod settings;
mod shape;
mod table;
#[cfg(test)]
mod testing;

use http::{HeaderMap, StatusCode};
use posthaste_core::{
    Account, AccountSettings, Credential, Dialect, ModelName, Operation, Packing, Payload, PlanUse,
    ProviderKind, RateWindow, Timestamp, Verdict,
};
use posthaste_wire::{EditError, UpstreamError};
use settings::{Own, check_foreign};

pub use address::address_of;
pub use balance::{Balance, BalanceError, BalanceForm};
pub use base_url::{BaseUrl, BaseUrlError, check_base_url};
pub use error::PrepareError;
pub use fitting::Fitted;
pub use gemini::project::{ProjectError, ProjectSearch, ProjectStep};
pub use owns::owns;
pub use plan_window::PlanWindow;
pub use preset::{Preset, Rests, Site, preset, presets};
pub use registry::provider;
pub use rule::{ErrorRule, Means, Reset, rule_of};
pub use settings::SettingsError;

/// A vendor's adapter. It does no I/O and keeps no state.
pub trait Provider: Send + Sync {
    /// Which vendor.
    fn kind(&self) -> ProviderKind;

    /// The dialects in which the vendor serves a model, the preferred one first. Never empty.
    fn dialects(&self, model: &ModelName) -> &'static [Dialect];

    /// What the vendor calls a model that clients know by another name; `None` where it calls it the same.
    fn own_name(&self, account: &Account, model: &str) -> Option<ModelName> {
        let _ = (account, model);
        None
    }

    /// Where the API of an account stands whose operator gave no base URL, told by its other settings.
    ///
    /// # Errors
    /// When they do not tell: which one is needed.
    fn base_url(&self, settings: &AccountSettings) -> Result<String, SettingsError> {
        let _ = settings;
        Err(SettingsError::new("base_url", "is needed; give the address of the API"))
    }

    /// Checks an account's settings and how it presents its credential.
    ///
    /// # Errors
    /// When the vendor cannot do with them; the first that is wrong.
    fn check(&self, account: &Account) -> Result<(), SettingsError> {
        check_foreign(account, Own::Nothing)
    }

    /// Whether an account's settings and its credential let it do one of the vendor's operations in one of its dialects.
    fn speaks(&self, account: &Account, operation: Operation, dialect: Dialect) -> bool {
        let _ = (account, operation, dialect);
        true
    }

    /// Whether the vendor has an endpoint for `operation` in `dialect`.
    fn serves(&self, operation: Operation, dialect: Dialect) -> bool;

    /// How an account's bodies are packed. `client` is how the client packs them, where it speaks the same dialect.
    fn packing(&self, account: &Account, dialect: Dialect, client: Option<Packing>) -> Packing {
        let _ = (account, dialect, client);
        Packing::Plain
    }

    /// Whether an account answers an operation with streams alone.
    fn only_streams(&self, account: &Account, operation: Operation) -> bool {
        let _ = (account, operation);
        false
    }

    /// Whether a later request may go on from an answer of the account's by its id (`previous_response_id`).
    fn keeps_answers(&self, account: &Account) -> bool {
        let _ = account;
        true
    }

    /// Whether the account's project at the vendor has to be found out before it can be asked; see [`ProjectSearch`].
    fn seeks_project(&self, account: &Account) -> bool {
        let _ = account;
        false
    }

    /// Makes a body as the account's endpoint wants it, where that is pickier than its dialect.
    ///
    /// # Errors
    /// When the body is no JSON object.
    fn fit(&self, account: &Account, operation: Operation, body: Payload) -> Result<Fitted, EditError> {
        let _ = (account, operation);
        Ok(Fitted::as_it_is(body))
    }

    /// Shapes the request that goes out.
    ///
    /// # Errors
    /// When the account's settings or its credential cannot be written into a request, or the vendor has no such
    /// operation.
    fn prepare(&self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError>;

    /// Reads what an answer means. Called for error answers, and for an error event at the head of a stream.
    fn judge(&self, answer: &AnswerHead<'_>) -> Verdict;

    /// What an operator can do about an error answer, where the vendor's manners tell more than the verdict does.
    fn advise(&self, answer: &AnswerHead<'_>) -> Option<String> {
        let _ = answer;
        None
    }

    /// What an error answer is called, for programs, where the vendor's manners tell more than the verdict does.
    fn trouble(&self, answer: &AnswerHead<'_>) -> Option<&'static str> {
        let _ = answer;
        None
    }

    /// Reads what the rate-limit headers say about the tightest window; vendors without such headers tell nothing.
    fn limits(&self, headers: &HeaderMap, now: Timestamp) -> Option<RateWindow> {
        let _ = (headers, now);
        None
    }

    /// Reads what an answer says about the windows of the account's plan; vendors without plans tell nothing.
    fn plan_use(&self, headers: &HeaderMap, now: Timestamp) -> Vec<PlanUse> {
        let _ = (headers, now);
        Vec::new()
    }
}

/// What an account's upstream calls the client's model: what the account's own map says, else the vendor's own name for it.
pub fn upstream_model(account: &Account, model: &ModelName) -> ModelName {
    let mapped = account.model_map.upstream_name(model.as_str()).cloned();
    mapped
        .or_else(|| provider(account.provider).own_name(account, model.as_str()))
        .unwrap_or_else(|| model.clone())
}

/// The dialect in which an account is asked: the client's own where the account speaks it, else the one that it prefers;
/// `None` when it has no endpoint for the operation.
pub fn upstream_dialect(
    account: &Account,
    operation: Operation,
    client: Dialect,
    model: &ModelName,
) -> Option<Dialect> {
    let vendor = provider(account.provider);
    let spoken = match account.dialects.as_slice() {
        [] => vendor.dialects(model),
        own => own,
    };
    let serves =
        |dialect: &Dialect| vendor.serves(operation, *dialect) && vendor.speaks(account, operation, *dialect);
    let may_translate = matches!(operation, Operation::Chat | Operation::CountTokens);
    let same = spoken.iter().copied().find(|dialect| *dialect == client).filter(serves);
    same.or_else(|| spoken.iter().copied().find(serves).filter(|_| may_translate))
}

/// What goes out: everything that an adapter needs to know of one attempt.
#[derive(Debug)]
pub struct Outbound<'a> {
    /// Who is asked.
    pub account: &'a Account,
    /// The account's credential, if it has one.
    pub credential: Option<&'a Credential>,
    /// What is asked for.
    pub operation: Operation,
    /// The dialect of the body.
    pub dialect: Dialect,
    /// How the body is packed.
    pub packing: Packing,
    /// The model, as the upstream calls it.
    pub model: &'a ModelName,
    /// The client's headers; the adapter takes those that the vendor may see.
    pub client_headers: &'a HeaderMap,
    /// The client's query, without `?`.
    pub query: Option<&'a str>,
    /// Whether a stream is asked for.
    pub streamed: bool,
    /// Whether the body was translated from another dialect.
    pub translated: bool,
    /// The present moment, for signatures.
    pub now: Timestamp,
    /// The body.
    pub body: Payload,
}

impl Outbound<'_> {
    /// Where the API of the account stands, in the dialect of the body.
    pub(crate) fn address(&self) -> &str {
        address_of(self.account, self.credential, self.dialect)
    }
}

/// The head of an upstream's answer, as far as judging needs it.
#[derive(Clone, Copy, Debug)]
pub struct AnswerHead<'a> {
    /// Who was asked.
    pub account: &'a Account,
    /// For which model, as the upstream calls it.
    pub model: &'a ModelName,
    /// The dialect that was asked for.
    pub dialect: Dialect,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The error as the answer's dialect tells it, from the body or from an error event under a 200.
    pub error: Option<&'a UpstreamError>,
    /// The present moment, for reset times.
    pub now: Timestamp,
}
