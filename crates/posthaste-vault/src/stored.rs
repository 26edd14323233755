//! Credentials of more than one part, as they are sealed.

use posthaste_core::{AwsKeys, Secret, Timestamp, TokenFacts};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// What a login gave, as it is sealed. Fields of later releases are kept out by being refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredToken {
    /// The access token.
    #[serde(with = "plain")]
    pub access_token: Secret,
    /// What new ones are asked for with.
    #[serde(default, with = "plain_option", skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When the access token ends, if the issuer told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What the issuer told beside it.
    #[serde(default)]
    pub facts: TokenFacts,
    /// Grows by one with each refresh.
    pub generation: u64,
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
