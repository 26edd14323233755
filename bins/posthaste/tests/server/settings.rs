//! What a running relay tells operators of its own configuration and of itself.

use http::Method;
use posthaste::Config;
use serde_json::{Value, json};

use crate::support::Bench;

const MASTER_KEY: &str = "ca4a71ca4a71ca4a71ca4a71ca4a71ca4a71ca4a71ca4a71ca4a71ca4a71ca4a";

/// Every secret key of the configuration with a value of its own; a new one is in it from the day on which it is declared.
fn secrets() -> Vec<(String, String, String)> {
    let keys = Config::SECTIONS.iter().flat_map(|section| section.keys).filter(|key| key.secret);
    let named = keys.map(|key| {
        let path = key.path();
        let value = match path.as_str() {
            "vault.master_key" => MASTER_KEY.to_owned(),
            "telemetry.headers" => "authorization=dummy-CANARY-receiver".to_owned(),
            "data.redis_url" => "redis://me:dummy-CANARY-redis@127.0.0.1:1".to_owned(),
            _ => format!("dummy-CANARY-{}", path.replace(['.', '_'], "-")),
        };
        let variable = format!("POSTHASTE_{}__{}", key.section.replace('.', "__"), key.name).to_uppercase();
        (path, variable, value)
    });
    named.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_the_configuration_is_told() {
    let secrets = secrets();
    // What goes with the directory's password, with the client's secret at an identity provider, and with a receiver's headers.
    let mut bench = Bench::new()
        .with("POSTHASTE_LDAP__URL", "ldaps://127.0.0.1:1")
        .with("POSTHASTE_LDAP__BIND_DN", "cn=reader,dc=example,dc=com")
        .with("POSTHASTE_LDAP__BASE", "dc=example,dc=com")
        .with("POSTHASTE_TELEMETRY__ENDPOINT", "https://127.0.0.1:1")
        .with("POSTHASTE_OIDC__ISSUER", "https://127.0.0.1:1")
        .with("POSTHASTE_OIDC__CLIENT_ID", "relay")
        .with("POSTHASTE_OIDC__PUBLIC_URL", "https://relay.example.com");
    for (_, variable, value) in &secrets {
        bench = bench.with(variable, value);
    }
    bench.cli("init");
    let made = bench.cli("tokens create t --scope settings:read --scope system:read");
    let token = made["token"].as_str().unwrap();
    let server = bench.serve();
    let told = server.ask(Method::GET, "/admin/settings", Some(token), &Value::Null).await;
    assert_eq!(told.status, 200);
    let told = told.json().await;
    let settings = told["data"]["configuration"].as_array().unwrap();
    for (path, _, _) in &secrets {
        let setting = settings.iter().find(|setting| setting["path"] == json!(path)).unwrap();
        assert_eq!(setting["value"], "\"(secret)\"", "{setting}");
    }
    assert!(secrets.len() >= 9, "{secrets:?}");
    let elsewhere = server.ask(Method::GET, "/admin/system", Some(token), &Value::Null).await.json().await;
    let printed = bench.cli("config show");
    for text in [told.to_string(), elsewhere.to_string(), printed.to_string(), server.log()] {
        for (path, _, value) in &secrets {
            assert!(!text.contains(value.as_str()), "{path}: {text}");
        }
        assert!(!text.contains("CANARY"), "{text}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_tells_how_much_it_takes_up() {
    let bench = Bench::new();
    bench.create_key("team");
    let made = bench.cli("tokens create t --scope system:read");
    let server = bench.serve();
    let told = server.ask(Method::GET, "/admin/system", made["token"].as_str(), &Value::Null).await;
    let told = &told.json().await["data"];
    let files = std::fs::read_dir(bench.data()).unwrap().map(Result::unwrap);
    let store = files.filter(|file| file.file_name().to_string_lossy().starts_with("posthaste.db"));
    let on_disk: u64 = store.map(|file| file.metadata().unwrap().len()).sum();
    let bytes = told["store_bytes"].as_u64().unwrap();
    assert!((4_096..=on_disk.max(4_096) * 4).contains(&bytes), "{bytes} and {on_disk}: {told}");
    if cfg!(target_os = "linux") {
        let resident = told["process"]["resident_bytes"].as_u64().unwrap();
        assert!((1 << 20..1 << 34).contains(&resident), "{told}");
    }
    server.stop().await;
}
