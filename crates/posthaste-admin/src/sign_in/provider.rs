//! Logging in at an identity provider: a browser is sent there and comes back.
//!
//! Between the two halves the relay remembers nothing. What it has to know again is in a ticket that the browser keeps, sealed by the
//! vault, so that any relay with the same master key does the second half. That a ticket is used once is kept in the store.

use std::time::Duration;

use posthaste_core::{Sealed, Secret, SignIn, Timestamp, User, UserId};
use posthaste_vault::{hash_token, login_place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use super::{Credentials, SignInService, SignedIn, Visit, vouched::whole};
use crate::{
    AdminError, Disclosed, IdentityProvider, NotKnown, ProviderError, ReturnedLogin, Vouched, change,
    people::login_name,
};

/// How people can log in here.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SignInWays {
    /// By name and password, of this relay or of the directory: always.
    pub password: bool,
    /// Whether a directory (LDAP) knows people's passwords as well.
    pub directory: bool,
    /// What is on the button that leads to the identity provider, at `/users/oidc/login`; not there where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<String>,
}

/// A browser that is sent to the identity provider.
#[derive(Debug)]
pub struct Departure {
    /// Where to.
    pub url: String,
    /// What it keeps until it is back.
    pub ticket: Secret,
}

/// What a browser brings back from the identity provider.
#[derive(Clone, Debug, Default)]
pub struct BroughtBack {
    /// What it was sent with.
    pub state: Option<Secret>,
    /// What the relay learns with who it is.
    pub code: Option<Secret>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who says to have sent it (RFC 9207).
    pub issuer: Option<String>,
}

/// A browser that is back, and whose person is known.
#[derive(Debug)]
pub enum Arrival {
    /// The session has begun.
    SignedIn {
        /// It.
        signed: Box<SignedIn>,
        /// Where on this site the browser wanted to go.
        to: String,
    },
    /// A code of the second factor is needed.
    NeedsCode {
        /// What the browser keeps until there is one.
        ticket: Secret,
        /// Where on this site the browser wanted to go.
        to: String,
    },
}

/// What is known of a browser that is at the identity provider.
#[derive(Serialize, Deserialize)]
struct Away {
    state: String,
    nonce: String,
    verifier: String,
    to: String,
    until: Timestamp,
}

/// What is known of a person whom the provider has vouched for, and who has a second factor.
#[derive(Serialize, Deserialize)]
struct HalfKnown {
    user: UserId,
    until: Timestamp,
}

