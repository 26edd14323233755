//! Looking for what is in the way of log-ins: the same calls as a log-in makes, one after the other, and what each of them found.

use ldap3::{Ldap, Scope, SearchEntry};
use posthaste_admin::{DirectoryError, SignInFinding, SignInStep as Step, VouchedRole};
use posthaste_core::Secret;

use super::{
    LdapBind, LdapDirectory, LdapSecurity, MOST_GROUPS, NO_ATTRIBUTES, NOT_LET_IN, SUCCESS, accepted, all,
    filter, first, told, too_slow,
};
use crate::findings::{Findings, line, some_of, words};

/// With whom it is tried.
#[derive(Clone, Copy)]
pub(super) struct Whom<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) password: Option<&'a Secret>,
}

/// What people's entries have.
struct People {
    many: usize,
    without_name: usize,
    with_groups: usize,
}

impl LdapDirectory {
    /// Bounded by the deadline of a log-in.
    pub(super) async fn look_for_trouble(&self, whom: Whom<'_>) -> Vec<SignInFinding> {
        let mut seen = Findings::beginning_with(Step::Address);
        let looking = async {
            // A closed semaphore has no turns, and is never closed here.
            let _turn = self.at_once.acquire().await;
            self.reach(&mut seen, whom).await;
        };
        let in_time = tokio::time::timeout(self.options.timeout, Box::pin(looking)).await;
        if in_time.is_err() {
            let going = seen.going;
            seen.failed(going, &too_slow(self.options.timeout), "the directory is slow, or something on the way swallows the connection; `ldap.timeout` says how long a log-in may take");
        }
        seen.all
    }

    async fn reach(&self, seen: &mut Findings, whom: Whom<'_>) {
        let stream = match self.dialer.in_time(self.dialer.dial()).await {
            Ok(stream) => stream,
            Err(error) => {
                let advice = "look at `ldap.url`, and at `ldap.allow_private` where the address is refused";
                return seen.failed(Step::Address, &error, advice);
            }
        };
        let address = stream.peer_addr().map(|address| address.to_string()).unwrap_or_default();
        seen.good(Step::Address, format!("{address} answers for {}", self.options.url));
        seen.going = Step::Tls;
        let (connection, mut ldap) = match self.dialer.in_time(self.dialer.open(stream)).await {
            Ok(connected) => connected,
            Err(error) => {
                let advice = "the certificate has to name the host of `ldap.url` and come from an authority that is trusted (`ldap.ca_file`); `ldaps://` is usually at port 636, and StartTLS (`ldap.start_tls`) at 389";
                return seen.failed(Step::Tls, &error, advice);
            }
        };
        self.tell_security(seen);
        let asking = self.ask_around(&mut ldap, seen, whom);
        let ended = tokio::select! {
            () = asking => return,
            ended = connection.drive() => ended,
        };
        let why =
            ended.err().map_or_else(|| "the server closed the connection".to_owned(), |error| words(&error));
        let going = seen.going;
        seen.bad(going, why, "look into the directory's own log");
    }

    fn tell_security(&self, seen: &mut Findings) {
        match self.options.security {
            LdapSecurity::Tls if self.options.url.scheme() == "ldaps" => {
                seen.good(Step::Tls, "from the beginning, with a certificate that is trusted");
            }
            LdapSecurity::Tls => seen.good(Step::Tls, "by StartTLS, with a certificate that is trusted"),
            LdapSecurity::PlainWithinMachine => seen.good(Step::Tls, "none, within this machine"),
            LdapSecurity::Plain => seen.doubtful(
                Step::Tls,
                "none: passwords go over the network in the clear",
                "use `ldaps://` or `ldap.start_tls`, and leave `ldap.allow_plaintext` out",
            ),
        }
    }

    async fn ask_around(&self, ldap: &mut Ldap, seen: &mut Findings, whom: Whom<'_>) {
        if !self.bound(ldap, seen).await || !self.base_is_there(ldap, seen).await {
            return;
        }
        let people = self.count_people(ldap, seen).await;
        if self.options.roles.asks_groups() {
            seen.going = Step::Groups;
            self.look_at_groups(ldap, seen, people).await;
        }
        if let Some(name) = whom.name {
            self.look_for_person(ldap, seen, (name, whom.password)).await;
        }
    }

    async fn bound(&self, ldap: &mut Ldap, seen: &mut Findings) -> bool {
        seen.going = Step::Bind;
        let Some(LdapBind { dn, password }) = &self.options.bind else {
            seen.good(Step::Bind, "none: the relay searches anonymously");
            return true;
        };
        match accepted(ldap.simple_bind(dn, password.expose()).await, "the relay's own bind") {
            Ok(()) => {
                seen.good(Step::Bind, format!("as `{}`", line(dn)));
                true
            }
            Err(error) => {
                seen.failed(Step::Bind, &error, "look at `ldap.bind_dn` and its password");
                false
            }
        }
    }

