//! A vault, flows and scripted answers.

use std::{collections::BTreeMap, sync::Arc};

use posthaste_core::{Clock, Egress, Secret};
use posthaste_storage::memory::MemoryStores;
use posthaste_testkit::{FakeClock, MemoryTransport, Reply, Sent};
use posthaste_vault::{
    MasterKey, Vault,
    oauth::{OAuthClients, OAuthFlows, OAuthSettings, oauth_providers},
};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

pub(crate) struct Bench {
    pub(crate) flows: OAuthFlows,
    pub(crate) transport: MemoryTransport,
    pub(crate) clock: Arc<FakeClock>,
}

/// Flows of dummy clients of every provider whose servers answer as the closure says.
pub(crate) async fn bench(answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static) -> Bench {
    bench_with(|settings| settings, answer).await
}

pub(crate) async fn bench_with(
    change: impl Fn(OAuthSettings) -> OAuthSettings,
    answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static,
) -> Bench {
    let transport = MemoryTransport::new(answer);
    let clock = Arc::new(FakeClock::default());
    let clients = oauth_providers().iter().map(|provider| {
        let settings = OAuthSettings {
            client_id: Some("dummy-client".to_owned()),
            client_secret: provider.needs_secret.then(|| Secret::new("dummy-secret")),
            ..OAuthSettings::default()
        };
        (provider, change(settings))
    });
    let clients = Arc::new(OAuthClients::new(clients));
    let flows = OAuthFlows::new(
        clients,
        vault().await,
        Arc::new(transport.clone()),
        Arc::clone(&clock) as Arc<dyn Clock>,
    );
    Bench { flows, transport, clock }
}

pub(crate) async fn vault() -> Arc<Vault> {
    let stores = MemoryStores::stores();
    let master = MasterKey::generate().expect("the system gives random bytes");
    Arc::new(Vault::open(&master, stores.config).await.expect("an empty store takes a keyring"))
}

pub(crate) fn direct() -> Egress {
    Egress::direct(false)
}

pub(crate) fn form(sent: &Sent) -> BTreeMap<String, String> {
    form_urlencoded::parse(&sent.body).into_owned().collect()
}

pub(crate) fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

pub(crate) fn tokens(access: &str, refresh: &str) -> Value {
    json!({"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": 3600})
}

pub(crate) fn failure(status: u16, error: &str) -> Reply {
    Reply::json(status, &json!({"error": error, "error_description": "the test says so"}))
}
