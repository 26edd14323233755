//! The terms on which a vendor bills an exchange: the same tokens have several prices.

use serde::{Deserialize, Serialize};

/// What an upstream told of the terms of an exchange. The default is what is billed when it tells nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Terms {
    /// The service tier that answered; it may be another one than was asked for.
    pub tier: ServiceTier,
    /// Whether Anthropic's fast mode answered (`speed`), which multiplies the tier's prices.
    pub fast: bool,
    /// Where inference was bound to, if that has a price.
    pub geography: Geography,
}

impl Terms {
    /// Those of an ordinary exchange.
    pub const PLAIN: Self = Self { tier: ServiceTier::Standard, fast: false, geography: Geography::Anywhere };

    /// Whether these are the terms of an ordinary exchange.
    pub fn are_plain(&self) -> bool {
        *self == Self::PLAIN
    }
}

/// A vendor's service tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ServiceTier {
    /// The ordinary one.
    #[default]
    Standard,
    /// Answered within a day.
    Batch,
    /// Answered when there is room.
    Flex,
    /// Answered before others.
    Priority,
    /// Answered by faster machines.
    Ultrafast,
    /// Between standard and priority.
    Balanced,
}

impl ServiceTier {
    /// Every member, in the order of their declaration.
    pub const ALL: [Self; 6] =
        [Self::Standard, Self::Batch, Self::Flex, Self::Priority, Self::Ultrafast, Self::Balanced];

    /// The stable name used in the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
            Self::Ultrafast => "ultrafast",
            Self::Balanced => "balanced",
        }
    }

    /// The tier that a vendor's word names, in whatever case; words that are no tier of their own (`default`, `auto`,
    /// `on_demand`) and unknown ones mean the ordinary one.
    pub fn told_as(word: &str) -> Self {
        let named = |tier: &Self| tier.as_str().eq_ignore_ascii_case(word);
        Self::ALL.into_iter().find(named).unwrap_or_default()
    }
}

/// Where inference was bound to, as far as prices tell places apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Geography {
    /// Anywhere.
    #[default]
    Anywhere,
    /// The United States.
    Us,
}

impl Geography {
    /// Every member, in the order of their declaration.
    pub const ALL: [Self; 2] = [Self::Anywhere, Self::Us];

    /// The stable name used in the ledger and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anywhere => "anywhere",
            Self::Us => "us",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_their_json_form() {
        for tier in ServiceTier::ALL {
            assert_eq!(serde_json::to_value(tier).unwrap(), tier.as_str());
        }
        for place in Geography::ALL {
            assert_eq!(serde_json::to_value(place).unwrap(), place.as_str());
        }
    }

    #[test]
    fn vendors_words_name_tiers() {
        assert_eq!(ServiceTier::told_as("flex"), ServiceTier::Flex);
        assert_eq!(ServiceTier::told_as("PRIORITY"), ServiceTier::Priority);
        for word in ["default", "auto", "on_demand", "standard", "", "golden"] {
            assert_eq!(ServiceTier::told_as(word), ServiceTier::Standard, "{word}");
        }
    }
}
