//! People whom an LDAP directory knows.
//!
//! A log-in is a search for the person's entry, as the relay, and a bind as that entry with the person's password: the directory's own
//! rules about passwords hold. Protocol: RFC 4511; <https://www.rfc-editor.org/rfc/rfc4511>.

mod connect;
mod examine;
mod filter;
mod groups;
mod options;

pub use filter::check_filter;
pub use options::{
    GroupRoles, GroupSearch, LdapAttributes, LdapBind, LdapOptions, LdapSecurity, LdapSetupError,
};

use std::time::Duration;

use async_trait::async_trait;
use ldap3::{Ldap, LdapResult, Scope, SearchEntry, SearchOptions};
use posthaste_admin::{DirectoryError, PeopleDirectory, SignInFinding, Vouched};
use posthaste_core::{Secret, SignIn};
use tokio::sync::Semaphore;

use self::{connect::Dialer, examine::Whom};

/// An LDAP directory.
#[derive(Debug)]
pub struct LdapDirectory {
    options: LdapOptions,
    dialer: Dialer,
    at_once: Semaphore,
}

impl LdapDirectory {
    /// Reads what does not change: the certificates that are trusted. Nothing is called.
    ///
    /// # Errors
    /// For an address, a filter or a file of certificates that cannot be used.
    pub fn new(options: LdapOptions) -> Result<Self, LdapSetupError> {
        options.check()?;
        let dialer = Dialer::new(&options)?;
        Ok(Self { options, dialer, at_once: Semaphore::new(AT_ONCE) })
    }

    async fn ask(&self, name: &str, password: &Secret) -> Result<Option<Vouched>, DirectoryError> {
        let (connection, mut ldap) = self.dialer.connect().await?;
        let steps = self.steps(&mut ldap, name, password);
        // The connection lives as long as this future, and ends with it.
        tokio::select! {
            found = steps => found,
            ended = connection.drive() => Err(match ended {
                Ok(()) => DirectoryError::unfit("the server closed the connection"),
                Err(error) => DirectoryError::new("the connection failed", error),
            }),
        }
    }

    async fn steps(
        &self,
        ldap: &mut Ldap,
        name: &str,
        password: &Secret,
    ) -> Result<Option<Vouched>, DirectoryError> {
        if let Some(LdapBind { dn, password }) = &self.options.bind {
            let done = ldap.simple_bind(dn, password.expose()).await;
            accepted(done, "the relay's own bind")?;
        }
        let Some(entry) = self.entry(ldap, name).await? else { return Ok(None) };
        let groups = self.groups(ldap, &entry).await?;
        if !may_bind(ldap.simple_bind(&entry.dn, password.expose()).await)? {
            return Ok(None);
        }
        // Told after the password was right only: who is in which group is nobody else's business.
        let Some(role) = self.options.roles.of(&groups) else {
            tracing::info!(
                user = name,
                "the directory knows this person, but no group of it may log in here"
            );
            return Ok(None);
        };
        let attributes = &self.options.attributes;
        let Some(known_as) = first(&entry, &attributes.name) else {
            let what = format!("the person's entry has no `{}`, which is to be the name", attributes.name);
            return Err(DirectoryError::unfit(what));
        };
        Ok(Some(Vouched {
            name: known_as,
            display_name: first(&entry, &attributes.display_name),
            email: first(&entry, &attributes.email),
            sign_in: SignIn::Ldap { dn: entry.dn },
            role,
        }))
    }

    /// The one entry of that name.
    async fn entry(&self, ldap: &mut Ldap, name: &str) -> Result<Option<SearchEntry>, DirectoryError> {
        match <[SearchEntry; 1]>::try_from(self.entries(ldap, name).await?) {
            // A bind with an empty name is an anonymous one.
            Ok([entry]) if !entry.dn.is_empty() => Ok(Some(entry)),
            Ok(_) => Ok(None),
            Err(found) => {
                if found.len() > 1 {
                    tracing::warn!(
                        user = name,
                        "the directory has several entries of this name; none of them logs in"
                    );
                }
                Ok(None)
            }
        }
    }

    /// The entries of that name; two are as many as several.
    async fn entries(&self, ldap: &mut Ldap, name: &str) -> Result<Vec<SearchEntry>, DirectoryError> {
        let LdapAttributes { name: named, display_name, email, groups } = &self.options.attributes;
        let wanted = [named, display_name, email, groups].map(String::as_str);
        let filter = filter::with_name(&self.options.filter, name);
        self.search(ldap, &self.options.base, &filter, &wanted, 2).await
    }

    /// The names of the groups that the person is in.
    async fn groups(&self, ldap: &mut Ldap, entry: &SearchEntry) -> Result<Vec<String>, DirectoryError> {
        if !self.options.roles.asks_groups() {
            return Ok(Vec::new());
        }
        let mut groups = all(entry, &self.options.attributes.groups);
        if let Some(GroupSearch { base, filter }) = &self.options.group_search {
            let filter = filter::with_person(filter, &entry.dn);
            let found = self.search(ldap, base, &filter, &[NO_ATTRIBUTES], MOST_GROUPS).await?;
            groups.extend(found.into_iter().map(|group| group.dn));
        }
        Ok(groups)
    }

