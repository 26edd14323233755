//! Tokens that carry what they mean, with a keyed digest, so that a sandbox in another process knows them too: what the
//! command line logged in serves in the relay that is started after it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use posthaste_core::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::wish::Scope;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Access,
    Refresh,
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ticket {
    pub(super) client: String,
    /// Who consented.
    pub(super) subject: String,
    pub(super) scope: String,
    /// All tokens that come from one consent.
    pub(super) family: String,
    /// Counts the tokens of a family, so that no two are the same.
    pub(super) serial: u64,
    pub(super) expires_at: Option<Timestamp>,
}

impl Ticket {
    pub(super) fn new(client: &str, subject: &str, scope: &Scope, family: &str) -> Self {
        Self {
            client: client.to_owned(),
            subject: subject.to_owned(),
            scope: scope.as_str().to_owned(),
            family: family.to_owned(),
            serial: 0,
            expires_at: None,
        }
    }

    pub(super) fn scope(&self) -> Scope {
        Scope::granted(self.scope.clone())
    }

    pub(super) fn written(&self, kind: Kind, seed: u64) -> String {
        let said = serde_json::to_vec(self).expect("texts and numbers become JSON");
        let digest = digest(kind, seed, &said);
        [kind.prefix(), &URL_SAFE_NO_PAD.encode(&said), ".", &URL_SAFE_NO_PAD.encode(digest)].concat()
    }

    /// What a token says, if it was made by a sandbox with this seed and not changed.
    pub(super) fn read(kind: Kind, seed: u64, token: &str) -> Option<Self> {
        let (said, signature) = token.strip_prefix(kind.prefix())?.split_once('.')?;
        let said = URL_SAFE_NO_PAD.decode(said).ok()?;
        let genuine = URL_SAFE_NO_PAD.encode(digest(kind, seed, &said)) == signature;
        genuine.then(|| serde_json::from_slice(&said).ok())?
    }
}

impl Kind {
    /// What tokens of this kind begin with. Anything else that is presented to the API is taken for a key.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Access => "sandbox-access-",
            Self::Refresh => "sandbox-refresh-",
        }
    }
}

fn digest(kind: Kind, seed: u64, said: &[u8]) -> [u8; 32] {
    let digest = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(kind.prefix());
    digest.chain_update(said).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_tells_what_it_is_and_holds_for_its_kind_and_seed() {
        let mut ticket = Ticket::new("client", "someone", &Scope::asked(None).unwrap(), "family");
        ticket.expires_at = Some(Timestamp::from_secs(7));
        let token = ticket.written(Kind::Access, 1);
        assert_eq!(Ticket::read(Kind::Access, 1, &token), Some(ticket));
        assert_eq!(Ticket::read(Kind::Access, 2, &token), None);
        assert_eq!(Ticket::read(Kind::Refresh, 1, &token), None);
        let as_refresh = token.replace("access", "refresh");
        assert_eq!(Ticket::read(Kind::Refresh, 1, &as_refresh), None);
        assert_eq!(Ticket::read(Kind::Access, 1, &token[..token.len() - 1]), None);
        assert_eq!(Ticket::read(Kind::Access, 1, "sandbox-access-e30.e30"), None);
    }
}
