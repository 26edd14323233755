//! What is done about models that have no price.

use posthaste_core::ModelName;

/// An operator's choice for models without a price. All of them sound the alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UnknownModels {
    /// They are served and booked without a cost, marked as unpriced.
    #[default]
    Unpriced,
    /// They are not served.
    Refused,
    /// They are served and cost what this model costs, marked as assumed.
    PricedAs(ModelName),
}
