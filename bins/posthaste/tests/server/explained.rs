//! What became of a request, told by the program.

use posthaste_testkit::{Script, ScriptedUpstream, anthropic_error};
use serde_json::{Value, json};

use crate::support::{Bench, MODEL, Server, furnished, serving, streamed, whole};

/// What a command printed for people, or why it failed with which code.
fn told(bench: &Bench, line: &str) -> (i32, String) {
    let output = bench.command(line).output().unwrap();
    let printed = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.code().unwrap(), String::from_utf8(printed).unwrap())
}

async fn ask(server: &Server, key: &str, body: &Value) -> String {
    let answer = server.post(key, body).await.unwrap();
    let id = answer.header("x-posthaste-request-id").to_owned();
    answer.text().await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fail_over_is_explained_while_the_relay_runs_and_after_its_end() {
    let (bench, _good, key) = furnished(Bench::new()).await;
    let busy = ScriptedUpstream::start(|_| {
        Script::json(429, &anthropic_error("rate_limit_error", "slow down")).header("retry-after", "600")
    })
    .await;
    bench.add_account("busy", &busy);
    bench.cli("accounts update busy --priority 1");
    bench.add_account("off", &busy);
    bench.cli("accounts disable off");
    let server = bench.serve();
    for body in [whole(), streamed()] {
        let id = ask(&server, &key, &body).await;
        let explained = bench.cli(&format!("explain {id}"));
        let record = &explained["record"];
        assert_eq!(
            (&record["id"], &record["status"], &record["streamed"]),
            (&json!(id), &json!(200), &body.get("stream").cloned().unwrap_or(json!(false)))
        );
        assert_eq!((&explained["key"], explained["attempts"].is_array()), (&json!("team"), true));
        let cost: i64 =
            explained["attempts"].as_array().unwrap().iter().map(|row| row["cost"].as_i64().unwrap()).sum();
        assert!(cost > 0 && explained["cost"] == json!(cost), "{explained}");
        for flag in ["", " --bodies"] {
            let (code, text) = told(&bench, &format!("explain {id}{flag}"));
            assert_eq!(code, 0, "{text}");
            for part in
                [&*id, MODEL, "team", "answered by one", "busy", "off", "switched off", "answered: complete"]
            {
                assert!(text.contains(part), "{part} in {text}");
            }
        }
        // Of the first request both are turns; by the second the busy one rests.
        assert!(told(&bench, &format!("explain {id}")).1.contains("rate_limited"), "{id}");
    }
    let listed = bench.cli("requests list --key team");
    let [streamed, first] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((&first["attempts"], &streamed["attempts"]), (&json!(2), &json!(1)));
    assert_eq!((&first["served_by"]["name"], &first["status"]), (&json!("one"), &json!(200)));
    assert_eq!(bench.cli("requests list --limit 1").as_array().unwrap().len(), 1);
    server.stop().await;

    let id = first["id"].as_str().unwrap();
    let (code, text) = told(&bench, &format!("explain {id}"));
    assert!(code == 0 && text.contains("slow down") && text.contains("2 attempts"), "{text}");
    bench.cli("accounts delete busy");
    assert!(told(&bench, &format!("explain {id}")).1.contains("answered by one"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_a_limit_refuses_is_explained() {
    let (bench, _upstream, _) = furnished(Bench::new()).await;
    let created = bench.cli("keys create --name small --limit requests=1/5h,name=few");
    let key = created["key"].as_str().unwrap();
    let server = bench.serve();
    ask(&server, key, &whole()).await;
    let id = ask(&server, key, &whole()).await;
    let (code, text) = told(&bench, &format!("explain {id}"));
    assert_eq!(code, 0, "{text}");
    let line = text.lines().find(|line| line.trim_start().starts_with("few ")).unwrap();
    assert_eq!(line.split_whitespace().take(5).collect::<Vec<_>>(), ["few", "requests", "refused", "1", "1"]);
    assert!(text.contains("rate_limited: limit `few`") && text.contains("0 attempts"), "{text}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_explained_is_told_apart() {
    let (bench, _upstream, key) = furnished(Bench::new().with("POSTHASTE_RECORDS__ENABLED", "false")).await;
    let server = bench.serve();
    let id = ask(&server, &key, &whole()).await;
    server.stop().await;
    let (code, text) = told(&bench, &format!("explain {id}"));
    assert!(code == 3 && text.contains("the books have its 1 attempt"), "{text}");
    let (code, text) = told(&bench, "explain 0190c0de-0000-7000-8000-000000000001");
    assert!(code == 3 && text.contains("unknown"), "{text}");
    let (code, text) = told(&bench, "explain msg_1");
    assert!(code == 2 && text.contains("x-posthaste-request-id"), "{text}");
    for line in ["requests list --key nobody", "requests list --limit 0"] {
        assert_ne!(told(&bench, line).0, 0, "{line}");
    }
    assert!(told(&bench, "requests list").1.contains("no requests are on record"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_shown_where_their_key_s_are_kept() {
    let upstream = ScriptedUpstream::start(serving).await;
    let bench = Bench::new();
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let server = bench.serve();
    let plain = ask(&server, &key, &whole()).await;
    let changed = bench.cli("keys update team --capture 2h --capture-max 1KiB");
    assert_eq!(changed["policy"]["capture"]["most_bytes"], json!(1_024));
    // The running relay hears of it within a second.
    let mut secret = whole();
    secret["messages"][0]["content"] = json!("keep sk-dummy-CANARY to yourself");
    let id = loop {
        let id = ask(&server, &key, &secret).await;
        if bench.cli(&format!("explain {id}"))["captured"] == json!(true) {
            break id;
        }
    };
    assert!(told(&bench, &format!("explain {id}")).1.contains("--bodies shows them"));
    let (_, text) = told(&bench, &format!("explain {id} --bodies"));
    assert!(text.contains("keep sk-[masked] to yourself") && text.contains("\"hello\""), "{text}");
    assert!(!text.contains("CANARY"), "{text}");
    let shown = &bench.cli(&format!("explain {id} --bodies"))["bodies"];
    assert_eq!(shown["request"]["whole_bytes"], json!(secret.to_string().len()));
    assert_eq!(bench.cli(&format!("explain {plain} --bodies"))["captured"], json!(false));

    assert!(told(&bench, "keys show team").1.contains("kept until"));
    bench.cli("keys update team --capture=");
    assert!(told(&bench, "keys show team").1.contains("not kept"));
    for line in ["--capture 8d", "--capture 2h --capture-max 1MiB", "--capture-max 1KiB", "--capture x"] {
        assert_eq!(told(&bench, &format!("keys update team {line}")).0, 2, "{line}");
    }
    server.stop().await;
}
