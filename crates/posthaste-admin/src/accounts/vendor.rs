//! What only some vendors ask for, as operators give it. What may stand in it, the vendor's adapter says.

use posthaste_core::{Account, AccountSettings, AuthForm, ProviderKind};
use posthaste_provider::{SettingsError, provider};
use serde::{Deserialize, Serialize};

use crate::AdminError;

/// What only some vendors ask for. What is `None` stays as it is; an empty text forgets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GivenSettings {
    /// AWS: the region.
    pub region: Option<String>,
    /// AWS: the named profile of the machine's keys.
    pub profile: Option<String>,
    /// Azure: the `api-version` of the older form of the API.
    pub api_version: Option<String>,
}

impl GivenSettings {
    /// How a credential is presented that such settings are about.
    pub(super) fn own_form(&self) -> Option<AuthForm> {
        self.profile.as_deref().filter(|profile| !profile.is_empty()).map(|_| AuthForm::AwsChain)
    }

    pub(super) fn apply(&self, settings: &mut AccountSettings) {
        let set = |given: &Option<String>, setting: &mut Option<String>| {
            if let Some(text) = given {
                *setting = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
            }
        };
        set(&self.region, &mut settings.region);
        set(&self.profile, &mut settings.profile);
        set(&self.api_version, &mut settings.api_version);
    }
}

/// Where an account stands whose operator gave no base URL.
pub(super) fn base_url(vendor: ProviderKind, settings: &AccountSettings) -> Result<String, AdminError> {
    provider(vendor).base_url(settings).map_err(invalid)
}

/// Where an account stands after a change of its settings, if they told its place before.
pub(super) fn moved(account: &Account, before: &AccountSettings) -> Result<Option<String>, AdminError> {
    let vendor = provider(account.provider);
    if !vendor.base_url(before).is_ok_and(|url| url == account.base_url) {
        return Ok(None);
    }
    let now = vendor.base_url(&account.settings).map_err(invalid)?;
    Ok(Some(now).filter(|url| *url != account.base_url))
}

/// Whether the vendor can do with the account's settings.
pub(super) fn check(account: &Account) -> Result<(), AdminError> {
    provider(account.provider).check(account).map_err(invalid)
}

fn invalid(error: SettingsError) -> AdminError {
    AdminError::invalid(error.field, error.message)
}
