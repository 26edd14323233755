//! A directory to ask.

use std::time::Duration;

use posthaste_admin::{DirectoryError, PeopleDirectory as _, Vouched};
use posthaste_core::{Role, Secret};
use posthaste_identity::{GroupRoles, LdapAttributes, LdapBind, LdapDirectory, LdapOptions, LdapSecurity};
use posthaste_testkit::SpawnedSlapd;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// How a relay on the server's machine asks it.
pub(crate) fn options(slapd: &SpawnedSlapd) -> LdapOptions {
    let password = Secret::new(SpawnedSlapd::READER_PASSWORD);
    LdapOptions {
        url: slapd.url().parse().unwrap(),
        security: LdapSecurity::PlainWithinMachine,
        ca_file: None,
        allow_private: false,
        bind: Some(LdapBind { dn: SpawnedSlapd::READER.to_owned(), password }),
        base: SpawnedSlapd::BASE.to_owned(),
        filter: "(&(objectClass=inetOrgPerson)(uid={name}))".to_owned(),
        attributes: LdapAttributes {
            name: "uid".to_owned(),
            display_name: "cn".to_owned(),
            email: "mail".to_owned(),
            groups: "memberOf".to_owned(),
        },
        group_search: None,
        roles: GroupRoles { by_group: Vec::new(), otherwise: Some(Role::User) },
        connect_timeout: Duration::from_secs(30),
        timeout: Duration::from_secs(60),
    }
}

pub(crate) async fn ask(
    options: LdapOptions,
    name: &str,
    password: &str,
) -> Result<Option<Vouched>, DirectoryError> {
    LdapDirectory::new(options).unwrap().identify(name, &Secret::new(password)).await
}

/// An error with its causes.
pub(crate) fn words(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(words).unwrap_or_default();
    format!("{error}; {cause}")
}