impl SignInService<'_> {
    /// How people can log in here.
    pub fn ways(self) -> SignInWays {
        let oidc = self.admin.identity_provider().map(|provider| provider.label().to_owned());
        SignInWays { password: true, directory: self.admin.people_directory().is_some(), oidc }
    }

    /// Sends a browser to the identity provider. `to` is where on this site it wants to be afterwards.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] where there is none, [`AdminError::Invalid`] for a `to` that leads elsewhere, and
    /// [`AdminError::IdentityProvider`] when it cannot be asked where people log in.
    pub async fn depart(self, to: Option<&str>) -> Result<Departure, AdminError> {
        let to = local_path(to.unwrap_or(HOME))?;
        let begun = self.provider()?.begin().await.map_err(|error| {
            tracing::warn!(error = %whole(&error), "the identity provider cannot tell where people log in");
            AdminError::IdentityProvider
        })?;
        let text = |secret: &Secret| secret.expose().to_owned();
        let (state, nonce, verifier) = (text(&begun.state), text(&begun.nonce), text(&begun.verifier));
        let away = Away { state, nonce, verifier, to, until: self.now().plus(LONGEST_AWAY) };
        Ok(Departure { url: begun.url, ticket: self.ticket(AWAY, &away)? })
    }

    /// Takes a browser back from the identity provider, and logs its person in.
    ///
    /// # Errors
    /// [`AdminError::Unauthenticated`] when anything that was brought back is not as it should be, or the provider refuses;
    /// [`AdminError::TooMany`] for an address where too much failed; [`AdminError::IdentityProvider`] when it cannot be asked.
    pub async fn arrive(
        self,
        ticket: Option<&str>,
        brought: BroughtBack,
        visit: &Visit,
    ) -> Result<Arrival, AdminError> {
        let provider = self.provider()?;
        // Nobody's name is known yet: each try stands for itself, and what counts is where it comes from.
        let tried_as = format!("at the identity provider, {}", Uuid::new_v4());
        let misses = self.admin.misses();
        let now = self.now();
        let _tried =
            misses.begin(&tried_as, visit.address, now).map_err(|wait| AdminError::TooMany { wait })?;
        let mut who = NOT_KNOWN.to_owned();
        match self.known(provider.as_ref(), ticket, brought, &mut who).await {
            Ok((user, to)) => {
                misses.hit(&tried_as, visit.address);
                self.landed(user, to, visit).await
            }
            Err(AdminError::Unauthenticated { what, missing }) => {
                misses.missed(&tried_as, visit.address, now);
                self.note_stranger(&who, visit, "session.begin", what.as_text()).await;
                Err(AdminError::Unauthenticated { what, missing })
            }
            Err(error) => Err(error),
        }
    }

    /// The second step after [`arrive`](Self::arrive), for who has a second factor.
    ///
    /// # Errors
    /// [`AdminError::Unauthenticated`] for a wrong code, or when the first step is too long ago; [`AdminError::TooMany`] when too
    /// many tries failed.
    pub async fn arrive_with_code(
        self,
        ticket: Option<&str>,
        code: Disclosed,
        visit: &Visit,
    ) -> Result<SignedIn, AdminError> {
        let now = self.now();
        let half: HalfKnown = self.read_ticket(HALF_KNOWN, ticket).ok_or(refused(NotKnown::NoFirstStep))?;
        if half.until <= now {
            return Err(refused(NotKnown::NoFirstStep));
        }
        let found = self.users().get(half.user.uuid()).await?.map(|found| found.value);
        let user = found.filter(|user| user.enabled).ok_or(refused(NotKnown::NoFirstStep))?;
        let (name, by) = (user.name.clone(), user.sign_in.as_str());
        let misses = self.admin.misses();
        let _tried = misses.begin(&name, visit.address, now).map_err(|wait| AdminError::TooMany { wait })?;
        let given =
            Credentials { name: name.clone(), password: Disclosed::new(Secret::new("")), code: Some(code) };
        match self.check_code(user, &given).await {
            Ok(user) => {
                misses.hit(&name, visit.address);
                self.begin(user, visit, by).await
            }
            Err(AdminError::Unauthenticated { .. }) => {
                if let Some(locked) = misses.missed(&name, visit.address, now) {
                    self.tell_locked(&name, visit.address, locked);
                }
                self.note_stranger(&name, visit, "session.begin", NotKnown::WrongCode.as_text()).await;
                Err(refused(NotKnown::WrongCode))
            }
            Err(error) => Err(error),
        }
    }

    /// Who it is, and where to go. `who` is what the person is called as soon as that is known, for the audit log.
    async fn known(
        self,
        provider: &dyn IdentityProvider,
        ticket: Option<&str>,
        brought: BroughtBack,
        who: &mut String,
    ) -> Result<(User, String), AdminError> {
        let away: Away = self.read_ticket(AWAY, ticket).ok_or(refused(NotKnown::NoTicket))?;
        let state = brought.state.as_ref().map_or("", |state| state.expose());
        // By their hashes, so that the time that it takes tells nothing.
        if hash_token(state) != hash_token(&away.state) {
            return Err(refused(NotKnown::OtherLogIn));
        }
        if away.until <= self.now() {
            return Err(refused(NotKnown::TooLate));
        }
        if !self.first_use(&away).await? {
            return Err(refused(NotKnown::UsedBefore));
        }
        let Some(code) = &brought.code else {
            let told = brought.error.as_deref().unwrap_or_default();
            tracing::info!(
                error = told.escape_debug().to_string(),
                "the identity provider let somebody not in"
            );
            return Err(refused(if told == "access_denied" {
                NotKnown::Denied
            } else {
                NotKnown::LetNobodyIn
            }));
        };
        let (nonce, verifier) = (Secret::new(away.nonce), Secret::new(away.verifier));
        let issuer = brought.issuer.as_deref();
        let back = ReturnedLogin { code, issuer, nonce: &nonce, verifier: &verifier };
        let vouched = provider.finish(back).await.map_err(|error| {
            tracing::warn!(error = %whole(&error), "nobody is logged in by the identity provider");
            match error {
                ProviderError::Away(_) => AdminError::IdentityProvider,
                ProviderError::Refused { what, .. } => refused(NotKnown::Provider(what)),
            }
        })?;
        who.clone_from(&vouched.name);
        Ok((self.by_subject(vouched).await?, away.to))
    }

    /// The person with this subject at this provider, and nobody else: made at the first log-in, whatever others are called.
    async fn by_subject(self, vouched: Vouched) -> Result<User, AdminError> {
        let id = identity(&vouched.sign_in);
        let found = self.users().get(id.uuid()).await?.map(|found| found.value);
        let Some(user) = found else { return self.furnish_subject(id, vouched).await };
        if user.sign_in != vouched.sign_in {
            return Err(refused(NotKnown::KnownOtherwise));
        }
        if !user.enabled {
            return Err(refused(NotKnown::Disabled));
        }
        self.bring_up_to_date(user, vouched).await
    }

    async fn furnish_subject(self, id: UserId, vouched: Vouched) -> Result<User, AdminError> {
        let name = login_name(&vouched.name).map_err(|_| refused(NotKnown::UnfitName))?;
        // An owner of that name has client keys, which are somebody's; whose, no provider says.
        let owner = change::by_name(&self.admin.owner_records(), &name).await?;
        if owner.is_some_and(|owner| owner.value.id != id) {
            return Err(refused(NotKnown::NameTaken));
        }
        let user = User { id, ..self.furnished(&name, &vouched).await? };
        match self.admin.people().keep(user).await {
            Ok(user) => {
                self.note_first(&user).await;
                Ok(user)
            }
            // Either the name is somebody else's, or the person has come twice at once.
            Err(AdminError::Conflict { .. }) => {
                let found = self.users().get(id.uuid()).await?.map(|found| found.value);
                let user = found.filter(|user| user.enabled && user.sign_in == vouched.sign_in);
                user.ok_or(refused(NotKnown::NameTaken))
            }
            Err(error) => Err(error),
        }
    }

    async fn landed(self, user: User, to: String, visit: &Visit) -> Result<Arrival, AdminError> {
        if user.second_factor.is_some() {
            let half = HalfKnown { user: user.id, until: self.now().plus(LONGEST_WITHOUT_CODE) };
            return Ok(Arrival::NeedsCode { ticket: self.ticket(HALF_KNOWN, &half)?, to });
        }
        let by = user.sign_in.as_str();
        Ok(Arrival::SignedIn { signed: Box::new(self.begin(user, visit, by).await?), to })
    }

    /// Whether a ticket comes for the first time, to any relay. A lock that nobody gives back tells: it lapses after the ticket.
    async fn first_use(self, away: &Away) -> Result<bool, AdminError> {
        let name = format!("login {}", hash_token(&away.state).to_hex());
        let locks = &self.admin.parts().stores.locks;
        Ok(locks.acquire(&name, Uuid::new_v4(), LONGEST_AWAY * 2, self.now()).await?.is_some())
    }

    fn ticket<T: Serialize>(self, step: &str, said: &T) -> Result<Secret, AdminError> {
        let said = serde_json::to_string(said).map_err(|error| AdminError::internal("a ticket", error))?;
        let sealed = self.admin.parts().vault.seal(&login_place(step), &Secret::new(said))?;
        Ok(Secret::new(sealed.as_text()))
    }

    /// What a ticket says; `None` for one that this relay did not make, or not for this step.
    fn read_ticket<T: for<'de> Deserialize<'de>>(self, step: &str, ticket: Option<&str>) -> Option<T> {
        let sealed = Sealed::from_text(ticket?);
        let said = self.admin.parts().vault.unseal(&login_place(step), &sealed).ok()?;
        serde_json::from_str(said.expose()).ok()
    }

    fn provider(self) -> Result<std::sync::Arc<dyn IdentityProvider>, AdminError> {
        let none = || AdminError::NotFound { what: "identity provider; `oidc.issuer` is not set".to_owned() };
        self.admin.identity_provider().cloned().ok_or_else(none)
    }
}

