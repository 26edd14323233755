//! Who it is.

use std::net::TcpListener;

use posthaste_admin::VouchedRole;
use posthaste_core::{Role, Secret, SignIn};
use posthaste_identity::{LdapBind, LdapDirectory, LdapOptions};
use posthaste_testkit::{SpawnedSlapd, spawn_slapd};

use crate::support::{PASSWORD, ask, options, words};

#[tokio::test]
async fn the_right_password_tells_who_it_is() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    let ada = ask(options(&slapd), "ada", PASSWORD).await.unwrap().unwrap();
    let dn = "uid=ada,ou=people,dc=example,dc=com".to_owned();
    assert_eq!(ada.sign_in, SignIn::Ldap { dn });
    assert_eq!((ada.name.as_str(), ada.display_name.as_deref()), ("ada", Some("The ada")));
    assert_eq!(ada.email.as_deref(), Some("ada@example.com"));
    assert_eq!(ada.role, VouchedRole::AtFirst(Role::User));
    // The directory takes no notice of case, and so tells the name as it is kept.
    assert_eq!(ask(options(&slapd), "ADA", PASSWORD).await.unwrap().unwrap().name, "ada");
}

#[tokio::test]
async fn nobody_else_is_let_in() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    slapd.add_person("eve", "another horse battery");
    for (name, password) in [
        ("ada", "wrong"),
        ("ada", "another horse battery"),
        ("ada", ""),
        ("", PASSWORD),
        ("", ""),
        ("nobody", PASSWORD),
        ("ada ", "correct horse battery "),
    ] {
        assert_eq!(ask(options(&slapd), name, password).await.unwrap(), None, "{name:?} {password:?}");
    }
}

#[tokio::test]
async fn a_name_is_no_filter() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    for name in [
        "*",
        "a*",
        ")(uid=*",
        "ada)(objectClass=*",
        "*)(|(uid=*",
        "ada)(&",
        "\\61da",
        "\\2a",
        "ada\0",
        "(uid=ada)",
        "uid=ada,ou=people,dc=example,dc=com",
        "{name}",
    ] {
        assert_eq!(ask(options(&slapd), name, PASSWORD).await.unwrap(), None, "{name:?}");
    }
}

#[tokio::test]
async fn a_name_of_several_is_nobodys() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    slapd.apply("dn: ou=old,dc=example,dc=com\nobjectClass: organizationalUnit\nou: old\n");
    slapd.apply(&format!(
        "dn: uid=ada,ou=old,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: ada\ncn: ada\nsn: ada\nuserPassword: {PASSWORD}\n"
    ));
    assert_eq!(ask(options(&slapd), "ada", PASSWORD).await.unwrap(), None);
    let narrow = LdapOptions { base: "ou=people,dc=example,dc=com".to_owned(), ..options(&slapd) };
    assert!(ask(narrow, "ada", PASSWORD).await.unwrap().is_some());
}

#[tokio::test]
async fn a_referral_is_not_followed() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    slapd.apply(&format!(
        "dn: ou=away,dc=example,dc=com\nobjectClass: referral\nobjectClass: extensibleObject\nou: away\n\
         ref: ldap://{}/ou=away,dc=example,dc=com\n",
        elsewhere.local_addr().unwrap()
    ));
    assert!(ask(options(&slapd), "ada", PASSWORD).await.unwrap().is_some());
    assert_eq!(ask(options(&slapd), "eve", PASSWORD).await.unwrap(), None);
    let below = LdapOptions { base: "ou=away,dc=example,dc=com".to_owned(), ..options(&slapd) };
    let refused = ask(below, "ada", PASSWORD).await.unwrap_err();
    assert!(words(&refused).contains("code 10"), "{}", words(&refused));
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn what_the_relay_itself_may_not_is_told_as_a_failure() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    let bind = Some(LdapBind { dn: SpawnedSlapd::READER.to_owned(), password: Secret::new("dummy-wrong") });
    let refused = ask(LdapOptions { bind, ..options(&slapd) }, "ada", PASSWORD).await.unwrap_err();
    let text = words(&refused);
    assert!(text.contains("the relay's own bind") && text.contains("49"), "{text}");
    assert!(!text.contains("dummy-wrong") && !text.contains(PASSWORD), "{text}");
    let base = "dc=nowhere".to_owned();
    assert!(ask(LdapOptions { base, ..options(&slapd) }, "ada", PASSWORD).await.is_err());
    let without = LdapOptions { bind: None, ..options(&slapd) };
    assert!(!matches!(ask(without, "ada", PASSWORD).await, Ok(Some(_))), "anonymously nobody is found here");
}

#[tokio::test]
async fn an_entry_without_a_name_is_told_as_a_failure() {
    let slapd = spawn_slapd();
    slapd.add_person("ada", PASSWORD);
    let mut options = options(&slapd);
    options.attributes.name = "employeeNumber".to_owned();
    let refused = ask(options, "ada", PASSWORD).await.unwrap_err();
    assert!(words(&refused).contains("employeeNumber"));
}

#[test]
fn what_cannot_be_used_is_refused_before_anybody_is_called() {
    let slapd = spawn_slapd();
    let empty = LdapBind { dn: SpawnedSlapd::READER.to_owned(), password: Secret::new("") };
    for (unfit, what) in [
        (LdapOptions { url: "https://ldap.example.com".parse().unwrap(), ..options(&slapd) }, "address"),
        (LdapOptions { url: "ldap:///dc=x".parse().unwrap(), ..options(&slapd) }, "address"),
        (LdapOptions { bind: Some(empty), ..options(&slapd) }, "password"),
        (LdapOptions { filter: "(uid=*)".to_owned(), ..options(&slapd) }, "{name}"),
        (LdapOptions { ca_file: Some("/nowhere/ca.pem".into()), ..options(&slapd) }, "/nowhere/ca.pem"),
    ] {
        let error = LdapDirectory::new(unfit).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
}
