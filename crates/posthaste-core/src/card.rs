//! Redemption cards: who has the code of one adds what it gives to a client key.

use serde::{Deserialize, Serialize};

use crate::{CardId, ClientKeyId, RedemptionId, Timestamp, TokenHash};

/// A redemption card. Its code is told when it is made and kept nowhere: the record has its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Its identity.
    pub id: CardId,
    /// The hash of its code.
    pub code: TokenHash,
    /// The code's last four characters, so that people can tell cards apart.
    pub hint: String,
    /// What it gives.
    pub gives: CardGift,
    /// Until when it can be redeemed; for ever when `None`.
    pub expires_at: Option<Timestamp>,
    /// For those who come later: whom it is for, what was paid.
    pub note: String,
    /// Who made it.
    pub made_by: String,
    /// What became of it.
    pub state: CardState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Card {
    /// What has become of it by `now`.
    pub fn status(&self, now: Timestamp) -> CardStatus {
        match &self.state {
            CardState::Unused if self.expires_at.is_some_and(|end| end <= now) => CardStatus::Expired,
            CardState::Unused => CardStatus::Unused,
            CardState::Withdrawn { .. } => CardStatus::Revoked,
            CardState::Redeeming { .. } | CardState::Redeemed { .. } | CardState::TakingBack { .. } => {
                CardStatus::Redeemed
            }
            CardState::TakenBack { .. } => CardStatus::TakenBack,
        }
    }

    /// Its redemption, once there is one.
    pub fn redemption(&self) -> Option<&Redemption> {
        match &self.state {
            CardState::Unused | CardState::Withdrawn { .. } => None,
            CardState::Redeeming { redemption }
            | CardState::Redeemed { redemption }
            | CardState::TakingBack { redemption, .. }
            | CardState::TakenBack { redemption, .. } => Some(redemption),
        }
    }

    /// The step that was begun on a client key and is not known to have ended.
    pub fn open_step(&self) -> Option<(RedemptionId, ClientKeyId)> {
        match &self.state {
            CardState::Redeeming { redemption } => Some((redemption.id, redemption.key)),
            CardState::TakingBack { redemption, step, .. } => Some((*step, redemption.key)),
            CardState::Unused
            | CardState::Withdrawn { .. }
            | CardState::Redeemed { .. }
            | CardState::TakenBack { .. } => None,
        }
    }
}

/// What a card gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CardGift {
    /// Nano-dollars more for the client key's limit on its total cost; 0 for none.
    pub quota: u64,
    /// Seconds for which the client key lasts longer; 0 for none.
    pub seconds: u64,
}

impl CardGift {
    /// What such a card is called.
    pub const fn kind(self) -> CardKind {
        match (self.quota, self.seconds) {
            (_, 0) => CardKind::Quota,
            (0, _) => CardKind::Time,
            _ => CardKind::Combo,
        }
    }
}

/// What kinds of cards there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CardKind {
    /// It gives quota.
    Quota,
    /// It gives time.
    Time,
    /// It gives both.
    Combo,
}

impl CardKind {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quota => "quota",
            Self::Time => "time",
            Self::Combo => "combo",
        }
    }
}

/// What became of a card, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CardStatus {
    /// It can be redeemed.
    Unused,
    /// It was redeemed.
    Redeemed,
    /// It was redeemed, and an operator took back what it gave.
    TakenBack,
    /// An operator withdrew it before anybody redeemed it.
    Revoked,
    /// Nobody redeemed it in time.
    Expired,
}

impl CardStatus {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Unused, Self::Redeemed, Self::TakenBack, Self::Revoked, Self::Expired];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Redeemed => "redeemed",
            Self::TakenBack => "taken_back",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// What became of a card, as it is kept.
///
/// A card and a client key are two records. So a card that is on its way says to which key, under an id; the key is changed
/// and notes that id in the same write ([`CardStep`]); and then the card says that it is done. Whoever finds a card on its way
/// can finish it: the key's note tells whether it has been changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CardState {
    /// Nobody has redeemed it.
    Unused,
    /// An operator withdrew it.
    Withdrawn {
        /// When.
        at: Timestamp,
        /// Who.
        by: String,
    },
    /// It is on its way to a client key.
    Redeeming {
        /// To which, and under which id.
        redemption: Redemption,
    },
    /// A client key has what it gave.
    Redeemed {
        /// Which.
        redemption: Redemption,
    },
    /// What it gave is on its way back.
    TakingBack {
        /// How it was redeemed.
        redemption: Redemption,
        /// Under which id it is taken back.
        step: RedemptionId,
        /// When that was begun.
        at: Timestamp,
        /// Who takes it back.
        by: String,
    },
    /// What it gave was taken back, as far as it was not used.
    TakenBack {
        /// How it was redeemed.
        redemption: Redemption,
        /// Nano-dollars that the key's limit was lowered by.
        quota: u64,
        /// When.
        at: Timestamp,
        /// Who.
        by: String,
    },
}

/// That a card was redeemed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    /// Its identity.
    pub id: RedemptionId,
    /// The client key that has it.
    pub key: ClientKeyId,
    /// What the key was called.
    pub key_name: String,
    /// Who redeemed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A card's step that a client key has decided on, noted in the key's record with the change itself. It stays there until the
/// card says that the step has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CardStep {
    /// The step.
    pub id: RedemptionId,
    /// The card whose step it is.
    pub card: CardId,
    /// Whether the key was changed; else the card did not fit, and goes back.
    pub done: bool,
    /// Nano-dollars that were taken back.
    #[serde(default)]
    pub taken: u64,
}
