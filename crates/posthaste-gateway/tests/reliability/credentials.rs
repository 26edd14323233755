//! U4 and U5: accounts that want an operator. Each is told of once, and costs the clients nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use posthaste_core::{
    AccessToken, Account, AccountId, AuthForm, CooldownReason, Credential, Egress, Secret, TokenFacts,
    Transport,
};
use posthaste_testkit::{
    AccountSetters, MemoryTransport, Reply, Sent, account, anthropic_error, anthropic_json,
};
use posthaste_vault::{CredentialSource, VaultError};
use rstest::rstest;

use crate::support::{Rig, USAGE, whole};

/// Hands out `token-0` until it is refused, then `token-1` and so on; what the relay asks of it is counted.
#[derive(Default)]
struct Tokens {
    renewed: AtomicUsize,
}

impl Tokens {
    fn token(&self) -> Arc<Credential> {
        let secret = Secret::new(format!("token-{}", self.renewed.load(Ordering::SeqCst)));
        Arc::new(Credential::Token(AccessToken { secret, expires_at: None, facts: TokenFacts::default() }))
    }
}

#[async_trait]
impl CredentialSource for Tokens {
    async fn credential(&self, _: &Account) -> Result<Option<Arc<Credential>>, VaultError> {
        Ok(Some(self.token()))
    }

    async fn renew(&self, account: &Account, _: &Credential) -> Result<Option<Arc<Credential>>, VaultError> {
        if account.name != "bad" {
            return Ok(None);
        }
        self.renewed.fetch_add(1, Ordering::SeqCst);
        Ok(Some(self.token()))
    }

    async fn egress(&self, _: &Account) -> Result<Egress, VaultError> {
        Ok(Egress::default())
    }

    fn invalidate(&self, _: AccountId) {}
}

fn pair() -> Vec<Account> {
    vec![
        account("bad").with_base_url("http://bad.example").with_priority(1),
        account("good").with_base_url("http://good.example").with_priority(2),
    ]
}

/// A pair of accounts that are logged in.
fn logged_in() -> Vec<Account> {
    pair().into_iter().map(|account| Account { auth: AuthForm::OAuth, ..account }).collect()
}

fn at_the_bad_one(sent: &Sent) -> bool {
    sent.uri.host() == Some("bad.example")
}

fn answered() -> Reply {
    Reply::json(200, &anthropic_json("Hello", USAGE))
}

/// How often it was told that an account began to rest for a reason.
fn told(metrics: &PrometheusHandle, reason: CooldownReason) -> u64 {
    let line = format!("posthaste_account_rests_total{{reason=\"{reason}\"}} ");
    let text = metrics.render();
    text.lines().find_map(|text| text.strip_prefix(&line)?.parse().ok()).unwrap_or(0)
}

async fn watched(transport: &MemoryTransport, credentials: Option<Arc<Tokens>>) -> (Rig, PrometheusHandle) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let transport: Arc<dyn Transport> = Arc::new(transport.clone());
    let rig = match credentials {
        Some(credentials) => Rig::presenting(logged_in(), transport, credentials).await,
        None => Rig::over(pair(), posthaste_gateway::RelayOptions::default(), transport).await,
    };
    (rig, handle)
}

#[tokio::test]
async fn u4_a_refused_token_is_renewed_once_and_then_the_account_is_dead() {
    let transport = MemoryTransport::new(|sent| {
        if at_the_bad_one(sent) {
            Reply::json(401, &anthropic_error("authentication_error", "invalid token"))
        } else {
            answered()
        }
    });
    let tokens = Arc::new(Tokens::default());
    let (rig, metrics) = watched(&transport, Some(Arc::clone(&tokens))).await;
    for _ in 0..50 {
        assert_eq!(rig.read(&whole()).await.unwrap().status, 200);
        rig.clock.advance(Duration::from_secs(5));
    }
    let bad: Vec<_> = transport.sent().into_iter().filter(at_the_bad_one).collect();
    let shown: Vec<_> =
        bad.iter().map(|sent| sent.headers["authorization"].to_str().unwrap().to_owned()).collect();
    assert_eq!(shown, ["Bearer token-0", "Bearer token-1"], "once with the new one, and then no more");
    assert_eq!(tokens.renewed.load(Ordering::SeqCst), 1);
    let parked = rig.scheduler.parked(account("bad").id, rig.relay_now()).unwrap();
    assert_eq!(parked.reason, CooldownReason::Unauthorised);
    assert!(parked.why.contains("credential"), "{}", parked.why);
    assert_eq!(told(&metrics, CooldownReason::Unauthorised), 1);
}

