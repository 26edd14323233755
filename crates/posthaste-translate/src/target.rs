//! For whom a request is written.

use posthaste_core::{AccountId, ChatVariant, Dialect};

/// The upstream that a request is written for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The dialect that it speaks.
    pub dialect: Dialect,
    /// The account that will be asked; proofs that only their maker takes go to no other. None in tests and tools.
    pub account: Option<AccountId>,
    /// How it bends Chat Completions, if that is its dialect.
    pub variant: ChatVariant,
}

impl Target {
    /// An upstream of the dialect of which nothing else is known.
    pub fn of(dialect: Dialect) -> Self {
        Self { dialect, account: None, variant: ChatVariant::default() }
    }
}
