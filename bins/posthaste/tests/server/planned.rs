//! Who would serve a request, told by the program without sending one.

use posthaste_testkit::{Script, ScriptedUpstream, anthropic_error};
use serde_json::{Value, json};

use crate::support::{Bench, MODEL, Server, furnished, whole};

/// A vendor that turns everything away for the next ten minutes.
pub(crate) async fn busy() -> ScriptedUpstream {
    ScriptedUpstream::start(|_| {
        Script::json(429, &anthropic_error("rate_limit_error", "slow down")).header("retry-after", "600")
    })
    .await
}

/// A route `house` over two pools, the first one's account at a busy vendor and the second one's at one that serves.
pub(crate) fn lead(bench: &Bench, busy: &ScriptedUpstream) {
    bench.add_account("tired", busy);
    for (pool, account) in [("first", "tired"), ("second", "one")] {
        bench.cli(&format!("pools create --name {pool}"));
        bench.cli(&format!("accounts update {account} --pool {pool}"));
    }
    let to = format!("--to {MODEL}@pool:first --to {MODEL}@pool:second");
    bench.cli(&format!("routes create --model house {to}"));
}

/// Asks for the route once, so that whoever is busy rests.
pub(crate) async fn ask_for_house(server: &Server, key: &str) {
    let mut body = whole();
    body["model"] = json!("house");
    let answer = server.post(key, &body).await.unwrap();
    assert_eq!(answer.status, 200);
    answer.text().await.unwrap();
}

fn printed(bench: &Bench, line: &str) -> String {
    let output = bench.command(line).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn cells(text: &str, account: &str) -> Vec<String> {
    let is_row = |line: &&str| line.split_whitespace().nth(1) == Some(account);
    let rows: Vec<_> = text.lines().filter(is_row).collect();
    rows.iter().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fall_back_is_told_before_anybody_asks() {
    let (bench, good, key) = furnished(Bench::new()).await;
    let busy = busy().await;
    lead(&bench, &busy);
    bench.cli("keys update team --limit requests=9/5h,name=few");
    let server = bench.serve();
    let text = printed(&bench, "routes try house --key team");
    assert!(text.contains("tired, then one would be asked"), "{text}");
    assert_eq!([good.received().len(), busy.received().len()], [0, 0], "nothing was sent");

    ask_for_house(&server, &key).await;
    let sent = [good.received().len(), busy.received().len()];
    let text = printed(&bench, "routes try house --key team --stream");
    for part in
        ["one would be asked", "by pool first", "by pool second", "step 2:", "(a stream)", "few", "slow down"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    let [first, second] = &cells(&text, "tired")[..] else { panic!("{text}") };
    assert!(first.starts_with("- tired") && first.contains("rests until"), "{first}");
    assert!(second.contains("rests") || second.contains("not in the pool"), "{second}");
    assert!(cells(&text, "one").iter().any(|row| row.starts_with("1 one")), "{text}");

    let told = bench.cli("routes try house");
    assert_eq!((&told["key"], &told["key_id"]), (&Value::Null, &Value::Null), "{told}");
    assert_eq!(told["outlook"]["limits"], json!([]), "whose limits should it be?");
    assert_eq!(told["outlook"]["turns"].as_array().map(Vec::len), Some(1));
    assert_eq!(told["outlook"]["legs"].as_array().map(Vec::len), Some(2));
    let refused = printed(&bench, "routes try house --pinned gemini-generate");
    assert!(refused.contains("refused since nobody is left"), "{refused}");
    assert_eq!([good.received().len(), busy.received().len()], sent, "nothing was sent");
    assert_eq!(bench.cli("requests list").as_array().map(Vec::len), Some(1), "and nothing is on record");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_says_why() {
    let (bench, _upstream, _) = furnished(Bench::new()).await;
    let code = |line: &str| {
        let output = bench.command(line).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (ended, why) = code("routes try house");
    assert!(ended == Some(4) && why.contains("only a running relay knows"), "{ended:?}: {why}");
    let server = bench.serve();
    let (ended, why) = code("routes try house --key nobody");
    assert!(ended == Some(3) && why.contains("no client key `nobody`"), "{ended:?}: {why}");
    let (ended, why) = code("routes try house --operation models");
    assert!(ended == Some(2) && why.contains("count_tokens"), "{ended:?}: {why}");
    server.stop().await;
}
