//! Client keys: what clients present to the relay.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{CardStep, ClientKeyId, KeyPolicy, ModelPattern, Timestamp};

/// The keyed hash under which a client key is stored; the key itself is stored nowhere.
///
/// Whether two are the same is told in a time that does not depend on where they differ.
#[derive(Clone, Copy, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::derived_hash_with_manual_eq, reason = "what is equal byte for byte has the same hash")]
pub struct ClientKeyHash(pub [u8; 32]);

impl PartialEq for ClientKeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl ClientKeyHash {
    /// The hash as 64 hexadecimal digits.
    pub fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads [`to_hex`](Self::to_hex)'s form.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(Self(hash))
    }
}

impl fmt::Debug for ClientKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientKeyHash(…)")
    }
}

impl Serialize for ClientKeyHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for ClientKeyHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("expected 64 hexadecimal digits"))
    }
}

/// Which hash a client key is stored under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum HashForm {
    /// The relay's own keyed hash.
    #[default]
    Own,
    /// That of claude-relay-service, from which the key was taken over; its own takes its place at the first use.
    Crs,
}

impl HashForm {
    /// Whether it is the relay's own.
    pub fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

/// When a client key ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Expiry {
    /// Never.
    #[default]
    Never,
    /// At a fixed moment.
    At {
        /// The moment.
        at: Timestamp,
    },
    /// Some time after it was first used.
    AfterFirstUse {
        /// Seconds from the first use.
        seconds: u64,
    },
}

/// Which models may be asked for. Deny goes before allow; an empty allow list allows all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct ModelRules {
    /// Only these, unless empty.
    pub allow: Vec<ModelPattern>,
    /// Never these.
    pub deny: Vec<ModelPattern>,
}

impl ModelRules {
    /// Whether `model` may be asked for.
    pub fn allows(&self, model: &str) -> bool {
        self.allows_by_names(std::iter::once(model))
    }

    /// The same for a model that goes by several names: none of them may be denied, and one has to be allowed.
    pub fn allows_by_names<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> bool {
        let fits = |patterns: &[ModelPattern]| {
            names.clone().any(|name| patterns.iter().any(|pattern| pattern.matches(name)))
        };
        !fits(&self.deny) && (self.allow.is_empty() || fits(&self.allow))
    }
}

/// Whether a client key opens the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum KeyStatus {
    /// It does.
    Active,
    /// It is switched off for now.
    Disabled,
    /// It was revoked for good.
    Revoked,
    /// It was deleted, and can be restored until its record is dropped.
    Deleted,
    /// It has ended.
    Expired {
        /// When it ended.
        at: Timestamp,
    },
}

