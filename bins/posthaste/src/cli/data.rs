//! `posthaste data`

mod backup;
mod cleanup;
mod export;
mod import;
mod move_to;
mod progress;
mod restore;
mod restore_copy;
mod verify;

use clap::Subcommand;

pub(super) use self::progress::Bar;
use super::{Failure, Output, remote, session::nothing_here};
use crate::{Config, config::StoreKind, wiring};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Copy the embedded store into a new file, while the relay runs or not; the master key is not in it
    Backup(backup::Backup),
    /// List the back-ups in the folder for them
    Backups,
    /// Look through what is kept, or through a back-up: every record, every secret, every sum; changes nothing
    Verify(verify::Verify),
    /// Put a back-up in the store's place, once it has been looked through; the replaced store is kept beside it. With
    /// --from-copy, bring records back into Redis that the local copy has
    Restore(restore::Restore),
    /// Write all configuration records as JSON into a new file, secrets left out or sealed under a passphrase
    Export(export::Export),
    /// Compare an export with what is kept, and take it in with --apply
    Import(import::Import),
    /// Copy everything that counts into another store: from the embedded one to Redis, or back
    Move(move_to::Move),
    /// Forget now what is older than it is kept for
    Cleanup(cleanup::Cleanup),
}

pub(super) async fn run(command: Command, config: &Config, out: &Output) -> Result<(), Failure> {
    if !matches!(command, Command::Backups)
        && !matches!(&command, Command::Backup(backup) if backup.is_for_folder())
    {
        remote::refuse(config)?;
    }
    match command {
        Command::Backup(backup) => backup::run(&backup, config, out).await,
        Command::Backups => backup::list(config, out).await,
        Command::Verify(verify) => verify::run(&verify, config, out).await,
        Command::Restore(restore) => restore::run(&restore, config, out).await,
        Command::Export(export) => export::run(&export, config, out).await,
        Command::Import(import) => import::run(&import, config, out).await,
        Command::Move(wanted) => move_to::run(&wanted, config, out).await,
        Command::Cleanup(cleanup) => cleanup::run(&cleanup, config, out).await,
    }
}

/// Refuses where nothing is kept that a command could see.
fn refuse_nothing(config: &Config) -> Result<(), Failure> {
    if config.data.store == StoreKind::Memory || !wiring::is_initialised(config) {
        return Err(nothing_here(config));
    }
    Ok(())
}
