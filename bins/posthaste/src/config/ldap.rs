//! `[ldap]`

use std::{path::PathBuf, time::Duration};

use posthaste_core::{Role, Secret};
use posthaste_identity::{
    GroupRoles, GroupSearch, LdapAttributes, LdapBind, LdapOptions, LdapSecurity, check_filter,
};
use url::Url;

use super::{
    ConfigError, EnvSecret, Setting,
    error::secret_from_file,
    section::{choice, section},
};

choice! {
    /// What somebody may do whom the directory knows and no group of it raises.
    LdapRole {
        User = "user": "What everybody may: the own keys.",
        Viewer = "viewer": "Look.",
        Nobody = "none": "Nothing: such people are not let in.",
    }
}

section! {
    /// People whom an LDAP directory knows. They log in with the directory's passwords and are made here at their first
    /// log-in. A person of the same name who has a password of this relay keeps the name, and logs in without the directory.
    "ldap" => Ldap {
        /// Where the directory is: `ldaps://` for TLS, or `ldap://` with `start_tls`. Unset: there is none.
        url: Option<LdapUrl> = unset,
        /// Whether TLS begins within an `ldap://` connection (StartTLS). Without TLS only this machine is called.
        start_tls: bool = "false",
        /// Whether passwords may go over the network in the clear. Do not.
        allow_plaintext: bool = "false",
        /// A file of certificates (PEM) of the authorities that are trusted, in the place of the machine's own.
        ca_file: Option<PathBuf> = unset,
        /// Whether the directory may be at a private address. Of this machine's own it always may; link-local ones are
        /// never called.
        allow_private: bool = "false",
        /// As whom the relay searches. Unset: anonymously.
        bind_dn: Option<String> = unset,
        /// The password for that. Taken from the environment only.
        bind_password: Option<EnvSecret> = unset,
        /// A file that holds the password.
        bind_password_file: Option<PathBuf> = unset,
        /// Below which entry people are, such as `ou=people,dc=example,dc=com`.
        base: Option<String> = unset,
        /// The filter that finds a person, with `{name}` where the name belongs. For Active Directory:
        /// `(sAMAccountName={name})`.
        filter: String = "(uid={name})",
        /// The attribute that becomes the name to log in with.
        name_attribute: String = "uid",
        /// The attribute that says what the person is called.
        display_name_attribute: String = "cn",
        /// The attribute with the person's address for mail.
        email_attribute: String = "mail",
        /// The attribute of a person with the names of the groups that the person is in.
        group_attribute: String = "memberOf",
        /// Below which entry groups are searched for, where persons' entries do not name them.
        group_base: Option<String> = unset,
        /// The filter that finds a person's groups, with `{dn}` where the person's distinguished name belongs.
        group_filter: String = "(member={dn})",
        /// Distinguished names of groups whose members are admins. Where any group is named, what a person may is looked at
        /// anew at each log-in, except for owners.
        admin_groups: Option<Names> = unset,
        /// The same for operators.
        operator_groups: Option<Names> = unset,
        /// The same for viewers.
        viewer_groups: Option<Names> = unset,
        /// The same for users.
        user_groups: Option<Names> = unset,
        /// What somebody may who is in none of these groups.
        default_role: LdapRole = "user",
        /// How long connecting may take.
        connect_timeout: Duration = "5s",
        /// How long a whole log-in may take.
        timeout: Duration = "10s",
    }
}

impl Ldap {
    pub(super) fn finish(&mut self, errors: &mut Vec<ConfigError>) {
        let given = self.bind_password.take().map(|secret| secret.0);
        let file = self.bind_password_file.as_deref();
        let password = secret_from_file("ldap.bind_password", given, file, errors);
        self.bind_password = password.map(EnvSecret);
        let mut refuse = |key: &str, problem: String| {
            errors.push(ConfigError::new(format!("ldap.{key}"), None, problem));
        };
        if let Err(problem) = check_filter(&self.filter, false) {
            refuse("filter", problem);
        }
        if let Err(problem) = check_filter(&self.group_filter, true) {
            refuse("group_filter", problem);
        }
        let Some(LdapUrl(url)) = &self.url else { return };
        if self.base.is_none() {
            refuse("base", "is not set; say below which entry people are".to_owned());
        }
        match (&self.bind_dn, &self.bind_password) {
            (Some(_), None) => {
                let variable = "POSTHASTE_LDAP__BIND_PASSWORD";
                refuse("bind_dn", format!("has no password; set {variable} or `ldap.bind_password_file`"));
            }
            (None, Some(_)) => refuse("bind_dn", "is not set, and there is a password for it".to_owned()),
            _ => {}
        }
        if url.scheme() == "ldaps" && self.start_tls {
            refuse("start_tls", "is for `ldap://`; `ldaps://` has TLS from the beginning".to_owned());
        }
        let nobody = self.roles().by_group.is_empty() && self.default_role == LdapRole::Nobody;
        if nobody {
            refuse("default_role", "lets nobody in, since no groups are named".to_owned());
        }
    }

