//! Client keys.

use std::time::Duration;

use posthaste_admin::{AdminError, ExpiryInput, KeyChange, NewKey, OwnerInput, PolicyInput, parse_limit};
use posthaste_core::{ClientKey, ClientKeyId, Clock, KeyStatus, NanoUsd, ProviderKind, Timestamp};
use posthaste_storage::Repository;

use crate::{
    booked::{book, row},
    support::quiet,
};

fn named(name: &str) -> NewKey {
    NewKey { name: name.to_owned(), ..NewKey::default() }
}

#[tokio::test]
async fn the_secret_is_told_once_and_kept_as_a_hash() {
    let bench = quiet().await;
    let created = bench.admin.keys().create(named("team")).await.unwrap();
    let secret = created.key.secret().expose().to_owned();
    assert!(secret.starts_with("cr_") && secret.len() == 3 + 64, "{}", secret.len());
    assert!(secret.ends_with(&created.view.hint));
    let json = serde_json::to_value(&created).unwrap();
    assert_eq!(json["key"], secret.as_str());
    assert_eq!(json["id"], created.view.id.to_string());

    let records = Repository::<ClientKey>::new(bench.stores.config.clone());
    let kept = records.by_hash(bench.vault.hash_client_key(&secret)).await.unwrap().unwrap().value;
    assert_eq!(kept.id, created.view.id);
    let shown = serde_json::to_string(&bench.admin.keys().show("team").await.unwrap()).unwrap();
    assert!(!shown.contains(&secret[3..]) && !shown.contains(&kept.hash.to_hex()), "{shown}");
}

#[tokio::test]
async fn names_are_unique_also_when_many_want_one_at_once() {
    let bench = quiet().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let admin = bench.admin.clone();
        tasks.spawn(async move { admin.keys().create(named("team")).await });
    }
    let results = tasks.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let lost = results.iter().filter(|result| matches!(result, Err(AdminError::Conflict { .. })));
    assert_eq!(lost.count(), 7);
    bench.admin.keys().create(named("other")).await.unwrap();
    let rename = KeyChange { name: Some("team".to_owned()), ..KeyChange::default() };
    assert!(matches!(
        bench.admin.keys().update("other", rename.clone()).await,
        Err(AdminError::Conflict { .. })
    ));
    bench.admin.keys().update("team", rename).await.unwrap();
}

#[tokio::test]
async fn expiry_is_fixed_or_from_first_use_and_never_in_the_past() {
    let bench = quiet().await;
    let keys = bench.admin.keys();
    let now = bench.clock.now();
    let at = now.plus(Duration::from_secs(60));
    let fixed = keys.create(NewKey { expiry: ExpiryInput::At { at }, ..named("fixed") }).await.unwrap();
    assert_eq!(fixed.view.expires_at, Some(at));
    let days = ExpiryInput::FromFirstUse { seconds: 30 * 86_400 };
    let rolling = keys.create(NewKey { expiry: days, ..named("rolling") }).await.unwrap();
    assert_eq!((rolling.view.expires_at, rolling.view.state), (None, KeyStatus::Active));
    let soon =
        keys.create(NewKey { expiry: ExpiryInput::In { seconds: 60 }, ..named("soon") }).await.unwrap();
    assert_eq!(soon.view.expires_at, Some(at));
    for expiry in [
        ExpiryInput::At { at: now },
        ExpiryInput::In { seconds: 0 },
        ExpiryInput::FromFirstUse { seconds: 0 },
        ExpiryInput::FromFirstUse { seconds: u64::MAX },
    ] {
        let refused = keys.create(NewKey { expiry, ..named("wrong") }).await;
        assert!(matches!(refused, Err(AdminError::Invalid { field: "expiry", .. })), "{refused:?}");
    }
    bench.clock.set(at);
    assert_eq!(keys.show("fixed").await.unwrap().state, KeyStatus::Expired { at });
    let never = KeyChange { expiry: Some(ExpiryInput::Never), ..KeyChange::default() };
    assert_eq!(keys.update("fixed", never).await.unwrap().state, KeyStatus::Active);
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let bench = quiet().await;
    let keys = bench.admin.keys();
    let created = keys.create(NewKey { allow: vec!["claude-*".to_owned()], ..named("team") }).await.unwrap();
    let change = KeyChange {
        enabled: Some(false),
        deny: Some(vec!["claude-opus-*".to_owned()]),
        ..KeyChange::default()
    };
    let changed = keys.update("team", change).await.unwrap();
    assert_eq!(changed.state, KeyStatus::Disabled);
    assert!(changed.models.allows("claude-haiku-4-5") && !changed.models.allows("claude-opus-4-8"));
    assert_eq!((changed.id, changed.expiry), (created.view.id, created.view.expiry));
}

