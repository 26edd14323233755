//! People whom a directory knows.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_admin::{
    Actor, Admin, AdminError, AdminParts, AuditInput, Command, Credentials, DirectoryError, Disclosed,
    NewUser, PeopleDirectory, Reply, SignInFinding, SignInStep, SignInTest, SignInWay, UserChange, Visit,
    Vouched, VouchedRole,
};
use posthaste_core::{Role, Secret, SignIn};
use posthaste_storage::RecordKind;

use crate::{
    people::{PASSWORD, secret},
    support::{Bench, quiet},
};

const THEIRS: &str = "the directory's own words";

/// A directory with one person at most, which counts how often it was asked.
#[derive(Default)]
struct Knows {
    person: Mutex<Option<Vouched>>,
    away: Mutex<bool>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl PeopleDirectory for Knows {
    async fn identify(&self, name: &str, password: &Secret) -> Result<Option<Vouched>, DirectoryError> {
        self.asked.lock().push(name.to_owned());
        if *self.away.lock() {
            return Err(DirectoryError::unfit("connecting to ldap://10.0.0.9"));
        }
        let person = self.person.lock().clone();
        Ok(person.filter(|person| person.name.to_lowercase() == name && password.expose() == THEIRS))
    }

    async fn examine(&self, name: Option<&str>, password: Option<&Secret>) -> Vec<SignInFinding> {
        let mut found = vec![SignInFinding::good(SignInStep::Address, "ldap://10.0.0.9")];
        if let Some(name) = name {
            found.push(SignInFinding::good(SignInStep::Person, name));
        }
        if let Some(password) = password {
            let finding = match password.expose() == THEIRS {
                true => SignInFinding::good(SignInStep::Password, "taken"),
                false => SignInFinding::bad(SignInStep::Password, "refused", "look at it"),
            };
            found.push(finding);
        }
        found
    }
}

impl Knows {
    fn tell(&self, name: &str, role: VouchedRole) {
        let sign_in = SignIn::Ldap { dn: format!("uid={name},dc=example") };
        *self.person.lock() = Some(Vouched {
            sign_in,
            name: name.to_owned(),
            display_name: Some("Ada L.".to_owned()),
            email: Some("ada@example.com".to_owned()),
            role,
        });
    }
}

async fn furnished() -> (Bench, Arc<Knows>) {
    let bench = quiet().await;
    let knows = Arc::new(Knows::default());
    let directory = Some(Arc::clone(&knows) as Arc<dyn PeopleDirectory>);
    let parts = AdminParts { directory, ..bench.parts };
    (Bench { admin: Admin::new(parts.clone()), parts, ..bench }, knows)
}

async fn try_in(bench: &Bench, name: &str, password: &str) -> Result<posthaste_admin::SignedIn, AdminError> {
    let given = Credentials { name: name.to_owned(), password: secret(password), code: None };
    bench.admin.sign_in().by_password(given, &Visit::default()).await
}

fn refused<T: std::fmt::Debug>(done: Result<T, AdminError>) {
    assert!(matches!(done, Err(AdminError::Unauthenticated { missing: None, .. })), "{done:?}");
}

#[tokio::test]
async fn a_person_is_made_at_the_first_log_in_and_found_at_the_next() {
    let (bench, knows) = furnished().await;
    knows.tell("Ada", VouchedRole::AtFirst(Role::User));
    refused(try_in(&bench, "ada", "wrong").await);
    assert!(bench.admin.people().list().await.unwrap().is_empty(), "a wrong password makes nobody");
    let first = try_in(&bench, " ADA ", THEIRS).await.unwrap().user;
    assert_eq!((first.name.as_str(), first.display_name.as_str(), first.role), ("ada", "Ada L.", Role::User));
    assert_eq!(first.email.as_deref(), Some("ada@example.com"));
    let second = try_in(&bench, "ada", THEIRS).await.unwrap().user;
    assert_eq!(first.id, second.id);
    assert_eq!(bench.admin.people().list().await.unwrap().len(), 1);
    assert!(bench.admin.owners().show(&first.id.to_string()).await.is_ok(), "keys have somewhere to belong");
    let log = bench.admin.audit().list(&AuditInput::default()).await.unwrap();
    let made: Vec<_> = log.entries.iter().filter(|entry| entry.action == "user.first_login").collect();
    assert_eq!(made.len(), 1);
}

#[tokio::test]
async fn nothing_is_kept_of_the_directory_s_password() {
    let (bench, knows) = furnished().await;
    knows.tell("ada", VouchedRole::AtFirst(Role::User));
    let id = try_in(&bench, "ada", THEIRS).await.unwrap().user.id;
    let kept = bench.stores.config.get(RecordKind::User, id.uuid()).await.unwrap().unwrap();
    assert!(!format!("{kept:?}").contains(THEIRS));
    let change = bench.admin.people().set_password(&Actor::machine(), "ada", &secret(PASSWORD)).await;
    assert!(matches!(change, Err(AdminError::Invalid { .. })), "it is changed where it is kept");
}

#[tokio::test]
async fn an_empty_password_is_not_even_asked_for() {
    let (bench, knows) = furnished().await;
    knows.tell("ada", VouchedRole::AtFirst(Role::User));
    for (name, password) in [("ada", ""), ("", THEIRS), ("a da", THEIRS)] {
        refused(try_in(&bench, name, password).await);
    }
    assert!(knows.asked.lock().is_empty());
}

#[tokio::test]
async fn who_is_kept_here_is_not_looked_for_there() {
    let (bench, knows) = furnished().await;
    let new = NewUser {
        name: "ada".to_owned(),
        password: Some(secret(PASSWORD)),
        role: Some(Role::Owner),
        ..NewUser::default()
    };
    bench.admin.people().create(&Actor::machine(), new).await.unwrap();
    knows.tell("ada", VouchedRole::AtFirst(Role::User));
    refused(try_in(&bench, "ada", THEIRS).await);
    assert!(knows.asked.lock().is_empty());
    // Also where the directory answers another name than it was asked for, as for an address of mail.
    *knows.person.lock() = None;
    let alias = Arc::new(Alias);
    let parts = AdminParts { directory: Some(alias), ..bench.parts.clone() };
    let bench = Bench { admin: Admin::new(parts.clone()), parts, ..bench };
    refused(try_in(&bench, "ada@example.com", THEIRS).await);
    assert_eq!(try_in(&bench, "ada", PASSWORD).await.unwrap().user.role, Role::Owner);
}

/// Calls everybody `ada`.
struct Alias;

#[async_trait]
impl PeopleDirectory for Alias {
    async fn identify(&self, _: &str, _: &Secret) -> Result<Option<Vouched>, DirectoryError> {
        let knows = Knows::default();
        knows.tell("ada", VouchedRole::Always(Role::Admin));
        Ok(knows.person.into_inner())
    }

