//! Where an account's API stands.

use posthaste_core::{AccessToken, Account, AuthForm, Credential, Dialect, ProviderKind};

use crate::preset;

/// Where the API of an account stands, in one of its dialects.
///
/// A base URL that an operator chose holds. The preset's own gives way, for an account that is logged in, to where its
/// token says (`resource_url` of Qwen), else to where the vendor serves those who are logged in.
pub fn address_of<'a>(account: &'a Account, credential: Option<&'a Credential>, dialect: Dialect) -> &'a str {
    let own = account.base_url_of(dialect);
    if account.auth != AuthForm::OAuth {
        return own;
    }
    let Some(preset) = preset(&account.preset.0).filter(|preset| preset.has_base_url(own)) else {
        return own;
    };
    match credential {
        Some(Credential::Token(AccessToken { facts, .. })) if facts.base_url.is_some() => {
            let told = facts.base_url.as_deref().unwrap_or(own);
            // The sandbox's base URLs have no version in them.
            if account.provider == ProviderKind::Sandbox { told.trim_end_matches("/v1") } else { told }
        }
        _ => preset.oauth_base_url.unwrap_or(own),
    }
}

#[cfg(test)]
mod tests {
    use posthaste_core::{Secret, TokenFacts};

    use super::*;
    use crate::testing::account;

    fn address(
        provider: ProviderKind,
        preset: &str,
        auth: AuthForm,
        base_url: &str,
        told: Option<&str>,
    ) -> String {
        let mut account = account(provider, preset);
        account.auth = auth;
        account.base_url = base_url.to_owned();
        let facts = TokenFacts { base_url: told.map(str::to_owned), ..TokenFacts::default() };
        let token = AccessToken { secret: Secret::new("dummy"), expires_at: None, facts };
        address_of(&account, Some(&Credential::Token(token)), Dialect::OpenAiChat).to_owned()
    }

    #[test]
    fn a_token_tells_where_it_may_be_used() {
        let (kind, own, told) =
            (ProviderKind::OpenAiCompatible, "https://portal.qwen.ai/v1", "https://api.example.com/v1");
        let qwen = |base_url, told| address(kind, "qwen", AuthForm::OAuth, base_url, told);
        assert_eq!(qwen(own, Some(told)), told);
        assert_eq!(qwen(own, None), own);
        assert_eq!(qwen("https://mine.example.com/v1", Some(told)), "https://mine.example.com/v1");
    }

    #[test]
    fn those_who_are_logged_in_go_elsewhere() {
        let (api, plan) = ("https://api.openai.com/v1", "https://chatgpt.com/backend-api/codex");
        let openai = |auth, base_url| address(ProviderKind::OpenAi, "openai", auth, base_url, None);
        assert_eq!(openai(AuthForm::OAuth, api), plan);
        assert_eq!(openai(AuthForm::Bearer, api), api);
        assert_eq!(openai(AuthForm::OAuth, "http://127.0.0.1:9"), "http://127.0.0.1:9");
    }
}
