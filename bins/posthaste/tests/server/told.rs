//! Channels on the command line, with a relay and without one.

use posthaste_testkit::{Received, Script, ScriptedUpstream};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::Bench;

fn refused(bench: &Bench, line: &str) -> (Option<i32>, Value) {
    let output = bench.command(&format!("{line} --json")).output().unwrap();
    let error = output.stderr.split(|byte| *byte == b'\n').find_map(|line| serde_json::from_slice(line).ok());
    (output.status.code(), error.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_kept_and_tested_from_the_command_line() {
    let bench = Bench::new();
    let receiver = ScriptedUpstream::start(|request| match request.path.as_str() {
        "/gone" => Script::json(404, &json!({})),
        _ => Script::json(200, &json!({"ok": true})),
    })
    .await;
    bench.cli("init");
    let url = |path: &str| format!("{}{path}", receiver.base_url());
    std::fs::write(bench.folder.path().join("key"), "dummy-CANARY-key\n").unwrap();
    let line =
        "channels add ops --kind webhook --key-file key --allow-private --notice quota,limit --digest 15m";
    let made = bench.cli(&format!("{line} --target {}", url("/CANARY")));
    assert_eq!((&made["has_key"], &made["digest_seconds"]), (&json!(true), &json!(900)), "{made}");
    assert_eq!(made["target_host"], receiver.base_url(), "{made}");
    bench.cli(&format!(
        "channels add chat --kind telegram --target 1:CANARY --chat -100 --api-base {} --allow-private --disabled",
        url("")
    ));

    // First without a relay, then by the one that runs.
    for round in 1..=2 {
        let server = (round == 2).then(|| bench.serve());
        let tested = bench.cli("channels test ops");
        assert_eq!((&tested["outcome"], &tested["tries"]), (&json!("delivered"), &json!(1)), "{tested}");
        let deliveries = bench.cli("channels deliveries ops");
        assert_eq!(deliveries.as_array().map(Vec::len), Some(1), "{deliveries}");
        bench.cli(&format!("channels update ops --target {} --allow-private", url("/gone")));
        let (code, error) = refused(&bench, "channels test ops");
        assert_eq!(code, Some(1), "{error}");
        bench.cli(&format!("channels update ops --target {} --allow-private", url("/CANARY")));
        bench.cli("channels deliveries ops --limit 1");
        // What is not named stays.
        let changed = bench.cli("channels update ops --least warning --recoveries false");
        let filter = json!({ "kinds": ["quota", "limit"], "least": "warning", "without_recoveries": true });
        assert_eq!(changed["filter"], filter);
        let changed = bench.cli("channels update chat --thread 7");
        assert_eq!((&changed["service"]["chat"], &changed["service"]["thread"]), (&json!("-100"), &json!(7)));
        let listed = bench.cli("channels list");
        assert!(!listed.to_string().contains("CANARY"), "{listed}");
        for text in ["channels list", "channels show chat", "channels show ops"] {
            let output = bench.command(text).output().unwrap();
            let shown = String::from_utf8(output.stdout).unwrap();
            assert!(
                output.status.success()
                    && !shown.contains("CANARY")
                    && (shown.contains("chat") || shown.contains("ops")),
                "{shown}"
            );
        }
        for (line, code) in [
            ("channels add ops --kind webhook --target https://x.test", 4),
            ("channels add other --kind webhook --target http://x.test", 2),
            ("channels add other --kind pigeon", 2),
            ("channels add other --kind webhook --target https://x.test --chat 7", 2),
            ("channels add other --kind telegram --target 1:x", 2),
            ("channels update ops --notice everything", 2),
            ("channels update ops --per-minute 0", 2),
            ("channels show nobody", 3),
        ] {
            let (told, error) = refused(&bench, line);
            assert_eq!(told, Some(code), "{line}: {error}");
        }
        if let Some(server) = server {
            server.stop().await;
        } else {
            let forget = bench.cli("channels deliveries ops");
            assert_eq!(forget.as_array().map(Vec::len), Some(2));
            bench.cli("channels remove ops");
            bench.cli(&format!("{line} --target {}", url("/CANARY")));
        }
    }
    assert!(receiver.received().iter().any(|sent| sent.headers.contains_key("webhook-signature")));
    let audit = bench.cli("audit list --limit 100");
    assert!(audit.to_string().contains("channel.update") && !audit.to_string().contains("CANARY"), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watches_hears_of_a_configuration_that_was_not_taken() {
    let bench = Bench::new();
    let receiver = ScriptedUpstream::start(|_: &Received| Script::json(200, &json!({"ok": true}))).await;
    bench.cli("init");
    let url = receiver.base_url();
    bench.cli(&format!(
        "channels add ops --kind webhook --target {url} --allow-private --notice refused_data"
    ));
    let file = bench.folder.path().join("posthaste.toml");
    std::fs::write(&file, "[relay]\nattempts = 2\n").unwrap();
    let server = bench.serve();
    std::fs::write(&file, "[relay]\nattempts = \"many\"\n").unwrap();
    server.signal(Signal::HUP);
    let heard = receiver.wait_received(1).await;
    let said = String::from_utf8_lossy(&heard[0].body).into_owned();
    assert!(said.contains("refused_data") && said.contains("relay.attempts"), "{said}");
    server.stop().await;
}
