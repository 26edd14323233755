//! What is Azure's own among the errors; OpenAI's table has the rest.
//!
//! Sources: <https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota>,
//! <https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter> (checked 2026-11-26), recorded answers of
//! 2026-11-23, and the public reports that rows name.

use crate::AnswerHead;

/// A class of trouble, named for what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The content filter stopped the prompt.
    Filtered,
    /// The deployment's tokens or requests of this minute are used up, or those of a trial's day.
    Throttled,
    /// The resource has no such deployment.
    NoDeployment,
    /// The resource has no such path, or the path not at this version.
    NoSuchPath,
    /// The version is too old for what was asked for.
    OldVersion,
    /// The deployment's model cannot do what was asked for.
    WrongOperation,
    /// The key or the token is refused.
    KeyRefused,
    /// The Entra identity lacks a role at the resource.
    RoleMissing,
    /// The resource takes no keys.
    KeysOff,
    /// The resource's network rules keep the relay out.
    FirewalledOff,
}

/// Reads what went wrong; `None` for what OpenAI's table knows.
pub(super) fn read(answer: &AnswerHead<'_>) -> Option<Trouble> {
    let error = answer.error?;
    // Azure's codes stand in `code`, seldom in `type`.
    let is = |word: &str| error.code.as_deref() == Some(word) || error.kind == word;
    let says = |words: &str| error.message.contains(words);
    Some(match answer.status.as_u16() {
        // `{"error":{"code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}` (recorded)
        _ if is("content_filter") || is("ResponsibleAIPolicyViolation") => Trouble::Filtered,
        // "Azure OpenAI Responses API is enabled only for api-version 2025-03-01-preview and later"
        // (https://github.com/openai/openai-agents-python/issues/663)
        400 if says("enabled only for api-version") || says("API version not supported") => {
            Trouble::OldVersion
        }
        // "The chatCompletion operation does not work with the specified model, text-embedding-3-small."
        400 if is("OperationNotSupported") => Trouble::WrongOperation,
        // "The principal `…` lacks the required data action `Microsoft.CognitiveServices/…` to perform …"
        401 | 403 if is("PermissionDenied") || says("lacks the required data action") => Trouble::RoleMissing,
        // "Key based authentication is disabled for this resource."
        403 if is("AuthenticationTypeDisabled") || says("authentication is disabled") => Trouble::KeysOff,
        // "Access denied due to Virtual Network/Firewall rules."
        403 if says("Firewall") || says("Virtual Network") || says("Public access is disabled") => {
            Trouble::FirewalledOff
        }
        // "Access denied due to invalid subscription key or wrong API endpoint." (recorded)
        401 => Trouble::KeyRefused,
        // "The API deployment for this resource does not exist." (recorded)
        404 if is("DeploymentNotFound") => Trouble::NoDeployment,
        // "Resource not found": the path, or the version of it
        404 if is("404") || says("Resource not found") => Trouble::NoSuchPath,
        // "… have exceeded token rate limit of your current … pricing tier. Please retry after 86400 seconds." (recorded)
        429 if !is("insufficient_quota") => Trouble::Throttled,
        _ => return None,
    })
}
