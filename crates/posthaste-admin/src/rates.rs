//! Service rates: what a dollar of cost is billed as, by the provider that served.

use std::collections::{BTreeMap, HashMap};

use posthaste_core::{Multiplier, ProviderKind, ServiceRates, SettingValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError, settings};

/// What a dollar of cost at a provider's accounts is billed as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceRate {
    /// The provider.
    pub provider: ProviderKind,
    /// The factor, such as `1.25`.
    pub rate: String,
    /// Whether an operator said so while the relay ran; else the configuration says it.
    pub set: bool,
}

/// Rates that are to change. Those of providers that are not named stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RatesInput {
    /// By provider a factor from 0 to 1000 with up to six decimals, such as `"1.25"`; `null` for what the configuration says.
    pub rates: BTreeMap<ProviderKind, Option<String>>,
}

/// All of them, in the order of the providers.
///
/// # Errors
/// When the store fails.
pub(crate) async fn show(admin: &Admin) -> Result<Vec<ServiceRate>, AdminError> {
    Ok(told(admin, &read(settings::kept(admin, ServiceRates::ID).await?)))
}

/// Changes some. Running relays bill by them within a second; what is booked already stays as it is.
///
/// # Errors
/// [`AdminError::Invalid`] for what is no rate.
pub(crate) async fn set(admin: &Admin, input: &RatesInput) -> Result<Vec<ServiceRate>, AdminError> {
    let wanted = |(provider, rate): (&ProviderKind, &Option<String>)| match rate {
        None => Ok((*provider, None)),
        Some(text) => match Multiplier::parse(text) {
            Some(rate) => Ok((*provider, Some(rate))),
            None => {
                let message = format!(
                    "has `{}` for {provider}, which is not from 0 to 1000 with up to six decimals, such as 1.25",
                    text.escape_debug()
                );
                Err(AdminError::invalid("rates", message))
            }
        },
    };
    let wanted: Vec<_> = input.rates.iter().map(wanted).collect::<Result<_, _>>()?;
    let next = |kept| {
        let mut kept = read(kept);
        for (provider, rate) in &wanted {
            match rate {
                Some(rate) => kept.rates.insert(*provider, *rate),
                None => kept.rates.remove(provider),
            };
        }
        Ok(SettingValue::ServiceRates(kept))
    };
    let kept = settings::change(admin, ServiceRates::ID, next).await?;
    Ok(told(admin, &read(Some(kept))))
}

/// What a dollar of cost is billed as at each provider whose rate is said.
pub(crate) async fn by_provider(admin: &Admin) -> Result<HashMap<ProviderKind, Multiplier>, AdminError> {
    let mut rates = admin.parts().service_rates.clone();
    rates.extend(read(settings::kept(admin, ServiceRates::ID).await?).rates);
    Ok(rates)
}

fn read(kept: Option<SettingValue>) -> ServiceRates {
    match kept {
        Some(SettingValue::ServiceRates(rates)) => rates,
        _ => ServiceRates::default(),
    }
}

fn told(admin: &Admin, kept: &ServiceRates) -> Vec<ServiceRate> {
    let configured = &admin.parts().service_rates;
    let one = |provider: ProviderKind| {
        let own = kept.rates.get(&provider);
        let rate = own.or_else(|| configured.get(&provider)).copied().unwrap_or_default();
        ServiceRate { provider, rate: rate.to_string(), set: own.is_some() }
    };
    ProviderKind::ALL.into_iter().map(one).collect()
}
