//! What Azure adds to OpenAI's dialects: its content filter's fields and its errors
//! (<https://learn.microsoft.com/azure/ai-foundry/openai/reference>).

use serde::Serialize;

use crate::error::{ApiError, ErrorKind, Trouble};

/// What the filter found in an answer.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Filtered {
    hate: Severity,
    self_harm: Severity,
    sexual: Severity,
    violence: Severity,
}

impl Filtered {
    /// Nothing of concern, as always here.
    pub(crate) const fn nothing() -> Self {
        let safe = Severity { filtered: false, severity: "safe" };
        Self { hate: safe, self_harm: safe, sexual: safe, violence: safe }
    }
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Severity {
    filtered: bool,
    severity: &'static str,
}

/// What the filter found in a prompt.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct PromptFiltered {
    prompt_index: u32,
    content_filter_results: PromptFindings,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct PromptFindings {
    #[serde(flatten)]
    content: Filtered,
    jailbreak: Detected,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Detected {
    filtered: bool,
    detected: bool,
}

impl PromptFiltered {
    pub(crate) const fn nothing() -> Self {
        let jailbreak = Detected { filtered: false, detected: false };
        Self {
            prompt_index: 0,
            content_filter_results: PromptFindings { content: Filtered::nothing(), jailbreak },
        }
    }
}

/// What the filter found, as Responses tell it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct ContentFilter {
    blocked: bool,
    source_type: &'static str,
    content_filter_raw: (),
    content_filter_results: Filtered,
}

impl ContentFilter {
    /// Nothing of concern in a prompt or a completion.
    pub(crate) const fn of(source_type: &'static str) -> Self {
        let content_filter_results = Filtered::nothing();
        Self { blocked: false, source_type, content_filter_raw: (), content_filter_results }
    }
}

/// The refusal of a prompt that the filter does not let in.
pub(crate) fn filtered() -> ApiError {
    let message = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. \
                   Please modify your prompt and retry.";
    ApiError::invalid(message).about("prompt").coded(CONTENT_FILTER)
}

/// The vendor's words for what a fault model asks for.
pub(crate) fn of(trouble: Trouble) -> ApiError {
    match trouble {
        Trouble::BadKey => ApiError::new(
            ErrorKind::Authentication,
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for \
             an active subscription and use a correct regional API endpoint for your resource.",
        )
        .coded("401"),
        Trouble::Forbidden => {
            ApiError::new(ErrorKind::Permission, "Access denied due to Virtual Network/Firewall rules.").coded("403")
        }
        Trouble::RateLimited { retry_after } => {
            let message = format!(
                "Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded token rate limit \
                 of your current AIServices S0 pricing tier. Please retry after {} seconds.",
                retry_after.unwrap_or(1)
            );
            ApiError { retry_after, ..ApiError::new(ErrorKind::RateLimit, message).coded("429") }
        }
        Trouble::Internal => {
            ApiError::new(ErrorKind::Api, "The server had an error processing your request.").coded("InternalServerError")
        }
        Trouble::TimedOut => {
            ApiError::new(ErrorKind::Timeout, "The operation was timeout.").coded("Timeout")
        }
        Trouble::Overloaded => {
            ApiError::new(ErrorKind::Overloaded, "The service is temporarily unable to process your request.")
                .coded("ServiceUnavailable")
        }
        Trouble::ContextTooLong | Trouble::NoCredit => crate::openai::error::of(trouble),
    }
}

/// The error for a deployment that does not exist.
pub(crate) fn no_deployment() -> ApiError {
    let message = "The API deployment for this resource does not exist. If you created the deployment within the last 5 \
                   minutes, please wait a moment and try again.";
    ApiError::new(ErrorKind::NotFound, message).coded("DeploymentNotFound")
}

/// The error for a path that is none of the service's.
pub(crate) fn no_resource() -> ApiError {
    ApiError::new(ErrorKind::NotFound, "Resource not found").coded("404")
}

/// The body of an answer with this error. What the model behind the service says has OpenAI's fields, what the service
/// itself says has a code and a message.
pub(crate) fn body(error: &ApiError) -> String {
    if error.code == Some(CONTENT_FILTER) {
        return to_json(&Body { error: FilterError::of(error) });
    }
    let own = error.kind != ErrorKind::InvalidRequest && error.kind != ErrorKind::Billing;
    match error.code {
        Some(code) if own => to_json(&Body { error: OwnError { code, message: &error.message } }),
        _ => crate::openai::error::body(error),
    }
}

fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("strings become JSON")
}

#[derive(Serialize)]
struct Body<E> {
    error: E,
}

#[derive(Serialize)]
struct OwnError<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct FilterError<'a> {
    message: &'a str,
    r#type: (),
    param: Option<&'a str>,
    code: &'static str,
    status: u16,
    innererror: InnerError,
}

impl<'a> FilterError<'a> {
    fn of(error: &'a ApiError) -> Self {
        let found =
            Filtered { violence: Severity { filtered: true, severity: "medium" }, ..Filtered::nothing() };
        Self {
            message: &error.message,
            r#type: (),
            param: error.param.as_deref(),
            code: CONTENT_FILTER,
            status: 400,
            innererror: InnerError { code: "ResponsibleAIPolicyViolation", content_filter_result: found },
        }
    }
}

#[derive(Serialize)]
struct InnerError {
    code: &'static str,
    content_filter_result: Filtered,
}

const CONTENT_FILTER: &str = "content_filter";
