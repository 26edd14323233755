//! Why somebody is not let in.

use std::fmt;

/// Why somebody is not known, or is not who he says. Each is a member, so that pages can say it in their readers' languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotKnown {
    /// Nobody has logged in.
    LogIn,
    /// Nobody has logged in, where an API token would do as well.
    LogInOrToken,
    /// No client key was sent.
    SendClientKey,
    /// The client key is not known.
    ClientKey,
    /// The name or the password is wrong; which of them is not told.
    NameOrPassword,
    /// A code of the second factor is needed beyond what was given.
    CodeNeeded,
    /// The code of the second factor is wrong.
    WrongCode,
    /// The token that the relay showed when it started is another one.
    SetupToken,
    /// The browser did not begin a log-in at the identity provider, or began another one since.
    NoTicket,
    /// The answer belongs to another log-in than the browser's.
    OtherLogIn,
    /// The log-in took too long.
    TooLate,
    /// The answer was used before.
    UsedBefore,
    /// The identity provider says that access was denied.
    Denied,
    /// The identity provider let nobody in.
    LetNobodyIn,
    /// The person logs in here in another way.
    KnownOtherwise,
    /// The person may not log in here.
    Disabled,
    /// The name that the identity provider tells cannot be one here.
    UnfitName,
    /// The name that the identity provider tells belongs to somebody else here.
    NameTaken,
    /// A code was given without the log-in that it belongs to.
    NoFirstStep,
    /// The identity provider, or what it says, was refused; in words for who wants to log in.
    Provider(&'static str),
}

impl NotKnown {
    /// What is wrong and what to do, as programs are told it.
    pub const fn as_text(self) -> &'static str {
        match self {
            Self::LogIn => "log in",
            Self::LogInOrToken => "log in, or send an API token as `Authorization: Bearer`",
            Self::SendClientKey => "send a client key",
            Self::ClientKey => {
                "this client key is not known here; send it as `Authorization: Bearer` or `x-api-key`"
            }
            Self::NameOrPassword => "the name or the password is wrong",
            Self::CodeNeeded => "a code of the second factor is needed",
            Self::WrongCode => "the code is wrong",
            Self::SetupToken => "that is not the set-up token that this relay showed when it started",
            Self::NoTicket => {
                "this browser did not begin a log-in here, or began another one since; begin again"
            }
            Self::OtherLogIn => {
                "this answer belongs to another log-in than the one that this browser began; begin again"
            }
            Self::TooLate => "the log-in took longer than 10 minutes; begin again",
            Self::UsedBefore => "this answer was used before; begin again",
            Self::Denied => "the identity provider says that access was denied",
            Self::LetNobodyIn => "the identity provider let nobody in",
            Self::KnownOtherwise => "this person logs in here in another way",
            Self::Disabled => "this person may not log in here",
            Self::UnfitName => {
                "the name that the identity provider tells cannot be one here; an operator may take another claim for it"
            }
            Self::NameTaken => {
                "the name that the identity provider tells belongs to somebody else here; ask an operator"
            }
            Self::NoFirstStep => "log in at the identity provider first, and give the code within 5 minutes",
            Self::Provider(what) => what,
        }
    }
}

impl fmt::Display for NotKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_text())
    }
}
