//! Embeds the relay in another program: no HTTP server, no files, no account anywhere.
//!
//! The program plays the part of a service that has its own users and its own front. It makes a relay from its ports,
//! gives it one account at the built-in imitation provider, asks one question as a trusted caller, and reads the books.
//!
//! ```text
//! cargo run -p posthaste-example-embed
//! ```

use std::{
    io::{self, Write},
    sync::Arc,
};

use anyhow::ensure;
use http_body_util::BodyExt;
use posthaste_core::{
    Account, AccountId, AccountSettings, AuthForm, ClientKey, ClientKeyHash, ClientKeyId, Clock, Dialect,
    Expiry, HashForm, KeyPolicy, ModelMap, ModelRules, NoNotices, NoTelemetry, Operation, PresetName,
    ProviderKind, SchedulingRules, SystemClock,
};
use posthaste_gateway::{Call, Caller, Relay, RelayOptions, RelayPorts};
use posthaste_metering::PriceBook;
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox};
use posthaste_scheduler::{Backoff, Scheduler};
use posthaste_storage::{LedgerOptions, LedgerWriter, Repository, Stores, memory::MemoryStores};
use posthaste_vault::{MasterKey, StaticCredentials, Vault};
use serde_json::json;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let stores = MemoryStores::stores();
    // The vault comes first: a store that holds records and no keyring is taken for a damaged one.
    let vault = Arc::new(Vault::open(&MasterKey::generate()?, Arc::clone(&stores.config)).await?);
    Repository::new(Arc::clone(&stores.config)).create(account()).await?;
    let (relay, ledger) = relay(&stores, vault).await?;

    let question = json!({
        "model": "claude-sonnet-5",
        "max_tokens": 100,
        "stream": true,
        "messages": [{"role": "user", "content": "What is a relay?"}],
    });
    // The service has authenticated its user by itself, so it vouches for the caller.
    let caller = Caller::trusted(key_of("a user of the service"));
    let call = Call::new(caller, Dialect::AnthropicMessages, Operation::Chat, question.to_string());
    let request = call.id;

    let answer = relay.call(call).await?;
    ensure!(answer.response.status().is_success(), "{answer:?}");
    let body = answer.response.into_body().collect().await?.to_bytes();
    let mut out = io::stdout().lock();
    out.write_all(&body)?;

    ledger.flush().await;
    for row in stores.ledger.attempts(request).await? {
        writeln!(
            out,
            "attempt {}: {:?}, {} tokens in, {} out, {}",
            row.attempt,
            row.outcome,
            row.usage.prompt(),
            row.usage.output,
            row.cost
        )?;
    }
    Ok(())
}

/// A relay from its ports, each of which the service could replace by its own.
async fn relay(stores: &Stores, vault: Arc<Vault>) -> anyhow::Result<(Relay, LedgerWriter)> {
    let (ledger, _task) = LedgerWriter::start(Arc::clone(&stores.ledger), LedgerOptions::default());
    let ports = RelayPorts {
        stores: stores.clone(),
        ledger: ledger.clone(),
        credentials: Arc::new(StaticCredentials::new(Arc::clone(&vault))),
        vault,
        transport: Arc::new(Sandbox::default()),
        prices: PriceBook::builtin(),
        scheduler: Arc::new(Scheduler::new(Backoff::default())),
        clock: Arc::new(SystemClock),
        notices: Arc::new(NoNotices),
        telemetry: Arc::new(NoTelemetry),
    };
    Ok((Relay::new(ports, RelayOptions::default()).await?, ledger))
}

fn account() -> Account {
    let now = SystemClock.now();
    Account {
        id: AccountId::generate(),
        name: "imitation".to_owned(),
        preset: PresetName("sandbox".to_owned()),
        provider: ProviderKind::Sandbox,
        base_url: SANDBOX_BASE_URL.to_owned(),
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
        created_at: now,
        updated_at: now,
    }
}

fn key_of(user: &str) -> ClientKey {
    let now = SystemClock.now();
    ClientKey {
        id: ClientKeyId::generate(),
        name: user.to_owned(),
        // Nobody presents a secret for it.
        hash: ClientKeyHash([0; 32]),
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
        created_at: now,
        updated_at: now,
    }
}
