//! Whether an account may be asked for a model.
//!
//! Names tell their vendor, as the price book knows. An account that lists a model, or maps it, serves it whatever it is
//! called; else a vendor's own API is asked for its own models alone. Compatible vendors, Azure's deployments and the
//! sandbox may call theirs anything.

use posthaste_core::{Account, ProviderKind};

use crate::bedrock;

/// Whether an account may be expected to know a model by this name. `owner` is the vendor that the name tells, by the name
/// of its price list; `None` for a name that tells nothing.
pub fn owns(account: &Account, model: &str, owner: Option<&str>) -> bool {
    let listed = !account.models.allow.is_empty() || account.model_map.upstream_name(model).is_some();
    listed || is_of(account.provider, model, owner)
}

fn is_of(provider: ProviderKind, model: &str, owner: Option<&str>) -> bool {
    let list = match provider {
        ProviderKind::Anthropic => "anthropic",
        ProviderKind::OpenAi => "openai",
        ProviderKind::Gemini => "gemini",
        // Its names are long and tell it; what it has under others' names is known.
        ProviderKind::Bedrock => return owner == Some("bedrock") || bedrock::knows(model),
        ProviderKind::AnthropicCompatible
        | ProviderKind::OpenAiCompatible
        | ProviderKind::AzureOpenAi
        | ProviderKind::Sandbox => return true,
    };
    owner.is_none_or(|owner| owner == list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::account;

    #[test]
    fn a_vendors_own_api_is_asked_for_its_own_models_and_for_nobodys() {
        let vendors = [
            (ProviderKind::Anthropic, "anthropic"),
            (ProviderKind::OpenAi, "openai"),
            (ProviderKind::Gemini, "gemini"),
            (ProviderKind::Bedrock, "bedrock"),
        ];
        for (vendor, list) in vendors {
            for owner in ["anthropic", "openai", "gemini", "bedrock", "deepseek"] {
                assert_eq!(is_of(vendor, "m", Some(owner)), owner == list, "{vendor} {owner}");
            }
            assert_eq!(is_of(vendor, "m", None), vendor != ProviderKind::Bedrock, "{vendor}");
        }
        assert!(is_of(ProviderKind::OpenAiCompatible, "m", Some("anthropic")));
    }

    #[test]
    fn bedrock_is_asked_for_the_models_that_it_calls_otherwise() {
        let account = account(ProviderKind::Bedrock, "bedrock");
        let owns = |model| owns(&account, model, Some("anthropic"));
        assert!(owns("claude-haiku-4-5") && owns("claude-opus-5"));
        assert!(!owns("claude-of-tomorrow"));
    }
}
