//! Configuration records with sensible defaults.
//!
//! The same name gives the same identity, so that a test can name a record twice and snapshots stay still.

use std::hash::{DefaultHasher, Hash, Hasher};

use posthaste_core::{
    Account, AccountId, AccountSettings, AuthForm, ClientKey, ClientKeyHash, ClientKeyId, Expiry, HashForm,
    KeyPolicy, ModelMap, ModelName, ModelPattern, ModelRules, PresetName, PrivateAddressConsent,
    ProviderKind, SchedulingRules, Sealed, Secret, Timestamp,
};
use uuid::Uuid;

/// An enabled account at an Anthropic-compatible upstream on loopback, with consent to that address and no credential.
pub fn account(name: &str) -> Account {
    Account {
        id: AccountId::from_uuid(uuid_of("account", name)),
        name: name.to_owned(),
        preset: PresetName("anthropic-compatible".to_owned()),
        provider: ProviderKind::AnthropicCompatible,
        base_url: "http://127.0.0.1:9".to_owned(),
        auth: AuthForm::None,
        dialects: Vec::new(),
        credential: None,
        priority: Account::DEFAULT_PRIORITY,
        enabled: true,
        models: ModelRules::default(),
        model_map: ModelMap::default(),
        private_address: Some(PrivateAddressConsent {
            given_at: Timestamp::EPOCH,
            how: "posthaste-testkit".to_owned(),
        }),
        proxy: None,
        settings: AccountSettings::default(),
        scheduling: SchedulingRules::default(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

/// An active client key without limits. Its hash is made up: tests of a real vault set their own.
pub fn client_key(name: &str) -> ClientKey {
    let id = uuid_of("client key", name);
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(id.as_bytes());
    ClientKey {
        id: ClientKeyId::from_uuid(id),
        name: name.to_owned(),
        hash: ClientKeyHash(hash),
        hash_form: HashForm::Own,
        hint: "0000".to_owned(),
        enabled: true,
        disabled_because: None,
        revoked_at: None,
        deleted_at: None,
        expiry: Expiry::Never,
        first_used_at: None,
        models: ModelRules::default(),
        policy: KeyPolicy::default(),
        card_steps: Vec::new(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

/// An obvious dummy in the form of a client key's secret: `cr_` and 64 hexadecimal digits, mostly zeros.
pub fn client_key_secret(name: &str) -> Secret {
    Secret::new(format!("cr_{:0>64x}", number_of("client key secret", name)))
}

/// Chained setters for [`Account`].
pub trait AccountSetters: Sized {
    /// Where its API stands.
    #[must_use]
    fn with_base_url(self, base_url: impl Into<String>) -> Self;
    /// Its adapter, with the preset of the same name.
    #[must_use]
    fn with_provider(self, provider: ProviderKind) -> Self;
    /// How it presents which credential.
    #[must_use]
    fn with_credential(self, auth: AuthForm, credential: Sealed) -> Self;
    /// 1 to 100; lower goes first.
    #[must_use]
    fn with_priority(self, priority: u8) -> Self;
    /// Only models that fit one of these patterns.
    #[must_use]
    fn with_models(self, patterns: &[&str]) -> Self;
    /// Adds a line to the model map.
    #[must_use]
    fn with_model_name(self, pattern: &str, upstream: &str) -> Self;
    /// Switched off.
    #[must_use]
    fn disabled(self) -> Self;
    /// Without consent to private addresses.
    #[must_use]
    fn without_consent(self) -> Self;
}

impl AccountSetters for Account {
    fn with_base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    fn with_provider(mut self, provider: ProviderKind) -> Self {
        self.provider = provider;
        self.preset = PresetName(provider.as_str().to_owned());
        self
    }

    fn with_credential(mut self, auth: AuthForm, credential: Sealed) -> Self {
        self.auth = auth;
        self.credential = Some(credential);
        self
    }

    fn with_priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    fn with_models(mut self, patterns: &[&str]) -> Self {
        self.models.allow = self::patterns(patterns);
        self
    }

    fn with_model_name(mut self, pattern: &str, upstream: &str) -> Self {
        let upstream = ModelName::parse(upstream).expect("a test names models rightly");
        self.model_map.0.push((ModelPattern::new(pattern), upstream));
        self
    }

    fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    fn without_consent(mut self) -> Self {
        self.private_address = None;
        self
    }
}

/// Chained setters for [`ClientKey`].
pub trait ClientKeySetters: Sized {
    /// The hash under which it is found.
    #[must_use]
    fn with_hash(self, hash: ClientKeyHash) -> Self;
    /// When it ends.
    #[must_use]
    fn with_expiry(self, expiry: Expiry) -> Self;
    /// Only models that fit one of these patterns.
    #[must_use]
    fn with_models(self, patterns: &[&str]) -> Self;
    /// Switched off.
    #[must_use]
    fn disabled(self) -> Self;
    /// Revoked for good.
    #[must_use]
    fn revoked_at(self, at: Timestamp) -> Self;
}

impl ClientKeySetters for ClientKey {
    fn with_hash(mut self, hash: ClientKeyHash) -> Self {
        self.hash = hash;
        self
    }

    fn with_expiry(mut self, expiry: Expiry) -> Self {
        self.expiry = expiry;
        self
    }

    fn with_models(mut self, patterns: &[&str]) -> Self {
        self.models.allow = self::patterns(patterns);
        self
    }

    fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    fn revoked_at(mut self, at: Timestamp) -> Self {
        self.revoked_at = Some(at);
        self
    }
}

fn patterns(patterns: &[&str]) -> Vec<ModelPattern> {
    patterns.iter().copied().map(ModelPattern::new).collect()
}

pub(crate) fn uuid_of(kind: &str, name: &str) -> Uuid {
    Uuid::from_u64_pair(number_of(kind, name), number_of(name, kind))
}

/// `DefaultHasher::new` has fixed keys, so the number is the same in every process.
fn number_of(kind: &str, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, name).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_is_the_same_record() {
        assert_eq!(account("a"), account("a"));
        assert_ne!(account("a").id, account("b").id);
        assert_eq!(client_key("a"), client_key("a"));
        assert_ne!(client_key("a").hash, client_key("b").hash);
    }

    #[test]
    fn setters_change_what_they_name() {
        let account =
            account("a").with_priority(3).with_models(&["claude-*"]).with_model_name("*", "small").disabled();
        assert_eq!(account.priority, 3);
        assert!(account.serves("claude-opus-4-8") && !account.serves("gpt-5"));
        assert_eq!(account.model_map.upstream_name("x").unwrap().as_str(), "small");
        assert!(!account.enabled);
    }

    #[test]
    fn a_dummy_secret_has_the_form_of_a_real_one() {
        let secret = client_key_secret("a");
        let digits = secret.expose().strip_prefix("cr_").unwrap();
        assert!(digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_ne!(secret.expose(), client_key_secret("b").expose());
    }
}