/// The identity of who is known by issuer and subject: made of both, so that it is found by them and made once, whatever relays and
/// names there are.
fn identity(sign_in: &SignIn) -> UserId {
    let SignIn::Oidc { issuer, subject } = sign_in else { return UserId::generate() };
    // An issuer is an address and holds no line break.
    let hash = hash_token(&format!("oidc\n{issuer}\n{subject}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.bytes()[..16]);
    UserId::from_uuid(Builder::from_custom_bytes(bytes).into_uuid())
}

/// A path on this site, as it was given. Browsers take `//host` and `/\host` for other sites.
fn local_path(to: &str) -> Result<String, AdminError> {
    let plain = to.len() <= LONGEST_PATH && to.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && to.starts_with('/') && !to.starts_with("//") {
        return Ok(to.to_owned());
    }
    Err(AdminError::invalid("to", "is no path on this site, such as `/users/profile`"))
}

const fn refused(what: NotKnown) -> AdminError {
    AdminError::Unauthenticated { what, missing: None }
}

/// Where a browser goes that says nothing.
const HOME: &str = "/users/profile";
const LONGEST_PATH: usize = 500;

/// So long a person may take at the identity provider.
const LONGEST_AWAY: Duration = Duration::from_secs(10 * 60);

/// So long a person may take for the code of the second factor.
const LONGEST_WITHOUT_CODE: Duration = Duration::from_secs(5 * 60);

/// The steps that tickets are for.
const AWAY: &str = "away";
const HALF_KNOWN: &str = "half known";

/// In the place of a name in the audit log.
const NOT_KNOWN: &str = "somebody from the identity provider";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_on_this_site() {
        for good in ["/", "/users/profile", "/a?b=//c&d=%2F", "/a#b"] {
            assert_eq!(local_path(good).unwrap(), good);
        }
        for bad in [
            "",
            "a",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a b",
            "/a\r\nSet-Cookie:x",
            "/ä",
        ] {
            assert!(local_path(bad).is_err(), "{bad:?}");
        }
        assert!(local_path(&format!("/{}", "a".repeat(500))).is_err());
    }

    #[test]
    fn an_identity_follows_issuer_and_subject() {
        let of = |issuer: &str, subject: &str| {
            identity(&SignIn::Oidc { issuer: issuer.to_owned(), subject: subject.to_owned() })
        };
        assert_eq!(of("https://a.example", "1"), of("https://a.example", "1"));
        assert_ne!(of("https://a.example", "1"), of("https://a.example", "2"));
        assert_ne!(of("https://a.example", "1"), of("https://b.example", "1"));
    }
}
