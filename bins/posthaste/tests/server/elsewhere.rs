//! The command line from afar: commands go to the relay's admin API.

use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Bench, Server, furnished};

/// A machine without a data folder, whose command line goes to a relay elsewhere.
struct Desk {
    bench: Bench,
    server: String,
}

impl Desk {
    fn at(server: &Server, token: &str) -> Self {
        let bench = Bench::new().with("POSTHASTE_REMOTE_TOKEN", token);
        Self { bench, server: server.base.clone() }
    }

    fn run(&self, line: &str) -> Output {
        self.bench.command(&format!("{line} --json --server {}", self.server)).output().unwrap()
    }

    fn cli(&self, line: &str) -> Value {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn refused(&self, line: &str, code: i32) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_works_from_afar_as_far_as_its_token_goes() {
    let (bench, _upstream, _) = furnished(Bench::new()).await;
    let token = |line: &str| bench.cli(line)["token"].as_str().unwrap().to_owned();
    let keys = token("tokens create keys --scope keys:write --scope keys:read");
    let reader = token("tokens create reader --scope keys:read --scope accounts:read");
    let server = bench.serve();

    let desk = Desk::at(&server, &keys);
    let made = desk.cli("keys create --name afar");
    assert!(made["key"].as_str().unwrap().starts_with("cr_"), "{made}");
    assert_eq!(bench.cli("keys show afar")["id"], made["id"]);
    assert_eq!(desk.cli("keys list").as_array().unwrap().len(), 2);
    let why = desk.refused("accounts list", 1);
    assert!(why.contains("accounts:read"), "{why}");
    let why = desk.refused("keys show nobody", 3);
    assert!(why.contains("nobody"), "{why}");
    let why = desk.refused("keys create --name afar", 4);
    assert!(why.contains("afar"), "{why}");

    let desk = Desk::at(&server, &reader);
    assert_eq!(desk.cli("accounts list")[0]["name"], "one");
    desk.refused("keys revoke afar", 1);
    assert_eq!(bench.cli("keys show afar")["state"]["status"], "active");

    let audit = bench.cli("audit list --action key.");
    let create = audit.as_array().unwrap().iter().find(|entry| entry["target"]["name"] == "afar").unwrap();
    assert!(create["who"].to_string().contains("keys"), "who did it is the token: {create}");
    // Nothing was made on the machine of whoever sits there.
    assert!(!desk.bench.data().exists());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_relay_or_no_token_is_told_and_what_needs_the_folder_stays_here() {
    let (bench, upstream, _) = furnished(Bench::new()).await;
    let server = bench.serve();
    for unknown in ["pht_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "cr_dummy"] {
        let why = Desk::at(&server, unknown).refused("keys list", 1);
        assert!(why.contains("API token") && !why.contains(unknown), "{why}");
    }
    let desk = Desk::at(&server, "pht_dummy");
    for line in ["init", "data verify", "data export --to x.json", "data backup --to x.db", "serve", "demo"] {
        let why = desk.refused(line, 2);
        assert!(why.contains("cannot be done from afar"), "{line}: {why}");
    }
    let nowhere = |server: &str| Desk {
        bench: Bench::new().with("POSTHASTE_REMOTE_TOKEN", "pht_x"),
        server: server.to_owned(),
    };
    let why = nowhere("http://127.0.0.1:1").refused("keys list", 1);
    assert!(why.contains("no usable answer"), "{why}");
    let why = nowhere(upstream.base_url().as_str()).refused("keys list", 1);
    assert!(why.contains("no usable answer"), "{why}");
    for odd in ["ftp://relay", "relay.example.com", "http://me:dummy@127.0.0.1:1"] {
        nowhere(odd).refused("keys list", 2);
    }
    let why = Desk { bench: Bench::new(), server: server.base.clone() }.refused("keys list", 2);
    assert!(why.contains("no token"), "{why}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_none_changes_nothing_and_repeats_nothing() {
    let (bench, _upstream, _) = furnished(Bench::new()).await;
    let made = bench.cli("tokens create t --scope keys:write");
    let token = made["token"].as_str().unwrap();
    let server = bench.serve();
    for body in [
        json!({ "command": "destroy" }),
        json!({ "command": "create_key", "with": { "name": ["dummy-CANARY"] } }),
        json!({ "command": "list_keys", "with": null, "more": 1 }),
        json!([]),
    ] {
        let answer = server.ask(http::Method::POST, "/admin/command", Some(token), &body).await;
        assert_eq!(answer.status, 400, "{body}");
        let why = answer.text().await.unwrap();
        assert!(!why.contains("CANARY"), "{why}");
    }
    let none =
        server.ask(http::Method::POST, "/admin/command", None, &json!({ "command": "list_keys" })).await;
    assert_eq!(none.status, 401);
    server.stop().await;
}
