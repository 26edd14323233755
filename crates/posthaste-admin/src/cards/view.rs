//! Cards and redemptions as they are shown: never with a code, which is told once.

use posthaste_core::{
    Card, CardGift, CardId, CardKind, CardState, CardStatus, ClientKeyId, RedemptionId, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Disclosed;

/// A redemption card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CardView {
    /// Its identity.
    pub id: CardId,
    /// The code's last four characters.
    pub hint: String,
    /// `quota`, `time`, or `combo` for both.
    pub kind: CardKind,
    /// What it gives.
    pub gives: CardGift,
    /// What became of it.
    pub status: CardStatus,
    /// Until when it can be redeemed; for ever when absent.
    pub expires_at: Option<Timestamp>,
    /// For those who come later.
    pub note: String,
    /// Who made it.
    pub made_by: String,
    /// How it was redeemed, if it was.
    pub redemption: Option<RedemptionView>,
    /// Who withdrew it, if somebody did.
    pub withdrawn: Option<WithdrawnView>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A new card. The only place where its code is told.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CreatedCard {
    /// The card.
    #[serde(flatten)]
    pub view: CardView,
    /// What is to be entered to redeem it.
    pub code: Disclosed,
}

/// That a card was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WithdrawnView {
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
}

/// That a card was redeemed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RedemptionView {
    /// Its identity.
    pub id: RedemptionId,
    /// Which card.
    pub card: CardId,
    /// The last four characters of the card's code.
    pub hint: String,
    /// `quota`, `time`, or `combo` for both.
    pub kind: CardKind,
    /// What the card gave.
    pub gives: CardGift,
    /// The client key that has it.
    pub key: ClientKeyId,
    /// What the key was called.
    pub key_name: String,
    /// Who redeemed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What was taken back, if somebody did.
    pub taken_back: Option<TakenBackView>,
}

/// That what a card gave was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TakenBackView {
    /// Nano-dollars that the key's limit was lowered by: what was used already stays.
    pub quota: u64,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub by: String,
}

/// A redemption as the holder of the key sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldRedemption {
    /// The last four characters of the card's code.
    pub hint: String,
    /// `quota`, `time`, or `combo` for both.
    pub kind: CardKind,
    /// What the card gave.
    pub gives: CardGift,
    /// The name of the client key.
    pub key_name: String,
    /// When.
    pub at: Timestamp,
    /// Nano-dollars that were taken back, if somebody did.
    pub taken_back: Option<u64>,
}

/// How many cards of one status there are, and what they give together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CardSum {
    /// What became of them.
    pub status: CardStatus,
    /// How many.
    pub cards: u64,
    /// Nano-dollars of quota on them.
    pub quota: u64,
    /// Seconds on them.
    pub seconds: u64,
}

/// How many cards there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CardStats {
    /// How many in all.
    pub total: u64,
    /// The same by what became of them, every status once.
    pub by_status: Vec<CardSum>,
    /// Nano-dollars that were taken back from client keys.
    pub taken_back: u64,
}

impl CardView {
    pub(super) fn of(card: &Card, now: Timestamp) -> Self {
        let withdrawn = match &card.state {
            CardState::Withdrawn { at, by } => Some(WithdrawnView { at: *at, by: by.clone() }),
            _ => None,
        };
        Self {
            id: card.id,
            hint: card.hint.clone(),
            kind: card.gives.kind(),
            gives: card.gives,
            status: card.status(now),
            expires_at: card.expires_at,
            note: card.note.clone(),
            made_by: card.made_by.clone(),
            redemption: RedemptionView::of(card),
            withdrawn,
            created_at: card.created_at,
            updated_at: card.updated_at,
        }
    }
}

impl RedemptionView {
    /// `None` for a card that nobody has redeemed.
    pub(super) fn of(card: &Card) -> Option<Self> {
        let redemption = card.redemption()?.clone();
        let taken_back = match &card.state {
            CardState::TakenBack { quota, at, by, .. } => {
                Some(TakenBackView { quota: *quota, at: *at, by: by.clone() })
            }
            _ => None,
        };
        Some(Self {
            id: redemption.id,
            card: card.id,
            hint: card.hint.clone(),
            kind: card.gives.kind(),
            gives: card.gives,
            key: redemption.key,
            key_name: redemption.key_name,
            by: redemption.by,
            at: redemption.at,
            taken_back,
        })
    }
}

impl From<RedemptionView> for HeldRedemption {
    fn from(view: RedemptionView) -> Self {
        let RedemptionView { hint, kind, gives, key_name, at, taken_back, .. } = view;
        Self { hint, kind, gives, key_name, at, taken_back: taken_back.map(|taken| taken.quota) }
    }
}
