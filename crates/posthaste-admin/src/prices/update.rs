//! Taking over a list of prices: from a file or an address, shown before it is taken.
//!
//! The list is kept as a setting in the store, so that all relays that share it count by it within a second, also after a
//! restart. It goes over the price book and under an operator's `accounting.models_file` and prices of their own.

mod fetch;
mod view;

pub use view::{AmountChange, PriceChangeView, PriceUpdateView, RefusedPrice};

use std::sync::Arc;

use parking_lot::Mutex;
use posthaste_core::{KeptPriceList, SettingValue};
use posthaste_metering::{PriceBook, PriceBookError, PriceList, ReadList};
use posthaste_vault::hash_token;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Admin, AdminError, settings};

/// A list of prices to be taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceUpdateInput {
    /// The list itself, in our own form (as `accounting.price_file`) or in the public one of
    /// `model_prices_and_context_window.json`. Either this or `url` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub list: Option<Map<String, Value>>,
    /// An https address from which the relay fetches the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Consent to an address within the relay's own network, and to plain http there.
    #[serde(default)]
    pub allow_private: bool,
    /// For people: where the list comes from, where it is given itself. At most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Only show what would change.
    #[serde(default)]
    pub dry_run: bool,
    /// Take it also where prices leap: to a thousandfold or more, a thousandth or less, or nothing.
    #[serde(default)]
    pub accept_leaps: bool,
    /// The `digest` of what was shown: what is another list by now is not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// Shows what a list changes, and takes it unless it is only to be shown.
///
/// # Errors
/// [`AdminError::Invalid`] for what is no list, for an address that does not answer with one, and for leaps that are not
/// accepted; [`AdminError::Conflict`] when it is not the list that was shown.
pub(crate) async fn update(admin: &Admin, input: PriceUpdateInput) -> Result<PriceUpdateView, AdminError> {
    let (text, source) = match (input.list, &input.url) {
        (Some(list), None) => {
            let text = serde_json::to_string(&list).map_err(|error| AdminError::internal("a list", error))?;
            (text, source(input.source.as_deref())?)
        }
        (None, Some(url)) => (fetch::fetch(admin, url, input.allow_private).await?, url.trim().to_owned()),
        _ => return Err(AdminError::invalid("list", "give either `list` or `url`")),
    };
    let read = PriceList::read(&text, admin.now()).map_err(|error| not_taken(&error))?;
    let kept = read.list.text();
    let digest = hash_token(&kept).to_hex();
    if input.digest.as_ref().is_some_and(|shown| *shown != digest) {
        let what = "the list is not the one that was shown any more; look at it again".to_owned();
        return Err(AdminError::Conflict { what });
    }
    let mut view = compare(admin, &read, source, digest).await?;
    if input.dry_run {
        return Ok(view);
    }
    let leaps = view.changed.iter().filter(|change| change.leap).count();
    if leaps > 0 && !input.accept_leaps {
        let message = format!(
            "{leaps} of the prices leap to a thousandfold, a thousandth or nothing, as a slip does, such as that of {}; \
             accept it if it is meant (--accept-leaps)",
            view.changed.iter().find(|change| change.leap).map(PriceChangeView::name).unwrap_or_default()
        );
        return Err(AdminError::invalid("accept_leaps", message));
    }
    let models = u32::try_from(read.list.models().len()).unwrap_or(u32::MAX);
    let kept = KeptPriceList { list: kept, source: view.source.clone(), models };
    settings::change(admin, KeptPriceList::ID, |_| Ok(SettingValue::PriceList(kept.clone()))).await?;
    view.taken = true;
    Ok(view)
}

/// The list that is in force.
pub(crate) async fn kept(admin: &Admin) -> Result<Option<KeptPriceList>, AdminError> {
    Ok(match settings::kept(admin, KeptPriceList::ID).await? {
        Some(SettingValue::PriceList(kept)) => Some(kept),
        _ => None,
    })
}

/// The price book with the list in force over it, as relays count by it, but for the operators' own prices. A list that does
/// not go over the book is left out, as relays leave it out.
pub(crate) async fn book(admin: &Admin) -> Result<Arc<PriceBook>, AdminError> {
    let book = admin.book();
    let Some(found) = admin.setting_records().get(KeptPriceList::ID).await? else { return Ok(book) };
    let SettingValue::PriceList(kept) = found.value.value else { return Ok(book) };
    let list = admin.kept_list().read(found.version, &kept.list);
    Ok(list.and_then(|list| book.with_list(&list).ok()).map_or(book, Arc::new))
}

/// The list in force as it was read last, with the version of its record: reading it takes longer than everything else here.
#[derive(Default)]
pub(crate) struct KeptList(Mutex<Option<(u64, Option<Arc<PriceList>>)>>);

impl KeptList {
    fn read(&self, version: u64, text: &str) -> Option<Arc<PriceList>> {
        let mut kept = self.0.lock();
        match &*kept {
            Some((read, list)) if *read == version => list.clone(),
            _ => {
                let list = PriceList::kept(text).ok().map(Arc::new);
                *kept = Some((version, list.clone()));
                list
            }
        }
    }
}

async fn compare(
    admin: &Admin,
    read: &ReadList,
    source: String,
    digest: String,
) -> Result<PriceUpdateView, AdminError> {
    let book = admin.book();
    let after = book.with_list(&read.list).map_err(|error| not_taken(&error))?;
    let own = super::own_prices(admin).await?;
    let fixed = book.kept_from(&read.list);
    Ok(PriceUpdateView::new(read, (&*self::book(admin).await?, &after), (fixed, own.len()), (source, digest)))
}

fn source(told: Option<&str>) -> Result<String, AdminError> {
    let told = told.map(str::trim).filter(|told| !told.is_empty()).unwrap_or("a list that was given");
    if told.chars().count() > LONGEST_SOURCE || told.chars().any(char::is_control) {
        return Err(AdminError::invalid(
            "source",
            format!("is not at most {LONGEST_SOURCE} plain characters"),
        ));
    }
    Ok(told.to_owned())
}

fn not_taken(error: &PriceBookError) -> AdminError {
    let why = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    AdminError::invalid("list", format!("{error}{why}"))
}

/// Its fields are models' names, or those of our own form.
fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

const LONGEST_SOURCE: usize = 200;
