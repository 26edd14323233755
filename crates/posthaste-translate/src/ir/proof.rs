//! What only its maker can read.

use posthaste_core::{AccountId, Dialect};

/// A vendor's proof of what its model thought: a signature, or the thoughts themselves in sealed form.
///
/// It means something to its maker alone, and only unchanged. Readers take one for their own dialect's; whether it came
/// in one of the relay's carriers, and whether it may go where the request goes, is decided between reader and writer
/// (`carrier.rs`), so that a writer finds only proofs that its dialect's upstream takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Who made it.
    pub maker: Maker,
    /// The proof as the maker's dialect writes it.
    pub data: String,
    /// The maker's name for the item that it belongs to, where there is one (`rs_…` of Responses).
    pub item: Option<String>,
}

impl Proof {
    /// A proof as a body of its own dialect shows it.
    pub fn of(dialect: Dialect, data: impl Into<String>) -> Self {
        Self { maker: Maker { dialect, account: None, model: None }, data: data.into(), item: None }
    }
}

/// Who made a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maker {
    /// The dialect that the proof was made in.
    pub dialect: Dialect,
    /// The account that made it; none where only the dialect is known.
    pub account: Option<AccountId>,
    /// The model that made it, as the upstream calls it.
    pub model: Option<String>,
}
