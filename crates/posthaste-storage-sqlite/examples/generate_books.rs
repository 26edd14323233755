//! Fills the embedded store of a data folder with the records and the books of a large relay, to measure with.
//!
//! `posthaste init --data FOLDER`, then `cargo xtask generate-books --to FOLDER`. Rows are booked through the store's own
//! port, so that roll-ups come about as in a relay, and `posthaste data verify` must find nothing.
//!
//! The secret of client key NAME is `posthaste_testkit::client_key_secret(NAME)`; the program prints one.

use std::{path::PathBuf, sync::Arc, time::Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use futures_util::{StreamExt, TryStreamExt, stream};
use posthaste_core::{Account, AuthForm, ClientKey, Clock, Secret, SystemClock};
use posthaste_storage::{Entity, RecordKind, Repository, Stores};
use posthaste_storage_sqlite::SqliteStores;
use posthaste_testkit::{Estate, EstateSize, client_key_secret};
use posthaste_vault::{MasterKey, Vault, account_credential_place};

#[derive(Parser)]
struct Options {
    /// The data folder, made by `posthaste init`
    #[arg(long)]
    to: PathBuf,
    /// Client keys
    #[arg(long, default_value_t = 10_000)]
    keys: usize,
    /// Accounts
    #[arg(long, default_value_t = 5_000)]
    accounts: usize,
    /// Rows of the books
    #[arg(long, default_value_t = 10_000_000)]
    rows: usize,
    /// How many days the rows go back
    #[arg(long, default_value_t = 395)]
    days: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let master = MasterKey::load(&options.to.join("master.key")).context("run `posthaste init` first")?;
    let opened = SqliteStores::open(&options.to.join("posthaste.db"))?;
    let stores = opened.stores();
    let kept = stores.config.list(RecordKind::ClientKey, None, 1).await?;
    ensure!(
        kept.records.is_empty() && stores.ledger.count().await? == 0,
        "{} has client keys or books already; name a new folder",
        options.to.display()
    );
    let vault = Vault::open(&master, Arc::clone(&stores.config)).await?;
    let size =
        EstateSize { keys: options.keys, accounts: options.accounts, rows: options.rows, days: options.days };
    let estate = Estate::new(size, SystemClock.now());
    let began = Instant::now();
    records(&stores, &vault, &estate).await?;
    say(&format!("records after {:.0} s", began.elapsed().as_secs_f64()));
    books(&stores, &estate, began).await?;
    opened.close().await?;
    if let Some(key) = estate.keys.iter().find(|key| key.enabled) {
        say(&format!("client key {}: {}", key.name, client_key_secret(&key.name).expose()));
    }
    Ok(())
}

async fn records(stores: &Stores, vault: &Vault, estate: &Estate) -> anyhow::Result<()> {
    create(stores, estate.teams.clone()).await?;
    create(stores, estate.owners.clone()).await?;
    let keys = estate.keys.iter().cloned().map(|key| {
        let secret = client_key_secret(&key.name);
        let (text, hash) = (secret.expose(), vault.hash_client_key(secret.expose()));
        ClientKey { hash, hint: text[text.len() - 4..].to_owned(), ..key }
    });
    create(stores, keys.collect()).await?;
    let sealed = estate.accounts.iter().cloned().map(|account| {
        let secret = Secret::new(format!("sk-dummy-{}", account.name));
        let sealed = vault.seal(&account_credential_place(account.id), &secret)?;
        Ok(Account { auth: AuthForm::Bearer, credential: Some(sealed), ..account })
    });
    create(stores, sealed.collect::<anyhow::Result<Vec<Account>>>()?).await
}

/// Many at once, so that they share their writes to the disk.
async fn create<T: Entity>(stores: &Stores, all: Vec<T>) -> anyhow::Result<()> {
    let records = Repository::<T>::new(Arc::clone(&stores.config));
    let created = stream::iter(all).map(|one| {
        let records = records.clone();
        async move { records.create(one).await.map(|_| ()) }
    });
    Ok(created.buffer_unordered(AT_ONCE).try_collect::<()>().await?)
}

async fn books(stores: &Stores, estate: &Estate, began: Instant) -> anyhow::Result<()> {
    let mut rows = estate.rows();
    let mut booked = 0;
    loop {
        let batch: Vec<_> = rows.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return Ok(());
        }
        booked += batch.len();
        stores.ledger.append(&batch).await?;
        if booked % (50 * BATCH) == 0 {
            say(&format!("{booked} rows after {:.0} s", began.elapsed().as_secs_f64()));
        }
    }
}

#[expect(clippy::print_stdout, reason = "a developer's program talks on the terminal")]
fn say(text: &str) {
    println!("{text}");
}

const AT_ONCE: usize = 256;

/// About ten hours' rows: each roll-up of the month is touched once for all of them.
const BATCH: usize = 10_000;
