//! Logging people in, and out.

mod backoff;
mod examining;
mod me;
mod provider;
mod refusals;
mod second_factor;
mod setup;
mod telling;
mod vouched;

pub(crate) use backoff::Misses;
pub use examining::{FindingState, SignInFinding, SignInReport, SignInStep, SignInTest, SignInWay};
pub use me::{PasswordChange, ProfileView};
pub use provider::{Arrival, BroughtBack, Departure, SignInWays};
pub(crate) use refusals::Refusals;
pub use second_factor::{EnrolledFactor, NewFactor};
pub use setup::{FirstOwner, SetupToken};

use std::{net::IpAddr, sync::Arc, time::Duration};

use posthaste_core::{PasswordHash, Secret, Session, SignIn, Timestamp, TokenHash, User};
use posthaste_storage::Repository;
use posthaste_vault::{NewToken, hash_token, verify_password};
use refusals::{Repeated, Tried};
use serde_json::json;

use crate::{
    Actor, Admin, AdminError, NotKnown, PeopleDirectory, UserView, Who,
    audit::{AuditTarget, Noted, Outcome},
    change,
    input::Disclosed,
};

/// What a person gives to log in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name.
    pub name: String,
    /// The password.
    pub password: Disclosed,
    /// The code of the second factor, or a recovery code.
    pub code: Option<Disclosed>,
}

/// Where a person logs in from.
#[derive(Clone, Debug, Default)]
pub struct Visit {
    /// The address, as far as it is known.
    pub address: Option<IpAddr>,
    /// What the browser calls itself.
    pub agent: String,
}

/// A session that has just begun.
#[derive(Debug)]
pub struct SignedIn {
    /// What the browser or program presents from now on.
    pub token: Secret,
    /// When it ends if it is not used.
    pub until: Timestamp,
    /// Who has logged in.
    pub user: UserView,
}

/// A person who is known by a session.
#[derive(Clone, Debug)]
pub struct KnownPerson {
    /// Who.
    pub user: User,
    /// The session.
    pub session: Session,
}

/// Logging in and out.
#[derive(Clone, Copy)]
pub struct SignInService<'a> {
    admin: &'a Admin,
}

