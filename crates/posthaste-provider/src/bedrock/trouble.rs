//! What an error of Bedrock's means: the one table that verdict and advice read.
//!
//! Sources: <https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html> (checked 2026-11-26), recorded
//! answers of 2026-11-23, and the public reports that rows name.

use crate::AnswerHead;

/// A class of trouble, named for what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The model's own quota of requests or tokens a minute is used up; each model has its own.
    Throttled,
    /// The model's tokens of this day are used up.
    DayUsedUp,
    /// The account's quota is used up.
    QuotaUsedUp,
    /// The model is being loaded.
    NotReady,
    /// The region has too much to do.
    Overloaded,
    /// The keys are wrong, or have ended.
    KeysRefused,
    /// The API key is wrong, has ended, or is another region's.
    ApiKeyRefused,
    /// This machine's clock and AWS's disagree.
    ClockOff,
    /// The signature is for another region than the endpoint's.
    WrongRegion,
    /// The identity may not call the model, or the model was not opened for the AWS account.
    NotAllowed,
    /// The model's maker wants to know first what it is for.
    UseCaseMissing,
    /// The AWS account as a whole may not call Bedrock.
    AccountBlocked,
    /// The model answers only under the name of an inference profile.
    NeedsProfile,
    /// No such model here, or none any more.
    UnknownModel,
    /// The request itself is wrong.
    BadRequest,
    /// The model took too long, or failed.
    ModelFailed,
    /// Something else of AWS's failed.
    Failed,
    /// This is no answer of the API.
    NotTheApi,
}

impl Trouble {
    /// What it is called, for programs, where the verdict says too little.
    pub(super) const fn name(self) -> Option<&'static str> {
        match self {
            Self::ClockOff => Some("clock_skew"),
            Self::WrongRegion => Some("wrong_region"),
            Self::UseCaseMissing => Some("use_case_missing"),
            Self::AccountBlocked => Some("account_blocked"),
            Self::NeedsProfile => Some("needs_inference_profile"),
            Self::UnknownModel => Some("unknown_model"),
            _ => None,
        }
    }
}

/// Reads what went wrong; `None` where nothing did.
pub(super) fn read(answer: &AnswerHead<'_>) -> Option<Trouble> {
    let status = answer.status.as_u16();
    let kind = kind(answer);
    let message = answer.error.map(|error| error.message.as_str()).unwrap_or_default();
    let says = |words: &str| message.contains(words);
    let known = match kind.as_str() {
        // "Too many tokens per day, please wait before trying again."
        "throttling" if says("per day") => Trouble::DayUsedUp,
        "throttling" => Trouble::Throttled,
        "modelnotready" => Trouble::NotReady,
        "servicequotaexceeded" => Trouble::QuotaUsedUp,
        "serviceunavailable" => Trouble::Overloaded,
        // "Signature expired: 20150411T064107Z is now earlier than …", "Signature not yet current: … is still later than …"
        // (https://github.com/JuliaCloud/AWS.jl/issues/206, https://github.com/aws/aws-sdk-php/issues/537)
        _ if says("Signature expired") || says("Signature not yet current") => Trouble::ClockOff,
        // "Credential should be scoped to a valid region."
        _ if says("Credential should be scoped") => Trouble::WrongRegion,
        "unrecognizedclient"
        | "invalidclienttokenid"
        | "expiredtoken"
        | "requestexpired"
        | "invalidsignature"
        | "signaturedoesnotmatch"
        | "incompletesignature"
        | "missingauthenticationtoken" => Trouble::KeysRefused,
        // "Authentication failed: Please make sure your API Key is valid.", "Bearer Token has expired"
        // (https://github.com/ai4s-research/open-science/issues/53: also a key of another region)
        _ if status == 403 && (says("API Key") || says("Bearer Token")) => Trouble::ApiKeyRefused,
        "optinrequired" | "notauthorized" => Trouble::AccountBlocked,
        "accessdenied" | "badcscore" => Trouble::NotAllowed,
        // "Model use case details have not been submitted for this account."
        "ftuformnotfilled" => Trouble::UseCaseMissing,
        "resourcenotfound" if says("use case details") => Trouble::UseCaseMissing,
        // "This model version has reached the end of its life." (recorded)
        "resourcenotfound" => Trouble::UnknownModel,
        // "Invocation of model ID … with on-demand throughput isn’t supported."
        // (https://github.com/strands-agents/harness-sdk/issues/38)
        "validation" if says("on-demand throughput") => Trouble::NeedsProfile,
        // "The provided model identifier is invalid." (recorded)
        "validation" if says("model identifier is invalid") => Trouble::UnknownModel,
        // "Operation not allowed": AWS has not released the account (https://github.com/kirodotdev/Kiro/issues/11191).
        "validation" if message == "Operation not allowed" => Trouble::AccountBlocked,
        "validation" | "validationerror" | "malformedquerystring" => Trouble::BadRequest,
        "modeltimeout" | "modelerror" | "modelstreamerror" => Trouble::ModelFailed,
        "internalserver" | "internalfailure" => Trouble::Failed,
        // The same exceptions within a stream of Anthropic's events, in Anthropic's words.
        "rate_limit_error" => Trouble::Throttled,
        "overloaded_error" => Trouble::Overloaded,
        "timeout_error" => Trouble::ModelFailed,
        "invalid_request_error" => Trouble::BadRequest,
        _ => return by_status(answer, status),
    };
    Some(known)
}

/// Kinds that are not known, and answers without one.
fn by_status(answer: &AnswerHead<'_>, status: u16) -> Option<Trouble> {
    match status {
        200..=299 => answer.error.map(|_| Trouble::Failed),
        429 => Some(Trouble::Throttled),
        503 => Some(Trouble::Overloaded),
        // A firewall's page says nothing of the account.
        401 | 403 if answer.error.is_none() => Some(Trouble::NotTheApi),
        401 | 403 => Some(Trouble::KeysRefused),
        // A path that Bedrock does not know (`UnknownOperationException`) is a wrong base URL.
        404 => Some(Trouble::NotTheApi),
        // Too long in coming (408), or the model's server failed (424).
        408 | 424 => Some(Trouble::ModelFailed),
        400..=499 => Some(Trouble::BadRequest),
        500..=599 => Some(Trouble::Failed),
        _ => Some(Trouble::NotTheApi),
    }
}

/// The exception's name in lower case, less `Exception`: streams begin it with a small letter, headers with a capital one and
/// end it with a colon and a link.
fn kind(answer: &AnswerHead<'_>) -> String {
    let header = answer.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let told = header.or_else(|| answer.error.map(|error| error.kind.as_str())).unwrap_or_default();
    let name = told.split(':').next().unwrap_or_default().to_ascii_lowercase();
    name.strip_suffix("exception").map(str::to_owned).unwrap_or(name)
}
