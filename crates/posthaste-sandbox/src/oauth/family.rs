//! Which refresh tokens are good. All that come from one consent are a family: a used one that is presented again
//! has been stolen, or lost by its owner, and ends the whole family (RFC 9700 §4.14.2).

use super::{bounded::Bounded, refusal::Refusal, ticket::Ticket};

/// What is known of the families. A family that was forgotten, or begun by another process, goes on from the token
/// that is presented.
#[derive(Debug, Default)]
pub(super) struct Families(Bounded<Family, MOST>);

#[derive(Clone, Copy, Debug)]
struct Family {
    /// The serial number of the refresh token that is good now.
    good: u64,
    /// The highest serial number that was given to any token.
    last: u64,
    /// How often a refresh was asked for.
    refreshes: u32,
    revoked: bool,
}

impl Families {
    /// Checks a refresh token and counts its use; gives how often a refresh of its family was asked for before.
    pub(super) fn asked(&mut self, ticket: &Ticket) -> Result<u32, Refusal> {
        let family = self.of(ticket);
        if family.revoked {
            return Err(Refusal::invalid_grant("the consent was withdrawn"));
        }
        if ticket.serial < family.good {
            family.revoked = true;
            return Err(Refusal::invalid_grant(
                "the refresh token was used before; all tokens of its kind end",
            ));
        }
        family.good = ticket.serial;
        family.last = family.last.max(ticket.serial);
        family.refreshes = family.refreshes.saturating_add(1);
        Ok(family.refreshes - 1)
    }

    /// A number for one more token.
    pub(super) fn number(&mut self, ticket: &Ticket) -> u64 {
        let family = self.of(ticket);
        family.last += 1;
        family.last
    }

    /// From now on no refresh token with a lower number is good.
    pub(super) fn rotate(&mut self, ticket: &Ticket) {
        self.of(ticket).good = ticket.serial;
    }

    pub(super) fn revoke(&mut self, ticket: &Ticket) {
        self.of(ticket).revoked = true;
    }

    pub(super) fn is_revoked(&self, family: &str) -> bool {
        self.0.get(family).is_some_and(|family| family.revoked)
    }

    fn of(&mut self, ticket: &Ticket) -> &mut Family {
        let begin = || Family { good: ticket.serial, last: ticket.serial, refreshes: 0, revoked: false };
        self.0.get_or(&ticket.family, begin)
    }
}

const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::wish::Scope;

    fn numbered(serial: u64) -> Ticket {
        Ticket { serial, ..Ticket::new("client", "someone", &Scope::asked(None).unwrap(), "family") }
    }

    #[test]
    fn a_used_token_ends_its_family() {
        let mut families = Families::default();
        assert_eq!(families.asked(&numbered(2)).unwrap(), 0);
        assert_eq!(families.number(&numbered(2)), 3);
        families.rotate(&numbered(3));
        assert!(!families.is_revoked("family"));
        assert_eq!(families.asked(&numbered(2)).unwrap_err().error, "invalid_grant");
        assert!(families.is_revoked("family"));
        assert_eq!(families.asked(&numbered(3)).unwrap_err().error, "invalid_grant");
        assert!(!families.is_revoked("other"));
    }

    #[test]
    fn a_family_of_another_process_goes_on_from_what_is_presented() {
        let mut families = Families::default();
        assert_eq!(families.asked(&numbered(7)).unwrap(), 0);
        // Another process refreshed in between.
        assert_eq!(families.asked(&numbered(9)).unwrap(), 1);
        assert_eq!(families.number(&numbered(9)), 10);
    }
}
