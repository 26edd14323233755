//! Redemption cards: whoever has the code of one adds what it gives to a client key.

mod limits;
mod list;
mod make;
mod one;
mod redeem;
mod redemptions;

use posthaste_admin::length_text;
use posthaste_core::{Area, CardGift, CardKind, CardStatus, NanoUsd};

use crate::{
    serve::{Door, Page, shows, takes},
    show::Number,
};

pub(super) fn pages() -> Vec<Page> {
    let (read, write) = (Door::Needs(Area::Keys.read()), Door::Needs(Area::Keys.write()));
    vec![
        shows("/cards", read, list::show),
        shows("/cards/new", write, make::show_new),
        takes("/cards/new", write, make::create),
        takes("/cards/csv", write, make::csv),
        shows("/cards/redeem", write, redeem::show),
        takes("/cards/redeem", write, redeem::redeem),
        shows("/cards/redemptions", read, redemptions::show),
        takes("/cards/redemptions/{redemption}/take-back", write, redemptions::take_back),
        shows("/cards/limits", read, limits::show),
        takes("/cards/limits", Door::Needs(Area::Settings.write()), limits::set),
        shows("/cards/{card}", read, one::show),
        takes("/cards/{card}/{action}", write, one::act),
    ]
}

/// What became of a card, in words.
fn status_words(status: CardStatus) -> &'static str {
    match status {
        CardStatus::Unused => text("not redeemed yet"),
        CardStatus::Redeemed => text("redeemed"),
        CardStatus::TakenBack => text("taken back"),
        CardStatus::Revoked => text("withdrawn"),
        CardStatus::Expired => text("out of time"),
    }
}

/// The class of a badge for it.
fn status_badge(status: CardStatus) -> &'static str {
    match status {
        CardStatus::Unused => "active",
        CardStatus::Redeemed => "",
        CardStatus::TakenBack => "limited",
        CardStatus::Revoked => "revoked",
        CardStatus::Expired => "expired",
    }
}

fn kind_words(kind: CardKind) -> &'static str {
    match kind {
        CardKind::Quota => text("money"),
        CardKind::Time => text("time"),
        CardKind::Combo => text("money and time"),
    }
}

/// Nano-dollars as money.
fn dollars(nanos: impl Number) -> NanoUsd {
    NanoUsd::from_nanos(i64::try_from(nanos.counted()).unwrap_or(i64::MAX))
}

/// What a card gives, exactly: `$5.00 + 30d`.
fn gift(gives: &CardGift) -> String {
    let quota = (gives.quota > 0).then(|| dollars(gives.quota).to_string());
    let span = (gives.seconds > 0).then(|| length_text(gives.seconds));
    quota.into_iter().chain(span).collect::<Vec<_>>().join(" + ")
}

/// Marks a text that pages say in the reader's language.
fn text(text: &'static str) -> &'static str {
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gift_is_said_exactly() {
        let said = |quota, seconds| gift(&CardGift { quota, seconds });
        assert_eq!(said(5_000_000_000, 0), "$5.00");
        assert_eq!(said(0, 2_592_000), "30d");
        assert_eq!(said(250_000_000, 90), "$0.25 + 90s");
    }
}
