//! Whose model a name is.
//!
//! Names tell their vendor. An account that lists a model, or maps it, serves it whatever it is called; else a vendor's own
//! API is asked for its own models alone. Compatible vendors, Azure's deployments and the sandbox may call theirs anything.

use posthaste_core::{Account, ProviderKind};

use crate::bedrock;

/// Whether an account may be expected to know a model by this name.
pub fn owns(account: &Account, model: &str) -> bool {
    let listed = !account.models.allow.is_empty() || account.model_map.upstream_name(model).is_some();
    listed || is_of(account.provider, model.strip_prefix("models/").unwrap_or(model))
}

fn is_of(provider: ProviderKind, model: &str) -> bool {
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| model.starts_with(beginning));
    match provider {
        ProviderKind::Anthropic => !begins(&OPENAI) && !begins(&GOOGLE) && !is_bedrock(model),
        ProviderKind::OpenAi => {
            begins(&OPENAI) || !begins(&ANTHROPIC) && !begins(&GOOGLE) && !is_bedrock(model)
        }
        ProviderKind::Gemini => !begins(&OPENAI) && !begins(&ANTHROPIC) && !is_bedrock(model),
        ProviderKind::Bedrock => is_bedrock(model) || bedrock::knows(model),
        ProviderKind::AnthropicCompatible
        | ProviderKind::OpenAiCompatible
        | ProviderKind::AzureOpenAi
        | ProviderKind::Sandbox => true,
    }
}

/// Names as `vendor.model-version:0`, and the addresses of profiles
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html>, checked 2026-11-23).
fn is_bedrock(model: &str) -> bool {
    const VENDORS: [&str; 10] = [
        "anthropic",
        "amazon",
        "meta",
        "mistral",
        "cohere",
        "ai21",
        "deepseek",
        "openai",
        "qwen",
        "stability",
    ];
    model.starts_with("arn:aws")
        || model.split('.').take(2).any(|part| VENDORS.contains(&part)) && model.contains('.')
}

const ANTHROPIC: [&str; 1] = ["claude"];
const OPENAI: [&str; 9] =
    ["gpt-", "o1", "o3", "o4", "chatgpt-", "text-embedding-3", "text-embedding-ada", "dall-e", "codex-"];
const GOOGLE: [&str; 4] = ["gemini", "gemma", "imagen", "text-embedding-00"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::testing::account;

    #[rstest]
    #[case("claude-of-tomorrow", ProviderKind::Anthropic)]
    #[case("gpt-5.4", ProviderKind::OpenAi)]
    #[case("o3-mini", ProviderKind::OpenAi)]
    #[case("gemini-3-pro", ProviderKind::Gemini)]
    #[case("us.anthropic.claude-x-v1:0", ProviderKind::Bedrock)]
    #[case("amazon.nova-lite-v1:0", ProviderKind::Bedrock)]
    fn a_name_tells_its_vendor(#[case] model: &str, #[case] owner: ProviderKind) {
        let vendors =
            [ProviderKind::Anthropic, ProviderKind::OpenAi, ProviderKind::Gemini, ProviderKind::Bedrock];
        for vendor in vendors {
            assert_eq!(is_of(vendor, model), vendor == owner, "{vendor}");
        }
        assert!(is_of(ProviderKind::OpenAiCompatible, model));
    }

    #[test]
    fn bedrock_is_asked_for_the_models_that_it_calls_otherwise() {
        let account = account(ProviderKind::Bedrock, "bedrock");
        assert!(owns(&account, "claude-haiku-4-5") && owns(&account, "claude-opus-5"));
        assert!(!owns(&account, "claude-of-tomorrow") && !owns(&account, "gpt-5.4"));
    }

    #[test]
    fn a_name_that_tells_nothing_is_anybodys_but_bedrocks() {
        assert!(is_of(ProviderKind::Anthropic, "mine") && is_of(ProviderKind::OpenAi, "mine"));
        assert!(!is_of(ProviderKind::Bedrock, "mine"));
    }
}
