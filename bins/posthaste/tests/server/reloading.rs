//! Reading the configuration again while requests are served.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::Method;
use posthaste_testkit::{Received, Script, ScriptedUpstream};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

use crate::support::{Bench, eventually, furnished, serving, streamed, whole};

/// A bench whose relay takes its configuration from a file, and looks at it only when it is told to.
struct Desk {
    bench: Bench,
    token: String,
}

impl Desk {
    fn new(watched: bool) -> Self {
        let bench =
            Bench::new().with("POSTHASTE_SERVER__WATCH_CONFIG", if watched { "true" } else { "false" });
        bench.cli("init");
        let made = bench.cli("tokens create t --scope settings:write");
        Self { token: made["token"].as_str().unwrap().to_owned(), bench }
    }

    /// Puts the file in its place as editors and deployments do: whole or not at all.
    fn write(&self, text: &str) {
        let folder = self.bench.folder.path();
        std::fs::write(folder.join("next.toml"), text).unwrap();
        std::fs::rename(folder.join("next.toml"), folder.join("posthaste.toml")).unwrap();
    }
}

/// An upstream that always fails.
async fn failing() -> ScriptedUpstream {
    ScriptedUpstream::start(|_: &Received| Script::json(500, &json!({ "error": { "message": "down" } })))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_what_can_change_and_names_the_rest() {
    let desk = Desk::new(false);
    let Desk { bench, token } = &desk;
    let (broken, sound) = (failing().await, ScriptedUpstream::start(serving).await);
    bench.add_account("broken", &broken);
    bench.cli("accounts update broken --priority 1");
    bench.add_account("sound", &sound);
    let key = bench.create_key("team");
    desk.write("[relay]\nattempts = 1\n");
    let server = bench.serve();
    assert_ne!(server.post(&key, &whole()).await.unwrap().status, 200, "one attempt, at the broken one");
    bench.cli("accounts reset broken");

    desk.write("[relay]\nattempts = 4\n[data]\nkeep_backups = 3\n");
    assert_eq!(
        bench.cli("config reload"),
        json!({ "changed": ["relay.attempts"], "waiting": ["data.keep_backups"] })
    );
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200, "the second attempt");
    assert_eq!(broken.received().len(), 2, "the broken one was asked both times");
    let find = async |path: &str| {
        let told = server.ask(Method::GET, "/admin/settings", Some(token), &Value::Null).await.json().await;
        let all = told["data"]["configuration"].as_array().unwrap();
        all.iter().find(|setting| setting["path"] == path).unwrap().clone()
    };
    let (attempts, backups) = (find("relay.attempts").await, find("data.keep_backups").await);
    assert_eq!((&attempts["value"], &attempts["live"]), (&json!("4"), &json!(true)));
    assert_eq!((&backups["value"], &backups["waiting"]), (&json!("10"), &json!("3")));
    assert_eq!(backups["live"], false);

    // Nothing of what is not in order is taken, neither what is wrong nor what stands beside it.
    for (text, told) in [
        ("[relay]\nattempts = 1\ngap_timeout = \"soon\"\n", "posthaste.toml:3: relay.gap_timeout"),
        ("[relay]\nattempts = 1\n[accounting]\nprice_file = \"none.json\"\n", "none.json cannot be read"),
        ("[relay\n", "posthaste.toml"),
    ] {
        desk.write(text);
        let answer = server.ask(Method::POST, "/admin/settings/reload", Some(token), &Value::Null).await;
        assert_eq!(answer.status, 400, "{text}");
        let why = answer.text().await.unwrap();
        assert!(why.contains(told) && why.contains("nothing was changed"), "{why}");
        assert_eq!(find("relay.attempts").await["value"], "4", "as before");
    }
    desk.write("");
    let audit = bench.cli("audit list").to_string();
    assert!(audit.contains("settings.reload"), "{audit}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_and_a_changed_file_have_the_configuration_read_again() {
    for watched in [true, false] {
        let desk = Desk::new(watched);
        desk.write("[server]\nmetrics_token = \"dummy-first\"\n");
        let server = desk.bench.serve();
        let open = async |token: &str| {
            let presented = format!("Bearer {token}");
            server.get("/metrics", ("authorization", &presented)).await.status
        };
        assert_eq!((open("dummy-first").await, open("dummy-second").await), (200, 401));
        desk.write("[server]\nmetrics_token = \"dummy-second\"\n");
        if !watched {
            sleep(Duration::from_secs(3)).await;
            assert_eq!(open("dummy-second").await, 401, "nobody has told it");
            server.signal(Signal::HUP);
        }
        eventually("the file is read again", || server.log().contains("was read again").then_some(())).await;
        assert_eq!((open("dummy-first").await, open("dummy-second").await), (401, 200));
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_changes_with_a_reload() {
    let desk = Desk::new(false);
    desk.write("[log]\nfilter = \"info\"\n");
    let server = desk.bench.serve();
    desk.write("[log]\nfilter = \"error\"\n");
    desk.bench.cli("config reload");
    desk.write("[log]\nfilter = \"info\"\n");
    desk.bench.cli("config reload");
    eventually("it is told again", || server.log().contains("was read again").then_some(())).await;
    assert_eq!(server.log().matches("was read again").count(), 1, "not while only errors are logged");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_the_configuration_is_reloaded() {
    reload_under_load(100).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: a thousand reloads; `cargo xtask test --all` runs it"]
async fn no_request_fails_while_the_configuration_is_reloaded_a_thousand_times() {
    reload_under_load(1_000).await;
}

/// Reloads under load, one in ten of them with a configuration that is not in order.
async fn reload_under_load(rounds: usize) {
    let desk = Desk::new(false);
    desk.write("");
    let Desk { bench, token } = desk;
    let (bench, upstream, key) = furnished(bench).await;
    let server = Arc::new(bench.serve());
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut clients = JoinSet::new();
    for number in 0..4 {
        let (client, key) = (server.client(), key.clone());
        let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
        clients.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let body = if number % 2 == 0 { whole() } else { streamed() };
                let answer = client.post(&key, &body).await.unwrap();
                assert_eq!(answer.status, 200);
                let text = answer.text().await.unwrap();
                assert!(text.contains("lo"), "{text}");
                served.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    let file = bench.folder.path().join("posthaste.toml");
    for round in 0..rounds {
        let text = match round % 10 {
            9 => "[relay]\nattempts = 0\n".to_owned(),
            _ => format!("[relay]\nattempts = {}\n[log]\nfilter = \"warn\"\n", 2 + round % 3),
        };
        std::fs::write(&file, text).unwrap();
        let answer = server.ask(Method::POST, "/admin/settings/reload", Some(&token), &Value::Null).await;
        assert_eq!(answer.status, if round % 10 == 9 { 400 } else { 200 }, "round {round}");
    }
    stop.store(true, Ordering::SeqCst);
    clients.join_all().await;
    let served = served.load(Ordering::SeqCst);
    assert!(served > 0);
    assert_eq!(upstream.received().len(), served, "each request asked once");
    Arc::into_inner(server).unwrap().stop().await;
}
