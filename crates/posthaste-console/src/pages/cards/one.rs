//! One card: what it gives, what became of it, withdrawing and removing it.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use posthaste_admin::{AdminError, CardView, Command};
use posthaste_core::{Area, CardStatus};

use crate::{BASE, asked::Asked, frame::Frame};

#[derive(Template)]
#[template(path = "cards/one.html")]
struct One {
    p: Frame,
    card: CardView,
    may_write: bool,
}

pub(super) async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let card: CardView = asked.act(Command::ShowCard { card: asked.parameter("card").to_owned() }).await?;
    let p = asked.frame(&asked.fill("Card …{}", &card.hint)).await?;
    let may_write = asked.may(Area::Keys.write());
    asked.page(&One { p, card, may_write })
}

/// What a button on a card's page does.
pub(super) async fn act(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let card = asked.parameter("card").to_owned();
    match asked.parameter("action") {
        "withdraw" => {
            let card: CardView = asked.act(Command::RevokeCard { card }).await?;
            let told = asked.fill("Card …{} is withdrawn: nobody can redeem it.", &card.hint);
            Ok(asked.done(&format!("{BASE}/cards/{}", card.id), &told))
        }
        "delete" => {
            let gone: CardView = asked.act(Command::DeleteCard { card }).await?;
            let told = asked.fill("Card …{} is removed.", &gone.hint);
            Ok(asked.done(&format!("{BASE}/cards"), &told))
        }
        other => Err(AdminError::NotFound { what: format!("action `{}` of a card", other.escape_debug()) }),
    }
}

impl One {
    /// Whether somebody could still redeem it.
    fn is_open(&self) -> bool {
        self.card.status == CardStatus::Unused
    }
}