impl<'a> SignInService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// Logs a person in by password, and by code where the person has a second factor.
    ///
    /// # Errors
    /// [`AdminError::Unauthenticated`] for a wrong name, password or code, which are not told apart except for a code that is
    /// missing; [`AdminError::TooMany`] when too many tries failed; [`AdminError::Directory`] when the directory that would know
    /// the person cannot be asked.
    pub async fn by_password(self, given: Credentials, visit: &Visit) -> Result<SignedIn, AdminError> {
        let now = self.now();
        let name = given.name.trim().to_lowercase();
        let misses = self.admin.misses();
        let _tried = misses.begin(&name, visit.address, now).map_err(|wait| AdminError::TooMany { wait })?;
        let found = self.users().find(&name).await?.map(|found| found.value);
        let is_known = found.is_some();
        let checked = match self.admin.people_directory() {
            Some(directory) if vouched::asks_directory(found.as_ref()) => {
                Box::pin(self.check_with(directory, &given)).await
            }
            _ => self.check(found, &given).await,
        };
        let user = match checked {
            Ok(user) => user,
            Err(AdminError::Unauthenticated { what, missing: None }) => {
                let locked = misses.missed(&name, visit.address, now);
                if let Some(locked) = locked.filter(|_| is_known) {
                    self.tell_locked(&name, visit.address, locked);
                }
                self.note_stranger(&name, visit, "session.begin", what.as_text()).await;
                return Err(AdminError::Unauthenticated { what, missing: None });
            }
            Err(error) => return Err(error),
        };
        misses.hit(&name, visit.address);
        let by = user.sign_in.as_str();
        self.begin(user, visit, by).await
    }

    /// Begins a session for whom somebody else vouched for, or who gave the right password.
    pub(crate) async fn begin(
        self,
        user: User,
        visit: &Visit,
        by: &'static str,
    ) -> Result<SignedIn, AdminError> {
        let now = self.now();
        let mut is_news = false;
        let user = change::apply(&self.users(), user.id.uuid(), |user: &mut User| {
            user.last_login_at = Some(now);
            is_news = telling::remember(user, visit.address);
            Ok(())
        })
        .await?;
        if is_news {
            self.tell_new_address(&user, visit.address);
        }
        let made = NewToken::generate("")?;
        let until = now.plus(IDLE);
        let agent = visit.agent.chars().filter(|c| !c.is_control()).take(MOST_AGENT).collect();
        let session = Session {
            token: made.hash,
            user: user.id,
            began_at: now,
            used_at: now,
            until,
            address: visit.address,
            agent,
        };
        self.admin.parts().stores.sessions.begin(&session).await?;
        let actor = actor(&user, visit.address);
        self.note(&actor, "session.begin", Some(json!({ "by": by, "agent": session.agent }))).await;
        Ok(SignedIn { token: made.secret, until, user: UserView::of(user) })
    }

    /// Whose session this token is; it lasts longer for having been used.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn person(self, presented: &str) -> Result<Option<KnownPerson>, AdminError> {
        let now = self.now();
        let sessions = &self.admin.parts().stores.sessions;
        let Some(mut session) = sessions.find(hash_token(presented), now).await? else { return Ok(None) };
        let Some(found) = self.users().get(session.user.uuid()).await? else { return Ok(None) };
        if !found.value.enabled {
            return Ok(None);
        }
        if now.since(session.used_at) >= NOTED_EVERY {
            let longest = session.began_at.plus(LONGEST);
            (session.used_at, session.until) = (now, now.plus(IDLE).min(longest));
            if !sessions.renew(&session, now).await? {
                return Ok(None);
            }
        }
        Ok(Some(KnownPerson { user: found.value, session }))
    }

    /// Whose session this token still is. It lasts no longer for having been looked at: for connections that stay open while
    /// nobody may be sitting before them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn still(self, presented: &str) -> Result<Option<KnownPerson>, AdminError> {
        let sessions = &self.admin.parts().stores.sessions;
        let Some(session) = sessions.find(hash_token(presented), self.now()).await? else { return Ok(None) };
        let found = self.users().get(session.user.uuid()).await?;
        let user = found.map(|found| found.value).filter(|user| user.enabled);
        Ok(user.map(|user| KnownPerson { user, session }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(self, person: &KnownPerson, address: Option<IpAddr>) -> Result<(), AdminError> {
        self.end_by_hash(person.session.token).await?;
        self.note(&actor(&person.user, address), "session.end", None).await;
        Ok(())
    }

    pub(crate) async fn end_by_hash(self, token: TokenHash) -> Result<bool, AdminError> {
        Ok(self.admin.parts().stores.sessions.end(token).await?)
    }

    /// Who it is, if all that was given is right. It takes as long for a name of nobody.
    async fn check(self, found: Option<User>, given: &Credentials) -> Result<User, AdminError> {
        let hash = found.as_ref().and_then(password_hash).cloned();
        let right = verify_password(given.password.secret().clone(), hash).await;
        let user = found.filter(|user| right && user.enabled);
        let user =
            user.ok_or(AdminError::Unauthenticated { what: NotKnown::NameOrPassword, missing: None })?;
        self.check_code(user, given).await
    }

    /// The same for people whom a directory knows.
    async fn check_with(
        self,
        directory: &Arc<dyn PeopleDirectory>,
        given: &Credentials,
    ) -> Result<User, AdminError> {
        let user = self.by_directory(directory, given).await?;
        self.check_code(user, given).await
    }

    /// The second step, for who has a second factor.
    async fn check_code(self, user: User, given: &Credentials) -> Result<User, AdminError> {
        if user.second_factor.is_none() {
            return Ok(user);
        }
        match &given.code {
            None => Err(AdminError::Unauthenticated { what: NotKnown::CodeNeeded, missing: Some("code") }),
            Some(code) => second_factor::take_code(self.admin, user, code.secret(), self.now()).await,
        }
    }

    async fn note(self, actor: &Actor, action: &'static str, after: Option<serde_json::Value>) {
        let noted = Noted { action, target: None, outcome: Outcome::Done, why: None, before: None, after };
        self.admin.audit().note(actor, noted).await;
    }

    /// What somebody tried who is not known.
    async fn note_stranger(self, name: &str, visit: &Visit, action: &'static str, why: &str) {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        let tried = Tried { action, name: shown.clone(), address: visit.address };
        self.tell_refusals().await;
        if !self.admin.refusals().is_new(tried, self.now()) {
            return;
        }
        let target = Some(AuditTarget { kind: "user".to_owned(), id: None, name: shown });
        let why = Some(why.to_owned());
        let noted = Noted { action, target, outcome: Outcome::Refused, why, before: None, after: None };
        self.admin.audit().note(&Actor { who: Who::Stranger, address: visit.address }, noted).await;
    }

    /// Writes how often strangers were refused again, once the interval in which that was counted is over. To be called now and
    /// then.
    pub async fn tell_refusals(self) {
        let over = self.admin.refusals().over(self.now());
        self.note_repeated(over).await;
    }

    /// The same before the program ends, whether it is over or not.
    pub(crate) async fn tell_all_refusals(self) {
        let all = self.admin.refusals().all();
        self.note_repeated(all).await;
    }

    async fn note_repeated(self, repeated: Vec<Repeated>) {
        for Repeated { of, times, since } in repeated {
            let action = of.as_ref().map_or("session.begin", |tried| tried.action);
            let address = of.as_ref().and_then(|tried| tried.address);
            let name = of.map_or_else(|| MANY.to_owned(), |tried| tried.name);
            let noted = Noted {
                action,
                target: Some(AuditTarget { kind: "user".to_owned(), id: None, name }),
                outcome: Outcome::Refused,
                why: Some(AGAIN.to_owned()),
                before: None,
                after: Some(json!({ "times": times, "since": since })),
            };
            self.admin.audit().note(&Actor { who: Who::Stranger, address }, noted).await;
        }
    }

    fn users(self) -> Repository<User> {
        self.admin.user_records()
    }

    fn now(self) -> Timestamp {
        self.admin.parts().clock.now()
    }
}

/// What a page sends with what changes something, to show that it is the relay's own: made of the session's token, which pages
/// cannot read, so that it need not be kept.
pub fn csrf_token(session: &str) -> String {
    hash_token(&format!("csrf {session}")).to_hex()
}

impl KnownPerson {
    /// The person as one who acts.
    pub fn actor(&self, address: Option<IpAddr>) -> Actor {
        actor(&self.user, address)
    }
}

pub(crate) fn actor(user: &User, address: Option<IpAddr>) -> Actor {
    Actor { who: Who::User { id: user.id, name: user.name.clone(), role: user.role }, address }
}

fn password_hash(user: &User) -> Option<&PasswordHash> {
    match &user.sign_in {
        SignIn::Password { hash } => hash.as_ref(),
        SignIn::Ldap { .. } | SignIn::Oidc { .. } => None,
    }
}

/// A session that is not used ends after a day, as at the predecessor.
const IDLE: Duration = Duration::from_secs(24 * 3_600);

/// However it is used, a session ends after that.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Use is noted so often: a write for each request would be too many.
const NOTED_EVERY: Duration = Duration::from_secs(60);

const MOST_AGENT: usize = 200;

/// Why an entry tells a number.
const AGAIN: &str = "refused again, as often as told";

/// In the place of a name, for many.
const MANY: &str = "many names";
