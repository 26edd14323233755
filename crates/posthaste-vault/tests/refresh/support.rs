//! A fleet of instances on one store, and a token server that rotates.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::{Account, AuthForm, Clock, Credential, Secret, Timestamp, Transport};
use posthaste_storage::{Repository, Stores, memory::MemoryStores};
use posthaste_testkit::{AccountSetters, FakeClock, MemoryTransport, Reply, Sent, account};
use posthaste_vault::{
    CredentialSource, Issuer, MasterKey, RefreshingCredentials, StoredCredential, StoredToken, Vault,
    VaultError,
    oauth::{OAuthClients, OAuthError, OAuthFlows},
};
use serde_json::json;
use url::form_urlencoded;

/// How long a token of the tests' server lives.
pub(crate) const LIFE: Duration = Duration::from_secs(3600);

/// A token server whose refresh tokens are good once. `script` answers first, in order.
#[derive(Clone, Default)]
pub(crate) struct TokenServer(Arc<ServerState>);

#[derive(Default)]
struct ServerState {
    issued: AtomicU64,
    script: Mutex<VecDeque<Scripted>>,
}

pub(crate) enum Scripted {
    /// Instead of an answer of the server.
    Reply(Reply),
    /// The server's answer, late.
    Late(Duration),
    /// The server does its part, and the answer is lost.
    Lost,
}

impl TokenServer {
    /// The next request gets this.
    pub(crate) fn next(&self, scripted: Scripted) {
        self.0.script.lock().push_back(scripted);
    }

    fn answer(&self, sent: &Sent) -> Reply {
        match self.0.script.lock().pop_front() {
            Some(Scripted::Reply(reply)) => reply,
            Some(Scripted::Late(after)) => self.rotate(sent).after(after),
            Some(Scripted::Lost) => {
                drop(self.rotate(sent));
                Reply::never()
            }
            None => self.rotate(sent),
        }
    }

    fn rotate(&self, sent: &Sent) -> Reply {
        let presented = form_urlencoded::parse(&sent.body)
            .find(|(name, _)| name == "refresh_token")
            .map(|(_, value)| value);
        let issued = self.0.issued.load(Ordering::SeqCst);
        if presented.as_deref() != Some(&*format!("canary-refresh-{issued}")) {
            return invalid_grant();
        }
        let issued = self.0.issued.fetch_add(1, Ordering::SeqCst) + 1;
        Reply::json(
            200,
            &json!({
                "access_token": format!("canary-access-{issued}"),
                "refresh_token": format!("canary-refresh-{issued}"),
                "token_type": "Bearer",
                "expires_in": LIFE.as_secs(),
            }),
        )
    }
}

pub(crate) fn invalid_grant() -> Reply {
    Reply::json(400, &json!({"error": "invalid_grant", "error_description": "revoked"}))
}

/// Stores, a clock and a token server that instances share.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) stores: Stores,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) server: TokenServer,
    pub(crate) transport: MemoryTransport,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::on(MemoryStores::stores()).await
    }

    pub(crate) async fn on(stores: Stores) -> Self {
        let master = MasterKey::generate().expect("random bytes");
        let vault = Vault::open(&master, Arc::clone(&stores.config)).await.expect("an empty store");
        let server = TokenServer::default();
        let answering = server.clone();
        Self {
            stores,
            vault: Arc::new(vault),
            clock: Arc::new(FakeClock::default()),
            server,
            transport: MemoryTransport::new(move |sent| answering.answer(sent)),
        }
    }

    /// Another instance on the same store.
    pub(crate) fn instance(&self) -> RefreshingCredentials {
        self.instance_on(&self.stores, Arc::new(self.transport.clone()), [])
    }

    pub(crate) fn instance_on(
        &self,
        stores: &Stores,
        transport: Arc<dyn Transport>,
        issuers: impl IntoIterator<Item = (AuthForm, Arc<dyn Issuer>)>,
    ) -> RefreshingCredentials {
        RefreshingCredentials::new(stores, self.flows(Arc::default(), transport), issuers)
    }

    pub(crate) fn flows(&self, clients: Arc<OAuthClients>, transport: Arc<dyn Transport>) -> OAuthFlows {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        OAuthFlows::new(clients, Arc::clone(&self.vault), transport, clock)
    }

    pub(crate) fn accounts(&self) -> Repository<Account> {
        Repository::new(Arc::clone(&self.stores.config))
    }

    /// An account that was logged in at the sandbox and whose token ends after `left`.
    pub(crate) async fn logged_in(&self, name: &str, left: Duration) -> Account {
        self.with_token(name, self.first_token(left)).await
    }

    pub(crate) fn first_token(&self, left: Duration) -> StoredToken {
        let ends = self.clock.now().plus(left);
        StoredToken {
            provider: "sandbox".to_owned(),
            access_token: Secret::new("canary-access-0"),
            refresh_token: Some(Secret::new("canary-refresh-0")),
            issued_at: Some(ends.minus(LIFE)),
            expires_at: Some(ends),
            facts: posthaste_core::TokenFacts::default(),
            generation: 1,
            refreshing: None,
            refused: None,
        }
    }

    pub(crate) async fn with_token(&self, name: &str, token: StoredToken) -> Account {
        let account = account(name);
        let sealed = token.seal(&self.vault, account.id).expect("random bytes");
        let account = account.with_credential(AuthForm::OAuth, sealed);
        self.accounts().create(account).await.expect("a new account").value
    }

    /// The account's record as it is now.
    pub(crate) async fn stored(&self, account: &Account) -> Account {
        self.accounts().account(account.id).await.expect("the store answers").expect("it is there").value
    }

    pub(crate) async fn stored_token(&self, account: &Account) -> StoredToken {
        let sealed = self.stored(account).await.credential.expect("a credential");
        StoredToken::open(&self.vault, account.id, &sealed).expect("a token")
    }

    /// How often the token server was asked.
    pub(crate) fn asked(&self) -> usize {
        self.transport.sent().len()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The token that an instance gives out.
pub(crate) async fn token(source: &RefreshingCredentials, account: &Account) -> String {
    text(&source.credential(account).await.expect("a credential").expect("an account that needs one"))
}

pub(crate) fn text(credential: &Credential) -> String {
    let Credential::Token(token) = credential else { panic!("a token") };
    token.secret.expose().to_owned()
}

pub(crate) fn oauth_error(error: VaultError) -> OAuthError {
    let VaultError::OAuth { error, .. } = error else { panic!("{error:?}") };
    error
}

pub(crate) async fn failure(source: &RefreshingCredentials, account: &Account) -> OAuthError {
    oauth_error(source.credential(account).await.expect_err("no token"))
}
