//! Accounts at AWS and Azure.

use posthaste_admin::{
    AccountChange, AdminError, GivenAwsKeys, GivenEntra, GivenSettings, NewAccount, SavedAccount,
};
use posthaste_core::{Account, AuthForm, Secret};
use posthaste_storage::Repository;
use posthaste_testkit::Reply;
use posthaste_vault::{StoredAwsKeys, StoredCredential, StoredEntra};
use serde_json::json;

use crate::support::{Bench, bench, key, quiet};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn disclosed(text: &str) -> posthaste_admin::Disclosed {
    posthaste_admin::Disclosed::new(Secret::new(text))
}

fn aws(id: &str) -> Option<GivenAwsKeys> {
    Some(GivenAwsKeys {
        access_key_id: id.to_owned(),
        secret_access_key: disclosed(SECRET),
        session_token: None,
    })
}

fn region(region: &str) -> GivenSettings {
    GivenSettings { region: Some(region.to_owned()), ..GivenSettings::default() }
}

fn bedrock(name: &str) -> NewAccount {
    NewAccount {
        preset: "bedrock".to_owned(),
        name: name.to_owned(),
        vendor: region("us-east-1"),
        aws_keys: aws("AKIAIOSFODNN7EXAMPLE"),
        ..NewAccount::default()
    }
}

fn azure(name: &str) -> NewAccount {
    NewAccount {
        preset: "azure-openai".to_owned(),
        name: name.to_owned(),
        base_url: Some("https://res.openai.azure.com/openai/deployments/gpt-4o/chat/completions".to_owned()),
        api_key: key("dummy"),
        ..NewAccount::default()
    }
}

async fn record(bench: &Bench, saved: &SavedAccount) -> Account {
    let records = Repository::<Account>::new(bench.stores.config.clone());
    records.account(saved.account.id).await.expect("a store").expect("a record").value
}

fn refusal<T: std::fmt::Debug>(result: Result<T, AdminError>) -> (&'static str, String) {
    match result {
        Err(AdminError::Invalid { field, message }) => (field, message),
        other => panic!("expected an invalid input, met {other:?}"),
    }
}

#[tokio::test]
async fn a_region_and_aws_keys_are_all_that_bedrock_needs() {
    let bench = quiet().await;
    let saved = bench.admin.accounts().add(bedrock("one")).await.unwrap();
    assert_eq!(saved.account.base_url, "https://bedrock-runtime.us-east-1.amazonaws.com");
    assert_eq!(saved.account.auth, AuthForm::AwsKeys);
    assert_eq!(saved.account.settings.region.as_deref(), Some("us-east-1"));
    let shown = serde_json::to_string(&saved).unwrap();
    assert!(!shown.contains(SECRET) && !shown.contains("AKIA"), "{shown}");

    let record = record(&bench, &saved).await;
    let sealed = record.credential.unwrap();
    let stored = StoredAwsKeys::open(&bench.vault, record.id, &sealed).unwrap();
    assert_eq!(stored.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(stored.secret_access_key.expose(), SECRET);
}

#[tokio::test]
async fn another_region_moves_the_endpoint_that_the_first_one_told() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    accounts.add(bedrock("one")).await.unwrap();
    let change = AccountChange { vendor: region("eu-west-1"), ..AccountChange::default() };
    let saved = accounts.update("one", change).await.unwrap();
    assert_eq!(saved.account.base_url, "https://bedrock-runtime.eu-west-1.amazonaws.com");
    assert!(saved.account.has_credential);

    let own = NewAccount {
        base_url: Some("https://vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com".to_owned()),
        vendor: GivenSettings::default(),
        ..bedrock("own")
    };
    accounts.add(own).await.unwrap();
    let change = AccountChange { vendor: region("us-east-1"), ..AccountChange::default() };
    let (field, message) = refusal(accounts.update("own", change).await);
    assert!(field == "region" && message.contains("eu-west-1"), "{field}: {message}");
    let change = AccountChange { vendor: region(""), ..AccountChange::default() };
    assert_eq!(accounts.update("own", change).await.unwrap().account.settings.region, None);
}

