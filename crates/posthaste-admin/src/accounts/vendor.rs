//! What only some vendors ask for.

use posthaste_core::AccountSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to be of an account's own settings at its vendor. What is `None` stays as it is, an empty text is forgotten.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VendorSettings {
    /// AWS: the region.
    pub region: Option<String>,
    /// AWS: the named profile of the machine's keys.
    pub profile: Option<String>,
    /// Azure: the `api-version` of the deployments' API; without one the v1 API is used.
    pub api_version: Option<String>,
    /// Google: the project of Code Assist; without one it is found out.
    pub project: Option<String>,
}

impl VendorSettings {
    pub(super) fn apply(&self, settings: &mut AccountSettings) {
        let pairs = [
            (&self.region, &mut settings.region),
            (&self.profile, &mut settings.profile),
            (&self.api_version, &mut settings.api_version),
            (&self.project, &mut settings.project),
        ];
        for (given, kept) in pairs {
            if let Some(given) = given {
                *kept = Some(given.trim().to_owned()).filter(|text| !text.is_empty());
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
