//! `[oidc]`

use std::{path::PathBuf, time::Duration};

use posthaste_core::{Role, Secret};
use posthaste_identity::{GroupRoles, OidcClaims, OidcOptions};
use url::Url;

use super::{ConfigError, EnvSecret, LdapRole, Names, Setting, error::secret_from_file, section::section};

section! {
    /// People whom an OpenID provider knows (OpenID Connect, code flow with PKCE). A browser goes to `/users/oidc/login`, logs in at
    /// the provider and comes back. People are made here at their first log-in and are known by the provider's name and their
    /// `sub` there; nobody of the same name is taken for them.
    "oidc" => Oidc {
        /// The provider's name, such as `https://id.example.com/realms/staff`, exactly as the provider spells it. It describes
        /// itself below that at `/.well-known/openid-configuration`. Unset: there is none.
        issuer: Option<WebUrl> = unset,
        /// Whether the provider, and what it names, may be at an address that is not public. Where the issuer is one of this
        /// machine's own addresses, it may.
        allow_private: bool = "false",
        /// As which client the relay is registered at the provider.
        client_id: Option<String> = unset,
        /// That client's secret. Taken from the environment only. Unset, and no file: a public client.
        client_secret: Option<EnvSecret> = unset,
        /// A file that holds the secret.
        client_secret_file: Option<PathBuf> = unset,
        /// What is asked for, with spaces between. `openid` always is.
        scopes: String = "openid profile email",
        /// The relay's address as browsers see it, such as `https://relay.example.com`. Register
        /// `/users/oidc/callback` below it at the provider.
        public_url: Option<WebUrl> = unset,
        /// What is on the button that leads to the provider.
        label: String = "Log in with OpenID Connect",
        /// The claim of the identity token that becomes the name to log in with, at the first log-in. This and the other claims
        /// may be the way to one within another, such as `/realm_access/roles`.
        name_claim: String = "preferred_username",
        /// The claim that says what the person is called.
        display_name_claim: String = "name",
        /// The claim with the person's address for mail; not used where the provider says that it is not verified.
        email_claim: String = "email",
        /// The claim with the names of the groups that the person is in.
        groups_claim: String = "groups",
        /// Names of groups whose members are admins, exactly as the provider spells them. Where any group is named, what a person
        /// may is looked at anew at each log-in, except for owners.
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
        /// How long the provider may take for one answer.
        timeout: Duration = "10s",
    }
}

impl Oidc {
    pub(super) fn finish(&mut self, errors: &mut Vec<ConfigError>) {
        let given = self.client_secret.take().map(|secret| secret.0);
        let file = self.client_secret_file.as_deref();
        let secret = secret_from_file("oidc.client_secret", given, file, errors);
        self.client_secret = secret.map(EnvSecret);
        let mut refuse = |key: &str, problem: &str| {
            errors.push(ConfigError::new(format!("oidc.{key}"), None, problem.to_owned()));
        };
        if self.issuer.is_none() {
            if self.client_secret.is_some() {
                refuse("issuer", "is not set, and there is a client secret for it");
            }
            return;
        }
        if self.client_id.as_ref().is_none_or(String::is_empty) {
            refuse("client_id", "is not set; say as which client the relay is registered at the provider");
        }
        if self.public_url.is_none() {
            refuse("public_url", "is not set; say where browsers find the relay");
        }
        if self.roles().by_group.is_empty() && self.default_role == LdapRole::Nobody {
            refuse("default_role", "lets nobody in, since no groups are named");
        }
    }

    /// How the provider is asked; `None` where there is none.
    pub fn options(&self) -> Option<OidcOptions> {
        let issuer = self.issuer.as_ref()?;
        let public_url = self.public_url.as_ref().map(|url| url.0.trim_end_matches('/')).unwrap_or_default();
        Some(OidcOptions {
            issuer: issuer.0.clone(),
            allow_private: self.allow_private,
            client_id: self.client_id.clone().unwrap_or_default(),
            client_secret: self.client_secret.as_ref().map(|secret| Secret::clone(&secret.0)),
            scopes: self.scopes.split_whitespace().map(str::to_owned).collect(),
            redirect: format!("{public_url}/users/oidc/callback"),
            label: self.label.clone(),
            claims: OidcClaims {
                name: self.name_claim.clone(),
                display_name: self.display_name_claim.clone(),
                email: self.email_claim.clone(),
                groups: self.groups_claim.clone(),
            },
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
        super::ldap::roles(by_role, self.default_role)
    }
}

/// An address, kept as it was spelt: a provider's name is compared letter by letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebUrl(pub String);

impl Setting for WebUrl {
    const EXPECTED: &'static str =
        "an address such as `https://id.example.com/realms/staff`, without a query";

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let url = Url::parse(text).ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        let bare = url.query().is_none() && url.fragment().is_none();
        (matches!(url.scheme(), "http" | "https") && plain && bare).then(|| Self(text.to_owned()))
    }

    fn show(&self) -> Option<String> {
        Some(format!("{:?}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_as_it_is_spelt() {
        for good in ["https://id.example.com", "https://id.example.com/", "http://127.0.0.1:1/realms/staff"] {
            assert_eq!(WebUrl::parse(good).unwrap().0, good);
        }
        for bad in ["", "id.example.com", "ldap://a", "https://a?b", "https://a#b", "https://user:dummy@a"] {
            assert!(WebUrl::parse(bad).is_none(), "{bad}");
        }
    }
}
