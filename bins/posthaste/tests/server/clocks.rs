//! K1: the machine's time of day jumps under a relay that runs.

use http::Method;
use posthaste_core::AttemptOutcome;
use posthaste_testkit::{Gate, Received, Script, ScriptedUpstream, ShiftedClock, anthropic_sse};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Bench, Server, USAGE, eventually, serving, streamed, whole};

pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;

/// Asks until it is refused; tells how often it was served.
pub(crate) async fn served_until_refused(server: &Server, key: &str) -> usize {
    for served in 0..100 {
        let answer = server.post(key, &whole()).await.unwrap();
        let status = answer.status;
        let text = answer.text().await.unwrap();
        assert!(matches!(status, 200 | 429), "{status}: {text}");
        if status == 429 {
            return served;
        }
    }
    panic!("there is no limit");
}

/// Serves with the clock where each shift has it, one after the other; tells how often in all.
async fn served_under(window: &str, limit: usize, shifts: &[i64]) -> usize {
    let (bench, clock) = (Bench::new(), ShiftedClock::new());
    let upstream = ScriptedUpstream::start(serving).await;
    bench.add_account("one", &upstream);
    let key = bench.create_key(&format!("team --limit requests={limit}/{window}"));
    let mut command = bench.command("serve --listen 127.0.0.1:0");
    clock.under(&mut command);
    let server = Bench::started(command);
    let mut served = served_until_refused(&server, &key).await;
    for shift in shifts {
        clock.shift(*shift);
        served += served_until_refused(&server, &key).await;
    }
    server.stop().await;
    served
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_limits_grant_no_more_than_two_windows_when_the_clock_jumps_and_comes_back() {
    // Windows that open with a request, and the day of the calendar.
    for (window, length) in [("1h", HOUR), ("3h", 3 * HOUR), ("day", DAY)] {
        for jump in [HOUR, -HOUR, DAY, -DAY, length, -length] {
            let served = served_under(window, 5, &[jump, 0, jump, 0]).await;
            assert!(matches!(served, 5 | 10), "{window}: {served} with a jump of {jump} s");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_streams_log_ins_and_the_order_of_the_books_outlast_jumps_of_the_clock() {
    let (bench, clock, gate) = (Bench::new(), ShiftedClock::new(), Gate::default());
    let held = gate.clone();
    let upstream =
        ScriptedUpstream::start(move |request: &Received| match request.json()["max_tokens"].as_u64() {
            Some(1) => {
                let frames = anthropic_sse(&["a", "b"], USAGE);
                Script::sse(&frames[..4]).gate(&held).chunks(frames[4..].iter().cloned())
            }
            _ => serving(request),
        })
        .await;
    bench.add_account("one", &upstream);
    let key = bench.create_key("team");
    let mut command = bench.command("serve --listen 127.0.0.1:0");
    clock.under(&mut command);
    let mut server = Bench::started(command);
    let session = logged_in(&server).await;
    let mut slow = streamed();
    slow["max_tokens"] = 1.into();
    let mut stream = server.post(&key, &slow).await.unwrap();
    let first = stream.piece().await.unwrap().unwrap();

    let mut asked = vec![stream.header("x-posthaste-request-id").to_owned()];
    for shift in [HOUR, 0, -HOUR, 0, DAY, 0] {
        clock.shift(shift);
        for _ in 0..5 {
            let answer = server.post(&key, &whole()).await.unwrap();
            assert_eq!(answer.status, 200, "{shift}");
            asked.push(answer.header("x-posthaste-request-id").to_owned());
            answer.text().await.unwrap();
        }
        if shift != DAY {
            let me = server.ask(Method::GET, "/web/auth/user", Some(&session), &Value::Null).await;
            assert_eq!(me.status, 200, "who is logged in stays so at {shift}");
        }
    }
    gate.open();
    let rest = stream.text().await.unwrap();
    assert_eq!([&first[..], rest.as_bytes()].concat(), anthropic_sse(&["a", "b"], USAGE).concat());
    assert_eq!(bench.cli("accounts show one")["health"]["state"], "ready");
    server.signal(Signal::TERM);
    assert!(server.end().await.success());
    let mut rows = bench.rows().await;
    rows.reverse();
    assert!(rows.iter().all(|row| row.outcome == AttemptOutcome::Complete));
    let booked: Vec<_> = rows.iter().map(|row| row.request_id.to_string()).collect();
    assert_eq!(booked, asked, "the books are in the order in which it was asked");
}

pub(crate) async fn logged_in(server: &Server) -> String {
    let token = eventually("a token is shown", || {
        let log = server.log();
        let line = log.lines().find(|line| line.contains("set-up token"))?;
        Some(line.rsplit(' ').next()?.to_owned())
    })
    .await;
    let first = json!({ "token": token, "name": "ada", "password": "correct horse battery" });
    let made = server.ask(Method::POST, "/web/auth/setup", None, &first).await;
    assert_eq!(made.status, 200);
    let login = json!({ "username": "ada", "password": "correct horse battery" });
    let session = server.ask(Method::POST, "/web/auth/login", None, &login).await.json().await;
    session["data"]["token"].as_str().unwrap().to_owned()
}
