//! Client keys that people make for themselves.

use std::sync::Arc;

use posthaste_admin::{
    Actor, Admin, AdminError, AdminParts, AuditInput, Command, Credentials, KnownPerson, NewKey, NewOwnKey,
    Outcome, OwnKeyRules, OwnerInput, PolicyInput, Reply, TeamInput, UserChange, Visit, parse_limit,
};
use posthaste_core::Role;
use posthaste_storage::Stores;

use crate::{
    doubles::WatchedConfig,
    people::{PASSWORD, add, secret},
    support::{Bench, quiet},
};

async fn person(bench: &Bench, name: &str) -> KnownPerson {
    let given = Credentials { name: name.to_owned(), password: secret(PASSWORD), code: None };
    let token = bench.admin.sign_in().by_password(given, &Visit::default()).await.unwrap().token;
    bench.admin.sign_in().person(token.expose()).await.unwrap().unwrap()
}

pub(crate) async fn new_person(bench: &Bench, name: &str) -> KnownPerson {
    add(bench, name, Role::User).await;
    person(bench, name).await
}

fn named(name: &str) -> NewOwnKey {
    NewOwnKey { name: name.to_owned(), ..NewOwnKey::default() }
}

async fn names(bench: &Bench, person: &KnownPerson) -> Vec<String> {
    bench.admin.own_keys(person).list().await.unwrap().into_iter().map(|key| key.name).collect()
}

#[tokio::test]
async fn a_person_makes_sees_and_removes_the_own_keys() {
    let bench = quiet().await;
    let ada = new_person(&bench, "ada").await;
    let own = bench.admin.own_keys(&ada);
    let made = own.create(named("laptop")).await.unwrap();
    assert!(made.key.secret().expose().starts_with("cr_"));
    assert_eq!(names(&bench, &ada).await, ["laptop"]);
    let seen = bench.admin.keys().show("ada/laptop").await.unwrap();
    assert_eq!((seen.id, seen.owner.as_deref()), (made.view.id, Some("ada")));
    let found = bench.admin.holders().key(&made.key, None).await.unwrap();
    assert_eq!(found.policy.owner, Some(ada.user.id), "the person's limits hold for it");
    assert_eq!(own.quota().await.unwrap().keys, 1);
    own.delete("laptop").await.unwrap();
    assert!(names(&bench, &ada).await.is_empty());
    assert!(bench.admin.holders().key(&made.key, None).await.is_err());
    let input = AuditInput { action: Some("own_key.".to_owned()), ..AuditInput::default() };
    let log = bench.admin.audit().list(&input);
    let told: Vec<_> =
        log.await.unwrap().entries.into_iter().map(|entry| (entry.action, entry.outcome)).collect();
    let done = |action: &str| (action.to_owned(), Outcome::Done);
    assert_eq!(told, [done("own_key.delete"), done("own_key.create")]);
}

#[tokio::test]
async fn others_keys_are_as_if_they_were_not() {
    let bench = quiet().await;
    let (ada, eve) = (new_person(&bench, "ada").await, new_person(&bench, "eve").await);
    let adas = bench.admin.own_keys(&ada).create(named("laptop")).await.unwrap().view;
    let nobodys =
        bench.admin.keys().create(NewKey { name: "team".to_owned(), ..NewKey::default() }).await.unwrap();
    let own = bench.admin.own_keys(&eve);
    assert!(names(&bench, &eve).await.is_empty());
    let told = |id: String| async move { own.delete(&id).await.unwrap_err().to_string().replace(&id, "…") };
    let unknown = told("0190c0de-0000-7000-8000-000000000001".to_owned()).await;
    for other in [
        adas.id.to_string(),
        nobodys.view.id.to_string(),
        "laptop".to_owned(),
        "ada/laptop".to_owned(),
        "team".to_owned(),
    ] {
        assert_eq!(told(other.clone()).await, unknown, "{other}");
    }
    // Not even by trying whether a name is taken.
    assert!(own.create(named("laptop")).await.is_ok());
    assert!(matches!(own.create(named("laptop")).await, Err(AdminError::Conflict { .. })));
    assert_eq!(names(&bench, &ada).await, ["laptop"]);
    for unfit in ["", " ", "ada/laptop", "/"] {
        assert!(
            matches!(own.create(named(unfit)).await, Err(AdminError::Invalid { field: "name", .. })),
            "{unfit}"
        );
    }
    assert_eq!(own.usage().await.unwrap().by_key.rows.len(), 0);
}

#[tokio::test]
async fn nobody_has_more_than_may_be() {
    let bench = quiet().await;
    let parts = AdminParts { own_keys: OwnKeyRules { most: 2, may_delete: false }, ..bench.parts };
    let bench = Bench { admin: Admin::new(parts.clone()), parts, ..bench };
    let ada = new_person(&bench, "ada").await;
    let own = bench.admin.own_keys(&ada);
    let (one, two, three) =
        tokio::join!(own.create(named("one")), own.create(named("two")), own.create(named("three")));
    let made = [&one, &two, &three].iter().filter(|made| made.is_ok()).count();
    assert!(made <= 2 && names(&bench, &ada).await.len() == made);
    for n in made..2 {
        own.create(named(&format!("more{n}"))).await.unwrap();
    }
    assert!(matches!(own.create(named("full")).await, Err(AdminError::Forbidden { .. })));
    let first = names(&bench, &ada).await.remove(0);
    assert!(matches!(own.delete(&first).await, Err(AdminError::Forbidden { .. })));
    assert_eq!(names(&bench, &ada).await.len(), 2);
    let quota = own.quota().await.unwrap();
    assert_eq!((quota.max_keys, quota.keys, quota.may_delete_keys), (2, 2, false));

    let more = UserChange { max_keys: Some(3), ..UserChange::default() };
    bench.admin.people().update(&Actor::machine(), "ada", more).await.unwrap();
    let ada = person(&bench, "ada").await;
    assert!(bench.admin.own_keys(&ada).create(named("third")).await.is_ok());
    let none = UserChange { max_keys: Some(0), ..UserChange::default() };
    add(&bench, "eve", Role::User).await;
    bench.admin.people().update(&Actor::machine(), "eve", none).await.unwrap();
    let eve = person(&bench, "eve").await;
    assert!(matches!(
        bench.admin.own_keys(&eve).create(named("any")).await,
        Err(AdminError::Forbidden { .. })
    ));
}

