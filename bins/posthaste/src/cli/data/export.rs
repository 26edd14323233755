//! `posthaste data export`

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use posthaste_admin::{
    AdminFailure,
    data::{self, Export as Exported},
};
use posthaste_core::{Clock, Secret, SystemClock};
use serde_json::json;

use super::{Failure, Output, refuse_nothing};
use crate::{Config, wiring};

#[derive(Args, Debug)]
pub(in crate::cli) struct Export {
    /// The new file, or `-` for standard output; one that is there already is never written over
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Take secrets along, sealed under a passphrase; without it they are left out
    #[arg(long, requires = "passphrase_file")]
    with_secrets: bool,
    /// A file that holds the passphrase, of 12 characters at least
    #[arg(long, value_name = "FILE", requires = "with_secrets")]
    passphrase_file: Option<PathBuf>,
}

pub(super) async fn run(export: &Export, config: &Config, out: &Output) -> Result<(), Failure> {
    refuse_nothing(config)?;
    let to = &export.to;
    let to_file = to.as_os_str() != "-";
    if to_file && to.exists() {
        return Err(Failure::conflict(format!("{} exists already", to.display())).hint("name a new file"));
    }
    let passphrase = export.passphrase_file.as_deref().map(passphrase).transpose()?;
    let opened = wiring::open_stores(config).await?;
    let exported = data::export(&opened.stores, &opened.vault, SystemClock.now(), passphrase.as_ref()).await;
    let closed = opened.close().await;
    let exported = exported.map_err(|error| AdminFailure::from(&error))?;
    closed.map_err(anyhow::Error::from)?;
    if !to_file {
        // As it is: text for people would have its control characters replaced.
        return Output::new(true).show(&exported, String::new);
    }
    write_new(to, &exported)?;
    let told = json!({
        "file": to, "version": exported.version, "secrets": passphrase.is_some(), "left_out": exported.left_out,
        "accounts": exported.accounts.len(), "client_keys": exported.client_keys.len(),
        "users": exported.users.len(), "api_tokens": exported.api_tokens.len(), "channels": exported.channels.len(),
    });
    out.show(&told, || text(to, &exported, passphrase.is_some()))
}

/// Reads a passphrase; the line's end is no part of it.
pub(super) fn passphrase(path: &Path) -> Result<Secret, Failure> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("the passphrase file {} cannot be read", path.display()))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Writes beside and gives the name when all is written, so that no half file has it. Only the owner may read it.
fn write_new(to: &Path, exported: &Exported) -> anyhow::Result<()> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".posthaste-unfinished-")
        .tempfile_in(folder)
        .with_context(|| format!("{} cannot be made", to.display()))?;
    serde_json::to_writer_pretty(&mut file, exported)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist_noclobber(to).with_context(|| format!("{} cannot be made", to.display()))?;
    Ok(File::open(folder)?.sync_all()?)
}

fn text(to: &Path, exported: &Exported, secrets: bool) -> String {
    let Exported { teams, owners, pools, accounts, routes, client_keys, left_out, .. } = exported;
    let Exported { users, api_tokens, channels, .. } = exported;
    let mut text = format!(
        "{} holds {} accounts, {} client keys, {} pools, {} routes, {} owners, {} teams, {} people, {} tokens and {} channels",
        to.display(),
        accounts.len(),
        client_keys.len(),
        pools.len(),
        routes.len(),
        owners.len(),
        teams.len(),
        users.len(),
        api_tokens.len(),
        channels.len()
    );
    if secrets {
        text.push_str(
            "\nsecrets are in it, sealed under the passphrase; with them client keys go on working elsewhere",
        );
        return text;
    }
    for left in left_out {
        text.push_str(&format!("\nleft out: the {} of {} `{}`", left.field, left.kind, left.name));
    }
    text.push_str(
        "\nclient keys work only where they were made; --with-secrets takes along what they need elsewhere",
    );
    text
}
