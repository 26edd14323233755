//! People of an LDAP directory at a running relay, and their own client keys.

use bytes::Bytes;
use http::Method;
use posthaste_core::Payload;
use posthaste_testkit::{SpawnedSlapd, spawn_slapd};
use serde_json::{Value, json};

use crate::support::{Bench, Server};

const PASSWORD: &str = "correct horse battery";

async fn ask(server: &Server, method: Method, path: &str, token: &str, body: Value) -> (u16, Value) {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", server.base))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let answer = server.client().send(request.body(Payload::from(body)).unwrap()).await.unwrap();
    let status = answer.status;
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

async fn log_in(server: &Server, name: &str, password: &str) -> (u16, Value) {
    let login = json!({ "username": name, "password": password });
    ask(server, Method::POST, "/users/login", "-", login).await
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_a_directory_log_in_and_others_do_while_it_is_away() {
    let mut slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    slapd.add_group("ops", &["ada"]);
    let bench = Bench::new()
        .with("POSTHASTE_LDAP__URL", &slapd.tls_url())
        .with("POSTHASTE_LDAP__CA_FILE", &slapd.certificate().display().to_string())
        .with("POSTHASTE_LDAP__BIND_DN", SpawnedSlapd::READER)
        .with("POSTHASTE_LDAP__BIND_PASSWORD", SpawnedSlapd::READER_PASSWORD)
        .with("POSTHASTE_LDAP__BASE", SpawnedSlapd::BASE)
        .with("POSTHASTE_LDAP__OPERATOR_GROUPS", "cn=ops,ou=groups,dc=example,dc=com");
    bench.cli(&format!("admin create local --password {}", PASSWORD.replace(' ', "-")));
    let local = PASSWORD.replace(' ', "-");
    let server = bench.serve();

    let (status, first) = log_in(&server, "ada", PASSWORD).await;
    assert_eq!((status, &first["data"]["user"]["role"]), (200, &json!("operator")), "{first}");
    assert_eq!(log_in(&server, "ada", "wrong").await.0, 401);
    assert_eq!(log_in(&server, "ada", "").await.0, 401);
    assert_eq!(log_in(&server, "*", PASSWORD).await.0, 401);

    let token = first["data"]["token"].as_str().unwrap();
    let (status, made) =
        ask(&server, Method::POST, "/users/api-keys", token, json!({ "name": "laptop" })).await;
    assert_eq!(status, 200, "{made}");
    assert!(made["data"]["key"].as_str().unwrap().starts_with("cr_"));
    let (_, listed) = ask(&server, Method::GET, "/users/api-keys", token, Value::Null).await;
    assert_eq!(listed["data"]["total"], 1, "{listed}");
    let (status, quota) = ask(&server, Method::GET, "/users/quota-info", token, Value::Null).await;
    assert_eq!((status, &quota["data"]["keys"]), (200, &json!(1)));
    assert_eq!(ask(&server, Method::GET, "/users/usage-stats", token, Value::Null).await.0, 200);

    let test = json!({ "way": "ldap", "name": "ada", "password": PASSWORD });
    assert_eq!(ask(&server, Method::POST, "/admin/sign-in/test", token, test.clone()).await.0, 403);
    let tester = bench.cli("tokens create tester --scope users:write");
    let tester = tester["token"].as_str().unwrap();
    let (status, tested) = ask(&server, Method::POST, "/admin/sign-in/test", tester, test).await;
    assert_eq!((status, &tested["data"]["ok"]), (200, &json!(true)), "{tested}");
    let found = tested["data"]["findings"].as_array().unwrap();
    let of = |step: &str| found.iter().find(|one| one["step"] == step).unwrap()["found"].as_str().unwrap();
    assert_eq!(of("person_groups"), "cn=ops,ou=groups,dc=example,dc=com");
    assert!(of("role").starts_with("operator"), "{tested}");
    for secret in [PASSWORD, SpawnedSlapd::READER_PASSWORD] {
        assert!(!tested.to_string().contains(secret), "{tested}");
    }

    slapd.kill();
    let away = bench.command("users test-sign-in ldap --name ada --json").output().unwrap();
    let told = String::from_utf8(away.stdout).unwrap();
    assert!(!away.status.success() && told.contains("connecting to ldaps://127.0.0.1"), "{told}");
    let (status, away) = log_in(&server, "ada", PASSWORD).await;
    assert_eq!((status, &away["error"]), (502, &json!("upstream")), "{away}");
    assert!(!away.to_string().contains("ldaps://"), "{away}");
    assert!(server.log().contains("the directory cannot tell who logs in"));
    assert_eq!(log_in(&server, "local", &local).await.0, 200);
    slapd.restart();
    assert_eq!(log_in(&server, "ada", PASSWORD).await.0, 200);
    let log = server.log();
    assert!(!log.contains(PASSWORD) && !log.contains(SpawnedSlapd::READER_PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_names_the_machine_s_user() {
    let bench = Bench::new();
    bench.create_key("direct");
    let server = bench.serve();
    bench.create_key("over-the-socket");
    let log = bench.cli("audit list --action key.create");
    drop(server);
    let user = std::process::Command::new("id").arg("-un").output().unwrap().stdout;
    let user = String::from_utf8(user).unwrap();
    let entries = log.as_array().unwrap();
    assert_eq!(entries.len(), 2, "{log}");
    for entry in entries {
        assert_eq!(entry["who"], json!({ "kind": "machine", "name": user.trim() }));
    }
}
