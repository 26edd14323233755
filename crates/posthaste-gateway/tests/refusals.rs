//! Who is let in, and what is refused before anybody is asked.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

mod support;

use bytes::Bytes;
use posthaste_core::{
    Account, AuthForm, ClientKey, Clock, Cooldown, CooldownReason, Dialect, Expiry, FaultKind, ModelPattern,
    Operation, Sealed,
};
use posthaste_storage::{Repository, Versioned};
use posthaste_testkit::{Script, ScriptedUpstream, anthropic_json, client_key, client_key_secret};
use std::time::Duration;
use support::{Rig, USAGE, at, whole};

async fn rig() -> (ScriptedUpstream, Rig) {
    let upstream = ScriptedUpstream::start(|_| Script::json(200, &anthropic_json("hi", USAGE))).await;
    let rig = Rig::new(vec![at("only", upstream.base_url(), 1)]).await;
    let following = rig.relay.clone();
    tokio::spawn(async move { following.follow().await });
    (upstream, rig)
}

async fn change(rig: &Rig, edit: impl FnOnce(&mut ClientKey)) {
    let keys = Repository::<ClientKey>::new(rig.stores.config.clone());
    let Versioned { version, mut value } = keys.client_key(client_key("tester").id).await.unwrap().unwrap();
    edit(&mut value);
    keys.replace(value, version).await.unwrap();
}

/// Asks until the answer is a refusal of this kind; the change feed takes a moment.
async fn refused_soon(rig: &Rig, kind: FaultKind) -> String {
    for _ in 0..200 {
        match rig.ask(&whole()).await {
            Err(fault) => {
                assert_eq!(fault.kind, kind, "{fault}");
                return fault.to_string();
            }
            Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("never refused");
}

#[tokio::test]
async fn strangers_are_turned_away() {
    let (upstream, rig) = rig().await;
    for presented in [None, Some(""), Some("cr_0"), Some("sk-ant-dummy")] {
        let fault = rig.relay.authenticate(presented).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unauthenticated);
    }
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_key_made_after_it_was_refused_works_at_once() {
    let (_upstream, rig) = rig().await;
    let secret = client_key_secret("tester");
    change(&rig, |key| key.enabled = false).await;
    refused_soon(&rig, FaultKind::PermissionDenied).await;
    change(&rig, |key| key.enabled = true).await;
    for _ in 0..200 {
        if rig.relay.authenticate(Some(secret.expose())).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never let in again");
}

#[tokio::test]
async fn a_revoked_key_is_refused_on_every_relay() {
    let (_upstream, rig) = rig().await;
    rig.ask(&whole()).await.unwrap();
    change(&rig, |key| key.revoked_at = Some(key.created_at)).await;
    assert!(refused_soon(&rig, FaultKind::PermissionDenied).await.contains("revoked"));
}

#[tokio::test]
async fn a_removed_key_is_unknown() {
    let (_upstream, rig) = rig().await;
    rig.ask(&whole()).await.unwrap();
    let keys = Repository::<ClientKey>::new(rig.stores.config.clone());
    let version = keys.client_key(client_key("tester").id).await.unwrap().unwrap().version;
    keys.remove(client_key("tester").id.uuid(), version).await.unwrap();
    refused_soon(&rig, FaultKind::Unauthenticated).await;
}

#[tokio::test]
async fn a_key_that_counts_from_its_first_use_ends_in_time() {
    let (_upstream, rig) = rig().await;
    change(&rig, |key| key.expiry = Expiry::AfterFirstUse { seconds: 60 }).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    rig.clock.advance(Duration::from_secs(1_000));
    rig.ask(&whole()).await.unwrap();
    rig.clock.advance(Duration::from_secs(59));
    rig.ask(&whole()).await.unwrap();
    rig.clock.advance(Duration::from_secs(1));
    let fault = rig.ask(&whole()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::PermissionDenied);
    assert!(fault.to_string().contains("expired"), "{fault}");
}

#[tokio::test]
async fn a_model_that_the_key_may_not_use_is_refused_unasked() {
    let (upstream, rig) = rig().await;
    change(&rig, |key| key.models.deny.push(ModelPattern::new("claude-*"))).await;
    assert!(refused_soon(&rig, FaultKind::PermissionDenied).await.contains("claude-sonnet-4-5"));
    let asked = upstream.received().len();
    rig.ask(&whole()).await.unwrap_err();
    assert_eq!(upstream.received().len(), asked);
}

#[tokio::test]
async fn malformed_bodies_never_reach_an_upstream() {
    let (upstream, rig) = rig().await;
    let deep =
        [b"{\"model\":\"m\",\"x\":".as_slice(), &b"[".repeat(100_000), &b"]".repeat(100_000), b"}"].concat();
    for body in [
        Bytes::new(),
        Bytes::from("{"),
        Bytes::from("[]"),
        Bytes::from("{}"),
        Bytes::from("{\"model\":7}"),
        Bytes::from("{\"model\":\"\"}"),
        Bytes::from("{\"model\":\"a\",\"model\":\"b\"}"),
        Bytes::from_static(b"{\"model\":\"m\",\"x\":\"\xff\"}"),
        Bytes::from(deep),
    ] {
        for dialect in Dialect::ALL {
            let fault = rig.ask_as(dialect, Operation::Chat, body.clone()).await.unwrap_err();
            assert_eq!(fault.kind, FaultKind::InvalidRequest, "{body:?}");
            assert!(fault.to_string().len() > 20, "says what to do: {fault}");
        }
    }
    assert!(upstream.received().is_empty());
    assert!(rig.rows().await.is_empty());
}

#[tokio::test]
async fn a_relay_without_accounts_says_so() {
    let rig = Rig::new(Vec::new()).await;
    let fault = rig.ask(&whole()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Overloaded);
    assert!(fault.to_string().contains("no upstream account"), "{fault}");
}

#[tokio::test]
async fn an_account_that_was_changed_is_asked_again_by_every_relay() {
    let (_upstream, rig) = rig().await;
    let account = posthaste_testkit::account("only").id;
    let cooldown = Cooldown::of_account(CooldownReason::Unauthorised, None, "test");
    rig.scheduler.rest(account, &cooldown, rig.clock.now());
    let accounts = Repository::<Account>::new(rig.stores.config.clone());
    let Versioned { version, mut value } = accounts.account(account).await.unwrap().unwrap();
    value.auth = AuthForm::None;
    value.credential = Some(Sealed::from_text("another"));
    accounts.replace(value, version).await.unwrap();
    for _ in 0..200 {
        if rig.scheduler.parked(account, rig.clock.now()).is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never released");
}
