//! What an LDAP directory is told by the operator.

use std::{path::PathBuf, time::Duration};

use posthaste_core::{BoxError, Secret};
use url::Url;

use super::filter::check_filter;
pub use super::groups::GroupRoles;

/// How a directory is asked.
#[derive(Clone, Debug)]
pub struct LdapOptions {
    /// Where it is: `ldap://` or `ldaps://`, host and port.
    pub url: Url,
    /// How the connection is kept from others.
    pub security: LdapSecurity,
    /// A file of certificates (PEM) that are trusted in the place of the machine's own.
    pub ca_file: Option<PathBuf>,
    /// Whether addresses are called that are not public.
    pub allow_private: bool,
    /// As whom the relay searches; `None` for anonymously.
    pub bind: Option<LdapBind>,
    /// Below which entry people are.
    pub base: String,
    /// The filter that finds a person, with `{name}` where the name belongs.
    pub filter: String,
    /// What a person's entry tells under which attributes.
    pub attributes: LdapAttributes,
    /// Where groups are searched for, beside the attribute that names them.
    pub group_search: Option<GroupSearch>,
    /// Who may what.
    pub roles: GroupRoles,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a whole log-in may take.
    pub timeout: Duration,
}

/// How the connection is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LdapSecurity {
    /// TLS: from the beginning for `ldaps://`, by StartTLS for `ldap://`.
    Tls,
    /// None, within this machine only.
    PlainWithinMachine,
    /// None, wherever the server is.
    Plain,
}

/// As whom the relay searches.
#[derive(Clone, Debug)]
pub struct LdapBind {
    /// The entry's distinguished name.
    pub dn: String,
    /// Its password.
    pub password: Secret,
}

/// Names of attributes.
#[derive(Clone, Debug)]
pub struct LdapAttributes {
    /// The name to log in with.
    pub name: String,
    /// What the person is called.
    pub display_name: String,
    /// Where mail reaches the person.
    pub email: String,
    /// The distinguished names of the groups that the person is in.
    pub groups: String,
}

/// Where groups are searched for.
#[derive(Clone, Debug)]
pub struct GroupSearch {
    /// Below which entry.
    pub base: String,
    /// The filter, with `{dn}` where the person's distinguished name belongs.
    pub filter: String,
}

/// Why a directory cannot be used as it is told.
#[derive(Debug, thiserror::Error)]
pub enum LdapSetupError {
    /// Something that was told cannot be used.
    #[error("{0}")]
    Unfit(String),
    /// The file of certificates cannot be used.
    #[error("`{}` cannot be used as a file of certificates", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        why: BoxError,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

impl LdapOptions {
    /// Refuses what cannot be used.
    pub(super) fn check(&self) -> Result<(), LdapSetupError> {
        let unfit = |what: &str| Err(LdapSetupError::Unfit(what.to_owned()));
        if !matches!(self.url.scheme(), "ldap" | "ldaps") || self.url.host_str().is_none_or(str::is_empty) {
            return unfit("the directory's address is none such as `ldaps://ldap.example.com`");
        }
        // Whoever binds with a name and an empty password is bound anonymously (RFC 4513, section 5.1.2).
        if self.bind.as_ref().is_some_and(|bind| bind.dn.is_empty() || bind.password.expose().is_empty()) {
            return unfit("the relay's own bind needs a name and a password");
        }
        check_filter(&self.filter, false).map_err(LdapSetupError::Unfit)?;
        if let Some(search) = &self.group_search {
            check_filter(&search.filter, true).map_err(LdapSetupError::Unfit)?;
        }
        Ok(())
    }
}
