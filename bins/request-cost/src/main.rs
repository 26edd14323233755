#![doc = include_str!("../README.md")]

mod upstream;

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::BodyExt;
use posthaste_core::{
    Account, AccountId, AccountSettings, AuthForm, ClientKey, ClientKeyId, Clock, Dialect, Expiry, HashForm,
    KeyPolicy, ModelMap, ModelRules, NoNotices, NoTelemetry, Operation, PresetName, ProviderKind,
    SchedulingRules, Timestamp,
};
use posthaste_gateway::{Call, RecordRules, Relay, RelayOptions, RelayPorts};
use posthaste_metering::PriceBook;
use posthaste_scheduler::{Backoff, Scheduler};
use posthaste_storage::{LedgerOptions, LedgerWriter, Repository, Stores, memory::MemoryStores};
use posthaste_storage_sqlite::SqliteStores;
use posthaste_vault::{MasterKey, StaticCredentials, Vault};
use serde_json::json;

use self::upstream::Upstream;

/// As in the program that ships.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let wanted = Wanted::read(std::env::args().skip(1))?;
    let folder = tempfile::tempdir()?;
    let opened = SqliteStores::open_alone(&folder.path().join("posthaste.db"))?;
    // Thousands of accounts are there at once; nothing of a request asks for their records.
    let stores = Stores { config: MemoryStores::stores().config, ..opened.stores() };
    let (relay, ledger) = relay(&stores, &wanted).await?;

    let prompt = "hello ".repeat(150);
    let messages = json!([{"role": "user", "content": prompt}]);
    let body = json!({"model": MODEL, "max_tokens": 64, "stream": wanted.streamed, "messages": messages});
    let body = Bytes::from(body.to_string());
    for number in 1..=wanted.requests {
        let caller = relay.authenticate(Some(SECRET)).await?;
        let answer = relay.call(Call::new(caller, wanted.dialect, Operation::Chat, body.clone())).await?;
        ensure!(answer.response.status().is_success(), "{answer:?}");
        let mut body = answer.response.into_body();
        while body.frame().await.transpose()?.is_some() {}
        if number % BATCH == 0 {
            ledger.flush().await;
            relay.flush_records().await;
        }
    }
    opened.close().await?;
    Ok(())
}

/// What is asked for on the command line.
struct Wanted {
    requests: usize,
    records: Option<RecordRules>,
    dialect: Dialect,
    streamed: bool,
    accounts: usize,
}

impl Wanted {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let requests = words.next().context("how many requests?")?.parse()?;
        let records = match words.next().as_deref() {
            None | Some("with") => Some(RecordRules::default()),
            Some("without") => None,
            Some(other) => bail!("`{other}` is neither `with` nor `without`"),
        };
        let (dialect, streamed) = match words.next().as_deref() {
            None | Some("json") => (Dialect::AnthropicMessages, false),
            Some("stream") => (Dialect::AnthropicMessages, true),
            Some("translated") => (Dialect::OpenAiChat, false),
            Some("translated-stream") => (Dialect::OpenAiChat, true),
            Some(other) => bail!("`{other}` is no form of request"),
        };
        let accounts = words.next().map_or(Ok(3), |number| number.parse())?;
        Ok(Self { requests, records, dialect, streamed, accounts })
    }
}

async fn relay(stores: &Stores, wanted: &Wanted) -> Result<(Relay, LedgerWriter)> {
    let vault = Arc::new(Vault::open(&MasterKey::generate()?, Arc::clone(&stores.config)).await?);
    for number in 0..wanted.accounts {
        Repository::new(Arc::clone(&stores.config)).create(account(number)).await?;
    }
    Repository::new(Arc::clone(&stores.config)).create(client_key(&vault)).await?;
    let (ledger, _task) = LedgerWriter::start(Arc::clone(&stores.ledger), LedgerOptions::default());
    let ports = RelayPorts {
        stores: stores.clone(),
        ledger: ledger.clone(),
        credentials: Arc::new(StaticCredentials::new(Arc::clone(&vault))),
        vault,
        transport: Arc::new(Upstream::new(wanted.streamed)),
        prices: PriceBook::builtin(),
        scheduler: Arc::new(Scheduler::new(Backoff::default())),
        clock: Arc::new(Still),
        notices: Arc::new(NoNotices),
        telemetry: Arc::new(NoTelemetry),
    };
    let options = RelayOptions { records: wanted.records, ..RelayOptions::default() };
    Ok((Relay::new(ports, options).await?, ledger))
}

fn account(number: usize) -> Account {
    Account {
        id: AccountId::generate(),
        name: number.to_string(),
        preset: PresetName("anthropic".to_owned()),
        provider: ProviderKind::Anthropic,
        base_url: "https://upstream.example".to_owned(),
        auth: AuthForm::None,
        dialects: Vec::new(),
        credential: None,
        priority: Account::DEFAULT_PRIORITY,
        enabled: true,
        models: ModelRules::default(),
        model_map: ModelMap::default(),
        private_address: None,
        proxy: None,
        settings: AccountSettings::default(),
        scheduling: SchedulingRules::default(),
        created_at: NOW,
        updated_at: NOW,
    }
}

fn client_key(vault: &Vault) -> ClientKey {
    ClientKey {
        id: ClientKeyId::generate(),
        name: "someone".to_owned(),
        hash: vault.hash_client_key(SECRET),
        hash_form: HashForm::Own,
        hint: String::new(),
        enabled: true,
        disabled_because: None,
        revoked_at: None,
        deleted_at: None,
        expiry: Expiry::Never,
        first_used_at: None,
        models: ModelRules::default(),
        policy: KeyPolicy::default(),
        card_steps: Vec::new(),
        created_at: NOW,
        updated_at: NOW,
    }
}

/// A clock that stands still, so that nothing depends on how fast the machine is.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const MODEL: &str = "claude-sonnet-4-5";

/// Nobody's.
const SECRET: &str = "cr_0000000000000000000000000000000000000000000000000000000000000001";
const BATCH: usize = 64;