/// A client key's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClientKey {
    /// Its identity.
    pub id: ClientKeyId,
    /// The operator's name for it.
    pub name: String,
    /// The keyed hash of the secret.
    pub hash: ClientKeyHash,
    /// Which hash that is. Absent in JSON where it is the relay's own.
    #[serde(default, skip_serializing_if = "HashForm::is_own")]
    pub hash_form: HashForm,
    /// The secret's last four characters, so that a holder can tell keys apart.
    pub hint: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Why it is switched off, for whoever presents it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_because: Option<String>,
    /// When it was revoked for good, if so.
    #[serde(default)]
    pub revoked_at: Option<Timestamp>,
    /// When it was deleted, if so: it opens nothing, its name is free, and its record waits to be restored or dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// When it ends.
    #[serde(default)]
    pub expiry: Expiry,
    /// When it was first used, as far as `expiry` needs it.
    #[serde(default)]
    pub first_used_at: Option<Timestamp>,
    /// Which models it may ask for.
    #[serde(default)]
    pub models: ModelRules,
    /// What else it may do, and how it is billed.
    #[serde(default)]
    pub policy: KeyPolicy,
    /// Steps of redemption cards that this key has decided on and whose cards do not say yet that they ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub card_steps: Vec<CardStep>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ClientKey {
    /// When it ends, as far as that is known: `None` before the first use of a key that counts from there.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self.expiry {
            Expiry::Never => None,
            Expiry::At { at } => Some(at),
            Expiry::AfterFirstUse { seconds } => {
                self.first_used_at.map(|first| first.plus(Duration::from_secs(seconds)))
            }
        }
    }

    /// Whether it opens the door at `now`.
    pub fn status(&self, now: Timestamp) -> KeyStatus {
        if self.deleted_at.is_some() {
            return KeyStatus::Deleted;
        }
        if self.revoked_at.is_some() {
            return KeyStatus::Revoked;
        }
        if !self.enabled {
            return KeyStatus::Disabled;
        }
        match self.expires_at() {
            Some(at) if at <= now => KeyStatus::Expired { at },
            _ => KeyStatus::Active,
        }
    }

    /// Whether its first use has yet to be recorded.
    pub fn awaits_first_use(&self) -> bool {
        matches!(self.expiry, Expiry::AfterFirstUse { .. }) && self.first_used_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_same_only_where_every_bit_is() {
        let kept = ClientKeyHash([0x5a; 32]);
        assert_eq!(kept, ClientKeyHash([0x5a; 32]));
        for bit in 0..256 {
            let mut other = kept;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(kept, other, "bit {bit}");
        }
    }

    fn key(expiry: Expiry) -> ClientKey {
        ClientKey {
            id: ClientKeyId::generate(),
            name: "team".into(),
            hash: ClientKeyHash([7; 32]),
            hash_form: HashForm::Own,
            hint: "0000".into(),
            enabled: true,
            disabled_because: None,
            revoked_at: None,
            deleted_at: None,
            expiry,
            first_used_at: None,
            models: ModelRules::default(),
            policy: KeyPolicy::default(),
            card_steps: Vec::new(),
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        }
    }

    #[test]
    fn a_fixed_expiry_ends_the_key_at_that_moment() {
        let at = Timestamp::from_secs(100);
        let key = key(Expiry::At { at });
        assert_eq!(key.status(Timestamp::from_secs(99)), KeyStatus::Active);
        assert_eq!(key.status(at), KeyStatus::Expired { at });
    }

    #[test]
    fn expiry_from_first_use_starts_with_the_first_use() {
        let mut key = key(Expiry::AfterFirstUse { seconds: 60 });
        assert!(key.awaits_first_use());
        assert_eq!(key.status(Timestamp::from_secs(1_000)), KeyStatus::Active);
        key.first_used_at = Some(Timestamp::from_secs(1_000));
        assert!(!key.awaits_first_use());
        assert_eq!(
            key.status(Timestamp::from_secs(1_060)),
            KeyStatus::Expired { at: Timestamp::from_secs(1_060) }
        );
    }

    #[test]
    fn deleted_and_revoked_go_before_everything() {
        let mut key = key(Expiry::Never);
        key.enabled = false;
        assert_eq!(key.status(Timestamp::EPOCH), KeyStatus::Disabled);
        key.revoked_at = Some(Timestamp::EPOCH);
        assert_eq!(key.status(Timestamp::EPOCH), KeyStatus::Revoked);
        key.deleted_at = Some(Timestamp::EPOCH);
        assert_eq!(key.status(Timestamp::EPOCH), KeyStatus::Deleted);
    }

    #[test]
    fn deny_goes_before_allow() {
        let rules = ModelRules {
            allow: vec![ModelPattern::new("claude-*")],
            deny: vec![ModelPattern::new("claude-opus-*")],
        };
        assert!(rules.allows("claude-haiku-4-5"));
        assert!(!rules.allows("claude-opus-4-8"));
        assert!(!rules.allows("gpt-5"));
        assert!(ModelRules::default().allows("anything"));
    }

    #[test]
    fn a_model_of_two_names_is_denied_by_each_and_allowed_by_one() {
        let rules =
            ModelRules { allow: vec![ModelPattern::new("fast")], deny: vec![ModelPattern::new("*-opus-*")] };
        let allows = |names: &[&str]| rules.allows_by_names(names.iter().copied());
        assert!(allows(&["fast", "claude-haiku-4-5"]));
        assert!(!allows(&["fast", "claude-opus-5"]));
        assert!(!allows(&["claude-haiku-4-5", "claude-haiku-4-5"]));
    }

    #[test]
    fn the_relays_own_hash_needs_no_word_in_json() {
        let mut key = key(Expiry::Never);
        let own = serde_json::to_string(&key).unwrap();
        assert!(!own.contains("hash_form"), "{own}");
        assert_eq!(serde_json::from_str::<ClientKey>(&own).unwrap(), key);
        key.hash_form = HashForm::Crs;
        let old = serde_json::to_string(&key).unwrap();
        assert!(old.contains(r#""hash_form":"crs""#), "{old}");
        assert_eq!(serde_json::from_str::<ClientKey>(&old).unwrap(), key);
    }

    #[test]
    fn a_hash_survives_its_hexadecimal_form() {
        let hash = ClientKeyHash([0xa5; 32]);
        assert_eq!(ClientKeyHash::from_hex(&hash.to_hex()), Some(hash));
        assert_eq!(ClientKeyHash::from_hex("a5"), None);
        assert_eq!(ClientKeyHash::from_hex(&"é".repeat(32)), None);
    }
}