    async fn base_is_there(&self, ldap: &mut Ldap, seen: &mut Findings) -> bool {
        seen.going = Step::Base;
        let base = &self.options.base;
        let advice = "look at `ldap.base`, and whether the relay's own bind may see that entry";
        match self.entry_is_there(ldap, base).await {
            Ok(true) => {
                seen.good(Step::Base, format!("`{}` is there", line(base)));
                return true;
            }
            Ok(false) => seen.bad(Step::Base, format!("`{}` is not to be seen", line(base)), advice),
            Err(error) => seen.failed(Step::Base, &error, advice),
        }
        false
    }

    async fn entry_is_there(&self, ldap: &mut Ldap, dn: &str) -> Result<bool, DirectoryError> {
        let found = self.look_up(ldap, (dn, Scope::Base), ANYTHING, &[NO_ATTRIBUTES], 1).await?;
        Ok(!found.0.is_empty())
    }

    /// How many people the filter finds whatever their names are; `None` where that cannot be told.
    async fn count_people(&self, ldap: &mut Ldap, seen: &mut Findings) -> Option<People> {
        seen.going = Step::People;
        let attributes = &self.options.attributes;
        let wanted = filter::with_any_name(&self.options.filter)?;
        let place = (self.options.base.as_str(), Scope::Subtree);
        let named = [attributes.name.as_str(), attributes.groups.as_str()];
        let (entries, cut) = match self.look_up(ldap, place, &wanted, &named, MOST_COUNTED).await {
            Ok(found) => found,
            Err(error) => {
                seen.failed(Step::People, &error, "look at `ldap.filter` and `ldap.base`");
                return None;
            }
        };
        let people = People {
            many: entries.len(),
            without_name: entries.iter().filter(|entry| first(entry, &attributes.name).is_none()).count(),
            with_groups: entries.iter().filter(|entry| !all(entry, &attributes.groups).is_empty()).count(),
        };
        let many = if cut { format!("{} and more", people.many) } else { people.many.to_string() };
        let found = format!("{many} below `{}` fit `{}`", line(place.0), line(&wanted));
        match people {
            People { many: 0, .. } => seen.bad(
                Step::People,
                found,
                "look at `ldap.filter` and `ldap.base`, and whether the relay's own bind may see people",
            ),
            People { without_name: 0, .. } => seen.good(Step::People, found),
            People { many, without_name, .. } => {
                let found = format!("{found}; {without_name} of them have no `{}`", attributes.name);
                let advice = "who has none cannot log in: look at `ldap.name_attribute`";
                if without_name == many {
                    seen.bad(Step::People, found, advice);
                } else {
                    seen.doubtful(Step::People, found, advice);
                }
            }
        }
        Some(people)
    }

    /// Whether the groups are there that decide what people may, and whether anybody is in groups.
    async fn look_at_groups(&self, ldap: &mut Ldap, seen: &mut Findings, people: Option<People>) {
        let (mut there, mut missing) = (0, Vec::new());
        for (group, _) in self.options.roles.by_group.iter().take(MOST_LOOKED_AT) {
            match self.entry_is_there(ldap, group).await {
                Ok(true) => there += 1,
                Ok(false) | Err(_) => missing.push(group.clone()),
            }
        }
        if missing.is_empty() {
            seen.good(Step::Groups, format!("{there} are named in the configuration, and all are there"));
        } else {
            seen.doubtful(
                Step::Groups,
                format!("not to be seen: {}", some_of(&missing)),
                "a group whose name is spelt otherwise has no members: look at `ldap.admin_groups` and its like",
            );
        }
        let attribute = &self.options.attributes.groups;
        match &self.options.group_search {
            Some(search) => {
                let Some(wanted) = filter::with_any_person(&search.filter) else { return };
                let place = (search.base.as_str(), Scope::Subtree);
                let advice = "look at `ldap.group_base` and `ldap.group_filter`";
                match self.look_up(ldap, place, &wanted, &[NO_ATTRIBUTES], MOST_GROUPS).await {
                    Ok((groups, _)) if groups.is_empty() => seen.doubtful(
                        Step::Groups,
                        format!("none below `{}` fits `{}`", line(place.0), line(&wanted)),
                        advice,
                    ),
                    Ok((groups, _)) => seen.good(
                        Step::Groups,
                        format!("{} below `{}` have members", groups.len(), line(place.0)),
                    ),
                    Err(error) => seen.failed(Step::Groups, &error, advice),
                }
            }
            None => match people {
                Some(People { many: 1.., with_groups: 0, .. }) => seen.doubtful(
                    Step::Groups,
                    format!("nobody's entry has `{attribute}`"),
                    "look at `ldap.group_attribute`; where the server keeps none, set `ldap.group_base` and `ldap.group_filter`",
                ),
                Some(People { with_groups, .. }) => {
                    seen.good(Step::Groups, format!("{with_groups} people have `{attribute}`"));
                }
                None => {}
            },
        }
    }

