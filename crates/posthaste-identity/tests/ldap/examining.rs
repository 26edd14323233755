//! What is in the way of log-ins.

use std::net::TcpListener;

use posthaste_admin::{FindingState, PeopleDirectory as _, SignInFinding, SignInStep as Step};
use posthaste_core::{Role, Secret};
use posthaste_identity::{GroupRoles, GroupSearch, LdapBind, LdapDirectory, LdapOptions, LdapSecurity};
use posthaste_testkit::{SpawnedSlapd, spawn_slapd};

use crate::support::{PASSWORD, ask, options};

async fn examine(options: LdapOptions, name: Option<&str>, password: Option<&str>) -> Vec<SignInFinding> {
    let password = password.map(Secret::new);
    let found = LdapDirectory::new(options).unwrap().examine(name, password.as_ref()).await;
    let told = format!("{found:?}");
    for secret in [SpawnedSlapd::READER_PASSWORD, PASSWORD, "dummy-wrong"] {
        assert!(!told.contains(secret), "{told}");
    }
    found
}

/// The steps with how they are.
fn steps(found: &[SignInFinding]) -> Vec<(Step, FindingState)> {
    found.iter().map(|finding| (finding.step, finding.state)).collect()
}

fn of(found: &[SignInFinding], step: Step) -> &SignInFinding {
    found.iter().rev().find(|finding| finding.step == step).unwrap_or_else(|| panic!("{step:?}: {found:?}"))
}

/// The last thing found is wrong, says this, and what to do.
fn wrong(found: &[SignInFinding], step: Step, words: &str) {
    let last = found.last().unwrap();
    assert_eq!((last.step, last.state), (step, FindingState::Bad), "{found:?}");
    assert!(last.found.contains(words), "{words}: {last:?}");
    assert!(
        last.advice.as_ref().is_some_and(|advice| advice.contains("ldap") || advice.contains("directory")),
        "{last:?}"
    );
}

fn with_groups(slapd: &SpawnedSlapd) -> LdapOptions {
    let ops = ("cn=ops,ou=groups,dc=example,dc=com".to_owned(), Role::Operator);
    LdapOptions { roles: GroupRoles { by_group: vec![ops], otherwise: None }, ..options(slapd) }
}

#[tokio::test]
async fn everything_is_told_where_everything_is_right() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    slapd.add_person("eve", PASSWORD);
    slapd.add_group("ops", &["ada"]);
    let tls = LdapOptions {
        url: slapd.tls_url().parse().unwrap(),
        security: LdapSecurity::Tls,
        ca_file: Some(slapd.certificate()),
        ..with_groups(&slapd)
    };
    let found = examine(tls, Some("ada"), Some(PASSWORD)).await;
    let good = |step| (step, FindingState::Good);
    let wanted = [
        Step::Address,
        Step::Tls,
        Step::Bind,
        Step::Base,
        Step::People,
        Step::Groups,
        Step::Groups,
        Step::Person,
        Step::PersonGroups,
        Step::Role,
        Step::Password,
    ];
    assert_eq!(steps(&found), wanted.map(good), "{found:?}");
    assert!(of(&found, Step::Address).found.starts_with("127.0.0.1:"), "{found:?}");
    assert!(of(&found, Step::Tls).found.contains("from the beginning"), "{found:?}");
    assert!(of(&found, Step::People).found.starts_with("2 below `dc=example,dc=com`"), "{found:?}");
    assert!(of(&found, Step::Groups).found.contains("1 people have `memberOf`"), "{found:?}");
    let person = &of(&found, Step::Person).found;
    assert_eq!(person, "`uid=ada,ou=people,dc=example,dc=com`: ada, called The ada, mail ada@example.com");
    assert_eq!(of(&found, Step::PersonGroups).found, "cn=ops,ou=groups,dc=example,dc=com");
    assert!(of(&found, Step::Role).found.starts_with("operator"), "{found:?}");

    // Whoever is in no group is told so, and without a password none is tried.
    let found = examine(with_groups(&slapd), Some("eve"), None).await;
    wrong(&found, Step::Role, "no group of this person may log in");
}

