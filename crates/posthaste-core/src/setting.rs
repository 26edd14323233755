//! Settings that operators change while the relay runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Multiplier, ProviderKind, Timestamp};

/// A setting's record. There is one of each at most, and where there is none, what is usual holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Which, and what it says.
    #[serde(flatten)]
    pub value: SettingValue,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Setting {
    /// The identity of the record, the same at every relay, so that two relays make no two of them.
    pub const fn id(&self) -> Uuid {
        self.value.id()
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.value.name()
    }
}

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "setting", content = "value", rename_all = "snake_case")]
pub enum SettingValue {
    /// How much redemption cards can add up to.
    CardLimits(CardLimits),
    /// What a dollar of cost is billed as, by provider.
    ServiceRates(ServiceRates),
    /// The list of prices that was taken over last.
    PriceList(KeptPriceList),
}

impl SettingValue {
    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CardLimits(_) => CardLimits::NAME,
            Self::ServiceRates(_) => ServiceRates::NAME,
            Self::PriceList(_) => KeptPriceList::NAME,
        }
    }

    /// The identity of its record.
    pub const fn id(&self) -> Uuid {
        match self {
            Self::CardLimits(_) => CardLimits::ID,
            Self::ServiceRates(_) => ServiceRates::ID,
            Self::PriceList(_) => KeptPriceList::ID,
        }
    }
}

/// How much redemption cards can add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CardLimits {
    /// The most that a client key's limit on its total cost can be raised to, in nano-dollars; 0 for no such bound.
    pub most_quota: u64,
    /// How many days from now a client key can be made to last at most; 0 for no such bound.
    pub most_days: u32,
}

impl CardLimits {
    /// The setting's name.
    pub const NAME: &'static str = "card_limits";
    /// The identity of its record.
    pub const ID: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
}

/// Those of the predecessor.
impl Default for CardLimits {
    fn default() -> Self {
        Self { most_quota: 1_000_000_000_000, most_days: 90 }
    }
}

/// What a dollar of cost is billed as, by provider, on top of what each client key is billed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceRates {
    /// Those of the operator's. For the others holds what the configuration says.
    pub rates: BTreeMap<ProviderKind, Multiplier>,
}

impl ServiceRates {
    /// The setting's name.
    pub const NAME: &'static str = "service_rates";
    /// The identity of its record.
    pub const ID: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0002);
}

/// A list of prices that goes over the price book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPriceList {
    /// The list, in the price book's own form.
    pub list: String,
    /// Where it came from, for people.
    pub source: String,
    /// How many models it prices.
    pub models: u32,
}

impl KeptPriceList {
    /// The setting's name.
    pub const NAME: &'static str = "price_list";
    /// The identity of its record.
    pub const ID: Uuid = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0003);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_reads_back_as_it_was_written() {
        let rates = BTreeMap::from([(ProviderKind::Anthropic, Multiplier::from_millionths(1_250_000))]);
        for value in [
            SettingValue::CardLimits(CardLimits { most_quota: 5, most_days: 0 }),
            SettingValue::ServiceRates(ServiceRates { rates }),
            SettingValue::PriceList(KeptPriceList {
                list: "{}".to_owned(),
                source: "a file".to_owned(),
                models: 1,
            }),
        ] {
            let setting = Setting { value, updated_at: Timestamp::from_secs(1) };
            let text = serde_json::to_string(&setting).unwrap();
            assert_eq!(serde_json::from_str::<Setting>(&text).unwrap(), setting, "{text}");
            assert!(text.contains(setting.name()), "{text}");
        }
    }
}
