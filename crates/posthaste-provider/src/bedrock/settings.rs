//! What an operator sets of an account at Bedrock.

use posthaste_core::{Account, AccountSettings, AuthForm};

use super::region::{contradiction, endpoint, is_region, region_of};
use crate::settings::{Own, SettingsError, check_foreign};

/// The endpoint of the region that was given.
pub(super) fn base_url(settings: &AccountSettings) -> Result<String, SettingsError> {
    let Some(region) = &settings.region else {
        return Err(SettingsError::new(
            "region",
            "is needed; give the AWS region, such as us-east-1, or the --base-url of an endpoint of your own",
        ));
    };
    check_region(region)?;
    Ok(endpoint(region))
}

pub(super) fn check(account: &Account) -> Result<(), SettingsError> {
    check_foreign(account, Own::Aws)?;
    let settings = &account.settings;
    if let Some(region) = &settings.region {
        check_region(region)?;
    }
    if let Some(named) = contradiction(settings, &account.base_url) {
        let message =
            format!("the base URL is the endpoint of {named}; give one of the two, or make them agree");
        return Err(SettingsError::new("region", message));
    }
    match account.auth {
        AuthForm::Bearer | AuthForm::AwsKeys | AuthForm::AwsChain => {}
        _ => {
            let message =
                "Bedrock takes a Bedrock API key (bearer), AWS keys (aws-keys) or the machine's (aws-chain)";
            return Err(SettingsError::new("auth", message));
        }
    }
    if settings.profile.is_some() && account.auth != AuthForm::AwsChain {
        let message =
            "a profile belongs to the machine's AWS keys; give --auth aws-chain with it, or leave it out";
        return Err(SettingsError::new("profile", message));
    }
    if account.auth != AuthForm::Bearer && region_of(account).is_none() {
        let message = "is needed, since requests are signed for a region and the base URL names none";
        return Err(SettingsError::new("region", message));
    }
    Ok(())
}

fn check_region(region: &str) -> Result<(), SettingsError> {
    if is_region(region) {
        return Ok(());
    }
    let message =
        format!("`{}` is no AWS region; give one such as us-east-1 or eu-central-1", region.escape_debug());
    Err(SettingsError::new("region", message))
}

#[cfg(test)]
mod tests {
    use posthaste_core::ProviderKind;
    use rstest::rstest;

    use super::*;
    use crate::testing::account;

    fn with(auth: AuthForm, base_url: &str, region: Option<&str>, profile: Option<&str>) -> Account {
        let mut account = account(ProviderKind::Bedrock, "bedrock");
        account.auth = auth;
        account.base_url = base_url.to_owned();
        account.settings.region = region.map(str::to_owned);
        account.settings.profile = profile.map(str::to_owned);
        account
    }

    const VIRGINIA: &str = "https://bedrock-runtime.us-east-1.amazonaws.com";
    const OWN: &str = "https://bedrock.internal.example.com";

    #[rstest]
    #[case(AuthForm::Bearer, VIRGINIA, None, None)]
    #[case(AuthForm::Bearer, OWN, None, None)]
    #[case(AuthForm::AwsKeys, VIRGINIA, None, None)]
    #[case(AuthForm::AwsKeys, VIRGINIA, Some("us-east-1"), None)]
    #[case(AuthForm::AwsKeys, OWN, Some("eu-west-1"), None)]
    #[case(AuthForm::AwsChain, VIRGINIA, None, Some("team"))]
    fn good_settings_pass(
        #[case] auth: AuthForm,
        #[case] base_url: &str,
        #[case] region: Option<&str>,
        #[case] profile: Option<&str>,
    ) {
        assert_eq!(check(&with(auth, base_url, region, profile)), Ok(()));
    }

    #[rstest]
    #[case(AuthForm::AwsKeys, OWN, None, None, "region", "signed")]
    #[case(AuthForm::Bearer, VIRGINIA, Some("virginia"), None, "region", "no AWS region")]
    #[case(AuthForm::AwsKeys, VIRGINIA, Some("eu-west-1"), None, "region", "us-east-1")]
    #[case(AuthForm::AwsKeys, VIRGINIA, None, Some("team"), "profile", "aws-chain")]
    #[case(AuthForm::XApiKey, VIRGINIA, None, None, "auth", "bearer")]
    fn bad_settings_name_their_field(
        #[case] auth: AuthForm,
        #[case] base_url: &str,
        #[case] region: Option<&str>,
        #[case] profile: Option<&str>,
        #[case] field: &str,
        #[case] hint: &str,
    ) {
        let error = check(&with(auth, base_url, region, profile)).unwrap_err();
        assert_eq!(error.field, field);
        assert!(error.message.contains(hint), "{error}");
    }

    #[test]
    fn an_api_version_is_not_aws() {
        let mut account = with(AuthForm::Bearer, VIRGINIA, None, None);
        account.settings.api_version = Some("2024-10-21".to_owned());
        assert_eq!(check(&account).unwrap_err().field, "api_version");
    }

    #[test]
    fn the_region_gives_the_base_url() {
        let region =
            |text: &str| AccountSettings { region: Some(text.to_owned()), ..AccountSettings::default() };
        assert_eq!(base_url(&region("us-east-1")).unwrap(), VIRGINIA);
        assert_eq!(base_url(&region("us-east-1.evil.example/")).unwrap_err().field, "region");
        assert!(base_url(&AccountSettings::default()).unwrap_err().message.contains("region"));
    }
}
