//! Lists of prices that operators take over while the relay runs: our own form, and the public one that many tools share.

mod decimal;
mod entry;
mod public;

use std::collections::BTreeMap;

use jiff::{civil::Date, tz::TimeZone};
use posthaste_core::{ModelName, Timestamp};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::{
    ModelPrice, PriceBookError, Vendor,
    read::{self, Contents},
};

/// A list of prices, checked. It goes over a [`PriceBook`](crate::PriceBook).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceList {
    pub(crate) as_of: Date,
    pub(crate) vendors: Vec<Vendor>,
    pub(crate) aliases: BTreeMap<ModelName, ModelName>,
    pub(crate) models: Vec<ModelPrice>,
}

/// In which form a list was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// As `accounting.price_file`.
    Own,
    /// The public `model_prices_and_context_window.json`.
    Public,
}

/// What was read of a list.
#[derive(Clone, Debug)]
pub struct ReadList {
    /// What of it can be taken.
    pub list: PriceList,
    /// How it was written.
    pub form: ListForm,
    /// Entries of the public form that cannot be true, with why. A list in our own form is refused whole instead.
    pub refused: Vec<RefusedEntry>,
    /// Entries of the public form that are about nothing that is priced here: other vendors', pictures, sound, video, and
    /// what is not paid by the token.
    pub skipped: usize,
}

/// An entry that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedEntry {
    /// What it is called in the list.
    pub name: String,
    /// What is wrong with it.
    pub why: String,
}

impl PriceList {
    /// Reads a list in either form. `now` tells the day of a list that does not tell its own: the public form.
    ///
    /// # Errors
    /// When it is no list in either form, when it is too large, or when nothing of it can be taken. In our own form, also
    /// when any of it cannot be true.
    pub fn read(text: &str, now: Timestamp) -> Result<ReadList, PriceBookError> {
        if text.len() > MOST_BYTES {
            return Err(PriceBookError::TooLarge { bytes: text.len(), limit: MOST_BYTES });
        }
        let head: Head = serde_json::from_str(text).map_err(PriceBookError::Syntax)?;
        if head.schema.is_none() {
            return public::read(text, TimeZone::UTC.to_datetime(now.into()).date());
        }
        let list = Self::kept(text)?;
        Ok(ReadList { list, form: ListForm::Own, refused: Vec::new(), skipped: 0 })
    }

    /// Reads what [`text`](Self::text) wrote.
    ///
    /// # Errors
    /// As [`read`](Self::read) of a list in our own form.
    pub fn kept(text: &str) -> Result<Self, PriceBookError> {
        let Contents { as_of, vendors, aliases, models } = read::read(text)?;
        Ok(Self { as_of, vendors, aliases, models })
    }

    /// The list in our own form, without a blank: what is kept.
    pub fn text(&self) -> String {
        let Self { as_of, vendors, aliases, models } = self;
        let written = Written { schema: read::SCHEMA, as_of, unit: read::UNIT, vendors, aliases, models };
        // Names and numbers: nothing in it has no form in JSON.
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// The day whose prices these are.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// The rows.
    pub fn models(&self) -> &[ModelPrice] {
        &self.models
    }
}

/// What tells the forms apart: the public one has a name of a model where ours has `schema`.
#[derive(Deserialize)]
struct Head {
    schema: Option<IgnoredAny>,
}

#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    as_of: &'a Date,
    unit: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    vendors: &'a [Vendor],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    aliases: &'a BTreeMap<ModelName, ModelName>,
    models: &'a [ModelPrice],
}

/// Five times the public list of 2026, which has prices of everything that anybody sells.
const MOST_BYTES: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
