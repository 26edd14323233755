//! Lists of prices that are taken over while a relay runs, and costs that are computed again.

use std::fs;

use posthaste_core::{AttemptRow, CostBasis};
use posthaste_testkit::ScriptedUpstream;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::support::{Bench, PATIENCE, Server, furnished, serving, whole};

/// The public form, with a price for the model that tests ask for.
fn list(bench: &Bench, input: &str) -> String {
    let model = whole()["model"].as_str().unwrap().to_owned();
    let text = format!(
        r#"{{"{model}":{{"litellm_provider":"anthropic","mode":"chat","input_cost_per_token":{input},
        "output_cost_per_token":1e-06}}}}"#
    );
    let name = format!("list-{input}.json");
    fs::write(bench.folder.path().join(&name), text).unwrap();
    name
}

/// Asks until the last row says what is expected of it; every request that was made is in the books then.
async fn until_booked(bench: &Bench, server: &Server, key: &str, cost: impl Fn(&AttemptRow) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut wanted = bench.rows().await.len();
    loop {
        server.post(key, &whole()).await.unwrap().text().await.unwrap();
        wanted += 1;
        let rows = loop {
            let rows = bench.rows().await;
            if rows.len() == wanted {
                break rows;
            }
            assert!(Instant::now() < deadline, "{wanted}: {rows:?}");
            sleep(std::time::Duration::from_millis(20)).await;
        };
        if rows.first().is_some_and(&cost) {
            return;
        }
        assert!(Instant::now() < deadline, "{rows:?}");
    }
}

fn total(rows: &[AttemptRow]) -> i64 {
    rows.iter().map(|row| row.cost.as_nanos()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_price_is_put_right_and_so_are_the_books() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let wrong = list(&bench, "9e-06");
    let seen = bench.cli(&format!("pricing update {wrong} --dry-run"));
    assert_eq!((&seen["taken"], &seen["changed"][0]["leap"]), (&Value::Bool(false), &Value::Bool(false)));
    assert_eq!(bench.cli(&format!("pricing update {wrong} --yes"))["taken"], true);
    // The running relay counts by it without a restart.
    let is_wrong = |row: &AttemptRow| {
        let prompt = i64::try_from(row.usage.input).unwrap();
        row.cost.as_nanos() >= prompt * 9_000 && row.cost_basis == CostBasis::Priced
    };
    until_booked(&bench, &server, &key, is_wrong).await;
    let before = total(&bench.rows().await);

    let right = list(&bench, "3e-06");
    bench.cli(&format!("pricing update {right} --yes"));
    let look = bench.cli("pricing recompute --from 2020-01-01 --dry-run");
    assert_eq!(total(&bench.rows().await), before, "a look changes nothing");
    let done = bench.cli("pricing recompute --from 2020-01-01 --yes");
    assert_eq!(done, look);
    let rows = bench.rows().await;
    assert_eq!(
        (done["before"]["cost"].as_i64(), done["after"]["cost"].as_i64()),
        (Some(before), Some(total(&rows)))
    );
    assert!(total(&rows) < before);
    let again = bench.cli("pricing recompute --from 2020-01-01 --yes");
    assert_eq!(again["changed"], 0);
    let stats = bench.cli("stats");
    assert_eq!(stats["totals"]["cost_nano_usd"].as_i64(), Some(total(&rows)), "{stats}");
    server.stop().await;

    // It holds without the relay and after its next start.
    let status = bench.cli("pricing status");
    assert_eq!(status["list"]["source"], format!("the file {right}"));
    let server = bench.serve();
    until_booked(&bench, &server, &key, |row| row.cost_basis == CostBasis::Priced && !is_wrong(row)).await;
    server.stop().await;
    assert_eq!(bench.cli("data verify")["findings"]["problems"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_prices_over_unasked_and_leaps_need_to_be_meant() {
    let bench = Bench::new();
    let upstream = ScriptedUpstream::start(serving).await;
    bench.add_account("one", &upstream);
    bench.cli(&format!("pricing update {} --yes", list(&bench, "3e-06")));
    let leaping = list(&bench, "3e-09");
    for (line, code, why) in [
        (format!("pricing update {leaping}"), 2, "nobody is there to be asked"),
        (format!("pricing update {leaping} --yes"), 2, "--accept-leaps"),
        ("pricing update nowhere.json --yes".to_owned(), 2, "cannot be read"),
        ("pricing update http://prices.example.com/l --yes".to_owned(), 2, "no https address"),
        ("pricing recompute --from yesterday".to_owned(), 2, "expected a date"),
    ] {
        let output = bench.command(&line).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains(why), "{line}: {told}");
        assert_eq!(output.status.code(), Some(code), "{line}: {told}");
    }
    let again = bench.cli(&format!("pricing update {} --yes", list(&bench, "3e-06")));
    assert_eq!((&again["taken"], &again["changed"]), (&Value::Bool(false), &serde_json::json!([])));
    bench.cli(&format!("pricing update {leaping} --yes --accept-leaps"));
}
