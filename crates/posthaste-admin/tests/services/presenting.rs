//! What accounts present beside a key, and how they are reached.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::sync::Arc;

use posthaste_admin::{
    AccountChange, AdminError, AwsKeysInput, Disclosed, EntraInput, NewAccount, VendorSettings,
};
use posthaste_core::{Account, AuthForm, Credential, Secret};
use posthaste_storage::Repository;
use posthaste_vault::{CredentialSource, StaticCredentials, StoredCredential, StoredEntra};

use crate::support::{Bench, compatible, key, quiet};

fn disclosed(text: &str) -> Disclosed {
    Disclosed::new(Secret::new(text))
}

fn aws(id: &str, token: Option<&str>) -> Option<AwsKeysInput> {
    Some(AwsKeysInput {
        access_key_id: id.to_owned(),
        secret_access_key: disclosed("dummy-secret-access-key"),
        session_token: token.map(disclosed),
    })
}

fn region(region: &str) -> VendorSettings {
    VendorSettings { region: Some(region.to_owned()), ..VendorSettings::default() }
}

fn bedrock(name: &str) -> NewAccount {
    NewAccount {
        preset: "bedrock".to_owned(),
        name: name.to_owned(),
        aws: aws("ASIAIOSFODNN7EXAMPLE", Some("dummy-session-token")),
        vendor: region("eu-central-1"),
        ..NewAccount::default()
    }
}

async fn stored(bench: &Bench, name: &str) -> Account {
    let id = bench.admin.accounts().show(name).await.unwrap().id;
    Repository::<Account>::new(Arc::clone(&bench.stores.config)).account(id).await.unwrap().unwrap().value
}

async fn presented(bench: &Bench, name: &str) -> Option<Credential> {
    let source = StaticCredentials::new(Arc::clone(&bench.vault));
    source.credential(&stored(bench, name).await).await.unwrap().map(|credential| (*credential).clone())
}

fn field<T: std::fmt::Debug>(result: Result<T, AdminError>) -> &'static str {
    match result {
        Err(AdminError::Invalid { field, .. }) => field,
        other => panic!("expected an invalid input, met {other:?}"),
    }
}

#[tokio::test]
async fn aws_keys_sign_for_a_region_whose_endpoint_follows() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let added = accounts.add(bedrock("aws")).await.unwrap().account;
    assert_eq!(
        (added.auth, added.base_url.as_str()),
        (AuthForm::AwsKeys, "https://bedrock-runtime.eu-central-1.amazonaws.com")
    );
    let Some(Credential::Aws(keys)) = presented(&bench, "aws").await else { panic!("AWS keys") };
    assert_eq!(keys.access_key_id, "ASIAIOSFODNN7EXAMPLE");
    assert_eq!(keys.session_token.unwrap().expose(), "dummy-session-token");

    let moved = AccountChange { vendor: region("us-east-1"), ..AccountChange::default() };
    let moved = accounts.update("aws", moved).await.unwrap().account;
    assert_eq!(moved.base_url, "https://bedrock-runtime.us-east-1.amazonaws.com");
    assert!(matches!(presented(&bench, "aws").await, Some(Credential::Aws(_))));

    // A key of another kind takes its place, and the old one is not presented in its form.
    let bearer = AccountChange { auth: Some(AuthForm::Bearer), ..AccountChange::default() };
    assert_eq!(field(accounts.update("aws", bearer.clone()).await), "api_key");
    let bearer = AccountChange { api_key: key("dummy-bedrock-key"), ..bearer };
    assert_eq!(accounts.update("aws", bearer).await.unwrap().account.auth, AuthForm::Bearer);
    assert!(matches!(presented(&bench, "aws").await, Some(Credential::Key(_))));
}

