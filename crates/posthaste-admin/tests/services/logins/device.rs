//! By a code that is entered on another device.

use std::time::Duration;

use posthaste_admin::{AdminError, Command, LoginFlow, LoginTask, PolledLogin, Reply, StartedLogin};
use posthaste_core::{Egress, Transport, TransportError};

use super::{Desk, code, desk, failure, invalid_field, new, page};

async fn start(desk: &Desk) -> StartedLogin {
    desk.start(&new("ada"), &LoginFlow::Device).await.expect("a login")
}

async fn poll(desk: &Desk, login: &StartedLogin) -> Result<PolledLogin, AdminError> {
    desk.bench.admin.accounts().poll_login(&login.login).await
}

/// The answer to a poll that finds the person still busy.
async fn wait(desk: &Desk, login: &StartedLogin) -> (u64, Option<String>) {
    match poll(desk, login).await.expect("an answer") {
        PolledLogin::Pending { wait_ms, problem } => (wait_ms, problem),
        done @ PolledLogin::Done(_) => panic!("not yet: {done:?}"),
    }
}

async fn answer(desk: &Desk, login: &StartedLogin, approve: u8) {
    let LoginTask::Device { user_code, .. } = &login.task else { panic!("a device flow") };
    let query = format!("/oauth/activate?user_code={user_code}&login_hint=ada&approve={approve}");
    let response = desk.vendor.sandbox.send(page(&query), &Egress::default()).await.expect("a page");
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_device_is_asked_for_until_the_person_is_done() {
    let desk = desk("interval-5").await;
    let login = start(&desk).await;
    let LoginTask::Device { verification_uri, interval_seconds, .. } = &login.task else {
        panic!("a device")
    };
    assert_eq!(
        (verification_uri.as_str(), *interval_seconds),
        ("http://sandbox.posthaste.internal/oauth/activate", 5,)
    );
    // Too soon: nobody is asked.
    assert_eq!(wait(&desk, &login).await, (5_000, None));
    assert_eq!(desk.vendor.asked.lock().len(), 1);
    desk.bench.clock.advance(SECOND * 5);
    assert_eq!(wait(&desk, &login).await, (5_000, None));
    assert_eq!(desk.vendor.asked.lock().len(), 2);
    answer(&desk, &login, 1).await;
    desk.bench.clock.advance(SECOND * 5);
    let PolledLogin::Done(saved) = poll(&desk, &login).await.unwrap() else { panic!("done") };
    assert_eq!(saved.account.name, "ada");
    assert_eq!(desk.token("ada").await.facts.identity.as_deref(), Some("ada"));
    assert!(matches!(poll(&desk, &login).await, Err(AdminError::NotFound { .. })));
}

#[tokio::test]
async fn a_refusal_and_an_end_are_told_apart() {
    let desk = desk("device-expires-30").await;
    let [refused, late] = [start(&desk).await, start(&desk).await];
    answer(&desk, &refused, 0).await;
    desk.bench.clock.advance(SECOND);
    let (_, state, advice) = failure(poll(&desk, &refused).await);
    assert_eq!(state, "denied");
    assert!(advice.contains("allow it"), "{advice}");
    desk.bench.clock.advance(SECOND * 30);
    let (_, state, advice) = failure(poll(&desk, &late).await);
    assert_eq!(state, "expired_code");
    assert!(advice.contains("sooner"), "{advice}");
    assert_eq!(desk.bench.admin.accounts().list().await.unwrap(), []);
}

#[tokio::test]
async fn a_poll_that_gets_no_answer_is_not_the_end() {
    let desk = desk("auto-approve").await;
    let login = start(&desk).await;
    desk.bench.clock.advance(SECOND);
    desk.break_with(|| TransportError::Connect { host: "x".into(), source: "refused".into() });
    let (pause, problem) = wait(&desk, &login).await;
    assert!(problem.is_some() && pause >= 1_000, "{problem:?}");
    desk.mend();
    desk.bench.clock.advance(Duration::from_millis(pause));
    assert_eq!(wait(&desk, &login).await.1, None);
    desk.bench.clock.advance(Duration::from_millis(pause));
    assert!(matches!(poll(&desk, &login).await.unwrap(), PolledLogin::Done(_)));
}

#[tokio::test]
async fn flows_are_not_mixed_up() {
    let desk = desk("inference").await;
    let device = start(&desk).await;
    assert_eq!(invalid_field(desk.finish(&device, "a-code").await), "login");
    let by_code = desk.start(&new("bob"), &code()).await.unwrap();
    assert_eq!(invalid_field(poll(&desk, &by_code).await), "login");
}

#[tokio::test]
async fn polls_travel() {
    let desk = desk("auto-approve").await;
    let login = start(&desk).await;
    let mut states = Vec::new();
    for _ in 0..2 {
        desk.bench.clock.advance(SECOND);
        let reply =
            desk.bench.admin.execute(Command::PollLogin { login: login.login.clone() }).await.unwrap();
        let text = serde_json::to_string(&reply).unwrap();
        let Reply::PolledLogin(polled) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
        states.push(matches!(polled, PolledLogin::Done(saved) if saved.account.name == "ada"));
    }
    assert_eq!(states, [false, true]);
}

const SECOND: Duration = Duration::from_secs(1);
