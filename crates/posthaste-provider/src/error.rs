//! Why a request cannot be shaped.

use posthaste_core::Operation;

use crate::Outbound;

/// A request that cannot be shaped for an account. The account is not usable as configured; another one may be.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The account needs a credential and has none.
    #[error("account `{account}` has no credential: set one with `posthaste accounts update`")]
    NoCredential {
        /// The account's name.
        account: String,
    },
    /// The credential holds characters that no HTTP header may carry.
    #[error(
        "the credential of account `{account}` cannot be sent in a header: enter it again without line breaks"
    )]
    CredentialForm {
        /// The account's name.
        account: String,
    },
    /// The credential is of a kind that the vendor does not take.
    #[error(
        "the vendor of account `{account}` does not take a credential of this kind: enter another with `posthaste accounts update`"
    )]
    CredentialKind {
        /// The account's name.
        account: String,
    },
    /// The base URL does not give a usable address.
    #[error("the base URL of account `{account}` is not usable")]
    Address {
        /// The account's name.
        account: String,
        /// The cause.
        #[source]
        source: http::Error,
    },
    /// Requests are signed for a region, and neither the account nor its base URL names one.
    #[error(
        "account `{account}` is in no region that is known: set one with `posthaste accounts update {account} --region REGION`"
    )]
    NoRegion {
        /// The account's name.
        account: String,
    },
    /// The vendor has no such operation.
    #[error("account `{account}` cannot serve {operation}")]
    Unsupported {
        /// The account's name.
        account: String,
        /// What was asked for.
        operation: Operation,
    },
}

impl PrepareError {
    pub(crate) fn unsupported(outbound: &Outbound<'_>) -> Self {
        Self::Unsupported { account: outbound.account.name.clone(), operation: outbound.operation }
    }
}
