//! What somebody may do.

use posthaste_admin::VouchedRole;
use posthaste_core::Role;
use posthaste_identity::{GroupRoles, GroupSearch, LdapOptions};
use posthaste_testkit::{SpawnedSlapd, spawn_slapd};

use crate::support::{PASSWORD, ask, options};

fn with_groups(slapd: &SpawnedSlapd, otherwise: Option<Role>) -> LdapOptions {
    let group = |name: &str, role| (format!("CN={name}, ou=Groups, dc=example, dc=com"), role);
    let by_group = vec![group("Ops", Role::Operator), group("Admins", Role::Admin)];
    LdapOptions { roles: GroupRoles { by_group, otherwise }, ..options(slapd) }
}

fn searching(slapd: &SpawnedSlapd, otherwise: Option<Role>) -> LdapOptions {
    let mut options = with_groups(slapd, otherwise);
    options.attributes.groups = "description".to_owned();
    let base = "ou=groups,dc=example,dc=com".to_owned();
    options.group_search = Some(GroupSearch { base, filter: "(member={dn})".to_owned() });
    options
}

#[tokio::test]
async fn groups_say_what_somebody_may_do() {
    let slapd = spawn_slapd();
    for name in ["ada", "bob", "eve"] {
        slapd.add_person(name, PASSWORD);
    }
    slapd.add_group("ops", &["ada", "bob"]);
    slapd.add_group("admins", &["ada"]);
    slapd.add_group("others", &["eve"]);
    for options in [with_groups, searching] {
        for (name, role) in [("ada", Role::Admin), ("bob", Role::Operator), ("eve", Role::User)] {
            let found = ask(options(&slapd, Some(Role::User)), name, PASSWORD).await.unwrap().unwrap();
            assert_eq!(found.role, VouchedRole::Always(role), "{name}");
        }
        assert_eq!(ask(options(&slapd, None), "eve", PASSWORD).await.unwrap(), None);
        assert!(ask(options(&slapd, None), "bob", PASSWORD).await.unwrap().is_some());
        assert_eq!(ask(options(&slapd, None), "bob", "wrong").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_name_with_signs_of_filters_finds_its_own_groups() {
    let slapd = spawn_slapd();
    slapd.apply(&format!(
        "dn: cn=Eve (*) O\\2C Neill,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\nuid: eve\ncn: Eve (*) O, Neill\nsn: eve\n\
         userPassword: {PASSWORD}\n"
    ));
    slapd.add_person("ada", PASSWORD);
    slapd.add_group("admins", &["ada"]);
    slapd.apply(
        "dn: cn=ops,ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: ops\n\
         member: cn=Eve (*) O\\2C Neill,ou=people,dc=example,dc=com\n",
    );
    for options in [with_groups, searching] {
        let found = ask(options(&slapd, None), "eve", PASSWORD).await.unwrap().unwrap();
        assert_eq!(found.role, VouchedRole::Always(Role::Operator));
    }
}