#[tokio::test]
async fn the_step_that_fails_is_told_and_those_behind_it_are_not_tried() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    let bind = Some(LdapBind { dn: SpawnedSlapd::READER.to_owned(), password: Secret::new("dummy-wrong") });
    wrong(&examine(LdapOptions { bind, ..options(&slapd) }, None, None).await, Step::Bind, "code 49");
    let base = "ou=nobody,dc=example,dc=com".to_owned();
    wrong(&examine(LdapOptions { base, ..options(&slapd) }, None, None).await, Step::Base, "code 32");
    // Whoever is not bound sees nothing of this server.
    let anonymous = LdapOptions { bind: None, ..options(&slapd) };
    let found = examine(anonymous, None, None).await;
    assert_eq!(found.last().unwrap().step, Step::Base, "{found:?}");
    let filter = "(&(objectClass=person)(sAMAccountName={name}))".to_owned();
    wrong(&examine(LdapOptions { filter, ..options(&slapd) }, None, None).await, Step::People, "0 below");
    for (name, words) in [("nobody", "nobody is called `nobody`"), ("*", "nobody is called `*`")] {
        wrong(&examine(options(&slapd), Some(name), Some(PASSWORD)).await, Step::Person, words);
    }
    for (password, words) in [("dummy-wrong", "code 49"), ("", "an empty password")] {
        let found = examine(options(&slapd), Some("ada"), Some(password)).await;
        let last = found.last().unwrap();
        assert_eq!((last.step, last.state), (Step::Password, FindingState::Bad), "{found:?}");
        assert!(last.found.contains(words), "{found:?}");
    }
    // A wrong password that was tried here keeps nobody out.
    assert!(ask(options(&slapd), "ada", PASSWORD).await.unwrap().is_some());
}

#[tokio::test]
async fn a_server_that_is_not_to_be_called_or_not_to_be_believed_is_told() {
    let (slapd, other) = (spawn_slapd(), spawn_slapd());
    let tls = |ca_file, url: String| LdapOptions {
        url: url.parse().unwrap(),
        security: LdapSecurity::Tls,
        ca_file,
        ..options(&slapd)
    };
    for url in [slapd.tls_url(), slapd.url()] {
        let found = examine(tls(Some(other.certificate()), url), None, None).await;
        wrong(&found, Step::Tls, "certificate");
    }
    for (url, words) in [
        ("ldap://169.254.169.254", "no directory has such an address"),
        ("ldaps://10.1.2.3", "it is not a public address"),
        ("ldap://[fe80::1]", "no directory has such an address"),
    ] {
        let found = examine(tls(None, url.to_owned()), Some("ada"), Some(PASSWORD)).await;
        assert_eq!(found.len(), 1, "{found:?}");
        wrong(&found, Step::Address, words);
    }
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ldap://{}", silent.local_addr().unwrap());
    let timeout = std::time::Duration::from_millis(50);
    let short = LdapOptions { url: url.parse().unwrap(), timeout, ..options(&slapd) };
    wrong(&examine(short, None, None).await, Step::Bind, "did not answer within");
}

#[tokio::test]
async fn a_clear_connection_and_people_without_names_are_doubtful() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    slapd.apply(
        "dn: cn=Eve,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\ncn: Eve\nsn: Eve\nmail: eve@example.com\n",
    );
    let plain = LdapOptions {
        security: LdapSecurity::Plain,
        filter: "(mail={name})".to_owned(),
        roles: GroupRoles {
            by_group: vec![("cn=gone,ou=groups,dc=example,dc=com".to_owned(), Role::Admin)],
            otherwise: Some(Role::User),
        },
        ..options(&slapd)
    };
    let found = examine(plain, Some("eve@example.com"), None).await;
    for (step, words) in [
        (Step::Tls, "in the clear"),
        (Step::People, "1 of them have no `uid`"),
        (Step::Groups, "nobody's entry has `memberOf`"),
    ] {
        let one = of(&found, step);
        assert!(one.state == FindingState::Doubtful && one.found.contains(words), "{one:?}");
    }
    assert!(found.iter().any(|one| one.found.contains("not to be seen: cn=gone")), "{found:?}");
    assert_eq!(of(&found, Step::Person).state, FindingState::Bad, "{found:?}");
}

#[tokio::test]
async fn groups_that_are_searched_for_are_counted() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    slapd.add_group("ops", &["ada"]);
    let search = |base: &str| Some(GroupSearch { base: base.to_owned(), filter: "(member={dn})".to_owned() });
    let right = LdapOptions { group_search: search("ou=groups,dc=example,dc=com"), ..with_groups(&slapd) };
    let found = examine(right, Some("ada"), None).await;
    assert!(of(&found, Step::Groups).found.starts_with("1 below `ou=groups"), "{found:?}");
    assert!(found.iter().all(|one| one.state == FindingState::Good), "{found:?}");
    let astray = LdapOptions { group_search: search("ou=people,dc=example,dc=com"), ..with_groups(&slapd) };
    let found = examine(astray, None, None).await;
    assert_eq!(of(&found, Step::Groups).state, FindingState::Doubtful, "{found:?}");
}