#[tokio::test]
async fn the_machines_keys_are_kept_nowhere() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let vendor = GivenSettings { profile: Some("team".to_owned()), ..region("us-east-1") };
    let new = NewAccount { aws_keys: None, vendor, ..bedrock("chain") };
    let saved = accounts.add(new).await.unwrap();
    assert_eq!((saved.account.auth, saved.account.has_credential), (AuthForm::AwsChain, false));
    assert_eq!(saved.account.settings.profile.as_deref(), Some("team"));

    // Keys of one's own take the place of the machine's, and the profile goes.
    let change = AccountChange {
        aws_keys: aws("AKIAIOSFODNN7EXAMPLE"),
        vendor: GivenSettings { profile: Some(String::new()), ..GivenSettings::default() },
        ..AccountChange::default()
    };
    let saved = accounts.update("chain", change).await.unwrap();
    assert_eq!((saved.account.auth, saved.account.has_credential), (AuthForm::AwsKeys, true));
    assert_eq!(saved.account.settings.profile, None);
}

#[tokio::test]
async fn a_refused_input_of_a_vendors_names_its_field_and_keeps_nothing() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let with = |change: fn(&mut NewAccount)| {
        let mut new = bedrock("one");
        change(&mut new);
        new
    };
    let cases = [
        ("region", "--base-url", with(|new| new.vendor = GivenSettings::default())),
        ("region", "us-east-1", with(|new| new.vendor = region("virginia"))),
        (
            "aws_keys",
            "--aws-access-key-id",
            with(|new| {
                new.aws_keys = None;
                new.auth = Some(AuthForm::AwsKeys);
            }),
        ),
        (
            "aws_keys",
            "swapped",
            with(|new| {
                new.aws_keys = Some(GivenAwsKeys {
                    access_key_id: SECRET.to_owned(),
                    secret_access_key: disclosed("AKIAIOSFODNN7EXAMPLE"),
                    session_token: None,
                });
            }),
        ),
        ("api_key", "AWS keys", with(|new| new.api_key = key("ABSKdummy"))),
        ("aws_keys", "presents a key", with(|new| new.auth = Some(AuthForm::Bearer))),
        ("aws_keys", "machine", with(|new| new.auth = Some(AuthForm::AwsChain))),
        (
            "auth",
            "bearer",
            with(|new| {
                new.auth = Some(AuthForm::XApiKey);
                new.aws_keys = None;
                new.api_key = key("dummy");
            }),
        ),
        (
            "region",
            "takes no region",
            with(|new| {
                new.preset = "anthropic".to_owned();
                new.aws_keys = None;
                new.api_key = key("dummy");
            }),
        ),
        (
            "auth",
            "AWS keys",
            with(|new| {
                new.preset = "anthropic".to_owned();
                new.vendor = GivenSettings::default();
            }),
        ),
        (
            "api_version",
            "2024-10-21",
            NewAccount {
                vendor: GivenSettings { api_version: Some("v1".to_owned()), ..GivenSettings::default() },
                ..azure("one")
            },
        ),
        (
            "entra",
            "UUID",
            NewAccount {
                api_key: None,
                entra: Some(GivenEntra {
                    tenant: "contoso.onmicrosoft.com".to_owned(),
                    client_id: "my app".to_owned(),
                    client_secret: disclosed("dummy~secret"),
                }),
                ..azure("one")
            },
        ),
        ("base_url", "is needed", NewAccount { base_url: None, ..azure("one") }),
    ];
    for (expected, hint, new) in cases {
        let (field, message) = refusal(accounts.add(new).await);
        assert!(field == expected && message.contains(hint), "{expected}, {hint}: met {field}: {message}");
        assert!(!message.contains(SECRET), "{message}");
    }
    assert_eq!(accounts.list().await.unwrap(), []);
}