#[tokio::test]
async fn what_a_vendor_would_not_look_at_is_refused() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let cases = [
        ("region", NewAccount { vendor: VendorSettings::default(), ..bedrock("x") }),
        ("region", NewAccount { vendor: region("frankfurt"), ..bedrock("x") }),
        ("region", NewAccount { vendor: region("us-east-1"), ..compatible("x") }),
        ("api_key", NewAccount { api_key: key("dummy"), ..bedrock("x") }),
        ("aws_access_key_id", NewAccount { auth: Some(AuthForm::AwsKeys), aws: None, ..bedrock("x") }),
        ("aws_access_key_id", NewAccount { auth: Some(AuthForm::AwsChain), ..bedrock("x") }),
        ("aws_session_token", NewAccount { aws: aws("ASIAIOSFODNN7EXAMPLE", None), ..bedrock("x") }),
        ("proxy", NewAccount { proxy: Some(disclosed("nonsense")), ..compatible("x") }),
    ];
    for (expected, new) in cases {
        assert_eq!(field(accounts.add(new.clone()).await), expected, "{new:?}");
    }
    assert!(accounts.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_entra_application_is_kept_whole() {
    let bench = quiet().await;
    let id = "00000000-0000-0000-0000-000000000001";
    let new = NewAccount {
        preset: "azure-openai".to_owned(),
        name: "azure".to_owned(),
        base_url: Some("https://example.openai.azure.com".to_owned()),
        entra: Some(EntraInput {
            tenant: "contoso.example".to_owned(),
            client_id: id.to_owned(),
            client_secret: disclosed("dummy-client-secret"),
        }),
        ..NewAccount::default()
    };
    let added = bench.admin.accounts().add(new).await.unwrap().account;
    assert_eq!((added.auth, added.has_credential), (AuthForm::Entra, true));
    let account = stored(&bench, "azure").await;
    let application = StoredEntra::open(&bench.vault, account.id, &account.credential.unwrap()).unwrap();
    assert_eq!(
        (application.client_id.as_str(), application.client_secret.expose()),
        (id, "dummy-client-secret")
    );
}

#[tokio::test]
async fn a_proxy_is_shown_without_its_password_and_may_be_dropped() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let new =
        NewAccount { proxy: Some(disclosed("socks5h://me:canary@proxy.example:1080")), ..compatible("one") };
    let view = accounts.add(new).await.unwrap().account;
    assert_eq!(view.proxy.as_deref(), Some("socks5h://me:…@proxy.example:1080"));
    let source = StaticCredentials::new(Arc::clone(&bench.vault));
    let egress = source.egress(&stored(&bench, "one").await).await.unwrap();
    assert_eq!(egress.proxy.unwrap().login.as_ref().unwrap().password.expose(), "canary");
    let none = AccountChange { proxy: Some(disclosed("")), ..AccountChange::default() };
    assert_eq!(accounts.update("one", none).await.unwrap().account.proxy, None);
}

/// What travels to the relay and what is printed of it on the way.
#[test]
fn no_secret_is_in_debug_output() {
    let new = NewAccount {
        api_key: key("canary"),
        aws: Some(AwsKeysInput {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: disclosed("canary"),
            session_token: Some(disclosed("canary")),
        }),
        entra: Some(EntraInput {
            tenant: "t".to_owned(),
            client_id: "c".to_owned(),
            client_secret: disclosed("canary"),
        }),
        proxy: Some(disclosed("http://me:canary@proxy.example")),
        ..NewAccount::default()
    };
    let change = AccountChange {
        api_key: new.api_key.clone(),
        aws: new.aws.clone(),
        entra: new.entra.clone(),
        proxy: new.proxy.clone(),
        ..AccountChange::default()
    };
    let commands = [
        posthaste_admin::Command::AddAccount(new),
        posthaste_admin::Command::UpdateAccount { account: "one".to_owned(), change },
        posthaste_admin::Command::FinishLogin { login: "x".to_owned(), brought: disclosed("canary") },
    ];
    for command in commands {
        assert!(!format!("{command:?}").contains("canary"), "{command:?}");
        assert!(serde_json::to_string(&command).unwrap().contains("canary"));
    }
}