#[tokio::test]
async fn a_policy_is_set_shown_and_changed_in_parts() {
    let bench = quiet().await;
    let keys = bench.admin.keys();
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    let owner = bench.admin.owners().set("alice", &OwnerInput::default()).await.unwrap().id.to_string();
    let policy = PolicyInput {
        providers: texts(&["anthropic", "openai", "anthropic"]),
        clients: texts(&["claude-code", "my-agent/*"]),
        networks: texts(&["192.0.2.0/24", "::ffff:192.0.2.0/120"]),
        multiplier: Some("1.25".to_owned()),
        repair_conversations: Some(true),
        tags: texts(&["blue", " team a "]),
        owner: Some("alice".to_owned()),
        ..PolicyInput::default()
    };
    let made = keys.create(NewKey { policy, ..named("team") }).await.unwrap().view.policy;
    assert_eq!(made.providers, [ProviderKind::Anthropic, ProviderKind::OpenAi]);
    assert_eq!(made.networks.len(), 1, "the same network in two forms is one");
    assert!(made.repair_conversations);
    assert_eq!(made.multiplier.as_millionths(), 1_250_000);
    assert_eq!((made.tags, made.owner.unwrap().to_string()), (vec!["blue".into(), "team a".into()], owner));

    let part = PolicyInput { networks: texts(&[]), owner: Some(String::new()), ..PolicyInput::default() };
    let changed =
        keys.update("team", KeyChange { policy: part, ..KeyChange::default() }).await.unwrap().policy;
    assert!(changed.networks.is_empty() && changed.owner.is_none());
    assert_eq!(changed.clients.len(), 2, "what is not named stays");
    let wrong = PolicyInput { networks: texts(&["10.0.0.1/8"]), ..PolicyInput::default() };
    let refused = keys.update("team", KeyChange { policy: wrong, ..KeyChange::default() }).await.unwrap_err();
    assert!(refused.to_string().contains("write 10.0.0.0/8"), "{refused}");
}

#[tokio::test]
async fn rules_that_contradict_each_other_are_refused() {
    let bench = quiet().await;
    let keys = bench.admin.keys();
    let list = |text: &str| vec![text.to_owned()];
    for new in [
        NewKey { deny: list("*"), ..named("a") },
        NewKey { allow: list("claude-*"), deny: list("claude-*"), ..named("b") },
        NewKey {
            limits: vec![parse_limit("cost=1/day").unwrap()],
            policy: PolicyInput { multiplier: Some("0".to_owned()), ..PolicyInput::default() },
            ..named("c")
        },
    ] {
        let name = new.name.clone();
        assert!(matches!(keys.create(new).await, Err(AdminError::Invalid { .. })), "{name}");
    }
    assert!(keys.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_key_is_switched_off_for_a_reason_and_on_without_one() {
    let bench = quiet().await;
    let keys = bench.admin.keys();
    keys.create(named("team")).await.unwrap();
    let because = |enabled| KeyChange {
        enabled,
        disabled_because: Some("moved to team b".to_owned()),
        ..KeyChange::default()
    };
    assert!(keys.update("team", because(None)).await.is_err(), "it is switched on");
    let off = keys.update("team", because(Some(false))).await.unwrap();
    assert_eq!(off.disabled_because.as_deref(), Some("moved to team b"));
    let on = keys.update("team", KeyChange { enabled: Some(true), ..KeyChange::default() }).await.unwrap();
    assert_eq!(on.disabled_because, None);
}

#[tokio::test]
async fn revoking_is_for_good_and_dropping_removes() {
    let bench = quiet().await;
    let keys = bench.admin.keys();
    keys.create(named("team")).await.unwrap();
    let revoked = keys.revoke("team").await.unwrap();
    assert_eq!(revoked.state, KeyStatus::Revoked);
    bench.clock.advance(Duration::from_secs(5));
    assert_eq!(keys.revoke("team").await.unwrap().revoked_at, revoked.revoked_at);
    let on = KeyChange { enabled: Some(true), ..KeyChange::default() };
    let refused = keys.update("team", on).await;
    assert!(matches!(refused, Err(AdminError::Invalid { field: "enabled", .. })), "{refused:?}");
    assert_eq!(keys.show("team").await.unwrap().state, KeyStatus::Revoked);
    keys.delete("team").await.unwrap();
    keys.purge("team").await.unwrap();
    assert!(matches!(keys.show("team").await, Err(AdminError::NotFound { .. })));
}

#[tokio::test]
async fn usage_adds_up_in_all_by_model_and_by_day() {
    let bench = quiet().await;
    let id = bench.admin.keys().create(named("team")).await.unwrap().view.id;
    let day = Timestamp::from_secs(1_767_225_600);
    let next = day.plus(Duration::from_secs(86_400));
    book(&bench, &[row(id, day, "a", 100), row(id, next, "a", 20), row(id, next, "b", 3)]).await;
    book(&bench, &[row(ClientKeyId::generate(), day, "a", 4_000)]).await;

    let usage = bench.admin.keys().usage("team").await.unwrap();
    assert_eq!((usage.totals.attempts, usage.totals.completed, usage.totals.usage.output), (3, 3, 123));
    assert_eq!(usage.totals.cost_nano_usd, NanoUsd::from_nanos(123));
    assert_eq!(usage.totals.cost, "$0.000000123");
    let models: Vec<_> =
        usage.by_model.iter().map(|row| (row.model.as_str(), row.totals.usage.output)).collect();
    assert_eq!(models, [("a", 120), ("b", 3)]);
    let days: Vec<_> = usage.by_day.iter().map(|row| (row.day, row.totals.usage.output)).collect();
    assert_eq!(days, [(day, 100), (next, 23)]);

    bench.admin.keys().delete("team").await.unwrap();
    bench.admin.keys().purge("team").await.unwrap();
    let after = bench.admin.keys().usage(&id.to_string()).await.unwrap();
    assert_eq!((after.name, after.totals), (None, usage.totals));
    let nobody = bench.admin.keys().usage(&ClientKeyId::generate().to_string()).await;
    assert!(matches!(nobody, Err(AdminError::NotFound { .. })));
}
