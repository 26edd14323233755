//! What the form wants to be moved, and whether somebody else has moved it meanwhile.

use posthaste_admin::{AccountPlace, AccountView, AdminError, Command, OrderView};

use super::AccountOrder;
use crate::{asked::Asked, fields::Fields};

/// Where an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) priority: u32,
    pub(super) weight: u32,
}

/// An account that the form wants to stand elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Move {
    account: String,
    opened: Place,
    wanted: Place,
}

/// An account that stands elsewhere than it stood when the form was opened.
pub(super) struct Clash {
    pub(super) name: String,
    pub(super) opened: Place,
    pub(super) now: Place,
    pub(super) yours: Place,
}

impl Clash {
    /// As it was opened, as it is, as it would be.
    pub(super) fn places(&self) -> [Place; 3] {
        [self.opened, self.now, self.yours]
    }
}

impl Place {
    /// As a hidden field says it.
    pub(super) fn told(&self) -> String {
        format!("{} {}", self.priority, self.weight)
    }

    fn read(text: &str) -> Option<Self> {
        let (priority, weight) = text.split_once(' ')?;
        Some(Self { priority: priority.parse().ok()?, weight: weight.parse().ok()? })
    }

    fn of(account: &AccountView) -> Self {
        Self { priority: account.priority.into(), weight: account.scheduling.weight.into() }
    }
}

/// The accounts whose fields say something else than they were filled with.
pub(super) fn read(form: &Fields) -> Result<Vec<Move>, AdminError> {
    let mut moves = Vec::new();
    for seen in form.all("seen") {
        let Some((account, place)) = seen.split_once(' ') else { continue };
        let Some(opened) = Place::read(place) else { continue };
        let wanted = Place {
            priority: number(form, "priority", account)?.unwrap_or(opened.priority),
            weight: number(form, "weight", account)?.unwrap_or(opened.weight),
        };
        if wanted != opened {
            moves.push(Move { account: account.to_owned(), opened, wanted });
        }
    }
    Ok(moves)
}

fn number(form: &Fields, field: &'static str, account: &str) -> Result<Option<u32>, AdminError> {
    let Some(typed) = form.given(&format!("{field}.{account}")) else { return Ok(None) };
    let message = || format!("`{}` is no whole number", typed.escape_debug());
    typed.trim().parse().map(Some).map_err(|_| AdminError::Invalid { field, message: message() })
}

/// Saves them all, or tells which of them stand elsewhere than the form showed. An account that was changed otherwise, as
/// log-ins do when they renew their tokens, does not stand elsewhere.
pub(super) async fn save(
    asked: &Asked,
    moves: Vec<Move>,
) -> Result<Result<OrderView, Vec<Clash>>, AdminError> {
    let (mut accounts, mut clashes) = (Vec::new(), Vec::new());
    for Move { account, opened, wanted } in moves {
        let show = Command::ShowAccount { account: account.clone() };
        let (view, version): (AccountView, _) = asked.look_up(show).await?;
        let now = Place::of(&view);
        if now == wanted {
            continue;
        }
        if now != opened {
            clashes.push(Clash { name: view.name, opened, now, yours: wanted });
            continue;
        }
        let changed = |to: u32, from: u32| (to != from).then_some(to);
        accounts.push(AccountPlace {
            account,
            version,
            priority: changed(wanted.priority, now.priority),
            weight: changed(wanted.weight, now.weight),
        });
    }
    if !clashes.is_empty() {
        return Ok(Err(clashes));
    }
    if accounts.is_empty() {
        return Ok(Ok(OrderView::default()));
    }
    asked.admin.order_accounts(&asked.actor, AccountOrder { accounts }).await.map(Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_typed_otherwise_moves() {
        let form = Fields::read(
            b"seen=a+50+1&priority.a=50&weight.a=1&seen=b+50+1&priority.b=+10&weight.b=1&seen=c+50+1",
        );
        let place = |priority, weight| Place { priority, weight };
        let moved = Move { account: "b".to_owned(), opened: place(50, 1), wanted: place(10, 1) };
        assert_eq!(read(&form).unwrap(), [moved]);
        let wrong = Fields::read(b"seen=a+50+1&priority.a=first&weight.a=1");
        assert!(read(&wrong).unwrap_err().to_string().contains("`first` is no whole number"));
        for told in ["seen=a", "seen=a+x+1", "seen=a+1"] {
            assert_eq!(read(&Fields::read(told.as_bytes())).unwrap(), [], "{told}");
        }
    }
}
