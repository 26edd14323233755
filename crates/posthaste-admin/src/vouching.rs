//! Others who tell who a person is: a directory, an identity provider.

use async_trait::async_trait;
use posthaste_core::{BoxError, Role, Secret, SignIn};

use crate::SignInFinding;

/// A directory of people outside the relay, which knows their passwords.
#[async_trait]
pub trait PeopleDirectory: Send + Sync + 'static {
    /// Who it is that gives this name and password; `None` for a name of nobody, a wrong password, and somebody who may not
    /// log in here, which are not told apart.
    ///
    /// # Errors
    /// When the directory cannot be asked, or does not answer as it should.
    async fn identify(&self, name: &str, password: &Secret) -> Result<Option<Vouched>, DirectoryError>;

    /// Looks for what is in the way of log-ins: of everybody's, of this person's where one is named, and whether the password is
    /// taken where one is given. Nobody is logged in.
    async fn examine(&self, name: Option<&str>, password: Option<&Secret>) -> Vec<SignInFinding>;
}

/// A provider of identities outside the relay, at which people log in with their browsers. What is known of a log-in between its
/// two halves is the browser's to keep, sealed: another relay may do the second.
#[async_trait]
pub trait IdentityProvider: Send + Sync + 'static {
    /// What is on the button that leads there.
    fn label(&self) -> &str;

    /// Makes what a browser is sent there with.
    ///
    /// # Errors
    /// When it is not known where to, since the provider cannot be asked.
    async fn begin(&self) -> Result<BegunLogin, DirectoryError>;

    /// Who it is that came back from there with this code.
    ///
    /// # Errors
    /// When the provider cannot be asked, or what it says cannot be believed.
    async fn finish(&self, back: ReturnedLogin<'_>) -> Result<Vouched, ProviderError>;

    /// Looks for what is in the way of log-ins, as far as that shows without a browser.
    async fn examine(&self) -> Vec<SignInFinding>;
}

/// A log-in that has begun.
#[derive(Clone, Debug)]
pub struct BegunLogin {
    /// Where the browser is sent.
    pub url: String,
    /// What it brings back.
    pub state: Secret,
    /// What the provider puts into the identity that it vouches for.
    pub nonce: Secret,
    /// What only who began has, and shows with the code (RFC 7636).
    pub verifier: Secret,
}

/// What is known once the browser is back.
#[derive(Clone, Copy, Debug)]
pub struct ReturnedLogin<'a> {
    /// What it brought.
    pub code: &'a Secret,
    /// Who says to have sent it (RFC 9207), if that is said.
    pub issuer: Option<&'a str>,
    /// As it was begun.
    pub nonce: &'a Secret,
    /// As it was begun.
    pub verifier: &'a Secret,
}

/// Why a provider vouches for nobody.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It cannot be asked.
    #[error("the identity provider cannot be asked")]
    Away(#[source] DirectoryError),
    /// It refuses, or what it says cannot be believed.
    #[error("{what}")]
    Refused {
        /// In words for who wants to log in.
        what: &'static str,
        /// For the operators' log.
        #[source]
        why: DirectoryError,
    },
}

/// What somebody else says of a person who has just shown who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// How the person is known there; never by password.
    pub sign_in: SignIn,
    /// The name to log in with.
    pub name: String,
    /// What the person is called, where it is told.
    pub display_name: Option<String>,
    /// Where mail reaches the person, where it is told.
    pub email: Option<String>,
    /// What the person may do. An owner is never made this way.
    pub role: VouchedRole,
}

/// What a person may do whom somebody else knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VouchedRole {
    /// What a new person begins with; from then on operators say.
    AtFirst(Role),
    /// What the person may at each log-in, whatever it was before, except for owners.
    Always(Role),
}

/// Why a directory could not tell. Its text is for the operators' log; who wants to log in is told less.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct DirectoryError {
    /// What failed.
    pub doing: String,
    /// Why.
    #[source]
    pub why: Option<BoxError>,
}

impl DirectoryError {
    /// A step that failed, and why.
    pub fn new(doing: impl Into<String>, why: impl Into<BoxError>) -> Self {
        Self { doing: doing.into(), why: Some(why.into()) }
    }

    /// Something that is not as it should be.
    pub fn unfit(what: impl Into<String>) -> Self {
        Self { doing: what.into(), why: None }
    }
}