#[tokio::test]
async fn operators_keep_keys_for_people_within_what_they_may_have() {
    let bench = quiet().await;
    let ada = new_person(&bench, "ada").await;
    let most = UserChange { max_keys: Some(1), ..UserChange::default() };
    bench.admin.people().update(&Actor::machine(), "ada", most).await.unwrap();
    let user = || "ada".to_owned();
    let create = |name: &str| Command::CreateKeyOf { user: user(), new: named(name) };
    let Reply::CreatedOwnKey(made) = bench.admin.execute(create("laptop")).await.unwrap() else { panic!() };
    assert_eq!(made.view.name, "laptop");
    assert_eq!(names(&bench, &ada).await, ["laptop"], "the person sees it");
    let full = bench.admin.execute(create("phone")).await.unwrap_err();
    assert!(
        matches!(full, AdminError::Forbidden { .. }) && full.to_string().contains("`ada` may have 1"),
        "{full}"
    );
    let Reply::OwnKeys(listed) = bench.admin.execute(Command::ListKeysOf { user: user() }).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(listed, std::slice::from_ref(&made.view));

    add(&bench, "eve", Role::User).await;
    let of_another = Command::RevokeKeyOf { user: "eve".to_owned(), key: made.view.id.to_string() };
    assert!(matches!(bench.admin.execute(of_another).await, Err(AdminError::NotFound { .. })));
    let nobodys = Command::ListKeysOf { user: "nobody".to_owned() };
    assert!(matches!(bench.admin.execute(nobodys).await, Err(AdminError::NotFound { .. })));
    bench.admin.holders().key(&made.key, None).await.unwrap();
    let revoke = Command::RevokeKeyOf { user: user(), key: "laptop".to_owned() };
    assert!(matches!(bench.admin.execute(revoke).await, Ok(Reply::OwnKey(key)) if key.id == made.view.id));
    assert!(bench.admin.holders().key(&made.key, None).await.is_err());

    let input = AuditInput { action: Some("user_key.".to_owned()), ..AuditInput::default() };
    let told: Vec<_> = bench.admin.audit().list(&input).await.unwrap().entries;
    let told: Vec<_> = told.iter().rev().map(|entry| (entry.action.as_str(), entry.outcome)).collect();
    let expected = [
        ("user_key.create", Outcome::Done),
        ("user_key.create", Outcome::Refused),
        ("user_key.revoke", Outcome::Failed),
        ("user_key.revoke", Outcome::Done),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_list_of_own_keys_reads_no_records_of_others() {
    let bench = quiet().await;
    let ada = new_person(&bench, "ada").await;
    let owner = OwnerInput::default();
    bench.admin.owners().set("others", &owner).await.unwrap();
    for number in 0..50 {
        let policy = PolicyInput { owner: Some("others".to_owned()), ..PolicyInput::default() };
        let new = NewKey { name: format!("key{number}"), policy, ..NewKey::default() };
        bench.admin.keys().create(new).await.unwrap();
    }
    bench.admin.own_keys(&ada).create(named("laptop")).await.unwrap();
    let config = Arc::new(WatchedConfig::new(&bench.stores.config));
    let stores = Stores { config: Arc::clone(&config) as _, ..bench.stores.clone() };
    let admin = bench.with_stores(stores);
    let mut last = 0;
    let mut reads = async || {
        assert_eq!(admin.own_keys(&ada).list().await.unwrap().len(), 1);
        let all = config.reads();
        let read = all - last;
        last = all;
        read
    };
    // The first one fills the directory: a page of each kind.
    assert!(reads().await < 10);
    assert_eq!(reads().await, 0, "nothing has changed");
}

#[tokio::test]
async fn a_person_sees_the_limits_of_owner_and_team() {
    let bench = quiet().await;
    let ada = new_person(&bench, "ada").await;
    let own = bench.admin.own_keys(&ada);
    assert!(own.quota().await.unwrap().limits.is_empty());
    let limits = |text: &str| Some(vec![parse_limit(text).unwrap()]);
    let team = TeamInput { limits: limits("cost=500/month"), ..TeamInput::default() };
    bench.admin.owners().set_team("research", &team).await.unwrap();
    let owner = OwnerInput {
        limits: limits("requests=10/day"),
        team: Some("research".to_owned()),
        ..OwnerInput::default()
    };
    bench.admin.owners().set("ada", &owner).await.unwrap();
    let quota = own.quota().await.unwrap();
    assert_eq!(quota.team.as_deref(), Some("research"));
    let limits = quota.limits;
    let told: Vec<_> = limits.iter().map(|limit| (limit.whose.as_str(), limit.used)).collect();
    assert_eq!(told, [("owner", 0), ("team", 0)]);
}
