//! People: who may keep whom, and how they log in.

use std::{net::IpAddr, time::Duration};

use posthaste_admin::{
    Actor, AdminError, Credentials, Disclosed, FirstOwner, NewUser, SetupToken, SignedIn, TokenInput,
    UserChange, Visit, Who,
};
use posthaste_core::{Area, Role, Secret, UserId};
use posthaste_vault::CodeSecret;

use crate::support::{Bench, quiet, quiet_with};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) fn secret(text: &str) -> Disclosed {
    Disclosed::new(Secret::new(text))
}

pub(crate) async fn add(bench: &Bench, name: &str, role: Role) -> UserId {
    let new = NewUser {
        name: name.to_owned(),
        password: Some(secret(PASSWORD)),
        role: Some(role),
        ..NewUser::default()
    };
    bench.admin.people().create(&Actor::machine(), new).await.unwrap().id
}

fn given(name: &str, password: &str) -> Credentials {
    Credentials { name: name.to_owned(), password: secret(password), code: None }
}

fn from(address: &str) -> Visit {
    Visit { address: Some(address.parse().unwrap()), agent: "a browser\r\nof somebody".to_owned() }
}

async fn log_in(bench: &Bench, name: &str) -> SignedIn {
    bench.admin.sign_in().by_password(given(name, PASSWORD), &from("192.0.2.1")).await.unwrap()
}

async fn actor(bench: &Bench, name: &str) -> Actor {
    let token = log_in(bench, name).await.token;
    bench.admin.sign_in().person(token.expose()).await.unwrap().unwrap().actor(None)
}

#[tokio::test]
async fn a_person_logs_in_and_out() {
    let bench = quiet().await;
    let id = add(&bench, "Ada", Role::Viewer).await;
    let signed =
        bench.admin.sign_in().by_password(given(" ADA ", PASSWORD), &from("192.0.2.1")).await.unwrap();
    assert_eq!((signed.user.id, signed.user.name.as_str()), (id, "ada"));
    let sign_in = bench.admin.sign_in();
    let person = sign_in.person(signed.token.expose()).await.unwrap().unwrap();
    assert_eq!((person.user.id, person.session.agent.as_str()), (id, "a browserof somebody"));
    assert!(sign_in.person("").await.unwrap().is_none());
    assert!(sign_in.person(&person.session.token.to_hex()).await.unwrap().is_none());
    sign_in.end(&person, None).await.unwrap();
    assert!(sign_in.person(signed.token.expose()).await.unwrap().is_none());
}

#[tokio::test]
async fn whoever_is_not_let_in_is_not_told_why() {
    let bench = quiet().await;
    add(&bench, "ada", Role::Viewer).await;
    add(&bench, "off", Role::Viewer).await;
    let change = UserChange { enabled: Some(false), ..UserChange::default() };
    bench.admin.people().update(&Actor::machine(), "off", change).await.unwrap();
    let none = NewUser { name: "none".to_owned(), ..NewUser::default() };
    bench.admin.people().create(&Actor::machine(), none).await.unwrap();
    let mut words = Vec::new();
    for (name, password) in
        [("ada", "wrong"), ("nobody", PASSWORD), ("off", PASSWORD), ("none", ""), ("", "")]
    {
        let refused = bench.admin.sign_in().by_password(given(name, password), &from("192.0.2.1")).await;
        assert!(matches!(refused, Err(AdminError::Unauthenticated { missing: None, .. })), "{name}");
        words.push(refused.unwrap_err().to_string());
    }
    words.dedup();
    assert_eq!(words.len(), 1, "{words:?}");
}

