//! Owners of client keys, and their teams.

use posthaste_admin::{
    AdminError, KeyChange, NewKey, OwnerInput, PolicyInput, StatsBy, StatsInput, TeamInput, parse_limit,
};

use crate::{booked, support::quiet};

fn key(name: &str, owner: &str) -> NewKey {
    let policy = PolicyInput { owner: Some(owner.to_owned()), ..PolicyInput::default() };
    NewKey { name: name.to_owned(), policy, ..NewKey::default() }
}

#[tokio::test]
async fn setting_an_owner_makes_it_and_changes_what_is_named() {
    let bench = quiet().await;
    let owners = bench.admin.owners();
    let limits = Some(vec![parse_limit("requests=100/day").unwrap()]);
    let made =
        owners.set("alice", &OwnerInput { limits: limits.clone(), ..OwnerInput::default() }).await.unwrap();
    owners.set_team("crew", &TeamInput::default()).await.unwrap();
    let team = OwnerInput { team: Some("crew".to_owned()), ..OwnerInput::default() };
    let joined = owners.set("alice", &team).await.unwrap();
    assert_eq!(
        (joined.id, joined.team.as_deref(), Some(&joined.limits)),
        (made.id, Some("crew"), limits.as_ref())
    );
    assert_eq!(owners.show_team("crew").await.unwrap().owners, ["alice"]);
    assert!(matches!(owners.delete_team("crew").await, Err(AdminError::Conflict { .. })));

    let other =
        OwnerInput { rename: Some("alicia".to_owned()), limits: Some(Vec::new()), team: Some(String::new()) };
    let changed = owners.set(&made.id.to_string(), &other).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.team, changed.limits.len()), ("alicia", None, 0));
    assert_eq!(owners.list().await.unwrap().len(), 1);
    owners.delete_team("crew").await.unwrap();

    owners.set("bob", &OwnerInput::default()).await.unwrap();
    let taken = OwnerInput { rename: Some("alicia".to_owned()), ..OwnerInput::default() };
    assert!(matches!(owners.set("bob", &taken).await, Err(AdminError::Conflict { .. })));
    let nowhere = OwnerInput { team: Some("nobody".to_owned()), ..OwnerInput::default() };
    assert!(matches!(owners.set("bob", &nowhere).await, Err(AdminError::NotFound { .. })));
    let unknown = posthaste_core::UserId::generate().to_string();
    assert!(matches!(owners.set(&unknown, &OwnerInput::default()).await, Err(AdminError::NotFound { .. })));
}

#[tokio::test]
async fn keys_belong_to_known_owners_only() {
    let bench = quiet().await;
    let refused = bench.admin.keys().create(key("one", "alice")).await.unwrap_err();
    assert!(refused.to_string().contains("posthaste owners set alice"), "{refused}");
    let alice = bench.admin.owners().set("alice", &OwnerInput::default()).await.unwrap().id;
    let made = bench.admin.keys().create(key("one", "alice")).await.unwrap().view;
    assert_eq!((made.policy.owner, made.owner.as_deref()), (Some(alice), Some("alice")));
    assert_eq!(bench.admin.owners().show("alice").await.unwrap().keys, ["one"]);
    assert!(matches!(bench.admin.owners().delete("alice").await, Err(AdminError::Conflict { .. })));

    let moment = posthaste_core::Timestamp::from_secs(1_767_225_600);
    let row = posthaste_core::AttemptRow { owner: Some(alice), ..booked::row(made.id, moment, "a", 5) };
    booked::book(&bench, &[row]).await;
    let nobody = PolicyInput { owner: Some(String::new()), ..PolicyInput::default() };
    let nobodys =
        bench.admin.keys().update("one", KeyChange { policy: nobody, ..KeyChange::default() }).await;
    assert_eq!(nobodys.unwrap().policy.owner, None);
    let asked =
        StatsInput { by: vec![StatsBy::Owner], owner: Some("alice".to_owned()), ..StatsInput::default() };
    let stats = bench.admin.stats(&asked).await.unwrap();
    let told = stats.rows[0].owner.clone().unwrap();
    assert_eq!((told.id, told.name.as_deref()), (alice.uuid(), Some("alice")));
    bench.admin.owners().delete("alice").await.unwrap();
}
