//! `posthaste data import`

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::Context;
use clap::Args;
use posthaste_admin::{
    AdminError, AdminFailure,
    data::{self, Export, ExportedSecrets, Fate, ImportPlan, PlannedRecord},
};
use posthaste_core::{Clock, SystemClock};
use posthaste_vault::{PassphraseKey, Vault, VaultError};
use serde_json::json;

use super::{Failure, Output, export::passphrase};
use crate::{
    Config, admin_socket,
    cli::output::{note, table},
    config::StoreKind,
    wiring::{
        self, Opened,
        files::{self, master_key},
    },
};

#[derive(Args, Debug)]
pub(in crate::cli) struct Import {
    /// The export
    file: PathBuf,
    /// Write what is new or changed; without it the difference is shown and nothing is written
    #[arg(long)]
    apply: bool,
    /// A file that holds the passphrase, where the export has secrets
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

pub(super) async fn run(import: &Import, config: &Config, out: &Output) -> Result<(), Failure> {
    wiring::check_folder(config)?;
    if config.data.store == StoreKind::Memory {
        return Err(Failure::usage(
            "the memory store lives in the relay alone; nothing can be imported into it",
        ));
    }
    let text = fs::read_to_string(&import.file)
        .with_context(|| format!("{} cannot be read", import.file.display()))?;
    let export = data::read_export(&text).map_err(told)?;
    let key = match (&export.secrets, &import.passphrase_file) {
        (ExportedSecrets::Sealed { derivation, .. }, Some(file)) => {
            Some(PassphraseKey::derive(&passphrase(file)?, derivation).map_err(|error| told(error.into()))?)
        }
        _ => None,
    };
    let opened = match import.apply || wiring::is_initialised(config) {
        true => wiring::open_stores(config).await?,
        false => wiring::open_forgetful().await?,
    };
    opened.made.iter().for_each(|made| note(&format!("made {made}")));
    let done = carry_out(import, config, &opened, &export, key.as_ref()).await;
    let closed = opened.close().await;
    let plan = done?;
    closed.map_err(anyhow::Error::from)?;
    let shown = json!({
        "applied": import.apply,
        "records": plan.records,
        "branding": plan.branding,
        "takes_pepper": plan.takes_pepper,
    });
    out.show(&shown, || describe(&plan, import.apply))?;
    match plan.count(Fate::Conflict) {
        0 => Ok(()),
        _ => Err(Failure::conflict("names in the export belong to other records here")
            .hint("rename one of each, then import again; nothing was written")),
    }
}

async fn carry_out(
    import: &Import,
    config: &Config,
    opened: &Opened,
    export: &Export,
    key: Option<&PassphraseKey>,
) -> Result<ImportPlan, Failure> {
    let plan = data::plan_import(&opened.stores, &opened.vault, export, key).await.map_err(told)?;
    if !import.apply || plan.count(Fate::Conflict) > 0 {
        return Ok(plan);
    }
    if let (true, ExportedSecrets::Sealed { pepper, .. }, Some(key)) =
        (plan.takes_pepper, &export.secrets, key)
    {
        // A relay would go on hashing client keys in the former way.
        files::make_folder(config)?;
        let _held = admin_socket::hold(&admin_socket::path(&config.data.dir)).await.map_err(|error| {
            Failure::from(anyhow::Error::from(error))
                .hint("its client keys change with this import: stop every relay on this store first")
        })?;
        let (master, store) = (master_key(config)?, Arc::clone(&opened.stores.config));
        let taken = Vault::with_pepper_of(&master, store, key, pepper).await;
        taken.map_err(|error: VaultError| told(error.into()))?;
        plan.apply(&opened.stores, SystemClock.now()).await.map_err(told)?;
        return Ok(plan);
    }
    plan.apply(&opened.stores, SystemClock.now()).await.map_err(told)?;
    Ok(plan)
}

fn told(error: AdminError) -> Failure {
    AdminFailure::from(&error).into()
}

fn describe(plan: &ImportPlan, applied: bool) -> String {
    let mut shown = table(&["KIND", "NAME", "WHAT", "WHY"]);
    let telling = plan.records.iter().filter(|record| record.fate != Fate::Same);
    for PlannedRecord { kind, name, fate, why, .. } in telling {
        shown.add_row([kind.as_str(), name, word(*fate), why]);
    }
    let rebrands = plan.branding.filter(|fate| *fate != Fate::Same);
    if let Some(fate) = rebrands {
        shown.add_row(["branding", "", word(fate), ""]);
    }
    let count = |fate| plan.count(fate);
    let sum = format!(
        "{} new, {} changed, {} the same, {} skipped, {} in conflict",
        count(Fate::New),
        count(Fate::Changed),
        count(Fate::Same),
        count(Fate::Skipped),
        count(Fate::Conflict)
    );
    let end = match (applied, count(Fate::New) + count(Fate::Changed)) {
        (true, _) => "imported",
        (false, 0) if rebrands.is_none() => "nothing is to be written",
        (false, _) => "nothing is written yet: --apply does it",
    };
    match shown.is_empty() {
        true => format!("{sum}\n{end}"),
        false => format!("{shown}\n{sum}\n{end}"),
    }
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::New => "new",
        Fate::Changed => "changed",
        Fate::Same => "same",
        Fate::Skipped => "skipped",
        Fate::Conflict => "CONFLICT",
    }
}
