//! What an operator sets of an account that only some vendors ask for, checked.

use posthaste_core::{Account, AuthForm};

/// A setting that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct SettingsError {
    /// Which setting, as accounts spell it.
    pub field: &'static str,
    /// What is wrong with it and what to do.
    pub message: String,
}

impl SettingsError {
    pub(crate) fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, message: message.into() }
    }
}

/// Whose own settings and credentials a vendor takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// Nobody's.
    Nothing,
    /// AWS's: region, profile, signed requests.
    Aws,
    /// Azure's: API version, Entra applications.
    Azure,
    /// Google's: the project of those who are logged in.
    Google,
}

/// Refuses what the vendor would not look at: a setting without an effect is a mistake.
pub(crate) fn check_foreign(account: &Account, own: Own) -> Result<(), SettingsError> {
    let settings = &account.settings;
    let (auth, preset) = (account.auth, &account.preset);
    let refuse = |field, what: &str| {
        let message = format!("preset `{preset}` takes no {what}; leave it out");
        Err(SettingsError::new(field, message))
    };
    match own {
        Own::Aws => {}
        _ if settings.region.is_some() => return refuse("region", "region"),
        _ if settings.profile.is_some() => return refuse("profile", "AWS profile"),
        _ if matches!(auth, AuthForm::AwsKeys | AuthForm::AwsChain) => return refuse("auth", "AWS keys"),
        _ => {}
    }
    if settings.project.is_some() && (own != Own::Google || auth != AuthForm::OAuth) {
        return refuse("project", "project but for accounts that are logged in at Google");
    }
    match own {
        Own::Azure => Ok(()),
        _ if settings.api_version.is_some() => refuse("api_version", "API version"),
        _ if auth == AuthForm::Entra => refuse("auth", "Entra application"),
        _ => Ok(()),
    }
}
