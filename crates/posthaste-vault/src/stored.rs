//! Credentials of more than one part, as they are sealed.

use posthaste_core::{AccountId, AwsKeys, Sealed, Secret, Timestamp, TokenFacts};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    Vault, VaultError, account_credential_place,
    oauth::{OAuthError, oauth_provider},
};

/// A credential of several parts, sealed as one text in its account.
pub trait StoredCredential: Serialize + DeserializeOwned {
    /// Seals it for an account.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    fn seal(&self, vault: &Vault, account: AccountId) -> Result<Sealed, VaultError> {
        let text = serde_json::to_string(self).expect("the parts are texts, times and numbers");
        vault.seal(&account_credential_place(account), &Secret::new(text))
    }

    /// Opens what was sealed for an account.
    ///
    /// # Errors
    /// [`VaultError::Unsealable`], also when it is a credential of another kind.
    fn open(vault: &Vault, account: AccountId, sealed: &Sealed) -> Result<Self, VaultError> {
        let place = account_credential_place(account);
        let text = vault.unseal(&place, sealed)?;
        serde_json::from_str(text.expose())
            .map_err(|_| VaultError::Unsealable { place: place.to_string(), what: ANOTHER_KIND })
    }
}

impl StoredCredential for StoredAwsKeys {}
impl StoredCredential for StoredEntra {}
impl StoredCredential for StoredToken {}

/// AWS keys, as they are sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredAwsKeys {
    /// `AKIA…` or `ASIA…`.
    pub access_key_id: String,
    /// Signs.
    #[serde(with = "plain")]
    pub secret_access_key: Secret,
    /// Goes with temporary keys.
    #[serde(default, with = "plain_option", skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Secret>,
}

/// An application of Microsoft Entra, as it is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredEntra {
    /// The directory: its id or a domain of it.
    pub tenant: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret.
    #[serde(with = "plain")]
    pub client_secret: Secret,
}

/// What a login gave, as it is sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredToken {
    /// Who issued it: the name of an [`OAuthProvider`](crate::oauth::OAuthProvider).
    pub provider: String,
    /// The access token.
    #[serde(with = "plain")]
    pub access_token: Secret,
    /// What new ones are asked for with.
    #[serde(default, with = "plain_option", skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When the access token was issued, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_at: Option<Timestamp>,
    /// When the access token ends, if the issuer told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What the issuer told beside it.
    #[serde(default)]
    pub facts: TokenFacts,
    /// Grows by one with each refresh and each login.
    pub generation: u64,
    /// A refresh that was begun and has not been finished: written before the token server is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshing: Option<RefreshMark>,
    /// Set when the issuer refused the refresh token for good: only another login helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<GrantRefused>,
}

impl StoredToken {
    /// Why it cannot be refreshed, if that is known. Its access token may serve until it ends all the same.
    pub fn dead(&self) -> Option<OAuthError> {
        let provider = oauth_provider(&self.provider).map_or("its issuer", |provider| provider.name);
        if let Some(refused) = &self.refused {
            return Some(OAuthError::InvalidGrant { provider, why: refused.why.clone() });
        }
        self.refresh_token.is_none().then_some(OAuthError::NoRefreshToken { provider })
    }
}

/// The mark that a refresh leaves before it asks the token server. Whoever stores the new tokens must find their own
/// mark, so that a refresh that lost its lock changes nothing, and one that was cut off can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshMark {
    /// Which instance.
    pub holder: Uuid,
    /// The number of its lock.
    pub fence: u64,
    /// When it began.
    pub since: Timestamp,
}

/// That a refresh token was refused for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRefused {
    /// When.
    pub at: Timestamp,
    /// What the issuer said; no secret.
    pub why: String,
}

impl From<StoredAwsKeys> for AwsKeys {
    fn from(stored: StoredAwsKeys) -> Self {
        Self {
            access_key_id: stored.access_key_id,
            secret_access_key: stored.secret_access_key,
            session_token: stored.session_token,
            expires_at: None,
        }
    }
}

pub(crate) const ANOTHER_KIND: &str = "it is of another kind than the account presents; enter it again";

/// [`Secret`] does not serialise: these parts do, since the text goes straight to sealing.
mod plain {
    use super::{Deserialize, Deserializer, Secret, Serializer};

    pub(super) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        String::deserialize(deserializer).map(Secret::new)
    }
}

mod plain_option {
    use super::{Deserialize, Deserializer, Secret, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        secret: &Option<Secret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        secret.as_ref().map(Secret::expose).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_come_back_and_are_not_shown() {
        let keys = StoredAwsKeys {
            access_key_id: "AKIADUMMY".to_owned(),
            secret_access_key: Secret::new("canary"),
            session_token: None,
        };
        let text = serde_json::to_string(&keys).unwrap();
        assert_eq!(serde_json::from_str::<StoredAwsKeys>(&text).unwrap(), keys);
        assert!(!format!("{keys:?}").contains("canary"));
    }
}
