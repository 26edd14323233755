//! What an operator sets of an account at Azure.

use posthaste_core::{Account, AccountSettings, AuthForm};

use crate::settings::{Own, SettingsError, check_foreign};

pub(super) fn check(account: &Account) -> Result<(), SettingsError> {
    check_foreign(account, Own::Azure)?;
    if let Some(version) = &account.settings.api_version
        && !is_version(version)
    {
        let message = format!(
            "`{}` is no API version; give a dated one such as 2024-10-21 or 2025-04-01-preview, or leave it out for the v1 \
             API",
            version.escape_debug()
        );
        return Err(SettingsError::new("api_version", message));
    }
    match account.auth {
        AuthForm::ApiKey | AuthForm::Bearer | AuthForm::Entra => Ok(()),
        _ => {
            let message =
                "Azure takes the resource's key (api-key), a token (bearer) or an Entra application (entra)";
            Err(SettingsError::new("auth", message))
        }
    }
}

/// Whether the account's form of the API has Responses.
pub(super) fn has_responses(settings: &AccountSettings) -> bool {
    settings.api_version.as_deref().is_none_or(|version| version >= FIRST_WITH_RESPONSES)
}

/// A day, also of a preview.
fn is_version(text: &str) -> bool {
    let day = text.strip_suffix("-preview").unwrap_or(text);
    day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok()
}

/// "Azure OpenAI Responses API is enabled only for api-version 2025-03-01-preview and later."
/// (<https://github.com/openai/openai-agents-python/issues/663>)
const FIRST_WITH_RESPONSES: &str = "2025-03-01";

#[cfg(test)]
mod tests {
    use posthaste_core::ProviderKind;
    use rstest::rstest;

    use super::*;
    use crate::testing::account;

    fn with(auth: AuthForm, version: Option<&str>) -> Account {
        let mut account = account(ProviderKind::AzureOpenAi, "azure-openai");
        account.auth = auth;
        account.settings.api_version = version.map(str::to_owned);
        account
    }

    #[rstest]
    #[case(AuthForm::ApiKey, None)]
    #[case(AuthForm::Bearer, Some("2024-10-21"))]
    #[case(AuthForm::Entra, Some("2025-04-01-preview"))]
    fn good_settings_pass(#[case] auth: AuthForm, #[case] version: Option<&str>) {
        assert_eq!(check(&with(auth, version)), Ok(()));
    }

    #[test]
    fn bad_settings_name_their_field() {
        for version in
            ["v1", "preview", "2024-13-21", "2024-10-21&x=1", "2024-10-21 ", "20241021", "24-10-21"]
        {
            let error = check(&with(AuthForm::ApiKey, Some(version))).unwrap_err();
            assert_eq!(error.field, "api_version", "{version}");
        }
        for auth in [AuthForm::XApiKey, AuthForm::AwsKeys, AuthForm::None] {
            assert_eq!(check(&with(auth, None)).unwrap_err().field, "auth", "{auth:?}");
        }
        let mut account = with(AuthForm::ApiKey, None);
        account.settings.region = Some("us-east-1".to_owned());
        assert_eq!(check(&account).unwrap_err().field, "region");
    }

    #[rstest]
    #[case(None, true)]
    #[case(Some("2024-10-21"), false)]
    #[case(Some("2025-03-01-preview"), true)]
    #[case(Some("2025-04-01-preview"), true)]
    #[case(Some("2024-12-01-preview"), false)]
    fn older_versions_have_no_responses(#[case] version: Option<&str>, #[case] has: bool) {
        assert_eq!(has_responses(&with(AuthForm::ApiKey, version).settings), has);
    }
}