#[tokio::test]
async fn u4_a_refused_token_that_could_be_renewed_harms_nobody() {
    let transport = MemoryTransport::new(|sent| {
        if sent.headers["authorization"] == "Bearer token-0" {
            Reply::json(401, &anthropic_error("authentication_error", "expired"))
        } else {
            answered()
        }
    });
    let (rig, metrics) = watched(&transport, Some(Arc::default())).await;
    let answer = rig.read(&whole()).await.unwrap();
    assert_eq!((answer.status, answer.header("x-posthaste-attempts")), (200, "2"));
    assert!(transport.sent().iter().all(at_the_bad_one), "the same account once more");
    assert!(rig.scheduler.parked(account("bad").id, rig.relay_now()).is_none());
    assert_eq!(told(&metrics, CooldownReason::Unauthorised), 0);
}

#[rstest]
#[case::no_money(402, "billing_error", "insufficient balance", CooldownReason::QuotaExhausted)]
#[case::banned(403, "permission_error", "This organization has been disabled.", CooldownReason::Forbidden)]
#[case::low_balance(
    400,
    "invalid_request_error",
    "Your credit balance is too low to access the Anthropic API.",
    CooldownReason::QuotaExhausted
)]
#[case::disabled(
    400,
    "invalid_request_error",
    "This organization has been disabled.",
    CooldownReason::Forbidden
)]
#[tokio::test]
async fn u5_a_blocked_account_is_parked_for_long_and_told_once(
    #[case] status: u16,
    #[case] kind: &'static str,
    #[case] message: &'static str,
    #[case] reason: CooldownReason,
) {
    let transport = MemoryTransport::new(move |sent| {
        if at_the_bad_one(sent) { Reply::json(status, &anthropic_error(kind, message)) } else { answered() }
    });
    let (rig, metrics) = watched(&transport, None).await;
    let day = Duration::from_secs(86_400);
    let step = Duration::from_secs(60);
    for _ in 0..day.as_secs() / step.as_secs() {
        assert_eq!(rig.read(&whole()).await.unwrap().status, 200, "the other one serves");
        rig.clock.advance(step);
    }
    let asked = transport.sent().iter().filter(|sent| at_the_bad_one(sent)).count();
    assert!((2..=9).contains(&asked), "at 0, 10, 30, 70 minutes and so on: {asked}");
    assert_eq!(told(&metrics, reason), 1);
    assert!(metrics.render().contains("posthaste_account_recoveries_total 0"));
    let parked = rig.scheduler.parked(account("bad").id, rig.relay_now()).unwrap();
    assert!(parked.why.contains(message), "{}", parked.why);
}

#[tokio::test]
async fn u5_an_account_that_was_unblocked_comes_back_and_that_is_told() {
    let asked = AtomicUsize::new(0);
    let transport = MemoryTransport::new(move |sent| {
        if at_the_bad_one(sent) && asked.fetch_add(1, Ordering::SeqCst) == 0 {
            Reply::json(403, &anthropic_error("permission_error", "blocked"))
        } else {
            answered()
        }
    });
    let (rig, metrics) = watched(&transport, None).await;
    rig.read(&whole()).await.unwrap();
    rig.clock.advance(Duration::from_secs(600));
    rig.read(&whole()).await.unwrap();
    assert!(rig.scheduler.parked(account("bad").id, rig.relay_now()).is_none());
    assert!(metrics.render().contains("posthaste_account_recoveries_total 1"), "{}", metrics.render());
}

#[rstest]
#[case::bad_request(400, "invalid_request_error", "max_tokens: field required")]
#[case::too_large(413, "request_too_large", "too large")]
#[tokio::test]
async fn u5_the_clients_own_fault_is_never_repeated_and_harms_no_account(
    #[case] status: u16,
    #[case] kind: &'static str,
    #[case] message: &'static str,
) {
    let transport = MemoryTransport::new(move |_| Reply::json(status, &anthropic_error(kind, message)));
    let (rig, _) = watched(&transport, None).await;
    for asked in 1..=20 {
        assert_eq!(rig.read(&whole()).await.unwrap().status, status);
        assert_eq!(transport.sent().len(), asked);
    }
    assert!(transport.sent().iter().all(at_the_bad_one));
    assert!(rig.scheduler.parked(account("bad").id, rig.relay_now()).is_none());
}