    async fn examine(&self, _: Option<&str>, _: Option<&Secret>) -> Vec<SignInFinding> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_directory_that_is_away_is_said_so_and_locks_nobody_out() {
    let (bench, knows) = furnished().await;
    let new = NewUser { name: "local".to_owned(), password: Some(secret(PASSWORD)), ..NewUser::default() };
    bench.admin.people().create(&Actor::machine(), new).await.unwrap();
    knows.tell("ada", VouchedRole::AtFirst(Role::User));
    *knows.away.lock() = true;
    for _ in 0..8 {
        let failed = try_in(&bench, "ada", THEIRS).await.unwrap_err();
        assert!(matches!(failed, AdminError::Directory), "{failed:?}");
        assert!(!format!("{:?}", posthaste_admin::AdminFailure::from(&failed)).contains("10.0.0.9"));
    }
    assert!(try_in(&bench, "local", PASSWORD).await.is_ok());
    *knows.away.lock() = false;
    assert!(try_in(&bench, "ada", THEIRS).await.is_ok(), "what was nobody's fault is not counted");
}

#[tokio::test]
async fn who_is_switched_off_here_stays_so() {
    let (bench, knows) = furnished().await;
    knows.tell("ada", VouchedRole::Always(Role::Operator));
    let token = try_in(&bench, "ada", THEIRS).await.unwrap().token;
    let off = UserChange { enabled: Some(false), ..UserChange::default() };
    bench.admin.people().update(&Actor::machine(), "ada", off).await.unwrap();
    refused(try_in(&bench, "ada", THEIRS).await);
    assert!(bench.admin.sign_in().person(token.expose()).await.unwrap().is_none());
    assert!(!bench.admin.people().show("ada").await.unwrap().enabled);
}

#[tokio::test]
async fn roles_follow_the_directory_where_groups_are_named_and_owners_stay() {
    let (bench, knows) = furnished().await;
    let role = |of: VouchedRole| knows.tell("ada", of);
    role(VouchedRole::Always(Role::Owner));
    let token = try_in(&bench, "ada", THEIRS).await.unwrap();
    assert_eq!(token.user.role, Role::Admin, "no directory makes an owner");
    role(VouchedRole::Always(Role::Viewer));
    assert_eq!(try_in(&bench, "ada", THEIRS).await.unwrap().user.role, Role::Viewer);
    let sign_in = bench.admin.sign_in();
    assert!(sign_in.person(token.token.expose()).await.unwrap().is_none(), "who loses rights is logged out");
    let kept = try_in(&bench, "ada", THEIRS).await.unwrap().token;
    assert!(sign_in.person(kept.expose()).await.unwrap().is_some());

    let raise = |role| UserChange { role: Some(role), ..UserChange::default() };
    bench.admin.people().update(&Actor::machine(), "ada", raise(Role::Operator)).await.unwrap();
    role(VouchedRole::AtFirst(Role::User));
    assert_eq!(try_in(&bench, "ada", THEIRS).await.unwrap().user.role, Role::Operator);
    bench.admin.people().update(&Actor::machine(), "ada", raise(Role::Owner)).await.unwrap();
    role(VouchedRole::Always(Role::User));
    assert_eq!(try_in(&bench, "ada", THEIRS).await.unwrap().user.role, Role::Owner);
}

#[tokio::test]
async fn wrong_passwords_of_the_directory_count_too() {
    let (bench, knows) = furnished().await;
    knows.tell("ada", VouchedRole::AtFirst(Role::User));
    for _ in 0..5 {
        refused(try_in(&bench, "ada", "wrong").await);
    }
    assert!(matches!(try_in(&bench, "ada", THEIRS).await, Err(AdminError::TooMany { .. })));
    assert_eq!(knows.asked.lock().len(), 5, "who has to wait is not asked for");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_the_directory() {
    let (bench, knows) = furnished().await;
    knows.tell("ada", VouchedRole::AtFirst(Role::User));
    let token = try_in(&bench, "ada", THEIRS).await.unwrap().token;
    let sign_in = bench.admin.sign_in();
    let person = sign_in.person(token.expose()).await.unwrap().unwrap();
    let factor = sign_in.new_second_factor(&person).unwrap();
    let code = posthaste_vault::CodeSecret::from_base32(factor.secret.secret().clone());
    let shown = Disclosed::new(code.code(bench.now()).unwrap());
    sign_in.enrol_second_factor(&person, &factor.secret, &shown).await.unwrap();
    let missing = try_in(&bench, "ada", THEIRS).await;
    assert!(matches!(missing, Err(AdminError::Unauthenticated { missing: Some("code"), .. })));
    refused(try_in(&bench, "ada", "wrong").await);
    // It is switched off with the directory's password.
    for wrong in ["", "wrong"] {
        let kept = sign_in.remove_second_factor(&person, &secret(wrong)).await;
        assert!(matches!(kept, Err(AdminError::Invalid { field: "password", .. })), "{kept:?}");
    }
    sign_in.remove_second_factor(&person, &secret(THEIRS)).await.unwrap();
    assert!(try_in(&bench, "ada", THEIRS).await.is_ok());
}

#[tokio::test]
async fn a_test_finds_what_is_there_and_keeps_nobody_out() {
    let (bench, knows) = furnished().await;
    knows.tell("ada", VouchedRole::AtFirst(Role::User));
    let with = |name: Option<&str>, password: Option<&str>| {
        let (name, password) = (name.map(str::to_owned), password.map(secret));
        Command::TestSignIn(SignInTest { way: SignInWay::Ldap, name, password })
    };
    for _ in 0..9 {
        let reply = bench.admin.act(&Actor::machine(), with(Some("Ada"), Some("wrong"))).await.unwrap();
        let Reply::SignInTested(report) = reply else { panic!("{reply:?}") };
        assert!(!report.ok && report.findings.len() == 3, "{report:?}");
        assert_eq!(report.findings[1].found, "ada", "as at a log-in");
    }
    assert!(try_in(&bench, "ada", THEIRS).await.is_ok(), "no wait has begun");
    let log = bench.admin.audit().list(&AuditInput::default()).await.unwrap();
    let noted = log.entries.iter().find(|entry| entry.action == "sign_in.test").unwrap();
    assert_eq!(noted.after, Some(serde_json::json!({ "way": "ldap", "name": "ada", "ok": false })));
    assert!(!serde_json::to_string(&log).unwrap().contains("wrong"), "{log:?}");

    let unset = Command::TestSignIn(SignInTest { way: SignInWay::Oidc, name: None, password: None });
    for (command, field) in
        [(unset, "way"), (with(None, Some("wrong")), "password"), (with(Some("a b"), None), "name")]
    {
        let refused = bench.admin.act(&Actor::machine(), command).await.unwrap_err();
        assert!(
            matches!(refused, AdminError::Invalid { field: told, .. } if told == field),
            "{field}: {refused}"
        );
    }
}
