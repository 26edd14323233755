//! What an operator can do about an error.

use super::trouble::{self, Trouble};
use crate::{AnswerHead, reset::text};

pub(super) fn advise(answer: &AnswerHead<'_>) -> Option<String> {
    let account = answer.account;
    let (name, base_url, model) = (&account.name, &account.base_url, answer.model);
    Some(match trouble::read(answer)? {
        Trouble::Filtered => {
            "the content filter stopped the prompt: the account is in order; the filter's strictness is set at the \
             deployment"
                .to_owned()
        }
        Trouble::Throttled => {
            let region = text(answer.headers, "x-ms-region").map(|region| format!(" in {region}"));
            format!(
                "the quota of deployment `{model}`{} is used up for now: raise its tokens per minute in Azure, or add a \
                 deployment in another region",
                region.unwrap_or_default()
            )
        }
        Trouble::NoDeployment => format!(
            "{base_url} has no deployment `{model}`: map clients' names to your deployments, such as posthaste accounts \
             update {name} --map '{model}=DEPLOYMENT'; a new deployment needs up to five minutes"
        ),
        Trouble::NoSuchPath => match &account.settings.api_version {
            Some(version) => format!(
                "{base_url} does not know the path at api-version {version}: check the base URL (the resource's endpoint \
                 alone), and try a newer --api-version, or none for the v1 API (--api-version '')"
            ),
            None => format!(
                "{base_url} does not know the path: check the base URL (the resource's endpoint alone); a resource without \
                 the v1 API wants --api-version 2024-10-21"
            ),
        },
        Trouble::OldVersion => format!(
            "the API version is too old for this: posthaste accounts update {name} --api-version 2025-04-01-preview, or '' for \
             the v1 API"
        ),
        Trouble::WrongOperation => format!(
            "the deployment `{model}` is of a model that cannot do this: name another with --model, and map clients' names \
             with --map"
        ),
        Trouble::KeyRefused => format!(
            "the key is not accepted: check that it is one of the two of {base_url} (a key belongs to one resource), then \
             posthaste accounts update {name} --api-key -"
        ),
        Trouble::RoleMissing => format!(
            "the Entra identity has no role at the resource: give it `Cognitive Services OpenAI User` at {base_url}; roles \
             need up to five minutes"
        ),
        Trouble::KeysOff => format!(
            "the resource takes no keys: give an Entra application instead, posthaste accounts update {name} --auth entra"
        ),
        Trouble::FirewalledOff => {
            "the resource's network rules keep the relay out: allow its address under Networking at the resource, or give the \
             account a proxy that may"
                .to_owned()
        }
    })
}
