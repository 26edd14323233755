//! Credentials that each instance gets for itself.

use async_trait::async_trait;
use posthaste_core::{Account, Credential, Egress, Timestamp};

use crate::oauth::OAuthError;

/// Gives out credentials that end and of which there may be many at once, so that nothing need be stored: Entra's
/// tokens of an application, AWS keys of the machine.
#[async_trait]
pub trait Issuer: Send + Sync + 'static {
    /// Gets a new one for the account, through its way out.
    async fn issue(&self, account: &Account, egress: &Egress) -> Result<Issued, OAuthError>;
}

/// A credential that was given out.
#[derive(Debug)]
pub struct Issued {
    /// The credential.
    pub credential: Credential,
    /// When it ends, if that is known.
    pub expires_at: Option<Timestamp>,
}