    async fn look_for_person(
        &self,
        ldap: &mut Ldap,
        seen: &mut Findings,
        (name, password): (&str, Option<&Secret>),
    ) {
        seen.going = Step::Person;
        let Some(entry) = self.person(ldap, seen, name).await else { return };
        seen.going = Step::PersonGroups;
        let groups = match self.groups(ldap, &entry).await {
            Ok(groups) => groups,
            Err(error) => {
                return seen.failed(
                    Step::PersonGroups,
                    &error,
                    "look at `ldap.group_base` and `ldap.group_filter`",
                );
            }
        };
        if self.options.roles.asks_groups() {
            let found = if groups.is_empty() { "none".to_owned() } else { some_of(&groups) };
            seen.good(Step::PersonGroups, found);
        }
        match self.options.roles.of(&groups) {
            Some(VouchedRole::Always(role)) => {
                seen.good(Step::Role, format!("{role}, looked at anew at each log-in"));
            }
            Some(VouchedRole::AtFirst(role)) => {
                seen.good(Step::Role, format!("{role} at the first log-in; from then on operators say"));
            }
            None => seen.bad(
                Step::Role,
                "no group of this person may log in",
                "name a group of it in `ldap.user_groups` or its like, or set `ldap.default_role`",
            ),
        }
        if let Some(password) = password {
            seen.going = Step::Password;
            try_password(ldap, seen, &entry.dn, password).await;
        }
    }

    /// The one entry of that name, told as it is.
    async fn person(&self, ldap: &mut Ldap, seen: &mut Findings, name: &str) -> Option<SearchEntry> {
        let attributes = &self.options.attributes;
        let found = match self.entries(ldap, name).await {
            Ok(found) => found,
            Err(error) => {
                seen.failed(Step::Person, &error, "look at `ldap.filter`");
                return None;
            }
        };
        match <[SearchEntry; 1]>::try_from(found) {
            Ok([entry]) if !entry.dn.is_empty() => {
                let called = first(&entry, &attributes.display_name).unwrap_or_else(|| "–".to_owned());
                let mail = first(&entry, &attributes.email).unwrap_or_else(|| "–".to_owned());
                match first(&entry, &attributes.name) {
                    Some(name) => seen.good(
                        Step::Person,
                        line(&format!("`{}`: {name}, called {called}, mail {mail}", entry.dn)),
                    ),
                    None => seen.bad(
                        Step::Person,
                        line(&format!("`{}` has no `{}`", entry.dn, attributes.name)),
                        "look at `ldap.name_attribute`",
                    ),
                }
                Some(entry)
            }
            Ok(_) => {
                seen.bad(Step::Person, "the entry found has no name", "look at `ldap.base`");
                None
            }
            Err(found) if found.is_empty() => {
                let advice = "look at the spelling, at `ldap.filter` and at `ldap.base`";
                seen.bad(Step::Person, format!("nobody is called `{}`", line(name)), advice);
                None
            }
            Err(_) => {
                let advice = "make `ldap.filter` or `ldap.base` narrower: a name of several is nobody's";
                seen.bad(Step::Person, format!("several are called `{}`", line(name)), advice);
                None
            }
        }
    }
}

/// One bind, as at a log-in.
async fn try_password(ldap: &mut Ldap, seen: &mut Findings, dn: &str, password: &Secret) {
    if password.expose().is_empty() {
        // Servers take a bind with an empty one for an anonymous one (RFC 4513, section 5.1.2).
        return seen.bad(Step::Password, "an empty password is nobody's", "give one, or leave it out");
    }
    let advice =
        "it is wrong, or the entry is locked or its password has ended; the directory counts this try";
    match ldap.simple_bind(dn, password.expose()).await {
        Ok(result) if result.rc == SUCCESS => seen.good(Step::Password, "the directory takes it"),
        Ok(result) if NOT_LET_IN.contains(&result.rc) => {
            seen.bad(Step::Password, format!("refused: {}", told(&result)), advice);
        }
        Ok(result) => seen.bad(Step::Password, told(&result), "look into the directory's own log"),
        Err(error) => seen.failed(Step::Password, &error, "look into the directory's own log"),
    }
}

/// Every entry has it.
const ANYTHING: &str = "(objectClass=*)";
/// People who are counted; more are told as more.
const MOST_COUNTED: i32 = 1_000;
/// Groups of the configuration that are looked for.
const MOST_LOOKED_AT: usize = 50;
