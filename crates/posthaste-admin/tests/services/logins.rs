//! Logging accounts in, at the sandbox's authorization server.

mod code;
mod device;
mod failing;

use std::sync::Arc;

use async_trait::async_trait;
use http::{Request, Response};
use parking_lot::Mutex;
use posthaste_admin::{
    AdminError, AdminFailure, Disclosed, FailureKind, LoginFlow, LoginFor, LoginTask, NewAccount,
    SavedAccount, StartedLogin,
};
use posthaste_core::{Account, Clock, Egress, Payload, RelayBody, Secret, Transport, TransportError};
use posthaste_sandbox::{SANDBOX_BASE_URL, Sandbox, SandboxOptions};
use posthaste_storage::Repository;
use posthaste_testkit::{FakeClock, MemoryTransport, Reply};
use posthaste_vault::{
    StoredCredential, StoredToken,
    oauth::{OAuthClients, OAuthSettings, oauth_provider},
};
use url::Url;

use crate::support::{Bench, furnished};

/// Services whose vendor is the sandbox.
struct Desk {
    bench: Bench,
    vendor: Vendor,
}

/// The sandbox, and a way to it that may be broken.
#[derive(Clone)]
struct Vendor {
    sandbox: Sandbox,
    broken: Arc<Mutex<Option<Fault>>>,
    /// By which way it was asked.
    asked: Arc<Mutex<Vec<Egress>>>,
}

type Fault = fn() -> TransportError;

#[async_trait]
impl Transport for Vendor {
    async fn send(
        &self,
        request: Request<Payload>,
        egress: &Egress,
    ) -> Result<Response<RelayBody>, TransportError> {
        self.asked.lock().push(egress.clone());
        let broken = *self.broken.lock();
        match broken {
            Some(error) => Err(error()),
            None => self.sandbox.send(request, egress).await,
        }
    }
}

/// A desk whose OAuth client asks the sandbox for this scope.
async fn desk(scope: &str) -> Desk {
    let scopes = Some(scope.split(' ').map(str::to_owned).collect());
    desk_with(OAuthSettings { scopes, ..OAuthSettings::default() }).await
}

async fn desk_with(settings: OAuthSettings) -> Desk {
    let clock = Arc::new(FakeClock::default());
    let options = SandboxOptions { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..SandboxOptions::default() };
    let vendor = Vendor { sandbox: Sandbox::new(options), broken: Arc::default(), asked: Arc::default() };
    let sandbox = oauth_provider("sandbox").expect("a row");
    let oauth = OAuthClients::new([(sandbox, settings)]);
    let nobody = MemoryTransport::new(|_| Reply::never());
    let bench = furnished(nobody, Arc::new(vendor.clone()), clock, oauth).await;
    Desk { bench, vendor }
}

impl Desk {
    async fn start(&self, whose: &LoginFor, flow: &LoginFlow) -> Result<StartedLogin, AdminError> {
        self.bench.admin.accounts().start_login(whose, flow).await
    }

    async fn start_code(&self) -> StartedLogin {
        self.start(&new("ada"), &code()).await.expect("a login")
    }

    async fn finish(&self, login: &StartedLogin, brought: &str) -> Result<SavedAccount, AdminError> {
        let brought = Disclosed::new(Secret::new(brought));
        self.bench.admin.accounts().finish_login(&login.login, &brought).await
    }

    /// Where the browser is sent once the person has answered.
    async fn answer(&self, login: &StartedLogin, answer: &str) -> Url {
        let LoginTask::Code { url, .. } = &login.task else { panic!("a code flow: {login:?}") };
        let request = Request::get(format!("{url}&{answer}")).body(Payload::default()).expect("a request");
        let response = self.vendor.sandbox.send(request, &Egress::default()).await.expect("an answer");
        let location = response.headers()["location"].to_str().expect("a location in ASCII");
        Url::parse(location).expect("a URL")
    }

    /// A login that is finished as it should be.
    async fn log_in(&self, whose: &LoginFor) -> SavedAccount {
        let login = self.start(whose, &code()).await.expect("a login");
        let back = self.answer(&login, "approve=1&login_hint=ada@sandbox.example").await;
        self.finish(&login, back.as_str()).await.expect("an account")
    }

    /// The account's token, as it is kept.
    async fn token(&self, account: &str) -> StoredToken {
        let records = Repository::<Account>::new(Arc::clone(&self.bench.stores.config));
        let id = self.bench.admin.accounts().show(account).await.expect("an account").id;
        let record = records.account(id).await.expect("a store").expect("an account").value;
        let sealed = record.credential.expect("a credential");
        StoredToken::open(&self.bench.vault, id, &sealed).expect("a token")
    }

    fn break_with(&self, error: Fault) {
        *self.vendor.broken.lock() = Some(error);
    }

    fn mend(&self) {
        *self.vendor.broken.lock() = None;
    }
}

fn new(name: &str) -> LoginFor {
    let new = NewAccount { preset: "sandbox".to_owned(), name: name.to_owned(), ..NewAccount::default() };
    LoginFor::NewAccount(Box::new(new))
}

fn code() -> LoginFlow {
    LoginFlow::Code { redirect_uri: Some("http://127.0.0.1:1455/callback".to_owned()) }
}

/// Class, state and advice, as they travel.
fn failure<T: std::fmt::Debug>(result: Result<T, AdminError>) -> (FailureKind, String, String) {
    let failure = AdminFailure::from(&result.expect_err("a failure"));
    (failure.kind, failure.state.unwrap_or_default(), failure.advice.unwrap_or_default())
}

fn invalid_field<T: std::fmt::Debug>(result: Result<T, AdminError>) -> &'static str {
    match result {
        Err(AdminError::Invalid { field, .. }) => field,
        other => panic!("expected an invalid input, met {other:?}"),
    }
}

/// A page of the sandbox at which a person answers.
fn page(path_and_query: &str) -> Request<Payload> {
    let request = Request::get([SANDBOX_BASE_URL, path_and_query].concat());
    request.body(Payload::default()).expect("a request")
}
