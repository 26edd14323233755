//! What is asked of cards.

use posthaste_core::{Card, CardGift, CardKind, CardStatus, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::AdminError;

/// Cards that are to be made, all alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewCards {
    /// How many: 1 unless told, 100 at most.
    pub count: Option<u32>,
    /// Nano-dollars that each adds to a client key's limit on its total cost; 0 for none.
    pub quota: u64,
    /// Seconds that each lets a client key last longer; 0 for none.
    pub seconds: u64,
    /// Until when they can be redeemed; for ever when absent.
    pub expires_at: Option<Timestamp>,
    /// For those who come later: at most 1000 characters.
    pub note: String,
}

impl NewCards {
    pub(super) fn checked(&self, now: Timestamp) -> Result<(usize, CardGift, String), AdminError> {
        let count = self.count.unwrap_or(1);
        if !(1..=MOST_CARDS).contains(&count) {
            return Err(AdminError::invalid("count", format!("is {count}, not from 1 to {MOST_CARDS}")));
        }
        if self.quota == 0 && self.seconds == 0 {
            return Err(AdminError::invalid("quota", "is 0, and so is `seconds`; say what the card gives"));
        }
        if self.quota > MOST_QUOTA {
            return Err(AdminError::invalid("quota", "is more than 1000000 dollars in nano-dollars"));
        }
        if self.seconds > MOST_SECONDS {
            return Err(AdminError::invalid("seconds", "is more than 10 years"));
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(AdminError::invalid("expires_at", "is past; nobody could redeem the card"));
        }
        let note = self.note.trim();
        if note.chars().count() > LONGEST_NOTE {
            return Err(AdminError::invalid("note", format!("has more than {LONGEST_NOTE} characters")));
        }
        let count = usize::try_from(count).unwrap_or(1);
        Ok((count, CardGift { quota: self.quota, seconds: self.seconds }, note.to_owned()))
    }
}

/// Which cards are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct CardListInput {
    /// Which page, from 1 on.
    pub page: Option<usize>,
    /// How many a page has; 50 unless told, 500 at most.
    pub page_size: Option<usize>,
    /// Only those of which this became: `unused`, `redeemed`, `taken_back`, `revoked` or `expired`.
    pub status: Option<CardStatus>,
    /// Only those of this kind: `quota`, `time` or `combo`.
    pub kind: Option<CardKind>,
    /// Only what has this text, in whatever case, in its last characters, its note, or the names of its client key, of who
    /// made it, or of who redeemed it.
    pub search: Option<String>,
}

impl CardListInput {
    pub(super) fn wants(&self, card: &Card, now: Timestamp) -> bool {
        self.status.is_none_or(|status| card.status(now) == status)
            && self.kind.is_none_or(|kind| card.gives.kind() == kind)
            && self.search.as_deref().is_none_or(|text| has(card, &text.to_lowercase()))
    }
}

fn has(card: &Card, needle: &str) -> bool {
    let redeemed = card.redemption().map(|redemption| [&redemption.key_name, &redemption.by]);
    let texts = [&card.hint, &card.note, &card.made_by].into_iter().chain(redeemed.into_iter().flatten());
    texts.into_iter().any(|text| text.to_lowercase().contains(needle))
}

/// Which redemptions are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct RedemptionListInput {
    /// Which page, from 1 on.
    pub page: Option<usize>,
    /// How many a page has; 50 unless told, 500 at most.
    pub page_size: Option<usize>,
    /// Only this client key's, by id or name.
    pub key: Option<String>,
}

/// What is to change of how much cards can add up to. What is not given stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CardLimitsChange {
    /// The most that a client key's limit on its total cost can be raised to, in nano-dollars; 0 for no such bound.
    pub most_quota: Option<u64>,
    /// How many days from now a client key can be made to last at most; 0 for no such bound.
    pub most_days: Option<u32>,
}

impl CardLimitsChange {
    pub(super) fn check(self) -> Result<(), AdminError> {
        if self.most_quota.is_some_and(|most| i64::try_from(most).is_err()) {
            return Err(AdminError::invalid("most_quota", "is more than can be counted"));
        }
        if self.most_days.is_some_and(|most| most > MOST_DAYS) {
            return Err(AdminError::invalid("most_days", format!("is more than {MOST_DAYS}; 0 is no bound")));
        }
        Ok(())
    }
}

const MOST_CARDS: u32 = 100;
const MOST_QUOTA: u64 = 1_000_000_000_000_000;
const MOST_SECONDS: u64 = 10 * 366 * 86_400;
const MOST_DAYS: u32 = 36_600;
const LONGEST_NOTE: usize = 1_000;
