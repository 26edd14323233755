//! Work on all that is kept: looking through it, tidying it, and taking its records elsewhere. Whoever does it has opened the store himself.

mod carried;
mod cleanup;
mod export;
mod import;
mod journals;
mod transfer;
mod verify;

pub use carried::SealedPart;
pub(crate) use cleanup::clean_part;
pub use cleanup::{Cleaned, Cleanup, Part, clean_up};
pub use export::{Export, ExportedSecrets, LeftOut, export, read_export};
pub use import::{Fate, ImportPlan, PlannedRecord, plan_import};
pub use journals::deliveries_journal;
pub use transfer::{Moved, transfer};
pub use verify::{Findings, Problem, verify};

use posthaste_vault::VaultError;

use crate::AdminError;

/// Told how far a piece of work is: what is being done, how much of it is done, and how much there is.
pub type Progress<'a> = &'a (dyn Fn(&'static str, u64, u64) + Send + Sync);

/// A passphrase is an input.
fn passphrase_error(error: VaultError) -> AdminError {
    match error {
        VaultError::Passphrase { what } => AdminError::invalid("passphrase_file", what),
        error => error.into(),
    }
}
