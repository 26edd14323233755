//! The provider's keys (Ed25519, RFC 8037), made from the sandbox's seed, and what is signed with them (RFC 7515).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(super) struct SigningKey {
    name: String,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    pub(super) fn of(seed: u64, number: u32) -> Self {
        let digest = Sha256::new().chain_update(seed.to_be_bytes()).chain_update("identity");
        let secret = digest.chain_update(number.to_be_bytes()).finalize();
        let pair = Ed25519KeyPair::from_seed_unchecked(&secret).expect("a seed has 32 bytes");
        Self { name: format!("sandbox-{number}"), pair }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// As others are told of it.
    pub(super) fn told(&self) -> Value {
        let public = URL_SAFE_NO_PAD.encode(self.pair.public_key());
        json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.name, "x": public })
    }

    /// A token with these claims, by this key's name or by another's.
    pub(super) fn signed(&self, claims: &Value, name: Option<&str>) -> String {
        let name = name.unwrap_or(&self.name);
        let text = unsealed(&json!({ "alg": "EdDSA", "typ": "JWT", "kid": name }), claims);
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(text.as_bytes()));
        [&text, ".", &signature].concat()
    }

    /// A token that whoever knows the public key can make.
    pub(super) fn as_password(&self, claims: &Value) -> String {
        let text = unsealed(&json!({ "alg": "HS256", "typ": "JWT", "kid": self.name }), claims);
        let password = hmac::Key::new(hmac::HMAC_SHA256, self.pair.public_key().as_ref());
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&password, text.as_bytes()));
        [&text, ".", &signature].concat()
    }
}

/// A token that anybody can make.
pub(super) fn unsigned(claims: &Value) -> String {
    unsealed(&json!({ "alg": "none", "typ": "JWT" }), claims) + "."
}

fn unsealed(head: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    [&part(head), ".", &part(claims)].concat()
}