#[tokio::test]
async fn a_credential_of_another_kind_is_not_kept_for_a_new_form() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    accounts.add(bedrock("one")).await.unwrap();
    let change = AccountChange { auth: Some(AuthForm::Bearer), ..AccountChange::default() };
    assert_eq!(refusal(accounts.update("one", change.clone()).await).0, "api_key");
    let change = AccountChange { api_key: key("ABSKdummy"), ..change };
    assert_eq!(accounts.update("one", change).await.unwrap().account.auth, AuthForm::Bearer);
}

#[tokio::test]
async fn azure_takes_a_version_and_an_entra_application() {
    let bench = quiet().await;
    let accounts = bench.admin.accounts();
    let vendor = GivenSettings { api_version: Some("2024-10-21".to_owned()), ..GivenSettings::default() };
    let saved = accounts.add(NewAccount { vendor, ..azure("dated") }).await.unwrap();
    assert_eq!(saved.account.base_url, "https://res.openai.azure.com");
    assert_eq!(saved.account.settings.api_version.as_deref(), Some("2024-10-21"));
    let forget = GivenSettings { api_version: Some(String::new()), ..GivenSettings::default() };
    let change = AccountChange { vendor: forget, ..AccountChange::default() };
    assert_eq!(accounts.update("dated", change).await.unwrap().account.settings.api_version, None);

    let entra = GivenEntra {
        tenant: "contoso.onmicrosoft.com".to_owned(),
        client_id: "0b1f8a3c-0000-4000-8000-000000000001".to_owned(),
        client_secret: disclosed("dummy~secret"),
    };
    let new = NewAccount { api_key: None, entra: Some(entra), ..azure("entra") };
    let saved = accounts.add(new).await.unwrap();
    assert_eq!(saved.account.auth, AuthForm::Entra);
    let record = record(&bench, &saved).await;
    let stored = StoredEntra::open(&bench.vault, record.id, &record.credential.unwrap()).unwrap();
    assert_eq!(stored.client_secret.expose(), "dummy~secret");
}

#[tokio::test]
async fn a_test_signs_as_the_account_would_and_gives_the_vendors_advice() {
    let skewed = json!({"message": "Signature expired: 20261126T120000Z is now earlier than 20261126T121000Z (20261126T121500Z - 5 min.)"});
    let bench = bench(move |_| {
        Reply::json(403, &skewed).header("x-amzn-errortype", "InvalidSignatureException:http://internal")
    })
    .await;
    let accounts = bench.admin.accounts();
    accounts.add(bedrock("one")).await.unwrap();
    let report = accounts.test("one", Some("claude-haiku-4-5")).await.unwrap();
    assert_eq!(report.upstream_model.as_str(), "us.anthropic.claude-haiku-4-5-20251001-v1:0");
    assert!(
        report.problem.as_deref().is_some_and(|text| text.contains("InvalidSignatureException")),
        "{report:?}"
    );
    assert!(report.advice.as_deref().is_some_and(|text| text.contains("clock")), "{report:?}");
    let sent = bench.transport.sent();
    assert_eq!(
        sent[0].uri,
        "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"
    );
    let signature = sent[0].headers["authorization"].to_str().unwrap();
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"), "{signature}");
}

#[tokio::test]
async fn azures_advice_names_the_deployment() {
    let missing = json!({"error": {"type": "invalid_request_error", "code": "DeploymentNotFound",
        "message": "The API deployment for this resource does not exist."}});
    let bench = bench(move |_| Reply::json(404, &missing)).await;
    let accounts = bench.admin.accounts();
    accounts.add(azure("one")).await.unwrap();
    let report = accounts.test("one", Some("gpt-5.4")).await.unwrap();
    assert!(
        report.advice.as_deref().is_some_and(|text| text.contains("--map 'gpt-5.4=DEPLOYMENT'")),
        "{report:?}"
    );
}
