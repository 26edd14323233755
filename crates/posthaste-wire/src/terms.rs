//! Vendors' words for the terms on which an exchange is billed.

use posthaste_core::{Geography, ServiceTier};
use serde::{Deserialize, Deserializer};

use crate::lenient::{Lenient, Text};

/// A service tier; `None` where none is told, or something that is no word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TierWord(pub(crate) Option<ServiceTier>);

impl TierWord {
    /// Puts the tier into `place` if there is one.
    pub(crate) fn put(self, place: &mut ServiceTier) {
        if let Some(tier) = self.0 {
            *place = tier;
        }
    }
}

impl<'de> Deserialize<'de> for TierWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word(deserializer, |word| {
            // Vertex tells the kind of traffic, of which only these two have prices of their own: `ON_DEMAND_PRIORITY`,
            // `ON_DEMAND_FLEX`.
            let upper = word.strip_prefix("ON_DEMAND_").unwrap_or(word);
            ServiceTier::told_as(upper)
        })
        .map(Self)
    }
}

/// Whether Anthropic's fast mode answered (`speed`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SpeedWord(pub(crate) Option<bool>);

impl<'de> Deserialize<'de> for SpeedWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word(deserializer, |word| word == "fast").map(Self)
    }
}

/// Where inference was bound to (`inference_geo`); `global` and `not_available` mean anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GeographyWord(pub(crate) Option<Geography>);

impl<'de> Deserialize<'de> for GeographyWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word(deserializer, |word| if word == "us" { Geography::Us } else { Geography::Anywhere }).map(Self)
    }
}

fn word<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: impl FnOnce(&str) -> T,
) -> Result<Option<T>, D::Error> {
    let word = Lenient::<Text<'de>>::deserialize(deserializer)?;
    Ok(word.0.map(|word| read(&word.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_all_else_is_left_out() {
        let tier = |json: &str| serde_json::from_str::<TierWord>(json).unwrap().0;
        assert_eq!(tier(r#""flex""#), Some(ServiceTier::Flex));
        assert_eq!(tier(r#""ON_DEMAND_PRIORITY""#), Some(ServiceTier::Priority));
        for ordinary in [r#""default""#, r#""ON_DEMAND""#, r#""PROVISIONED_THROUGHPUT""#, r#""golden""#] {
            assert_eq!(tier(ordinary), Some(ServiceTier::Standard), "{ordinary}");
        }
        for none in ["null", "7", "[]", r#"{"type":"flex"}"#] {
            assert_eq!(tier(none), None, "{none}");
        }
    }
}
