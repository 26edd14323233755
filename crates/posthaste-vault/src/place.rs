//! Where a sealed secret belongs.

use std::fmt;

use posthaste_core::{AccountId, ChannelField, ChannelId, RequestId, UserId};
use uuid::Uuid;

/// The record and the field that a secret is sealed for. It opens nowhere else, so that whoever can write to the store
/// cannot make one account present another's credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The kind of the record.
    pub kind: &'a str,
    /// The record.
    pub id: Uuid,
    /// The field in it.
    pub field: &'a str,
}

impl Place<'_> {
    /// Appends the place in a form in which no two places are alike: lengths stand before what they measure.
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        write_text(self.kind, out);
        out.extend_from_slice(self.id.as_bytes());
        write_text(self.field, out);
    }
}

/// Writes `kind/id/field`, for messages.
impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.id, self.field)
    }
}

/// Where an account's credential belongs.
pub fn account_credential_place(account: AccountId) -> Place<'static> {
    Place { kind: "account", id: account.uuid(), field: "credential" }
}

/// Where the password of an account's proxy belongs.
pub fn account_proxy_place(account: AccountId) -> Place<'static> {
    Place { kind: "account", id: account.uuid(), field: "proxy" }
}

/// Where a secret of a channel belongs.
pub fn channel_place(channel: ChannelId, field: ChannelField) -> Place<'static> {
    Place { kind: "channel", id: channel.uuid(), field: field.as_str() }
}

/// Where the captured bodies of a request belong.
pub fn request_bodies_place(request: RequestId) -> Place<'static> {
    Place { kind: "request", id: request.uuid(), field: "bodies" }
}

/// Where what a browser keeps of a log-in that is under way belongs: a step of one opens as no other step.
pub const fn login_place(step: &str) -> Place<'_> {
    Place { kind: "login", id: Uuid::nil(), field: step }
}

/// Where the secret of a person's second factor belongs.
pub fn user_second_factor_place(user: UserId) -> Place<'static> {
    Place { kind: "user", id: user.uuid(), field: "second_factor" }
}

/// Kinds and fields are names in our own code.
fn write_text(text: &str, out: &mut Vec<u8>) {
    let length = u16::try_from(text.len()).expect("names of kinds and fields are shorter than 64 KiB");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: &str, id: Uuid, field: &str) -> Vec<u8> {
        let mut out = Vec::new();
        Place { kind, id, field }.write_to(&mut out);
        out
    }

    #[test]
    fn places_that_read_alike_are_written_apart() {
        let id = Uuid::nil();
        let spelled = "\0".repeat(16);
        assert_ne!(written("a", id, "bc"), written("ab", id, "c"));
        assert_ne!(written(&format!("a{spelled}"), id, "b"), written("a", id, &format!("{spelled}b")));
        assert_ne!(written("a", id, "b"), written("a", Uuid::max(), "b"));
    }
}