    async fn search(
        &self,
        ldap: &mut Ldap,
        base: &str,
        filter: &str,
        attributes: &[&str],
        most: i32,
    ) -> Result<Vec<SearchEntry>, DirectoryError> {
        self.look_up(ldap, (base, Scope::Subtree), filter, attributes, most).await.map(|found| found.0)
    }

    /// What is found there, and whether there is more.
    async fn look_up(
        &self,
        ldap: &mut Ldap,
        (base, scope): (&str, Scope),
        filter: &str,
        attributes: &[&str],
        most: i32,
    ) -> Result<(Vec<SearchEntry>, bool), DirectoryError> {
        let doing = || format!("the search below `{base}`");
        let found = ldap
            .with_search_options(SearchOptions::new().sizelimit(most))
            .search(base, scope, filter, attributes)
            .await
            .map_err(|error| DirectoryError::new(doing(), error))?;
        let (entries, result) = (found.0, found.1);
        if result.rc != SUCCESS && result.rc != SIZE_LIMIT_EXCEEDED {
            return Err(DirectoryError::new(doing(), told(&result)));
        }
        let entries = entries.into_iter().filter(|entry| !entry.is_ref() && !entry.is_intermediate());
        Ok((entries.map(SearchEntry::construct).collect(), result.rc == SIZE_LIMIT_EXCEEDED))
    }
}

#[async_trait]
impl PeopleDirectory for LdapDirectory {
    async fn identify(&self, name: &str, password: &Secret) -> Result<Option<Vouched>, DirectoryError> {
        if password.expose().is_empty() || name.is_empty() {
            return Ok(None);
        }
        let asked = async {
            let _turn = self
                .at_once
                .acquire()
                .await
                .map_err(|error| DirectoryError::new("waiting for a turn", error))?;
            Box::pin(self.ask(name, password)).await
        };
        match tokio::time::timeout(self.options.timeout, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(too_slow(self.options.timeout)),
        }
    }

    async fn examine(&self, name: Option<&str>, password: Option<&Secret>) -> Vec<SignInFinding> {
        Box::pin(self.look_for_trouble(Whom { name, password })).await
    }
}

/// A bind that has to succeed.
fn accepted(done: ldap3::result::Result<LdapResult>, doing: &str) -> Result<(), DirectoryError> {
    let result = done.map_err(|error| DirectoryError::new(doing, error))?;
    if result.rc == SUCCESS { Ok(()) } else { Err(DirectoryError::new(doing, told(&result))) }
}

/// Whether the person's own bind was granted.
fn may_bind(done: ldap3::result::Result<LdapResult>) -> Result<bool, DirectoryError> {
    let doing = "the person's bind";
    let result = done.map_err(|error| DirectoryError::new(doing, error))?;
    match result.rc {
        SUCCESS => Ok(true),
        code if NOT_LET_IN.contains(&code) => Ok(false),
        _ => Err(DirectoryError::new(doing, told(&result))),
    }
}

/// What the server says of a failure, on one line and not long.
fn told(result: &LdapResult) -> String {
    let text: String = result.text.chars().filter(|c| !c.is_control()).take(MOST_TOLD).collect();
    format!("the server answers with code {} {text}", result.rc).trim_end().to_owned()
}

fn too_slow(limit: Duration) -> DirectoryError {
    DirectoryError::unfit(format!("the server did not answer within {} s", limit.as_secs_f32()))
}

fn first(entry: &SearchEntry, attribute: &str) -> Option<String> {
    all(entry, attribute).into_iter().find(|value| !value.trim().is_empty())
}

/// Servers spell attributes as their schema does.
fn all(entry: &SearchEntry, attribute: &str) -> Vec<String> {
    let mut named = entry.attrs.iter().filter(|(name, _)| name.eq_ignore_ascii_case(attribute));
    named.next().map(|(_, values)| values.clone()).unwrap_or_default()
}

/// So many log-ins ask the directory at once; others wait within their deadline.
const AT_ONCE: usize = 8;
const MOST_GROUPS: i32 = 1_000;
const MOST_TOLD: usize = 200;

/// "No attributes" in a search (RFC 4511, section 4.5.1.8).
const NO_ATTRIBUTES: &str = "1.1";

/// Result codes (RFC 4511, appendix A.1).
const SUCCESS: u32 = 0;
const SIZE_LIMIT_EXCEEDED: u32 = 4;
/// constraintViolation, noSuchObject, inappropriateAuthentication, invalidCredentials, insufficientAccessRights,
/// unwillingToPerform: so servers refuse a wrong password and a locked or expired entry.
const NOT_LET_IN: [u32; 6] = [19, 32, 48, 49, 50, 53];
