//! Why somebody is not let in, in words.

use posthaste_admin::NotKnown;

/// What is wrong and what to do.
pub(super) const fn not_known(why: NotKnown) -> &'static str {
    match why {
        NotKnown::LogIn => text("log in"),
        NotKnown::LogInOrToken => text("log in, or send an API token as `Authorization: Bearer`"),
        NotKnown::SendClientKey => text("send a client key"),
        NotKnown::ClientKey => {
            text("this client key is not known here; send it as `Authorization: Bearer` or `x-api-key`")
        }
        NotKnown::NameOrPassword => text("the name or the password is wrong"),
        NotKnown::CodeNeeded => text("a code of the second factor is needed"),
        NotKnown::WrongCode => text("the code is wrong"),
        NotKnown::SetupToken => text("that is not the set-up token that this relay showed when it started"),
        NotKnown::NoTicket => {
            text("this browser did not begin a log-in here, or began another one since; begin again")
        }
        NotKnown::OtherLogIn => {
            text("this answer belongs to another log-in than the one that this browser began; begin again")
        }
        NotKnown::TooLate => text("the log-in took longer than 10 minutes; begin again"),
        NotKnown::UsedBefore => text("this answer was used before; begin again"),
        NotKnown::Denied => text("the identity provider says that access was denied"),
        NotKnown::LetNobodyIn => text("the identity provider let nobody in"),
        NotKnown::KnownOtherwise => text("this person logs in here in another way"),
        NotKnown::Disabled => text("this person may not log in here"),
        NotKnown::UnfitName => text(
            "the name that the identity provider tells cannot be one here; an operator may take another claim for it",
        ),
        NotKnown::NameTaken => {
            text("the name that the identity provider tells belongs to somebody else here; ask an operator")
        }
        NotKnown::NoFirstStep => {
            text("log in at the identity provider first, and give the code within 5 minutes")
        }
        // What else an identity provider is refused for is told as the admin layer has it.
        NotKnown::Provider(what) => what,
    }
}

/// Marks a text that pages say in the reader's language.
const fn text(text: &'static str) -> &'static str {
    text
}
