//! Prices of the operator's own.

use posthaste_core::{OwnPrice, OwnPriceId, OwnRates};
use posthaste_storage::{Repository, StorageError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Admin, AdminError,
    change::{self, find},
    input,
};

/// What an operator says that a model costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnPriceInput {
    /// On whose list, such as `anthropic`, `openai` or `deepseek`.
    pub provider: String,
    /// The model's id there.
    pub model: String,
    /// All that its tokens cost from now on. At least `input` or `output` is needed.
    pub rates: OwnRates,
    /// For those who come later: at most 1000 characters. What is not given stays as it is.
    #[serde(default)]
    pub note: Option<String>,
}

impl OwnPriceInput {
    /// What the price is called.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.provider.trim(), self.model.trim())
    }
}

/// Prices of the operator's own. Running relays count with a changed one within a second; what is booked already stays as it
/// is.
#[derive(Clone, Copy)]
pub struct OwnPriceService<'a> {
    admin: &'a Admin,
}

impl<'a> OwnPriceService<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin }
    }

    /// All of them, by list and model.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(self) -> Result<Vec<OwnPrice>, AdminError> {
        let mut prices: Vec<_> = self.records().all().await?.into_iter().map(|record| record.value).collect();
        prices
            .sort_unstable_by(|one, other| (&one.provider, &one.model).cmp(&(&other.provider, &other.model)));
        Ok(prices)
    }

    /// One of them, by id or by list and model.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is none.
    pub async fn show(self, price: &str) -> Result<OwnPrice, AdminError> {
        Ok(find(&self.records(), price).await?.value)
    }

    /// Says what a model costs, in the place of what was said before.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] for what cannot be true, for a list that no model is looked up on, and for a name that is an
    /// alias.
    pub async fn set(self, input: OwnPriceInput) -> Result<OwnPrice, AdminError> {
        let now = self.admin.parts().clock.now();
        let note = input.note.as_deref().map(note).transpose()?;
        let wanted = OwnPrice {
            id: OwnPriceId::generate(),
            provider: input.provider.trim().to_owned(),
            model: input::model("model", input.model.trim())?,
            rates: input.rates,
            note: note.clone().unwrap_or_default(),
            created_at: now,
            updated_at: now,
        };
        if let Err(error) = super::update::book(self.admin).await?.check_own(&wanted) {
            return Err(AdminError::invalid("rates", error.to_string()));
        }
        let records = self.records();
        match find(&records, &wanted.name()).await {
            Ok(found) => {
                let change = |price: &mut OwnPrice| {
                    price.rates = wanted.rates;
                    if let Some(note) = &note {
                        price.note.clone_from(note);
                    }
                    price.updated_at = now;
                    Ok(())
                };
                change::apply(&records, found.value.id.uuid(), change).await
            }
            Err(AdminError::NotFound { .. }) => {
                let name = wanted.name();
                match records.create(wanted).await {
                    Ok(created) => Ok(created.value),
                    Err(StorageError::Taken { .. }) => {
                        let what =
                            format!("somebody else has just set the price of `{name}`; look at it first");
                        Err(AdminError::Conflict { what })
                    }
                    Err(error) => Err(error.into()),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Removes one: the price book says again what the model costs.
    ///
    /// # Errors
    /// As [`show`](Self::show).
    pub async fn delete(self, price: &str) -> Result<OwnPrice, AdminError> {
        change::remove(&self.records(), price).await
    }

    fn records(self) -> Repository<OwnPrice> {
        self.admin.own_price_records()
    }
}

fn note(text: &str) -> Result<String, AdminError> {
    let text = text.trim();
    if text.chars().count() > LONGEST_NOTE {
        return Err(AdminError::invalid("note", format!("has more than {LONGEST_NOTE} characters")));
    }
    Ok(text.to_owned())
}

const LONGEST_NOTE: usize = 1_000;
