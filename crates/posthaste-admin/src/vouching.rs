//! Others who tell who a person is: a directory, an identity provider.

use async_trait::async_trait;
use posthaste_core::{BoxError, Role, Secret, SignIn};

/// A directory of people outside the relay, which knows their passwords.
#[async_trait]
pub trait PeopleDirectory: Send + Sync + 'static {
    /// Who it is that gives this name and password; `None` for a name of nobody, a wrong password, and somebody who may not
    /// log in here, which are not told apart.
    ///
    /// # Errors
    /// When the directory cannot be asked, or does not answer as it should.
    async fn identify(&self, name: &str, password: &Secret) -> Result<Option<Vouched>, DirectoryError>;
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
