//! Tokens of Microsoft Entra.

use std::{sync::Arc, time::Duration};

use posthaste_core::{Account, AuthForm, Secret};
use posthaste_testkit::{AccountSetters, MemoryTransport, Reply, account};
use posthaste_vault::{
    CredentialSource, Entra, EntraSettings, Issuer, RefreshingCredentials, StoredCredential, StoredEntra,
    oauth::OAuthError,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{World, failure, oauth_error, text, token};

fn application(tenant: &str) -> StoredEntra {
    StoredEntra {
        tenant: tenant.to_owned(),
        client_id: "dummy-application".to_owned(),
        client_secret: Secret::new("canary-secret"),
    }
}

fn with(world: &World, application: &StoredEntra) -> Account {
    let account = account("azure");
    let sealed = application.seal(&world.vault, account.id).expect("random bytes");
    account.with_credential(AuthForm::Entra, sealed)
}

fn source(world: &World, transport: &MemoryTransport) -> RefreshingCredentials {
    let transport = Arc::new(transport.clone());
    let entra = Entra::new(EntraSettings::default(), world.flows(Arc::default(), transport.clone()));
    world.instance_on(&world.stores, transport, [(AuthForm::Entra, Arc::new(entra) as Arc<dyn Issuer>)])
}

/// Entra gives no refresh token: each time a new access token, numbered.
fn counting() -> MemoryTransport {
    let count = std::sync::atomic::AtomicU64::new(0);
    MemoryTransport::new(move |_| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        Reply::json(
            200,
            &json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": format!("canary-entra-{number}")}),
        )
        .after(Duration::from_millis(100))
    })
}

#[tokio::test(start_paused = true)]
async fn an_applications_token_is_got_once_and_renewed_ahead() {
    let world = World::new().await;
    let account = with(&world, &application("contoso.example"));
    let transport = counting();
    let source = source(&world, &transport);
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let (source, account) = (source.clone(), account.clone());
        callers.spawn(async move { token(&source, &account).await });
    }
    while let Some(got) = callers.join_next().await {
        assert_eq!(got.unwrap(), "canary-entra-1");
    }
    let sent = &transport.sent()[0];
    assert_eq!(sent.uri, "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token");
    let form: std::collections::BTreeMap<_, _> =
        url::form_urlencoded::parse(&sent.body).into_owned().collect();
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["client_id"], "dummy-application");
    assert_eq!(form["client_secret"], "canary-secret");
    assert_eq!(form["scope"], "https://cognitiveservices.azure.com/.default");

    world.clock.advance(Duration::from_secs(3_599 - 100));
    assert_eq!(token(&source, &account).await, "canary-entra-1");
    source.settle().await;
    assert_eq!(token(&source, &account).await, "canary-entra-2");
    assert_eq!(transport.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_and_another_secret_counts_at_once() {
    let world = World::new().await;
    let account = with(&world, &application("contoso.example"));
    let transport = counting();
    let source = source(&world, &transport);
    let refused = source.credential(&account).await.unwrap().unwrap();
    assert!(source.renew(&account, &refused).await.unwrap().is_none(), "it is brand new");
    world.clock.advance(Duration::from_secs(60));
    let next = source.renew(&account, &refused).await.unwrap().unwrap();
    assert_eq!(text(&next), "canary-entra-2");
    let other = StoredEntra { client_secret: Secret::new("canary-other"), ..application("contoso.example") };
    assert_eq!(token(&source, &with(&world, &other)).await, "canary-entra-3");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_says_what_to_check() {
    let world = World::new().await;
    let account = with(&world, &application("contoso.example"));
    let told = json!({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret canary-secret provided"});
    let transport = MemoryTransport::new(move |_| Reply::json(401, &told));
    let error = failure(&source(&world, &transport), &account).await;
    assert_eq!(
        error.to_string(),
        "Microsoft Entra does not accept the OAuth client: AADSTS7000215: Invalid client secret … provided"
    );
    assert_eq!(error.advice(), "check the tenant, the id and the secret of the account's application");
    assert!(error.needs_operator() && !error.needs_login());
}

#[tokio::test]
async fn a_tenant_stays_one_part_of_the_address() {
    let world = World::new().await;
    let transport = counting();
    let source = source(&world, &transport);
    token(&source, &with(&world, &application("../evil?x=#y"))).await;
    let uri = transport.sent()[0].uri.to_string();
    assert_eq!(uri, "https://login.microsoftonline.com/..%2Fevil%3Fx=%23y/oauth2/v2.0/token");
}

#[tokio::test]
async fn a_key_is_no_application() {
    let world = World::new().await;
    let transport = counting();
    let source = source(&world, &transport);
    let account = account("azure");
    let place = posthaste_vault::account_credential_place(account.id);
    let key = world.vault.seal(&place, &Secret::new("a key")).unwrap();
    let account = account.with_credential(AuthForm::Entra, key);
    let error = oauth_error(source.credential(&account).await.unwrap_err());
    assert!(matches!(error, OAuthError::Vault { .. }), "{error:?}");
    assert!(transport.sent().is_empty());
}