    /// How the directory is asked; `None` where there is none.
    pub fn options(&self) -> Option<LdapOptions> {
        let LdapUrl(url) = self.url.as_ref()?;
        let tls = url.scheme() == "ldaps" || self.start_tls;
        let security = match (tls, self.allow_plaintext) {
            (true, _) => LdapSecurity::Tls,
            (false, true) => LdapSecurity::Plain,
            (false, false) => LdapSecurity::PlainWithinMachine,
        };
        let bind = self.bind_dn.as_ref().zip(self.bind_password.as_ref());
        Some(LdapOptions {
            url: url.clone(),
            security,
            ca_file: self.ca_file.clone(),
            allow_private: self.allow_private,
            bind: bind
                .map(|(dn, password)| LdapBind { dn: dn.clone(), password: Secret::clone(&password.0) }),
            base: self.base.clone().unwrap_or_default(),
            filter: self.filter.clone(),
            attributes: LdapAttributes {
                name: self.name_attribute.clone(),
                display_name: self.display_name_attribute.clone(),
                email: self.email_attribute.clone(),
                groups: self.group_attribute.clone(),
            },
            group_search: self
                .group_base
                .clone()
                .map(|base| GroupSearch { base, filter: self.group_filter.clone() }),
            roles: self.roles(),
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
        })
    }

    fn roles(&self) -> GroupRoles {
        let by_role = [
            (&self.admin_groups, Role::Admin),
            (&self.operator_groups, Role::Operator),
            (&self.viewer_groups, Role::Viewer),
            (&self.user_groups, Role::User),
        ];
        roles(by_role, self.default_role)
    }
}

/// Who may what: the members of the groups of each role, and everybody else.
pub(super) fn roles(by_role: [(&Option<Names>, Role); 4], otherwise: LdapRole) -> GroupRoles {
    let named = |(groups, role): (&Option<Names>, Role)| {
        let names = groups.iter().flat_map(|names| names.0.clone());
        names.map(|name| (name, role)).collect::<Vec<_>>()
    };
    let otherwise = match otherwise {
        LdapRole::User => Some(Role::User),
        LdapRole::Viewer => Some(Role::Viewer),
        LdapRole::Nobody => None,
    };
    GroupRoles { by_group: by_role.into_iter().flat_map(named).collect(), otherwise }
}

/// Where a directory is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LdapUrl(pub Url);

impl Setting for LdapUrl {
    const EXPECTED: &'static str =
        "an address such as `ldaps://ldap.example.com:636`, with nothing but host and port";

    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text.trim()).ok()?;
        let host = url.host_str().is_some_and(|host| !host.is_empty());
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let bare = matches!(url.path(), "" | "/") && url.query().is_none();
        (matches!(url.scheme(), "ldap" | "ldaps") && host && plain && bare).then_some(Self(url))
    }

    fn show(&self) -> Option<String> {
        Some(format!("\"{}\"", self.0))
    }
}

/// Names that may hold spaces and commas, with semicolons between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

impl Setting for Names {
    const EXPECTED: &'static str = "names such as `cn=admins,dc=example,dc=com` with semicolons between them";

    fn parse(text: &str) -> Option<Self> {
        let names: Vec<_> = text.split(';').map(str::trim).filter(|name| !name.is_empty()).collect();
        (!names.is_empty()).then(|| Self(names.into_iter().map(str::to_owned).collect()))
    }

    fn show(&self) -> Option<String> {
        Some(format!("{:?}", self.0.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_no_more() {
        for good in ["ldap://127.0.0.1:3890", "ldaps://ldap.example.com", "ldaps://ldap.example.com/"] {
            assert!(LdapUrl::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "https://ldap.example.com",
            "ldapi:///run/ldapi",
            "ldap://",
            "ldap://user:dummy@host",
            "ldap://host/dc=x",
            "ldap://host?uid",
        ] {
            assert!(LdapUrl::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn groups_are_told_apart_by_semicolons() {
        let names = Names::parse(" cn=a,dc=x ; cn=b c,dc=x;").unwrap();
        assert_eq!(names.0, ["cn=a,dc=x", "cn=b c,dc=x"]);
        assert_eq!(Names::parse(" ; "), None);
    }
}