#[tokio::test]
async fn whoever_fails_often_waits_and_the_owner_elsewhere_does_not() {
    let bench = quiet().await;
    add(&bench, "ada", Role::Owner).await;
    for _ in 0..5 {
        let _ = bench.admin.sign_in().by_password(given("ada", "wrong"), &from("198.51.100.1")).await;
    }
    let refused = bench.admin.sign_in().by_password(given("ada", PASSWORD), &from("198.51.100.1")).await;
    assert!(matches!(refused, Err(AdminError::TooMany { wait }) if wait == Duration::from_secs(2)));
    assert!(bench.admin.sign_in().by_password(given("ada", PASSWORD), &from("192.0.2.1")).await.is_ok());
    bench.clock.advance(Duration::from_secs(2));
    assert!(bench.admin.sign_in().by_password(given("ada", PASSWORD), &from("198.51.100.1")).await.is_ok());
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_when_its_person_loses_rights() {
    let bench = quiet().await;
    add(&bench, "ada", Role::Admin).await;
    let sign_in = bench.admin.sign_in();
    let token = log_in(&bench, "ada").await.token;
    bench.clock.advance(Duration::from_secs(23 * 3_600));
    assert!(sign_in.person(token.expose()).await.unwrap().is_some());
    bench.clock.advance(Duration::from_secs(23 * 3_600));
    assert!(sign_in.person(token.expose()).await.unwrap().is_some(), "use prolongs it");
    bench.clock.advance(Duration::from_secs(24 * 3_600));
    assert!(sign_in.person(token.expose()).await.unwrap().is_none());

    let people = bench.admin.people();
    for change in [
        UserChange { role: Some(Role::Viewer), ..UserChange::default() },
        UserChange { enabled: Some(false), ..UserChange::default() },
    ] {
        let token = log_in(&bench, "ada").await.token;
        people.update(&Actor::machine(), "ada", change).await.unwrap();
        assert!(sign_in.person(token.expose()).await.unwrap().is_none());
    }
    let on = UserChange { enabled: Some(true), ..UserChange::default() };
    people.update(&Actor::machine(), "ada", on).await.unwrap();
    let token = log_in(&bench, "ada").await.token;
    people.set_password(&Actor::machine(), "ada", &secret("another horse battery")).await.unwrap();
    assert!(sign_in.person(token.expose()).await.unwrap().is_none());
}

#[tokio::test]
async fn no_session_lasts_longer_than_a_month() {
    let bench = quiet().await;
    add(&bench, "ada", Role::Admin).await;
    let token = log_in(&bench, "ada").await.token;
    for day in 0..30 {
        assert!(bench.admin.sign_in().person(token.expose()).await.unwrap().is_some(), "day {day}");
        bench.clock.advance(Duration::from_secs(23 * 3_600 + 3_590));
    }
    bench.clock.advance(Duration::from_secs(3_600));
    assert!(bench.admin.sign_in().person(token.expose()).await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_keeps_those_who_stand_as_high() {
    let bench = quiet().await;
    add(&bench, "owner", Role::Owner).await;
    add(&bench, "admin", Role::Admin).await;
    add(&bench, "other", Role::Admin).await;
    let admin = actor(&bench, "admin").await;
    let people = bench.admin.people();
    let forbidden = |done: Result<posthaste_admin::UserView, AdminError>| {
        assert!(matches!(done, Err(AdminError::Forbidden { .. })), "{done:?}");
    };
    for user in ["owner", "other", "admin"] {
        let raise = UserChange { role: Some(Role::Owner), ..UserChange::default() };
        forbidden(people.update(&admin, user, raise).await);
        forbidden(people.delete(&admin, user).await);
        forbidden(people.set_password(&admin, user, &secret("another horse battery")).await);
        forbidden(people.drop_second_factor(&admin, user).await);
        forbidden(people.end_sessions(&admin, user).await);
    }
    let new = NewUser { name: "third".to_owned(), role: Some(Role::Admin), ..NewUser::default() };
    forbidden(people.create(&admin, new).await);
    let new = NewUser { name: "third".to_owned(), role: Some(Role::Operator), ..NewUser::default() };
    assert!(people.create(&admin, new).await.is_ok());
    let owner = actor(&bench, "owner").await;
    let lower = UserChange { role: Some(Role::Viewer), ..UserChange::default() };
    assert!(people.update(&owner, "other", lower).await.is_ok());
}

#[tokio::test]
async fn an_owner_is_left() {
    let bench = quiet().await;
    add(&bench, "one", Role::Owner).await;
    let (people, machine) = (bench.admin.people(), Actor::machine());
    let off = || UserChange { enabled: Some(false), ..UserChange::default() };
    assert!(matches!(people.delete(&machine, "one").await, Err(AdminError::Conflict { .. })));
    assert!(matches!(people.update(&machine, "one", off()).await, Err(AdminError::Conflict { .. })));
    add(&bench, "two", Role::Owner).await;
    assert!(people.update(&machine, "one", off()).await.is_ok());
    assert!(matches!(people.delete(&machine, "two").await, Err(AdminError::Conflict { .. })));
    assert!(people.delete(&machine, "one").await.is_ok());
}

#[tokio::test]
async fn a_person_has_the_owner_of_the_same_name() {
    let bench = quiet().await;
    let owner = bench.admin.owners().set("ada", &posthaste_admin::OwnerInput::default()).await.unwrap();
    assert_eq!(add(&bench, "ada", Role::User).await, owner.id);
    let fresh = add(&bench, "bob", Role::User).await;
    assert_eq!(bench.admin.owners().show("bob").await.unwrap().id, fresh);
    let again = NewUser { name: "Ada".to_owned(), ..NewUser::default() };
    let taken = bench.admin.people().create(&Actor::machine(), again).await;
    assert!(matches!(taken, Err(AdminError::Conflict { .. })), "{taken:?}");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_no_code_is_taken_twice() {
    let bench = quiet().await;
    add(&bench, "ada", Role::Owner).await;
    let sign_in = bench.admin.sign_in();
    let token = log_in(&bench, "ada").await.token;
    let person = sign_in.person(token.expose()).await.unwrap().unwrap();
    let factor = sign_in.new_second_factor(&person).unwrap();
    let device = CodeSecret::from_base32(factor.secret.secret().clone());
    let wrong = sign_in.enrol_second_factor(&person, &factor.secret, &secret("000000")).await;
    assert!(matches!(wrong, Err(AdminError::Invalid { field: "code", .. })), "{wrong:?}");
    log_in(&bench, "ada").await;
    let code = || Disclosed::new(device.code(bench.now()).unwrap());
    let enrolled = sign_in.enrol_second_factor(&person, &factor.secret, &code()).await.unwrap();

    let with = |code: Option<Disclosed>| Credentials { code, ..given("ada", PASSWORD) };
    let visit = from("192.0.2.1");
    let refused = sign_in.by_password(with(None), &visit).await;
    assert!(matches!(refused, Err(AdminError::Unauthenticated { missing: Some("code"), .. })));
    // The code that enrolled it was taken.
    assert!(sign_in.by_password(with(Some(code())), &visit).await.is_err());
    bench.clock.advance(Duration::from_secs(30));
    let next = code();
    assert!(sign_in.by_password(with(Some(next.clone())), &visit).await.is_ok());
    assert!(sign_in.by_password(with(Some(next)), &visit).await.is_err());
    let recovery = enrolled.recovery_codes[3].clone();
    assert!(sign_in.by_password(with(Some(recovery.clone())), &visit).await.is_ok());
    assert!(sign_in.by_password(with(Some(recovery)), &visit).await.is_err());
    assert_eq!(bench.admin.people().show("ada").await.unwrap().recovery_codes, 9);
    bench.admin.people().drop_second_factor(&Actor::machine(), "ada").await.unwrap();
    bench.clock.advance(Duration::from_secs(3_600));
    log_in(&bench, "ada").await;
}

#[tokio::test]
async fn of_two_who_come_with_one_code_one_is_let_in() {
    let bench = quiet().await;
    add(&bench, "ada", Role::Owner).await;
    let sign_in = bench.admin.sign_in();
    let token = log_in(&bench, "ada").await.token;
    let person = sign_in.person(token.expose()).await.unwrap().unwrap();
    let factor = sign_in.new_second_factor(&person).unwrap();
    let device = CodeSecret::from_base32(factor.secret.secret().clone());
    let code = || Disclosed::new(device.code(bench.now()).unwrap());
    sign_in.enrol_second_factor(&person, &factor.secret, &code()).await.unwrap();
    bench.clock.advance(Duration::from_secs(30));
    let with = Credentials { code: Some(code()), ..given("ada", PASSWORD) };
    let (here, there) = (from("192.0.2.1"), from("192.0.2.2"));
    let (one, other) =
        tokio::join!(sign_in.by_password(with.clone(), &here), sign_in.by_password(with, &there));
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
}

#[tokio::test]
async fn a_person_changes_the_own_password() {
    let bench = quiet().await;
    add(&bench, "ada", Role::User).await;
    let sign_in = bench.admin.sign_in();
    let (here, there) = (log_in(&bench, "ada").await.token, log_in(&bench, "ada").await.token);
    let person = sign_in.person(here.expose()).await.unwrap().unwrap();
    let change = |current: &str, new: &str| posthaste_admin::PasswordChange {
        current: secret(current),
        new: secret(new),
    };
    let wrong = sign_in.change_password(&person, change("wrong", "another horse battery")).await;
    assert!(matches!(wrong, Err(AdminError::Invalid { field: "current", .. })));
    let weak = sign_in.change_password(&person, change(PASSWORD, "short")).await;
    assert!(matches!(weak, Err(AdminError::Invalid { field: "password", .. })));
    sign_in.change_password(&person, change(PASSWORD, "another horse battery")).await.unwrap();
    assert!(sign_in.person(here.expose()).await.unwrap().is_some());
    assert!(sign_in.person(there.expose()).await.unwrap().is_none());
    let visit = from("192.0.2.1");
    assert!(sign_in.by_password(given("ada", PASSWORD), &visit).await.is_err());
    assert!(sign_in.by_password(given("ada", "another horse battery"), &visit).await.is_ok());
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_for_as_long_as_its_maker_may() {
    let bench = quiet().await;
    add(&bench, "ada", Role::Operator).await;
    let ada = actor(&bench, "ada").await;
    let tokens = bench.admin.tokens();
    let input = |scopes: &[posthaste_core::Scope]| TokenInput {
        name: "ci".to_owned(),
        scopes: scopes.to_vec(),
        lasts_seconds: Some(60),
    };
    let beyond = tokens.create(&ada, input(&[Area::Users.write()])).await;
    assert!(matches!(beyond, Err(AdminError::Forbidden { .. })));
    assert!(matches!(tokens.create(&ada, input(&[])).await, Err(AdminError::Invalid { .. })));
    let made = tokens.create(&ada, input(&[Area::Keys.write()])).await.unwrap();
    let text = made.token.secret().expose().to_owned();
    let found = || async { tokens.actor(&text).await.unwrap().map(|who| Actor { who, address: None }) };
    let token = found().await.unwrap();
    assert!(token.may(Area::Keys.write()) && !token.may(Area::Accounts.read()));
    assert!(matches!(
        tokens.create(&token, input(&[Area::Keys.read()])).await,
        Err(AdminError::Forbidden { .. })
    ));

    let lower = UserChange { role: Some(Role::Viewer), ..UserChange::default() };
    bench.admin.people().update(&Actor::machine(), "ada", lower).await.unwrap();
    assert!(!found().await.unwrap().may(Area::Keys.write()));
    bench.clock.advance(Duration::from_secs(60));
    assert!(found().await.is_none());
    assert!(tokens.actor("pht_nobody").await.unwrap().is_none());
    tokens.delete("ci").await.unwrap();
    assert!(tokens.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_of_somebody_who_is_gone_is_of_no_use() {
    let bench = quiet().await;
    add(&bench, "ada", Role::Operator).await;
    let ada = actor(&bench, "ada").await;
    let input = TokenInput { name: "ci".to_owned(), scopes: vec![Area::Keys.read()], lasts_seconds: None };
    let made = bench.admin.tokens().create(&ada, input).await.unwrap();
    bench.admin.people().delete(&Actor::machine(), "ada").await.unwrap();
    assert!(bench.admin.tokens().actor(made.token.secret().expose()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_first_owner_needs_the_token_and_comes_once() {
    let (token, shown) = SetupToken::generate().unwrap();
    let bench = quiet_with(token).await;
    let sign_in = bench.admin.sign_in();
    let first = |token: &str, name: &str| FirstOwner {
        token: secret(token),
        name: name.to_owned(),
        password: secret(PASSWORD),
    };
    let visit = from("192.0.2.1");
    assert!(sign_in.needs_owner().await.unwrap());
    for wrong in ["", "guess"] {
        let refused = sign_in.set_up(first(wrong, "ada"), &visit).await;
        assert!(matches!(refused, Err(AdminError::Unauthenticated { .. })));
    }
    let (one, other) = tokio::join!(
        sign_in.set_up(first(shown.expose(), "ada"), &visit),
        sign_in.set_up(first(shown.expose(), "eve"), &visit)
    );
    let made = match (one, other) {
        (Ok(made), Err(AdminError::Conflict { .. })) | (Err(AdminError::Conflict { .. }), Ok(made)) => made,
        other => panic!("{other:?}"),
    };
    let person = sign_in.person(made.token.expose()).await.unwrap().unwrap();
    assert_eq!(person.user.role, Role::Owner);
    assert!(!sign_in.needs_owner().await.unwrap());
    let again = sign_in.set_up(first(shown.expose(), "third"), &visit).await;
    assert!(matches!(again, Err(AdminError::Conflict { .. })));
    let who = person.actor(Some(IpAddr::from([192, 0, 2, 1]))).who;
    assert!(matches!(who, Who::User { role: Role::Owner, .. }));
}
